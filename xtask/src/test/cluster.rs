//! Tests on a real Kubernetes, in the sandbox that this machine can carry.

mod beside;
mod leftovers;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::geteuid;

use super::report::Report;
use super::runner::{self, Ran};
use super::targets::{self, Targets};
use super::{capability, skip, step};
use crate::cli::{Class, TestArguments};
use crate::cluster::layout::Layout;
use crate::cluster::options::DEFAULT_KUBERNETES;
use crate::cluster::residue::Baseline;
use crate::cluster::status::Status;
use crate::cluster::{Options, Sandbox};
use crate::progress::print;
use crate::{build, packages};
use beside::Beside;

/// The second version: the oldest that can be built from Go modules here.
const OLD_KUBERNETES: &str = "1.30.14";

/// Compiling included.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// What a sandbox does: mounts, network namespaces, packet filters.
const CAPABILITIES: [&str; 3] = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_BPF"];

/// How many tests go on side by side. They mostly wait: measured, three lanes
/// keep 0.6 of two processors busy, so that six leave room for what is built
/// beside them, and news still come within half of the time that tests allow.
const NODES: u8 = 6;

/// More than there are tests: all of them wait for nodes at once, and the
/// largest and longest go first (`tests/src/lab/claim.rs`).
const THREADS: &str = "--test-threads=1000";

/// Names the version to the tests when it is not the newest: they then run a
/// smaller selection.
const VERSION_VARIABLE: &str = "EARTHWORM_TEST_KUBERNETES";

/// Begins to build the first version, if this class will need it.
pub(super) fn build_first(arguments: &TestArguments) -> Option<Beside> {
    let runs = running_version().is_ok_and(|running| running.is_some());
    if runs || obstacle().is_some() {
        return None;
    }
    versions(arguments).first().and_then(|version| Beside::start(version))
}

/// Runs them on each version in turn; `first` is on its way.
pub(super) fn run(arguments: &TestArguments, first: Option<Beside>, report: &mut Report) {
    if let Some(reason) = obstacle() {
        return skip(report, Class::Cluster, "tests", &reason);
    }
    if let Some(first) = first {
        first.finish(report);
    }
    let mut targets = Vec::new();
    let mut running = None;
    let found = step(report, Class::Cluster, "tests and sandbox", || {
        targets = Targets::find()?.cluster;
        running = running_version()?;
        Ok(Ran::default())
    });
    if !found {
        return;
    }
    if targets.is_empty() {
        let reason = "there is no test program in tests/cluster";
        return skip(report, Class::Cluster, "tests", reason);
    }
    let mut plugin = None;
    let built = step(report, Class::Cluster, "the plugin", || {
        plugin = Some(build::plugin(false)?);
        Ok(Ran::default())
    });
    let Some(plugin) = plugin.filter(|_| built) else { return };
    let versions = versions(arguments);
    for (index, version) in versions.iter().enumerate() {
        match &running {
            Some(running) if running == version => {
                let Ok(sandbox) = Sandbox::attach() else { continue };
                let before = Baseline::take(BTreeSet::new());
                tests(report, version, &sandbox, &plugin, &targets);
                step(report, Class::Cluster, &format!("{version} leaves nothing"), || {
                    leftovers::check(&before?, &sandbox)?;
                    Ok(Ran::default())
                });
            }
            Some(running) => {
                let reason = format!(
                    "a sandbox with {running} runs already (`cargo xtask cluster down` removes it)"
                );
                skip(report, Class::Cluster, version, &reason);
            }
            None => {
                let next = versions.get(index + 1).map(String::as_str);
                in_own_sandbox(report, version, next, &plugin, &targets);
            }
        }
    }
}

/// Why there can be no sandbox here.
fn obstacle() -> Option<String> {
    if !geteuid().is_root() {
        return Some("needs root".to_owned());
    }
    if let Some(capability) = capability::missing(&CAPABILITIES) {
        return Some(format!("needs {capability}, which this container does not have"));
    }
    if packages::find("go").is_none() {
        return Some("needs Go (https://go.dev/dl) to build Kubernetes".to_owned());
    }
    None
}

