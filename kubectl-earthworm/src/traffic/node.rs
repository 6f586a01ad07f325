//! The session with one node's probe, and what it came to.

use super::ledger::{Interval, Other};
use super::view::View;
use crate::price::Price;
use crate::rhythm::{ProbeOutcome, Problem};
use crate::signal::{NodeId, Stamp, Streaming};
use earthworm_wire::flow::{Amount, DNS_NOT_COUNTED, DROPS_NOT_COUNTED, Sweep};
use earthworm_wire::record::{Cost, Lost};
use std::time::Duration;

/// Lines about what a kernel cannot show that are kept.
const MISSING_KEPT: usize = 32;

/// A node's session in numbers. `None` means not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// When it was taken.
    pub at: Stamp,
    /// About whom.
    pub node: NodeId,
    /// Sum of the intervals in which everything was counted.
    pub observed_seconds: f64,
    /// How many intervals that were.
    pub intervals: u64,
    /// Sockets that the last look found; `None` when there was none.
    pub sockets: Option<u64>,
    /// The most that a look found.
    pub peak_sockets: Option<u64>,
    /// Connections that ended meanwhile.
    pub ended: u64,
    /// What a look cost on average; `None` when there was none.
    pub sweep_seconds: Option<f64>,
    /// Flows that had more to tell when the probe ended.
    pub held_back: u64,
    /// Flows that were forgotten for want of room.
    pub other: Other,
    /// Packets that the node's kernel threw away, their bytes from the IP header
    /// on; `None` when they were not counted.
    pub dropped: Option<Amount>,
    /// What cannot be seen on the node's kernel, one line each; unescaped.
    pub missing: Vec<String>,
    /// Losses on the way.
    pub lost: Option<Lost>,
    /// Price on the node.
    pub cost: Option<Cost>,
    /// What became of the probe.
    pub probe: ProbeOutcome,
    /// Whether it is certain that no object is left in the cluster; `None`
    /// when none was created.
    pub removed: Option<bool>,
    /// 0 measured, 2 could not measure: not one interval was complete.
    pub exit_code: u8,
}

impl Summary {
    /// For who asked for this view: where dropped packets or DNS were asked for
    /// and the kernel does not tell, nothing was measured.
    #[must_use]
    pub fn of_view(mut self, view: View) -> Self {
        let no_dns = self.missing.iter().any(|line| line.starts_with(DNS_NOT_COUNTED));
        let nothing = match view {
            View::Drops => self.dropped.is_none(),
            View::Dns => no_dns,
            _ => false,
        };
        if nothing {
            self.exit_code = 2;
        }
        self
    }
}

/// What a session has come to so far.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) node: NodeId,
    pub(super) price: Price,
    pub(super) problem: Option<Problem>,
    /// True once any object was created for this node.
    pub(super) created: bool,
    pub(super) removed: Option<bool>,
    /// Nothing more can come: there is no probe, or it cannot measure.
    pub(super) failed: bool,
    /// When the stream broke, while the same probe may come back.
    pub(super) interrupted: Option<Duration>,
    /// The first look at a probe's sockets is there.
    listened: bool,
    intervals: u64,
    observed_seconds: f64,
    sweep_seconds: f64,
    sockets: Option<u64>,
    peak_sockets: Option<u64>,
    ended: u64,
    held_back: u64,
    /// A probe could not count dropped packets.
    drops_missing: bool,
    missing: Vec<String>,
}

impl Session {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            price: Price::default(),
            problem: None,
            created: false,
            removed: None,
            failed: false,
            interrupted: None,
            listened: false,
            intervals: 0,
            observed_seconds: 0.0,
            sweep_seconds: 0.0,
            sockets: None,
            peak_sockets: None,
            ended: 0,
            held_back: 0,
            drops_missing: false,
            missing: Vec::new(),
        }
    }

    /// The stream is up.
    pub(super) fn streaming(&mut self, streaming: &Streaming) {
        self.created = true;
        self.price.records_lost(streaming.lost_records);
        if !streaming.resumed {
            self.price.probe_gone();
        }
    }

    /// A look at all sockets.
    pub(super) fn swept(&mut self, sweep: &Sweep, interval: Option<&Interval>) {
        self.listened = true;
        self.failed = false;
        self.problem = None;
        self.sockets = Some(sweep.sockets);
        self.peak_sockets = self.peak_sockets.max(Some(sweep.sockets));
        self.held_back = sweep.held_back;
        for line in &sweep.missing {
            self.drops_missing |= line.starts_with(DROPS_NOT_COUNTED);
            if self.missing.len() < MISSING_KEPT && !self.missing.contains(line) {
                self.missing.push(line.clone());
            }
        }
        if let Some(interval) = interval {
            self.intervals += 1;
            self.observed_seconds += interval.seconds;
            self.sweep_seconds += interval.sweep_seconds;
            self.ended = self.ended.saturating_add(interval.ended);
        }
    }

    pub(super) fn summary(&self, at: Stamp, other: Other, dropped: Amount) -> Summary {
        #[expect(clippy::cast_precision_loss)]
        let looks = self.intervals as f64;
        Summary {
            at,
            node: self.node.clone(),
            observed_seconds: self.observed_seconds,
            intervals: self.intervals,
            sockets: self.sockets,
            peak_sockets: self.peak_sockets,
            ended: self.ended,
            sweep_seconds: (self.intervals > 0).then(|| self.sweep_seconds / looks),
            held_back: self.held_back,
            other,
            dropped: (self.listened && !self.drops_missing).then_some(dropped),
            missing: self.missing.clone(),
            lost: self.price.lost().or_else(|| self.listened.then(Lost::default)),
            cost: self.price.cost(),
            probe: if self.listened {
                ProbeOutcome::Listened
            } else {
                ProbeOutcome::NeverListened(self.problem.clone())
            },
            removed: if self.created { Some(self.removed == Some(true)) } else { None },
            exit_code: if self.intervals > 0 { 0 } else { 2 },
        }
    }
}
