//! The running command: everything that is known about the nodes flows
//! through one loop, into one ledger, and out through one face.

use super::asked::Asked;
use super::face::Face;
use crate::cluster::reporter::Clock;
use crate::commands::terminate::Terminate;
use crate::exit::Exit;
use crate::naming::{Change, Names};
use crate::output;
use crate::signal::{NodeId, Problem, Signal, SignalKind};
use crate::stop;
use crate::traffic::{News, Observer, Summary};
use crate::ui::Ui;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Signals between their sources and the loop.
pub(super) const QUEUE: usize = 16_384;

/// Signals that are taken in before anything else is looked at.
const BURST: usize = 1024;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(100);

/// `--for` counts from the moment that every probe counts or has failed, but
/// no later than this; and `--once` waits no longer for a node.
const LATEST_BEGIN: Duration = Duration::from_secs(60);

/// Everything that has been started, whatever carries it.
pub(super) struct Sources {
    /// Whom news can be of.
    pub(super) nodes: Vec<NodeId>,
    /// What becomes known about them. It ends with the last report of a session
    /// that was told to stop.
    pub(super) signals: mpsc::Receiver<Signal>,
    /// Who is who, as far as it is known.
    pub(super) names: Names,
    /// What becomes known of the cluster.
    pub(super) changes: mpsc::Receiver<Change>,
    /// What watches the cluster for them.
    pub(super) watches: Option<JoinHandle<()>>,
    /// Tells the end.
    pub(super) stopper: stop::Stopper,
    /// Hears of Ctrl-C.
    pub(super) terminate: Terminate,
    /// Said when a person does not want to wait for the end.
    pub(super) without_clean_up: &'static str,
}

/// Counts until the time is over or the person has seen enough.
pub(super) async fn run(
    sources: Sources,
    asked: &Asked,
    ui: Ui,
    clock: Clock,
) -> Result<Exit, Problem> {
    let Sources { nodes, mut signals, names, changes, watches, stopper, terminate, .. } = sources;
    let mut face = Face::open(asked, ui, clock, &nodes);
    let mut running = Running {
        asked,
        observer: Observer::new(&nodes),
        names,
        face: &mut face,
        start: Instant::now(),
        begun: None,
        ends_at: None,
        awaited: (0..nodes.len()).collect(),
        round: BTreeSet::new(),
        shown: false,
        stopping: false,
        interrupted: false,
        without_clean_up: sources.without_clean_up,
    };
    running.listen(&mut signals, changes, &stopper, terminate).await;
    if let Some(watches) = watches {
        watches.abort();
    }
    let interrupted = running.interrupted;
    let summaries = running.observer.summaries(clock.stamp()).into_iter();
    let summaries: Vec<Summary> =
        summaries.map(|summary| summary.of_view(asked.query.view)).collect();
    face.leave().await;
    face.close(&summaries)?;
    Ok(exit(&summaries, interrupted, asked))
}

struct Running<'a> {
    asked: &'a Asked,
    observer: Observer,
    names: Names,
    face: &'a mut Face,
    start: Instant,
    begun: Option<Instant>,
    ends_at: Option<Instant>,
    /// Nodes that do not count yet, and have not failed. With `--once`, those
    /// whose first interval is not complete.
    awaited: BTreeSet<usize>,
    /// Nodes whose interval is complete and was not shown.
    round: BTreeSet<usize>,
    /// An interval was shown.
    shown: bool,
    /// The end has been told to the probes; their last words follow.
    stopping: bool,
    interrupted: bool,
    without_clean_up: &'static str,
}

