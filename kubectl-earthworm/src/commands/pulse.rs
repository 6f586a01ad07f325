//! `pulse`: probes and the Lease watch in, findings out.

mod face;
mod listen;
mod ward;

use super::start::{self, ObjectFormat, Plan, Start};
use crate::cli::GlobalArgs;
use crate::cli::pulse::{OutputFormat, PulseArgs};
use crate::cluster::reporter::Clock;
use crate::exit::Exit;
use crate::signal::Problem;
use crate::ui::Ui;
use std::time::Duration;
use tokio::runtime;

/// Runs the command to its exit code.
///
/// # Errors
/// A [`Problem`] when nothing could be measured at all.
pub fn run(arguments: &PulseArgs, global: &GlobalArgs, ui: Ui) -> Result<Exit, Problem> {
    let clock = Clock::start();
    let selection = start::selection(&arguments.nodes)?;
    let runtime = threads(arguments).enable_all().build().map_err(super::no_threads)?;
    let exit = runtime.block_on(async {
        let plan = Plan {
            target: super::target(global),
            probe: &arguments.probe,
            watches_leases: true,
            no_probe: arguments.no_probe,
            duration: arguments.duration,
            for_programs: matches!(arguments.output, Some(OutputFormat::Json | OutputFormat::Yaml)),
            object_format: match arguments.output {
                Some(OutputFormat::Json) => ObjectFormat::Json,
                Some(OutputFormat::Name) => ObjectFormat::Name,
                _ => ObjectFormat::Yaml,
            },
        };
        match start::start(plan, selection, ui, clock).await? {
            Start::Ready(ready) => listen::run(*ready, arguments, ui, clock).await,
            Start::Ended(exit) => Ok(exit),
        }
    });
    // Tasks that hang in a dead API server must not hold the command.
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}

/// The Lease watch alone is one stream of small things, which would cost more
/// to hand from thread to thread than to deal with.
fn threads(arguments: &PulseArgs) -> runtime::Builder {
    if arguments.no_probe {
        return runtime::Builder::new_current_thread();
    }
    super::two_threads()
}
