//! The sandbox as one test uses it: alone, healthy at the start, and looked
//! over at the end.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::cluster::Sandbox;
use xtask::cluster::process::ProcessId;

use crate::session::Session;
use crate::{eventually, network, residue};

/// Names the Kubernetes version when it is not the newest.
const VERSION_VARIABLE: &str = "EARTHWORM_TEST_KUBERNETES";
/// Makes a missing cluster a failure.
const REQUIRE_VARIABLE: &str = "EARTHWORM_REQUIRE_CLUSTER";
/// Where the plugin lies, if not in the target folder.
const BINARY_VARIABLE: &str = "EARTHWORM_BIN";

/// A node is Ready again within this time after its kubelet was started.
const READY_PATIENCE: Duration = Duration::from_secs(60);

/// On which Kubernetes versions a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// On every one.
    All,
    /// On the newest one only.
    Newest,
}

/// A sandbox that one test has for itself.
#[derive(Debug)]
pub struct Lab {
    /// The sandbox.
    pub sandbox: Sandbox,
    binary: PathBuf,
    test: &'static str,
    before: residue::Baseline,
    kubelets: Vec<(String, ProcessId)>,
    may_restart: Vec<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    /// Waits for its turn, finds the sandbox and makes sure that it is healthy
    /// and clean. `None`, after saying so loudly, when there is no sandbox.
    ///
    /// # Panics
    /// When the sandbox is not usable, or there is none and there must be one.
    #[must_use]
    pub fn enter(test: &'static str, versions: Versions) -> Option<Lab> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let older = env::var(VERSION_VARIABLE).ok().filter(|version| !version.is_empty());
        if let Some(version) = older.filter(|_| versions == Versions::Newest) {
            // Chosen, not missing: the newest version has it.
            eprintln!("{test}: not among the tests for Kubernetes {version}");
            return None;
        }
        let (sandbox, binary) = match find() {
            Ok(found) => found,
            Err(reason) => {
                let required = env::var_os(REQUIRE_VARIABLE).is_some_and(|value| value == "1");
                assert!(!required, "{test} must run and cannot: {reason}");
                eprintln!("\n==== SKIPPED {test}: {reason} ====\n");
                return None;
            }
        };
        heal(&sandbox);
        let before = residue::Baseline::take(&sandbox);
        let kubelets = kubelets(&sandbox);
        let may_restart = Vec::new();
        println!("---- {test}");
        Some(Lab { sandbox, binary, test, before, kubelets, may_restart, _alone: alone })
    }

    /// A test that ends a kubelet itself says so.
    pub fn may_restart_kubelet(&mut self, node: &str) {
        self.may_restart.push(node.to_owned());
    }

