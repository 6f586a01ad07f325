//! Starts components, writes them down, and waits for them with an eye on
//! those that may die meanwhile.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::options::ports;
use super::process::{Launch, log_tail};
use super::state::{Component, State, full_name};
use crate::packages;

/// How many lines of the log explain a failure.
const TAIL_LINES: usize = 15;

/// Between two looks at something that is awaited.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Starts a component and records it at once, so that a crash of this program
/// leaves no unknown process behind.
///
/// # Errors
/// When it cannot be started or the state cannot be written.
pub fn start(
    layout: &Layout,
    state: &mut State,
    name: &str,
    node: Option<&str>,
    argv: Vec<String>,
    version: String,
) -> Result<()> {
    let log = layout.log(&full_name(name, node));
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let environment = environment()?;
    let process = Launch { argv: &argv, environment: &environment, log: &log }.start()?;
    state.record(Component {
        name: name.to_owned(),
        node: node.map(str::to_owned),
        process,
        argv,
        environment,
        log,
        version,
    });
    state.store(layout)
}

/// Starts an ended component again, with the same arguments.
///
/// # Errors
/// When it still runs, is unknown, or cannot be started.
pub fn start_again(
    layout: &Layout,
    state: &mut State,
    name: &str,
    node: Option<&str>,
) -> Result<()> {
    let component = state.component(name, node)?.clone();
    if component.process.is_alive() {
        bail!("{} runs already", component.full_name());
    }
    start(layout, state, name, node, component.argv, component.version)
}

/// Starts an ended component again, with each argument changed for this once:
/// what is recorded for the next start stays.
///
/// # Errors
/// When it still runs, is unknown, or cannot be started.
pub fn start_once(
    layout: &Layout,
    state: &mut State,
    name: &str,
    node: Option<&str>,
    change: impl Fn(String) -> String,
) -> Result<()> {
    let component = state.component(name, node)?.clone();
    if component.process.is_alive() {
        bail!("{} runs already", component.full_name());
    }
    let argv = component.argv.iter().cloned().map(change).collect();
    start(layout, state, name, node, argv, component.version.clone())?;
    let process = state.component(name, node)?.process;
    state.record(Component { process, ..component });
    state.store(layout)
}

/// The environment of every component: where to find programs, nothing else.
fn environment() -> Result<BTreeMap<String, String>> {
    let path = env::join_paths(packages::search_path()).context("PATH has an unusable folder")?;
    let mut environment = BTreeMap::from([
        ("PATH".to_owned(), path.to_string_lossy().into_owned()),
        ("HOME".to_owned(), "/root".to_owned()),
    ]);
    if env::consts::ARCH == "aarch64" {
        // etcd below 3.5 starts on this processor only when it is told to.
        environment.insert("ETCD_UNSUPPORTED_ARCH".to_owned(), "arm64".to_owned());
    }
    Ok(environment)
}

/// The first line that a program says about its version.
///
/// # Errors
/// When it cannot be started.
pub fn version_of(program: &str) -> Result<String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or("unknown").trim().to_owned())
}

/// Something awaited.
#[derive(Debug)]
pub struct Awaited<'a> {
    /// For the error message: `kube-apiserver is not ready`.
    pub failure: &'a str,
    /// How long to wait.
    pub patience: Duration,
    /// The components without which it cannot happen, as name and node.
    pub depends_on: &'a [(&'a str, Option<&'a str>)],
}

impl Awaited<'_> {
    /// Asks again and again until the answer is yes.
    ///
    /// # Errors
    /// When time is up, or a component ended; the message then holds the last
    /// lines of the guilty log.
    pub fn wait(&self, state: &State, mut happened: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        loop {
            if happened()? {
                return Ok(());
            }
            for (name, node) in self.depends_on {
                let component = state.component(name, *node)?;
                if !component.process.is_alive() {
                    bail!("{} ended, its log says:\n{}", component.full_name(), tail(component));
                }
            }
            if Instant::now() > deadline {
                let mut message = format!("{} after {} s", self.failure, self.patience.as_secs());
                for (name, node) in self.depends_on {
                    let component = state.component(name, *node)?;
                    message +=
                        &format!("\n{} says last:\n{}", component.full_name(), tail(component));
                }
                bail!(message);
            }
            sleep(POLL_INTERVAL);
        }
    }
}

fn tail(component: &Component) -> String {
    log_tail(&component.log, TAIL_LINES)
}

/// Waits until the API server says that it is ready.
///
/// # Errors
/// When it ended or time is up.
pub fn await_api_server(layout: &Layout, state: &State) -> Result<()> {
    Awaited {
        failure: "kube-apiserver is not ready",
        patience: Duration::from_secs(60),
        depends_on: &[(super::etcd::NAME, None), (super::apiserver::NAME, None)],
    }
    .wait(state, || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::API_SERVER));
        // A connection costs nothing, a kubectl a tenth of a second.
        if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            return Ok(false);
        }
        let output = kubectl(layout, &state.binaries, &layout.kubeconfig())
            .args(["get", "--raw=/readyz", "--request-timeout=5s"])
            .output()
            .context("cannot start kubectl")?;
        Ok(output.status.success())
    })
}

/// A kubectl for a kubeconfig, which keeps its cache in the state folder.
#[must_use]
pub fn kubectl(layout: &Layout, binaries: &Path, kubeconfig: &Path) -> Command {
    let mut command = Command::new(binaries.join("kubectl"));
    command
        .env("KUBECONFIG", kubeconfig)
        .env("KUBECACHEDIR", layout.control_plane("kubectl-cache"));
    command
}
