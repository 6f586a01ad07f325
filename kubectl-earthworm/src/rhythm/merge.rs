//! Brings the node's and the API server's view of a beat together.
//!
//! Each view of a beat is one half. Halves wait in a short queue, in the order
//! in which the beats happened, until both are there or waiting is over; what
//! has left the queue is remembered for a while, so that a half that comes
//! late is recognised and never counts as another beat.

use super::clock::node_seconds;
use super::finding::MatchedBy;
use crate::signal::{LeaseSeen, Stamp};
use earthworm_wire::record::{self, NodeTime, Outcome};
use std::collections::VecDeque;
use std::time::Duration;

/// How long one half waits for the other while both views work.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Halves without a renewTime belong together when they are this close.
const NEARNESS_SECONDS: f64 = 2.0;
/// Beats that wait at most; the oldest leaves early when there are more.
const QUEUE_LIMIT: usize = 64;
/// Beats that are remembered after they have left.
const REMEMBERED: usize = 32;
/// The same where no probe is wanted: no half of a beat comes late then, only
/// the API server may show a state again.
const REMEMBERED_OF_ONE_VIEW: usize = 2;

/// What the node saw.
#[derive(Debug, Clone)]
pub(super) struct NodeHalf {
    pub(super) beat: record::Beat,
    /// When its record arrived.
    pub(super) arrived: Stamp,
    /// Whether it arrived as it was made, not after an interruption.
    pub(super) prompt: bool,
    /// When it started and ended, on our monotonic clock.
    pub(super) started: Duration,
    pub(super) ended: Duration,
    /// Counts the times that records may have been lost.
    pub(super) epoch: u32,
}

/// What the API server showed.
#[derive(Debug, Clone)]
pub(super) struct ApiHalf {
    pub(super) lease: LeaseSeen,
    pub(super) at: Stamp,
    /// Counts the times that renews may have been missed.
    pub(super) epoch: u32,
    /// True when it arrived as it happened and was not found by a list.
    pub(super) prompt: bool,
}

/// A beat of which at least one half is known.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) node: Option<NodeHalf>,
    pub(super) api: Option<ApiHalf>,
    pub(super) matched_by: Option<MatchedBy>,
    /// When the first half became known.
    pub(super) first: Duration,
    /// What the queue is ordered by: when it happened, on our monotonic clock.
    happened: Duration,
}

/// A beat that has left the queue.
#[derive(Debug, Clone)]
struct Known {
    identity: Identity,
    happened: Duration,
    had_node: bool,
    had_api: bool,
    counted_missed: bool,
}

/// What one view of a beat can be recognised by.
#[derive(Debug, Clone, Default)]
struct Identity {
    renews: Vec<i64>,
    /// Start (else end) by the node's clock: two records of the same beat share it.
    node_time: Option<NodeTime>,
    /// Whether the node's half could succeed: only such a beat may be matched by time.
    plausible: bool,
}

/// What became of a half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It waits, or completes one that waited: a beat will follow.
    Waiting,
    /// It belongs to a beat that was told already; this view of it is new.
    Late {
        /// That beat was counted as one that the node did not see.
        was_missed: bool,
    },
    /// It is known already.
    Duplicate,
}

#[derive(Debug)]
pub(super) struct Merger {
    /// Boxed: it is empty nearly always, and there may be thousands of hearts.
    queue: VecDeque<Box<Pending>>,
    known: VecDeque<Known>,
    /// The last listed state that fitted no beat: the node may report it yet.
    listed: Option<ApiHalf>,
    remembered: usize,
}

impl Identity {
    fn of_node(beat: &record::Beat) -> Self {
        Self {
            renews: renews(beat).collect(),
            node_time: Some(beat.started.unwrap_or(beat.ended)),
            plausible: beat.outcome != Outcome::Failed,
        }
    }
}

/// Every renewTime of a beat's attempts.
pub(super) fn renews(beat: &record::Beat) -> impl Iterator<Item = i64> + '_ {
    beat.attempts.iter().filter_map(|attempt| attempt.renew_time_micros)
}

/// How a node's beat and a Lease state belong together, if they do.
fn matches(
    identity: &Identity,
    node_happened: Duration,
    lease: &LeaseSeen,
    at: Duration,
) -> Option<MatchedBy> {
    match lease.renew_time_micros {
        Some(renew) if identity.renews.contains(&renew) => Some(MatchedBy::RenewTime),
        Some(_) if !identity.renews.is_empty() => None,
        // A list shows a state of any age: its arrival says nothing.
        _ if lease.listed || !identity.plausible => None,
        _ => {
            let distance = (at.as_secs_f64() - node_happened.as_secs_f64()).abs();
            (distance <= NEARNESS_SECONDS).then_some(MatchedBy::Time)
        }
    }
}

impl Merger {
    /// For a node that a probe is wanted on, or one whose Lease alone is watched.
    pub(super) fn new(expects_probe: bool) -> Self {
        Self {
            queue: VecDeque::new(),
            known: VecDeque::new(),
            listed: None,
            remembered: if expects_probe { REMEMBERED } else { REMEMBERED_OF_ONE_VIEW },
        }
    }

