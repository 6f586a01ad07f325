//! `top`: probes in, rows of traffic out.

mod asked;
mod face;
mod listen;
mod local;
mod nodes;

use crate::cli::GlobalArgs;
use crate::cli::top::TopArgs;
use crate::cluster::reporter::Clock;
use crate::exit::Exit;
use crate::signal::Problem;
use crate::ui::Ui;
use asked::Asked;
use std::time::Duration;

/// Runs the command to its exit code.
///
/// # Errors
/// A [`Problem`] when nothing could be measured at all.
pub fn run(arguments: &TopArgs, global: &GlobalArgs, ui: Ui) -> Result<Exit, Problem> {
    let clock = Clock::start();
    if arguments.view.arguments().local {
        local::check(&arguments.view, global)?;
    }
    let asked = Asked::new(&arguments.view, global)?;
    let arguments = arguments.view.arguments();
    let work: futures::future::LocalBoxFuture<'_, _> = if arguments.local {
        Box::pin(local::run(&asked, ui, clock)?)
    } else {
        Box::pin(nodes::run(arguments, global, &asked, ui, clock)?)
    };
    let runtime = super::two_threads().enable_all().build().map_err(super::no_threads)?;
    let exit = runtime.block_on(work);
    // Tasks that hang in a dead API server must not hold the command.
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}
