//! Tests that need nothing but this machine, and no root.

use std::time::Duration;

use super::report::Report;
use super::targets::{self, Targets};
use super::{runner, step};
use crate::build;
use crate::cli::Class;

/// Compiling included.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Runs them.
pub(super) fn run(report: &mut Report) {
    step(report, Class::Unit, "tests", || {
        let targets = Targets::find()?;
        let mut command = build::cargo();
        command
            .args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"])
            .args(targets::flags(&targets.unit));
        runner::run(command, PATIENCE)
    });
    step(report, Class::Unit, "examples in the documentation", || {
        let mut command = build::cargo();
        command.args(["test", "--workspace", "--no-fail-fast", "--doc"]);
        runner::run(command, PATIENCE)
    });
}