/// The version of the sandbox that runs already, which is used and left.
fn running_version() -> Result<Option<String>> {
    let status = Status::take(&Layout::default())?;
    match status.kubernetes {
        Some(version) if status.running => Ok(Some(version)),
        // What a crash or a reboot has left is cleared away by the next start.
        Some(_) if status.components.iter().all(|one| !one.alive) => Ok(None),
        Some(_) => {
            bail!("a sandbox runs of which a part is dead; see `cargo xtask cluster status`")
        }
        None => Ok(None),
    }
}

fn versions(arguments: &TestArguments) -> Vec<String> {
    if !arguments.kubernetes.is_empty() {
        return arguments.kubernetes.clone();
    }
    let mut versions = vec![DEFAULT_KUBERNETES.to_owned()];
    if !arguments.fast {
        versions.push(OLD_KUBERNETES.to_owned());
    }
    versions
}

/// Starts a sandbox, tests in it, and makes sure that nothing is left: first
/// of the sessions, then of the sandbox on this machine. The `next` version is
/// built meanwhile.
fn in_own_sandbox(
    report: &mut Report,
    version: &str,
    next: Option<&str>,
    plugin: &Path,
    targets: &[String],
) {
    let mut sandbox = None;
    step(report, Class::Cluster, &format!("{version} starts"), || {
        let options = Options { kubernetes: version.to_owned(), nodes: NODES };
        sandbox = Some(Sandbox::up(&options)?);
        Ok(Ran::default())
    });
    let Some(sandbox) = sandbox else { return };
    let beside = next.and_then(Beside::start);
    let before = Baseline::take(BTreeSet::new());
    tests(report, version, &sandbox, plugin, targets);
    step(report, Class::Cluster, &format!("{version} leaves nothing"), || {
        // The sandbox goes in any case.
        let left = before.and_then(|before| leftovers::check(&before, &sandbox));
        sandbox.down()?;
        left?;
        Ok(Ran::default())
    });
    if let Some(beside) = beside {
        beside.finish(report);
    }
}

fn tests(report: &mut Report, version: &str, sandbox: &Sandbox, plugin: &Path, targets: &[String]) {
    step(report, Class::Cluster, &format!("{version} tests"), || {
        let mut command = build::cargo();
        command
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(targets::flags(targets))
            .args(["--", THREADS, "--show-output"])
            .env("KUBECONFIG", sandbox.kubeconfig())
            .env("EARTHWORM_BIN", plugin)
            // The sandbox runs: a test that does not find it is broken.
            .env("EARTHWORM_REQUIRE_CLUSTER", "1");
        if version != DEFAULT_KUBERNETES {
            command.env(VERSION_VARIABLE, version);
        }
        let ran = runner::run(command, PATIENCE)?;
        if let Some(slowest) = ran.durations.slowest() {
            print(&format!("\n{slowest}"));
        }
        Ok(ran)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_asked_for_replace_the_usual_ones() {
        let asked = |fast, kubernetes: &[&str]| {
            versions(&TestArguments {
                fast,
                only: Vec::new(),
                kubernetes: kubernetes.iter().map(|&version| version.to_owned()).collect(),
            })
        };
        assert_eq!(asked(false, &[]), [DEFAULT_KUBERNETES, OLD_KUBERNETES]);
        assert_eq!(asked(true, &[]), [DEFAULT_KUBERNETES]);
        assert_eq!(asked(true, &["1.20.2"]), ["1.20.2"]);
    }

    #[test]
    fn both_versions_can_be_built() {
        let known = crate::cluster::build::versions();
        for version in [DEFAULT_KUBERNETES, OLD_KUBERNETES] {
            assert!(known.iter().any(|one| one == version), "{version}");
        }
    }
}
