//! The sandbox as one test uses it: its own nodes, healthy at the start, and
//! looked over at the end. Other tests have the other nodes meanwhile.

mod canary;
mod claim;
mod failure;
mod heal;
mod place;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::cluster::Sandbox;
use xtask::cluster::options::NodeSpec;
use xtask::cluster::process::ProcessId;
use xtask::cluster::residue::Baseline;

pub use claim::Claim;
use claim::Turn;
use heal::{Part, heal, kubelets};

use crate::residue;
use crate::session::Session;

/// On which Kubernetes versions a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// On every one.
    All,
    /// On the newest one only.
    Newest,
}

/// What one test has for itself.
#[derive(Debug)]
pub struct Lab {
    /// The sandbox.
    pub sandbox: Sandbox,
    binary: PathBuf,
    test: &'static str,
    part: Part,
    before: Baseline,
    kubelets: Vec<(String, ProcessId)>,
    may_restart: bool,
    waited: Duration,
    entered: Instant,
    turn: Turn,
}

impl Lab {
    /// Finds the sandbox, waits for its turn, and makes sure that what it gets
    /// is healthy and clean. `None`, after saying so loudly, when there is no
    /// sandbox.
    ///
    /// # Panics
    /// When the sandbox is not usable, or there is none and there must be one.
    #[must_use]
    pub fn enter(test: &'static str, versions: Versions, claim: Claim) -> Option<Lab> {
        failure::tell_at_once();
        let place = place::for_test(test, versions, claim)?;
        let arrived = Instant::now();
        let turn = place.lanes.take(claim);
        let (waited, entered) = (arrived.elapsed(), Instant::now());
        println!("---- {test}, on {}", turn.nodes.join(", "));
        let (sandbox, binary) = (place.sandbox.clone(), place.binary.clone());
        let part = Part { nodes: turn.nodes.clone(), control_plane: claim.is_exclusive() };
        heal(&sandbox, &part);
        let elsewhere: BTreeSet<String> =
            place.nodes.iter().filter(|node| !part.nodes.contains(node)).cloned().collect();
        let before = residue::take(&sandbox, &elsewhere);
        let kubelets = kubelets(&sandbox, &part.nodes);
        Some(Lab {
            sandbox,
            binary,
            test,
            part,
            before,
            kubelets,
            may_restart: false,
            waited,
            entered,
            turn,
        })
    }

    /// The test's node, the first when it has several.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.turn.nodes[0]
    }

    /// All of the test's nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        self.turn.nodes.iter().map(String::as_str).collect()
    }

    /// The same with its addresses.
    ///
    /// # Panics
    /// When there is no sandbox any more.
    #[must_use]
    pub fn node_spec(&self) -> NodeSpec {
        self.sandbox.state().unwrap().node(self.node()).unwrap().clone()
    }

    /// The user that the test has for itself, who may do nothing by now.
    ///
    /// # Panics
    /// When the test has not claimed one.
    #[must_use]
    pub fn user(&self) -> &'static str {
        self.turn.user.expect("the claim says `and_user`")
    }

    /// A test that ends a kubelet of its nodes itself says so.
    pub fn may_restart_kubelet(&mut self) {
        self.may_restart = true;
    }

    fn assert_has(&self, node: &str) {
        assert!(self.part.nodes.iter().any(|own| own == node), "{node} is another test's");
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

    /// Starts `pulse` on all of the test's nodes, with these flags.
    #[must_use]
    pub fn pulse_here(&self, flags: &[&str]) -> Session {
        self.pulse(&[&self.nodes()[..], flags].concat())
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

    /// Objects of sessions on the test's nodes.
    ///
    /// # Panics
    /// When they cannot be listed.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        self.before.objects(&self.sandbox).unwrap()
    }

    /// Waits until everything of the test's runs and its nodes are Ready.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn wait_ready(&self) {
        heal(&self.sandbox, &self.part);
    }

    /// Waits until pods start on the test's nodes as they should: after the API
    /// server was away that takes some time.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_until_pods_start(&self) {
        canary::wait_until_pods_start(&self.sandbox, &self.part.nodes);
    }

    /// Fails unless everything of a session that ended at `since` is gone from
    /// the test's nodes within 15 s of that, and every kubelet there is the one
    /// it was. Gives the seconds.
    ///
    /// # Panics
    /// With what is left.
    pub fn assert_nothing_left(&self, since: Instant) -> f64 {
        let seconds = residue::wait_until_clean(&self.before, &self.sandbox, since);
        for (node, process) in &self.kubelets {
            let same = process.is_alive() && self.sandbox.kubelet_pid(node).unwrap() == process.pid;
            assert!(same || self.may_restart, "the kubelet of {node} is not the one it was");
        }
        println!("{}: nothing left after {seconds:.2} s", self.test);
        seconds
    }

    /// The process of a component of the control plane.
    ///
    /// # Panics
    /// When there is no such component, or the test has not the whole cluster.
    #[must_use]
    pub fn control_plane(&self, name: &str) -> ProcessId {
        assert!(self.part.control_plane, "the control plane is every test's: Claim::CLUSTER");
        self.sandbox.state().unwrap().component(name, None).unwrap().process
    }

    /// The kubelet of a node, as it is recorded now.
    ///
    /// # Panics
    /// When the test has no such node.
    #[must_use]
    pub fn kubelet(&self, node: &str) -> ProcessId {
        self.assert_has(node);
        self.sandbox.state().unwrap().component("kubelet", Some(node)).unwrap().process
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What a failed test has stopped or blocked must not fail the next.
            let (sandbox, part) = (self.sandbox.clone(), self.part.clone());
            let _ = std::panic::catch_unwind(move || heal(&sandbox, &part));
        }
        // `cargo xtask test` collects these lines.
        println!(
            "==== TOOK {:.1} s on {} after {:.1} s of waiting: {} ====",
            self.entered.elapsed().as_secs_f64(),
            self.turn.nodes.join(", "),
            self.waited.as_secs_f64(),
            self.test,
        );
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

/// A variable of the developer's shell must not decide what a test sees.
fn clean_environment(command: &mut Command) {
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
}
