//! The sandbox as the tests use it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::layout::Layout;
use super::lock::Lock;
use super::options::{NodeSpec, Options, PLAIN_USERS};
use super::starter;
use super::state::State;
use super::{apiserver, down, kubelet, up};

/// How long a killed process may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// A running sandbox. The value is only a handle: several may exist, each reads
/// `state.json` anew, and dropping one stops nothing.
#[derive(Debug, Clone)]
pub struct Sandbox {
    layout: Layout,
}

impl Sandbox {
    pub(super) fn new(layout: Layout) -> Self {
        Sandbox { layout }
    }

    /// Starts a sandbox and waits until all nodes are Ready, or finds the one
    /// that runs already with the same options. Needs root.
    ///
    /// # Errors
    /// When a sandbox with other options runs, or something cannot be started.
    /// Nothing is left behind then.
    pub fn up(options: &Options) -> Result<Sandbox> {
        up::up(options)
    }

    /// Finds the running sandbox. Components that a test stopped do not matter.
    ///
    /// # Errors
    /// When there is none, or its start did not come to an end.
    pub fn attach() -> Result<Sandbox> {
        let sandbox = Sandbox::new(Layout::default());
        if !sandbox.state()?.complete {
            bail!("the sandbox did not start completely");
        }
        Ok(sandbox)
    }

    /// What is recorded about the sandbox at this moment.
    ///
    /// # Errors
    /// When there is no sandbox.
    pub fn state(&self) -> Result<State> {
        State::load(&self.layout)?.context("no sandbox runs (`cargo xtask cluster up` starts one)")
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// The kubeconfig of `admin`, or of `alice`, `bob`, `carol` or `dave`, who
    /// have no rights until somebody gives them some.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn kubeconfig_for(&self, user: &str) -> Result<PathBuf> {
        if user != "admin" && !PLAIN_USERS.contains(&user) {
            bail!("the sandbox has no user {user:?}, only admin, {}", PLAIN_USERS.join(", "));
        }
        Ok(self.layout.kubeconfig_for(user))
    }

    /// A kubectl of the sandbox's version, as administrator, ready to be run.
    ///
    /// # Errors
    /// When there is no sandbox.
    pub fn kubectl<I, A>(&self, arguments: I) -> Result<Command>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let state = self.state()?;
        let mut command = starter::kubectl(&self.layout, &state.binaries, &self.kubeconfig());
        command.args(arguments);
        Ok(command)
    }

    /// Gives Kubernetes an object, or a `List` of them, as administrator. One
    /// that is there is changed to this.
    ///
    /// # Errors
    /// With the words of kubectl when it is refused.
    pub fn apply(&self, object: &Value) -> Result<()> {
        let mut child = self
            .kubectl(["apply", "--filename=-"])?
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start kubectl")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(object.to_string().as_bytes()).context("cannot write to kubectl")?;
        }
        let output = child.wait_with_output().context("cannot wait for kubectl")?;
        if !output.status.success() {
            bail!("kubectl apply: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    /// The nodes in order.
    ///
    /// # Errors
    /// When there is no sandbox.
    pub fn nodes(&self) -> Result<Vec<NodeSpec>> {
        Ok(self.state()?.nodes)
    }

    /// The network namespace of a node, as `ip netns` lists it.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn node_namespace(&self, node: &str) -> Result<String> {
        Ok(self.state()?.node(node)?.namespace.clone())
    }

    /// The socket of a node's containerd.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn containerd_socket(&self, node: &str) -> Result<PathBuf> {
        self.state()?.node(node)?;
        Ok(self.layout.node(node).containerd_socket())
    }

    /// The process identifier of a node's kubelet, which is also the one it had
    /// last when it does not run.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn kubelet_pid(&self, node: &str) -> Result<u32> {
        Ok(self.state()?.component(kubelet::NAME, Some(node))?.process.pid)
    }

    /// Ends a node's kubelet with SIGKILL. Its pods go on running.
    ///
    /// # Errors
    /// When there is no such node, or the process does not end.
    pub fn kill_kubelet(&self, node: &str) -> Result<()> {
        self.kill(kubelet::NAME, Some(node))
    }

    /// Starts a node's kubelet again, with the same arguments, and does not
    /// wait until the node is Ready.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start_kubelet(&self, node: &str) -> Result<()> {
        self.start(kubelet::NAME, Some(node))?;
        Ok(())
    }

    /// The same from another executable, once: the next start takes the node's
    /// own one again.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start_kubelet_from(&self, node: &str, program: &Path) -> Result<()> {
        let _lock = Lock::wait(&self.layout)?;
        let mut state = self.state()?;
        let own = state.binaries.join(kubelet::NAME).display().to_string();
        starter::start_once(&self.layout, &mut state, kubelet::NAME, Some(node), |argument| {
            if argument == own { program.display().to_string() } else { argument }
        })
    }

    /// [`Sandbox::kill_kubelet`] and [`Sandbox::start_kubelet`].
    ///
    /// # Errors
    /// Those of the two.
    pub fn restart_kubelet(&self, node: &str) -> Result<()> {
        self.kill_kubelet(node)?;
        self.start_kubelet(node)
    }

    /// Ends the API server with SIGKILL.
    ///
    /// # Errors
    /// When the process does not end.
    pub fn stop_api_server(&self) -> Result<()> {
        self.kill(apiserver::NAME, None)
    }

    /// Starts the API server again, with the same arguments, and waits until it
    /// is ready.
    ///
    /// # Errors
    /// When it runs already, or does not become ready.
    pub fn start_api_server(&self) -> Result<()> {
        let state = self.start(apiserver::NAME, None)?;
        starter::await_api_server(&self.layout, &state)
    }

    /// Stops the sandbox and removes every trace.
    ///
    /// # Errors
    /// When something is left; the message lists it.
    pub fn down(self) -> Result<()> {
        down::down()
    }

    fn start(&self, name: &str, node: Option<&str>) -> Result<State> {
        // Another handle may write its own restart into the same file.
        let _lock = Lock::wait(&self.layout)?;
        let mut state = self.state()?;
        starter::start_again(&self.layout, &mut state, name, node)?;
        Ok(state)
    }

    fn kill(&self, name: &str, node: Option<&str>) -> Result<()> {
        let state = self.state()?;
        state.component(name, node)?.process.kill(KILL_PATIENCE)
    }
}
