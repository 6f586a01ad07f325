//! `cargo xtask test`: everything, in rising cost.
//!
//! The classes run one after the other, whatever became of those before. What
//! cannot run on this machine is skipped, and the table at the end says why: a
//! run that tested nothing must not look like one that did.

mod capability;
mod cluster;
mod durations;
mod kernel;
mod lint;
mod report;
mod runner;
mod setup;
mod targets;
mod tools;
mod unit;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::cli::{Class, TestArguments};
use crate::progress::print;
use report::{Outcome, Report, Row};
use runner::Ran;

/// Runs the classes that were asked for, all when none was.
///
/// # Errors
/// Only when the run itself cannot go on. Tests that fail are in the table, and
/// in the exit code.
pub fn run(arguments: &TestArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let mut report = Report::default();
    setup::run(arguments, &mut report);
    let mut first_kubernetes = None;
    for class in [Class::Lint, Class::Unit, Class::Kernel, Class::Cluster] {
        if !is_wanted(arguments, class) {
            continue;
        }
        header(class.name());
        match class {
            Class::Lint => lint::run(arguments, &mut report),
            Class::Unit => unit::run(&mut report),
            Class::Kernel => {
                // Kernel tests wait for heartbeats as those of the cluster do.
                if is_wanted(arguments, Class::Cluster) {
                    first_kubernetes = cluster::build_first(arguments);
                }
                kernel::run(&mut report);
            }
            Class::Cluster => cluster::run(arguments, first_kubernetes.take(), &mut report),
        }
    }
    header("result");
    print(&report.render(started.elapsed()));
    Ok(if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn is_wanted(arguments: &TestArguments, class: Class) -> bool {
    arguments.only.is_empty() || arguments.only.contains(&class)
}

/// One line that is found again in a long log.
fn header(title: &str) {
    print(&format!("\n==================== {title} ===================="));
}

/// Says what runs, runs it, and puts what became of it into the report. Gives
/// whether it passed.
fn step(report: &mut Report, class: Class, name: &str, work: impl FnOnce() -> Result<Ran>) -> bool {
    print(&format!("\n---- {}: {name} ----", class.name()));
    let started = Instant::now();
    let result = work();
    let elapsed = started.elapsed();
    let mut row = Row::new(class, name, elapsed);
    match result {
        Ok(ran) => {
            row.tests = ran.tests;
            row.outcome = if ran.failure.is_none() { Outcome::Passed } else { Outcome::Failed };
            row.reason =
                ran.failure.or_else(|| ran.tests_that_skipped.summary()).unwrap_or_default();
        }
        Err(error) => {
            row.outcome = Outcome::Failed;
            row.reason = format!("{error:#}");
        }
    }
    let passed = row.outcome == Outcome::Passed;
    if !passed {
        print(&format!("FAILED {}: {name}: {}", class.name(), row.reason));
    }
    report.rows.push(row);
    passed
}

/// Says loudly that something does not run, and why.
fn skip(report: &mut Report, class: Class, name: &str, reason: &str) {
    print(&format!("\n==== SKIPPED {}: {name}: {reason} ====", class.name()));
    let mut row = Row::new(class, name, std::time::Duration::ZERO);
    row.outcome = Outcome::Skipped;
    reason.clone_into(&mut row.reason);
    report.rows.push(row);
}