    /// The plugin.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The plugin with these arguments, as administrator.
    #[must_use]
    pub fn plugin(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments);
        clean_environment(&mut command);
        command.env("KUBECONFIG", self.sandbox.kubeconfig());
        command
    }

    /// The plugin with these arguments, as one of the sandbox's users.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn plugin_as(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = self.plugin(arguments);
        command.env("KUBECONFIG", self.sandbox.kubeconfig_for(user).unwrap());
        command
    }

    /// Starts `pulse` with these arguments, as administrator.
    #[must_use]
    pub fn pulse(&self, arguments: &[&str]) -> Session {
        Session::start(self.plugin(&[&["pulse"], arguments].concat()))
    }

    /// kubectl as administrator; it must succeed.
    ///
    /// # Panics
    /// With its words when it fails.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.try_kubectl(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// kubectl as administrator.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn try_kubectl(&self, arguments: &[&str]) -> Output {
        self.sandbox.kubectl(arguments).unwrap().output().unwrap()
    }

    /// An object as JSON.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn get(&self, arguments: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output=json"], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until all kubelets and the API server run and all nodes are Ready.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn wait_ready(&self) {
        heal(&self.sandbox);
    }

    /// Fails unless everything of a session that ended at `since` is gone within
    /// 15 s of that, and every kubelet is the one it was. Gives the seconds.
    ///
    /// # Panics
    /// With what is left.
    pub fn assert_nothing_left(&self, since: Instant) -> f64 {
        let seconds = self.before.wait_until_clean(&self.sandbox, since);
        for (node, process) in &self.kubelets {
            let same = process.is_alive() && self.sandbox.kubelet_pid(node).unwrap() == process.pid;
            assert!(
                same || self.may_restart.contains(node),
                "the kubelet of {node} is not the one it was"
            );
        }
        println!("{}: nothing left after {seconds:.2} s", self.test);
        seconds
    }

    /// The process of a component of the control plane.
    ///
    /// # Panics
    /// When there is no such component.
    #[must_use]
    pub fn control_plane(&self, name: &str) -> ProcessId {
        self.sandbox.state().unwrap().component(name, None).unwrap().process
    }

    /// The kubelet of a node, as it is recorded now.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn kubelet(&self, node: &str) -> ProcessId {
        self.sandbox.state().unwrap().component("kubelet", Some(node)).unwrap().process
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What a failed test has stopped or blocked must not fail the next.
            let sandbox = self.sandbox.clone();
            let _ = std::panic::catch_unwind(move || heal(&sandbox));
        }
    }
}

/// Sends a signal to a component of the sandbox, by its recorded process.
///
/// # Panics
/// When it does not run.
pub fn signal(process: ProcessId, signal: i32) -> jiff::Timestamp {
    assert!(process.is_alive(), "process {} has ended", process.pid);
    let pid = i32::try_from(process.pid).unwrap();
    let at = jiff::Timestamp::now();
    // SAFETY: a plain system call; the process was alive a moment ago, and only
    // the sandbox and this test, which has it for itself, end it.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    at
}

fn find() -> Result<(Sandbox, PathBuf), String> {
    // SAFETY: geteuid only reads.
    if unsafe { libc::geteuid() } != 0 {
        return Err("needs root".to_owned());
    }
    let sandbox = Sandbox::attach().map_err(|error| format!("{error:#}"))?;
    let binary = match env::var_os(BINARY_VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => {
            let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
            target.join("debug/kubectl-earthworm")
        }
    };
    let binary = binary.canonicalize().map_err(|error| {
        format!("needs the plugin, and {} is not there: {error}", binary.display())
    })?;
    Ok((sandbox, binary))
}

/// A variable of the developer's shell must not decide what a test sees.
fn clean_environment(command: &mut Command) {
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
}

fn kubelets(sandbox: &Sandbox) -> Vec<(String, ProcessId)> {
    let state = sandbox.state().unwrap();
    let of = |name: &str| state.component("kubelet", Some(name)).unwrap().process;
    state.nodes.iter().map(|node| (node.name.clone(), of(&node.name))).collect()
}

/// Puts everything back that a test may have stopped or blocked, and waits
/// until all nodes are Ready.
fn heal(sandbox: &Sandbox) {
    let state = sandbox.state().unwrap();
    for component in &state.components {
        if component.process.is_alive() {
            let _ = signal(component.process, libc::SIGCONT);
        }
    }
    for node in &state.nodes {
        network::unblock(node);
    }
    if !state.component("kube-apiserver", None).unwrap().process.is_alive() {
        sandbox.start_api_server().unwrap();
    }
    for (node, kubelet) in kubelets(sandbox) {
        if !kubelet.is_alive() {
            sandbox.start_kubelet(&node).unwrap();
        }
    }
    let ready = r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#;
    eventually("all nodes are Ready", READY_PATIENCE, || {
        let output = sandbox.kubectl(["get", "nodes", "-o", ready]).unwrap().output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let states: Vec<&str> = text.split_whitespace().collect();
        states.len() == state.nodes.len() && states.iter().all(|state| *state == "True")
    });
}
