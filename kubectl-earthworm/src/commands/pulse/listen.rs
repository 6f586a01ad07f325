//! The running command: everything that is known about the nodes flows
//! through one loop, into one heart per node, and out through one face.

use super::face::Face;
use super::ward::Ward;
use crate::cli::pulse::PulseArgs;
use crate::cluster::leases;
use crate::cluster::reporter::{Clock, Reporter};
use crate::cluster::session::{self, Patient};
use crate::commands::start::Ready;
use crate::commands::terminate::Terminate;
use crate::exit::Exit;
use crate::rhythm::{Config, EventKind, Finding, FindingKind, Heart, ProbeState, Summary};
use crate::signal::{NodeId, Problem, SessionState, Signal, SignalKind};
use crate::stop;
use crate::ui::Ui;
use earthworm_wire::request::{PulseRequest, Request};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Signals between their sources and the loop.
const QUEUE: usize = 16_384;

/// Signals that are taken in before their findings are shown.
const BURST: usize = 256;

/// How often time itself is a signal.
const TICK: Duration = Duration::from_millis(100);

/// `--for` counts from the moment that every probe listens or has failed, but
/// no later than this.
const LATEST_BEGIN: Duration = Duration::from_secs(60);

/// Listens until the time is over or the person has heard enough.
pub(super) async fn run(
    ready: Ready,
    arguments: &PulseArgs,
    ui: Ui,
    clock: Clock,
) -> Result<Exit, Problem> {
    let Ready { context, found, missing, terminate } = ready;
    let (sender, mut signals) = mpsc::channel(QUEUE);
    let (stopper, stop) = stop::pair();
    let cluster = context.cluster.context.clone();
    let id = |name: &str| NodeId { cluster: cluster.clone(), node: name.into() };
    let reporter = |name: &str| Reporter::new(clock, id(name), sender.clone());

    let names: Vec<String> = found
        .iter()
        .map(|facts| facts.name.clone())
        .chain(missing.iter().map(|(name, _)| name.clone()))
        .collect();
    let grace = context.cluster.default_grace();
    let heart = |name: &String| Heart::new(id(name), Config::new(grace, !arguments.no_probe));
    let mut ward = Ward::new(names.iter().map(heart), clock.stamp());
    let ids: Vec<NodeId> = names.iter().map(|name| id(name)).collect();
    let mut face = Face::open(arguments, ui, clock, &ids);
    // Thousands of names are not needed twice.
    drop(ids);

    // A node that is not there fails at once; the others go on.
    for (name, problem) in missing {
        let failed = SignalKind::Session(SessionState::Failed(problem));
        reporter(&name).report(failed).await;
    }
    let watched: HashMap<String, Reporter> =
        found.iter().map(|facts| (facts.name.clone(), reporter(&facts.name))).collect();
    let lease_watch = {
        let (context, stop) = (context.clone(), stop.clone());
        tokio::spawn(async move { leases::run(&context.cluster, watched, stop).await })
    };
    let probes = {
        let patients: Vec<Patient> = found
            .iter()
            .filter(|_| !arguments.no_probe)
            .map(|facts| Patient {
                facts: facts.clone(),
                reporter: reporter(&facts.name),
                request: Request::Pulse(PulseRequest { node: facts.name.clone() }),
            })
            .collect();
        tokio::spawn(session::run(context.clone(), patients, stop.clone()))
    };
    // What is known of a node beside its name was for its probe.
    drop(found);
    // The loop below ends when every sender is gone.
    drop(sender);

    let mut running = Running {
        clock,
        ward: &mut ward,
        face: &mut face,
        begun: None,
        ends_at: None,
        duration: arguments.duration,
        without_probe: arguments.no_probe,
        awaited: names.iter().map(|name| name.as_str().into()).collect(),
        stopping: false,
        interrupted: false,
    };
    let outcome = running.listen(&mut signals, &stopper, lease_watch, probes, terminate).await;
    let interrupted = running.interrupted;
    let summaries = running.summaries();
    face.leave().await;
    face.close(&summaries)?;
    outcome?;
    Ok(exit(&summaries, interrupted, arguments))
}

struct Running<'a> {
    clock: Clock,
    ward: &'a mut Ward,
    face: &'a mut Face,
    begun: Option<Instant>,
    ends_at: Option<Instant>,
    duration: Option<Duration>,
    without_probe: bool,
    /// Nodes that are not listened to yet, and have not failed.
    awaited: BTreeSet<Arc<str>>,
    /// The end has been told to probes and watch; their last words follow.
    stopping: bool,
    interrupted: bool,
}

