//! Everything that is found without running the project.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::report::Report;
use super::runner::{self, Ran};
use super::{skip, step, tools};
use crate::cli::{Class, TestArguments};
use crate::{build, completions};

/// Compiling included.
const PATIENCE: Duration = Duration::from_secs(25 * 60);

/// The crate outside of the workspace.
const LAUNCHER: &str = "probe-image/launcher";
const LAUNCHER_MANIFEST: &str = "probe-image/launcher/Cargo.toml";

/// Runs the checks.
pub(super) fn run(arguments: &TestArguments, report: &mut Report) {
    step(report, Class::Lint, "format", || check(cargo(&["fmt", "--all", "--check"])));
    step(report, Class::Lint, "format of the launcher", || check(in_launcher(&["fmt", "--check"])));
    step(report, Class::Lint, "clippy", || {
        check(cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny=warnings"]))
    });
    step(report, Class::Lint, "clippy of the launcher", || {
        // It has no test harness, so there is no other target.
        check(in_launcher(&["clippy", "--", "--deny=warnings"]))
    });
    step(report, Class::Lint, "completion scripts", || {
        completions::run(true).map(|_| Ran::default())
    });
    dependencies(arguments, report);
}

/// Licenses, sources and known flaws of what the project is linked with.
fn dependencies(arguments: &TestArguments, report: &mut Report) {
    let name = "licenses and sources";
    let program = match tools::cargo_deny(arguments.fast) {
        Ok(Some(program)) => program,
        Ok(None) => {
            let reason = "cargo-deny is not installed, and --fast does not compile it";
            return skip(report, Class::Lint, name, reason);
        }
        Err(error) => {
            let _ = step(report, Class::Lint, name, || Err(error));
            return;
        }
    };
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .current_dir(build::root())
            .args(["--color=never", "--config=deny.toml"])
            .args(arguments);
        command
    };
    let manifests = [(name, "Cargo.toml"), ("licenses of the launcher", LAUNCHER_MANIFEST)];
    for (name, manifest) in manifests {
        step(report, Class::Lint, name, || {
            let manifest = format!("--manifest-path={manifest}");
            check(deny(&[&manifest, "check", "bans", "licenses", "sources"]))
        });
    }
    let name = "known flaws";
    // Fetched apart from the check, to tell a flaw from a missing network.
    let fetched = deny(&["fetch", "db"]).output().is_ok_and(|output| output.status.success());
    if !fetched {
        let reason = "the database of known flaws cannot be fetched from here";
        return skip(report, Class::Lint, name, reason);
    }
    step(report, Class::Lint, name, || check(deny(&["check", "--disable-fetch", "advisories"])));
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = build::cargo();
    command.args(arguments);
    command
}

/// The launcher's own settings are found by the folder in which cargo starts.
fn in_launcher(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.current_dir(build::root().join(LAUNCHER));
    command
}

fn check(command: Command) -> Result<Ran> {
    runner::run(command, PATIENCE)
}