impl Running<'_> {
    async fn listen(
        &mut self,
        signals: &mut mpsc::Receiver<Signal>,
        mut changes: mpsc::Receiver<Change>,
        stopper: &stop::Stopper,
        mut terminate: Terminate,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut burst = Vec::new();
        let mut changed = Vec::new();
        let mut watched = true;
        loop {
            tokio::select! {
                // What a person wants comes first, and who somebody is before
                // what he did.
                biased;
                () = terminate.wait() => {
                    self.face.leave().await;
                    self.interrupted = true;
                    if self.stopping {
                        self.face.note(self.without_clean_up);
                        return;
                    }
                    self.face.note("stopping, and cleaning up (once more to skip)");
                    self.stop(stopper);
                }
                left = self.face.left() => match left {
                    // To leave a screen that would not end by itself is no interruption.
                    Ok(()) => {
                        self.interrupted = self.asked.duration.is_some();
                        self.face.note("stopping, and cleaning up (Ctrl-C to skip)");
                        self.stop(stopper);
                    }
                    Err(error) => self.face.note(&format!(
                        "no live screen on this terminal ({error}); lines instead"
                    )),
                },
                count = changes.recv_many(&mut changed, BURST), if watched => {
                    watched = count > 0;
                    for change in changed.drain(..) {
                        self.change(change);
                    }
                }
                _ = tick.tick() => {}
                count = signals.recv_many(&mut burst, BURST) => {
                    if count == 0 {
                        // The probes are gone: nothing is left to be told.
                        break;
                    }
                    for signal in burst.drain(..) {
                        self.feed(&signal);
                    }
                }
            }
            self.begin();
            if !self.stopping && (self.is_over() || self.all_failed()) {
                if self.asked.once {
                    self.observer.settle(&self.names);
                    self.show_round();
                }
                self.stop(stopper);
            }
        }
        self.observer.settle(&self.names);
        // What the probes told with their farewell, when it is worth a table.
        if !self.asked.once && self.face.has_lines() && self.is_worth_showing() {
            self.show_round();
        }
    }

    fn stop(&mut self, stopper: &stop::Stopper) {
        self.stopping = true;
        stopper.stop();
    }

    fn feed(&mut self, signal: &Signal) {
        // The first interval is what was asked for.
        if self.asked.once
            && matches!(signal.kind, SignalKind::Probe(ref record) if is_traffic(record))
            && self.observer.place(&signal.node).is_some_and(|node| self.has_interval(node))
        {
            return;
        }
        match self.observer.feed(signal, &self.names) {
            Some(News::Finding(finding)) => {
                self.face.finding(&finding);
                if let Some(node) = self.observer.place(&signal.node)
                    && self.observer.has_failed(node)
                {
                    self.awaited.remove(&node);
                }
            }
            Some(News::Observed(node)) if !self.asked.once => {
                self.awaited.remove(&node);
            }
            Some(News::Interval(node)) => {
                self.awaited.remove(&node);
                self.complete(node);
            }
            Some(News::Observed(_)) | None => {}
        }
    }

    /// Something became known of the cluster.
    fn change(&mut self, change: Change) {
        if let Change::Unavailable { what, problem } = &change {
            let hint = problem.hint.as_ref().map(|hint| format!(" (hint: {hint})"));
            let (what, hint) = (what.name(), hint.unwrap_or_default());
            let text = format!("no names of {what}: {}{hint}", problem.message);
            self.face.note(&output::escape(&text));
        }
        self.names.apply(change);
    }

    fn has_interval(&self, node: usize) -> bool {
        self.observer.intervals(node) > 0
    }

    /// A node's interval is complete.
    fn complete(&mut self, node: usize) {
        if self.face.is_per_node() && !self.asked.once {
            self.face.interval_of(&self.observer, node);
            return;
        }
        // A node that is late, or away, holds the others back by one interval.
        if self.round.contains(&node) {
            self.show_round();
        }
        self.round.insert(node);
        let nodes = 0..self.observer.nodes().len();
        let all = nodes
            .filter(|node| !self.observer.has_failed(*node))
            .all(|node| self.round.contains(&node));
        if all && !self.asked.once && !self.stopping {
            self.show_round();
        }
    }

    /// Shows what is complete, all nodes together.
    fn show_round(&mut self) {
        let round = std::mem::take(&mut self.round);
        if round.is_empty() {
            return;
        }
        self.shown = true;
        if self.face.is_per_node() {
            for node in round {
                self.face.interval_of(&self.observer, node);
            }
        } else {
            self.face.interval(&self.observer);
        }
    }

    /// Whether what is left is the first that is shown, or a good part of an interval.
    fn is_worth_showing(&self) -> bool {
        let ledger = &self.observer.ledger;
        let lengths = self.round.iter().filter_map(|node| ledger.last(*node));
        let half = self.asked.interval.as_secs_f64() / 2.0;
        !self.shown || lengths.into_iter().any(|last| last.seconds >= half)
    }

    /// Whether the end has come by itself.
    fn is_over(&self) -> bool {
        let due = self.ends_at.is_some_and(|end| Instant::now() >= end);
        let once = self.asked.once && self.begun.is_some();
        due || once || self.face.is_closed()
    }

    /// Whether nothing can come any more.
    fn all_failed(&self) -> bool {
        (0..self.observer.nodes().len()).all(|node| self.observer.has_failed(node))
    }

    /// Starts the time of `--for` when every node counts, as far as it can.
    fn begin(&mut self) {
        if self.begun.is_some() {
            return;
        }
        if self.awaited.is_empty() || self.start.elapsed() > LATEST_BEGIN {
            let now = Instant::now();
            self.begun = Some(now);
            self.ends_at = self.asked.duration.map(|duration| now + duration);
        }
    }
}

fn is_traffic(record: &earthworm_wire::record::Record) -> bool {
    use earthworm_wire::record::Record;
    matches!(
        record,
        Record::Owner(_) | Record::Flow(_) | Record::Dropped(_) | Record::Dns(_) | Record::Sweep(_)
    )
}

fn exit(summaries: &[Summary], interrupted: bool, asked: &Asked) -> Exit {
    if interrupted {
        return Exit::Interrupted;
    }
    let codes = summaries.iter().map(|summary| Exit::from_summary(summary.exit_code));
    let measured = codes.clone().filter(|code| *code != Exit::NotMeasured).max();
    if asked.allow_missing_nodes {
        return measured.unwrap_or(Exit::NotMeasured);
    }
    codes.max().unwrap_or(Exit::NotMeasured)
}
