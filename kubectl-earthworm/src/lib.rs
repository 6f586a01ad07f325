//! `kubectl earthworm`: everything that runs on the user's machine.

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod conversation;
pub mod exit;
#[cfg(target_os = "linux")]
pub mod local;
pub mod naming;
pub mod output;
pub mod payload;
pub mod price;
pub mod rhythm;
pub mod screen;
pub mod signal;
pub mod stop;
pub mod traffic;
pub mod ui;

use clap::Parser;
use cli::{Cli, Command};
use exit::Exit;
use std::ffi::OsString;
use std::path::Path;
use ui::Ui;

/// Runs a command line, the program's name first, to its exit code.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> Exit {
    let called_as = arguments.first().map(Path::new).and_then(Path::file_stem);
    if called_as.is_some_and(|name| name == commands::completion::KUBECTL_COMPLETE) {
        let mut answer = Vec::new();
        let _ = commands::completion::answer_kubectl(&arguments[1..], &mut answer);
        let _ = output::raw(&answer);
        return Exit::Healthy;
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; anything else is a wrong usage.
            let _ = error.print();
            return if error.use_stderr() { Exit::NotMeasured } else { Exit::Healthy };
        }
    };
    let ui = Ui::new(&cli.global);
    let outcome = match &cli.command {
        Command::Pulse(arguments) => commands::pulse::run(arguments, &cli.global, ui),
        Command::Top(arguments) => commands::top::run(arguments, &cli.global, ui),
        Command::Completion(arguments) => commands::completion::run(arguments.target, &ui),
    };
    outcome.unwrap_or_else(|problem| {
        ui.problem(&problem);
        Exit::NotMeasured
    })
}
