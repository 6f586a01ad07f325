//! Probes on nodes of a cluster.

use super::asked::Asked;
use super::listen::{self, Sources};
use crate::cli::GlobalArgs;
use crate::cli::top::{TableFormat, ViewArgs};
use crate::cluster::connect::Target;
use crate::cluster::reporter::{Clock, Reporter};
use crate::cluster::session::{self, Patient};
use crate::cluster::{directory, presence};
use crate::commands::start::{self, ObjectFormat, Plan, Ready, Start};
use crate::exit::Exit;
use crate::naming::Names;
use crate::signal::{NodeId, Problem, SessionState, SignalKind};
use crate::stop;
use crate::ui::Ui;
use tokio::sync::mpsc;

/// Changes of the cluster between their watches and the loop.
const CHANGES: usize = 1024;

/// Checks what can be checked at once, and returns what is to be done.
///
/// # Errors
/// A [`Problem`] when no node is named and nobody can be asked.
pub(super) fn run<'a>(
    arguments: &'a ViewArgs,
    global: &'a GlobalArgs,
    asked: &'a Asked,
    ui: Ui,
    clock: Clock,
) -> Result<impl Future<Output = Result<Exit, Problem>> + 'a, Problem> {
    let selection = start::selection(&arguments.nodes)?;
    Ok(async move {
        let plan = Plan {
            // -n is about what is shown: the probes go where they do without it.
            target: Target { namespace: None, ..crate::commands::target(global) },
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
        listen::run(sources(ready, asked, clock), asked, ui, clock).await
    })
}

/// Starts the sessions and the watches.
fn sources(ready: Ready, asked: &Asked, clock: Clock) -> Sources {
    let Ready { context, found, missing, terminate } = ready;
    let (sender, signals) = mpsc::channel(listen::QUEUE);
    let (stopper, stop) = stop::pair();
    let cluster = context.cluster.context.clone();
    let id = |name: &str| NodeId { cluster: cluster.clone(), node: name.into() };
    let reporter = |name: &str| Reporter::new(clock, id(name), sender.clone());

    let there = found.iter().map(|facts| facts.name.as_str());
    let nodes: Vec<NodeId> =
        there.chain(missing.iter().map(|(name, _)| name.as_str())).map(id).collect();
    let patients: Vec<Patient> = found
        .iter()
        .map(|facts| Patient {
            facts: facts.clone(),
            reporter: reporter(&facts.name),
            request: asked.request(),
        })
        .collect();
    let missing: Vec<_> =
        missing.into_iter().map(|(name, problem)| (reporter(&name), problem)).collect();
    let (changes_sender, changes) = mpsc::channel(CHANGES);
    let watches = {
        let (context, stop) = (context.clone(), stop.clone());
        tokio::spawn(async move { directory::run(&context.cluster, changes_sender, stop).await })
    };
    // Ends with its last report, and so does the command.
    tokio::spawn(async move {
        // A node that is not there fails at once; the others go on.
        for (reporter, problem) in missing {
            reporter.report(SignalKind::Session(SessionState::Failed(problem))).await;
        }
        session::run(context, patients, stop).await;
    });
    Sources {
        nodes,
        signals,
        names: Names::default(),
        changes,
        watches: Some(watches),
        stopper,
        terminate,
        without_clean_up: "not waiting for the clean-up; the cluster does the rest",
    }
}
