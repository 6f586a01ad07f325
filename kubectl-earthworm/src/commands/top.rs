//! `top`: probes in, rows of traffic out.

mod asked;
mod face;
mod listen;

use super::start::{self, ObjectFormat, Plan, Start};
use crate::cli::GlobalArgs;
use crate::cli::top::{TableFormat, TopArgs};
use crate::cluster::connect::Target;
use crate::cluster::presence;
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
    let asked = Asked::new(&arguments.view, global)?;
    let arguments = arguments.view.arguments();
    let selection = start::selection(&arguments.nodes)?;
    let runtime = super::two_threads().enable_all().build().map_err(super::no_threads)?;
    let exit = runtime.block_on(async {
        let plan = Plan {
            // -n is about what is shown: the probes go where they do without it.
            target: Target { namespace: None, ..super::target(global) },
            probe: &arguments.probe,
            watches_leases: false,
            no_probe: false,
            duration: arguments.duration,
            for_programs: asked.for_programs(),
            object_format: match arguments.output {
                Some(TableFormat::Json) => ObjectFormat::Json,
                _ => ObjectFormat::Yaml,
            },
        };
        let mut ready = match start::start(plan, selection, ui, clock).await? {
            Start::Ready(ready) => *ready,
            Start::Ended(exit) => return Ok(exit),
        };
        let filter = &asked.query.filter;
        let (namespace, pod) = (filter.namespace.as_deref(), filter.pod.as_deref());
        if namespace.is_some() || pod.is_some() {
            tokio::select! {
                there = presence::of_pods(&ready.context.cluster, namespace, pod) => there?,
                () = ready.terminate.wait() => return Ok(Exit::Interrupted),
            }
        }
        listen::run(ready, &asked, ui, clock).await
    });
    // Tasks that hang in a dead API server must not hold the command.
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}