    /// Takes in what the node saw.
    pub(super) fn node(&mut self, half: NodeHalf) -> Placed {
        let identity = Identity::of_node(&half.beat);
        let same = |other: &Identity| {
            other.node_time.is_some() && other.node_time == identity.node_time
                || other.renews.iter().any(|renew| identity.renews.contains(renew))
        };
        for known in self.known.iter_mut().rev() {
            if known.had_node && same(&known.identity) {
                return Placed::Duplicate;
            }
            let by_renew =
                identity.renews.iter().any(|renew| known.identity.renews.contains(renew));
            let by_time = (identity.renews.is_empty() || known.identity.renews.is_empty())
                && identity.plausible
                && near(known.happened, half.ended);
            if !known.had_node && known.had_api && (by_renew || by_time) {
                known.had_node = true;
                known.identity.node_time = identity.node_time;
                known.identity.renews.extend(identity.renews);
                let was_missed = std::mem::take(&mut known.counted_missed);
                return Placed::Late { was_missed };
            }
        }
        for pending in &mut self.queue {
            if let Some(node) = &pending.node {
                if same(&Identity::of_node(&node.beat)) {
                    return Placed::Duplicate;
                }
            } else if let Some(api) = &pending.api
                && let Some(by) = matches(&identity, half.ended, &api.lease, api.at.monotonic)
            {
                pending.matched_by = Some(by);
                pending.node = Some(half);
                return Placed::Waiting;
            }
        }
        let (first, happened) = (half.arrived.monotonic, half.started);
        let api = self.listed.take_if(|listed| {
            listed.lease.renew_time_micros.is_some_and(|renew| identity.renews.contains(&renew))
        });
        let matched_by = api.as_ref().map(|_| MatchedBy::RenewTime);
        self.insert(Pending { node: Some(half), api, matched_by, first, happened });
        Placed::Waiting
    }

    /// Takes in what the API server showed. A listed state only ever completes
    /// or confirms a beat: alone it is none, and `None` is returned.
    pub(super) fn api(&mut self, half: ApiHalf) -> Option<Placed> {
        let now = half.at.monotonic;
        for known in self.known.iter_mut().rev() {
            let by_renew = half
                .lease
                .renew_time_micros
                .is_some_and(|renew| known.identity.renews.contains(&renew));
            let fits = by_renew
                || known.had_node
                    && !known.had_api
                    && matches(&known.identity, known.happened, &half.lease, now).is_some();
            if fits && known.had_api {
                return Some(Placed::Duplicate);
            }
            if fits {
                known.had_api = true;
                known.identity.renews.extend(half.lease.renew_time_micros);
                return Some(Placed::Late { was_missed: false });
            }
        }
        for pending in &mut self.queue {
            let shown = pending.api.as_ref().and_then(|api| api.lease.renew_time_micros);
            if shown.is_some() && shown == half.lease.renew_time_micros {
                return Some(Placed::Duplicate);
            }
            if let Some(node) = &pending.node {
                let identity = Identity::of_node(&node.beat);
                if let Some(by) = matches(&identity, node.ended, &half.lease, now) {
                    if pending.api.is_some() {
                        // A second renewTime of the same run of attempts.
                        return Some(Placed::Duplicate);
                    }
                    pending.matched_by = Some(by);
                    pending.api = Some(half);
                    return Some(Placed::Waiting);
                }
            }
        }
        if half.lease.listed {
            self.listed = Some(half);
            return None;
        }
        self.insert(Pending {
            node: None,
            api: Some(half),
            matched_by: None,
            first: now,
            happened: now,
        });
        Some(Placed::Waiting)
    }

    /// True while a beat waits to be told.
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    fn insert(&mut self, pending: Pending) {
        let place = self.queue.partition_point(|other| other.happened <= pending.happened);
        self.queue.insert(place, Box::new(pending));
    }

    /// Takes out the first beat if `ready` says that it need not wait any longer.
    pub(super) fn next(&mut self, ready: impl Fn(&Pending) -> bool) -> Option<Pending> {
        let front = self.queue.front()?;
        let complete = front.node.is_some() && front.api.is_some();
        if !complete && self.queue.len() <= QUEUE_LIMIT && !ready(front) {
            return None;
        }
        self.queue.pop_front().map(|pending| *pending)
    }

    /// Remembers a beat that was told, so that a late half finds it.
    pub(super) fn remember(&mut self, told: &Pending, counted_missed: bool) {
        let mut identity =
            told.node.as_ref().map(|node| Identity::of_node(&node.beat)).unwrap_or_default();
        if let Some(renew) = told.api.as_ref().and_then(|api| api.lease.renew_time_micros)
            && !identity.renews.contains(&renew)
        {
            identity.renews.reserve_exact(1);
            identity.renews.push(renew);
        }
        if self.known.len() == self.remembered {
            self.known.pop_front();
        }
        self.known.push_back(Known {
            identity,
            happened: told.node.as_ref().map_or(told.happened, |node| node.ended),
            had_node: told.node.is_some(),
            had_api: told.api.is_some(),
            counted_missed,
        });
    }
}

fn near(one: Duration, other: Duration) -> bool {
    (one.as_secs_f64() - other.as_secs_f64()).abs() <= NEARNESS_SECONDS
}

/// Interval between two beats of the node's clock, judged by what arrived.
///
/// The node's own clock is the best measure unless it was stepped in between.
/// A step shows when the arrivals of both views agree with each other and
/// not with it, or when it ran backwards; the arrival is the measure then.
pub(super) fn node_interval(
    before: NodeTime,
    after: NodeTime,
    arrivals: Option<f64>,
    api_interval: Option<f64>,
) -> Option<f64> {
    const AGREE_SECONDS: f64 = 1.0;
    let by_clock = node_seconds(before, after);
    let differs = |other: f64| (by_clock - other).abs() > AGREE_SECONDS;
    match (arrivals, api_interval) {
        (Some(arrivals), Some(api))
            if differs(arrivals) && differs(api) && (arrivals - api).abs() <= AGREE_SECONDS =>
        {
            Some(arrivals)
        }
        (arrivals, api) if by_clock <= 0.0 => arrivals.or(api),
        _ => Some(by_clock),
    }
}
