//! `cargo xtask`: the project's own chores.

use std::process::ExitCode;

use clap::Parser;
use xtask::cli::{Arguments, Chore};
use xtask::{bench, build, cluster, completions, demo, progress, test};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Demo => demo::run(),
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Build { release } => build::run(release),
        Chore::Completions { check } => completions::run(check),
        Chore::Cluster(command) => cluster::command::run(command),
    };
    outcome.unwrap_or_else(|error| {
        progress::say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