impl Running<'_> {
    async fn listen(
        &mut self,
        signals: &mut mpsc::Receiver<Signal>,
        stopper: &stop::Stopper,
        mut lease_watch: JoinHandle<Result<(), Problem>>,
        probes: JoinHandle<()>,
        mut terminate: Terminate,
    ) -> Result<(), Problem> {
        let start = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut burst = Vec::new();
        let gather = self.ward.len() >= leases::MANY_NODES;
        let mut no_leases = None;
        let mut leases_done = false;
        loop {
            tokio::select! {
                count = take(signals, &mut burst, gather) => {
                    if count == 0 {
                        // Both sources have ended: nothing is left to be told.
                        return no_leases.map_or(Ok(()), Err);
                    }
                    for signal in burst.drain(..) {
                        self.feed(&signal);
                    }
                }
                _ = tick.tick() => {
                    self.tick();
                    self.begin(start);
                }
                () = terminate.wait() => {
                    self.face.leave().await;
                    self.interrupted = true;
                    if self.stopping {
                        self.face.note("not waiting for the clean-up; the cluster does the rest");
                        return Ok(());
                    }
                    self.face.note("stopping, and cleaning up (once more to skip)");
                    self.stop(stopper);
                }
                left = self.face.left() => match left {
                    // To leave a screen that would not end by itself is no interruption.
                    Ok(()) => {
                        self.interrupted = self.duration.is_some();
                        self.face.note("stopping, and cleaning up (Ctrl-C to skip)");
                        self.stop(stopper);
                    }
                    Err(error) => self.face.note(&format!(
                        "no live screen on this terminal ({error}); lines instead"
                    )),
                },
                result = &mut lease_watch, if !leases_done => {
                    leases_done = true;
                    if let Ok(Err(problem)) = result {
                        // Without the Lease watch there is nothing to compare
                        // with; a probe's own view goes on.
                        if self.without_probe {
                            no_leases = Some(problem);
                            self.stop(stopper);
                        } else {
                            self.face.problem(&problem);
                        }
                    }
                }
            }
            self.face.flush();
            let over = self.ends_at.is_some_and(|end| Instant::now() >= end);
            if !self.stopping && (over || self.face.is_closed() || self.all_failed(&probes)) {
                self.stop(stopper);
            }
        }
    }

    /// Tells everybody the end. What is concluded from silence is concluded
    /// now: from here on nobody listens.
    fn stop(&mut self, stopper: &stop::Stopper) {
        self.stopping = true;
        stopper.stop();
        let at = self.clock.stamp();
        self.ward.finish(at, |findings| self.face.findings(findings));
    }

    fn feed(&mut self, signal: &Signal) {
        let findings = self.ward.feed(signal);
        if findings.iter().any(settles) {
            self.awaited.remove(&signal.node.node);
        }
        self.face.findings(findings);
        if self.without_probe && matches!(signal.kind, SignalKind::Lease(_)) {
            self.awaited.remove(&signal.node.node);
        }
    }

    fn tick(&mut self) {
        if !self.stopping {
            self.ward.tick(self.clock.stamp(), |findings| self.face.findings(findings));
        }
    }

    /// Whether nothing can come any more: every node has failed, and its
    /// Lease alone is not what was asked for.
    fn all_failed(&self, probes: &JoinHandle<()>) -> bool {
        !self.without_probe && probes.is_finished() && self.ward.have_all_failed()
    }

    /// Starts the time of `--for` when all nodes are listened to, as far as
    /// they can be.
    fn begin(&mut self, start: Instant) {
        if self.begun.is_some() {
            return;
        }
        if self.awaited.is_empty() || start.elapsed() > LATEST_BEGIN {
            let now = Instant::now();
            self.begun = Some(now);
            self.ends_at = self.duration.map(|duration| now + duration);
        }
    }

    fn summaries(&self) -> Vec<Summary> {
        self.ward.summaries(self.clock.stamp())
    }
}

/// Waits for signals; those about many nodes are taken in together, as they are
/// from the watch. May be dropped while waiting without losing any.
async fn take(
    signals: &mut mpsc::Receiver<Signal>,
    burst: &mut Vec<Signal>,
    gather: bool,
) -> usize {
    if gather {
        tokio::time::sleep(leases::GATHER).await;
    }
    signals.recv_many(burst, BURST).await
}

/// Whether this ends the wait for a node: its probe listens, or cannot.
fn settles(finding: &Finding) -> bool {
    match &finding.kind {
        FindingKind::Event(event) => matches!(event.kind, EventKind::Attached(_)),
        FindingKind::Problem(_) => true,
        FindingKind::Probe(state) => matches!(state, ProbeState::Failed(_)),
        FindingKind::Beat(_) | FindingKind::Rhythm(_) => false,
    }
}

fn exit(summaries: &[Summary], interrupted: bool, arguments: &PulseArgs) -> Exit {
    if interrupted {
        return Exit::Interrupted;
    }
    let codes = summaries.iter().map(|summary| Exit::from_summary(summary.exit_code));
    // A node that was not measured outweighs one that is unhealthy: the
    // answer "unhealthy" would claim that all of them were looked at.
    if arguments.probe.allow_missing_nodes {
        let measured = codes.clone().filter(|code| *code != Exit::NotMeasured).max();
        return measured.unwrap_or(Exit::NotMeasured);
    }
    codes.max().unwrap_or(Exit::NotMeasured)
}
