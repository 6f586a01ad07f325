//! The way of every session: Job, pod, port-forward, session engine.

use crate::tally::{Report, Tally};
use anyhow::{Result, anyhow, bail};
use earthworm_wire::record::Record;
use earthworm_wire::request::{GenerateRequest, Request};
use kubectl_earthworm::cluster::bypass::Permission;
use kubectl_earthworm::cluster::connect::{Target, connect};
use kubectl_earthworm::cluster::names::SessionId;
use kubectl_earthworm::cluster::nodes::{self, Selection};
use kubectl_earthworm::cluster::remove::Registry;
use kubectl_earthworm::cluster::reporter::{Clock, Reporter};
use kubectl_earthworm::cluster::session::{self, Context, Patient};
use kubectl_earthworm::signal::{NodeId, Problem, SessionState, Signal, SignalKind};
use kubectl_earthworm::stop;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// As `pulse` has it.
const QUEUE: usize = 16_384;

/// Longest run, from the first request to the last object removed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs one session on one node, to its removal.
pub(crate) async fn run(kubeconfig: PathBuf, node: String, records: u64) -> Result<Report> {
    let target = Target { kubeconfig: Some(kubeconfig), ..Target::default() };
    let cluster = connect(&target).await.map_err(|problem| told(&problem))?;
    let (found, missing) = nodes::select(&cluster, &Selection::Named(vec![node]), false)
        .await
        .map_err(|problem| told(&problem))?;
    if let Some((_, problem)) = missing.first() {
        return Err(told(problem));
    }
    let (sender, mut signals) = mpsc::channel(QUEUE);
    let (stopper, stop) = stop::pair();
    let clock = Clock::start();
    let patients = found
        .into_iter()
        .map(|facts| {
            let id = NodeId { cluster: cluster.context.clone(), node: facts.name.as_str().into() };
            Patient {
                facts,
                reporter: Reporter::new(clock, id, sender.clone()),
                request: Request::Generate(GenerateRequest { records }),
            }
        })
        .collect();
    drop(sender);
    let context = Arc::new(Context {
        namespace: cluster.namespace.clone(),
        session: SessionId::random()?,
        image: None,
        profile: None,
        // The port-forward alone is measured.
        bypass: Permission::Unwanted,
        lifetime: PATIENCE,
        watches_leases: false,
        registry: Registry::default(),
        cluster,
    });
    let session = tokio::spawn(session::run(context, patients, stop));

    let deadline = Instant::now() + PATIENCE;
    let mut counted = Counted::default();
    loop {
        match timeout_at(deadline, signals.recv()).await {
            Ok(Some(signal)) => {
                counted.take(signal);
                if counted.tally.is_complete(records) {
                    stopper.stop();
                }
            }
            Ok(None) => break,
            Err(_) => {
                // What came is told all the same; what is missing says enough.
                stopper.stop();
                while signals.recv().await.is_some() {}
                break;
            }
        }
    }
    session.await?;
    if let Some(problem) = counted.problem {
        return Err(told(&problem));
    }
    if !counted.removed {
        bail!("it could not be confirmed that nothing is left behind");
    }
    Ok(counted.tally.report(records, None, counted.interruptions))
}

/// What the session has said.
#[derive(Debug, Default)]
struct Counted {
    tally: Tally,
    interruptions: u64,
    problem: Option<Problem>,
    removed: bool,
}

impl Counted {
    fn take(&mut self, signal: Signal) {
        match signal.kind {
            SignalKind::Probe(Record::Generated(number)) => self.tally.count(number),
            SignalKind::Session(SessionState::Interrupted(_) | SessionState::Restarting(_)) => {
                self.interruptions += 1;
            }
            SignalKind::Session(SessionState::Failed(problem)) => self.problem = Some(problem),
            SignalKind::Session(SessionState::Removed(removed)) => self.removed = removed,
            _ => {}
        }
    }
}

fn told(problem: &Problem) -> anyhow::Error {
    anyhow!("{}", problem.message)
}
