//! Bookkeeping about the session with one node's probe: when it listened,
//! what it cost, what was lost, and how the node's clock relates to ours.

use super::clock::{nanoseconds, seconds_between};
use super::finding::ProbeState;
use crate::price::Price;
use crate::signal::Streaming;
use earthworm_wire::record::{Attached, Cost, Lost, NodeTime};
use std::collections::VecDeque;
use std::time::Duration;

/// A stream that has come back delivers what waited on the node; for this
/// long afterwards an arrival says nothing about when something happened.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Records whose delay is remembered; one comes every five seconds at least.
const OFFSETS_KEPT: usize = 6;
/// Times of listening that are remembered; older ones matter to no beat.
const WINDOWS_KEPT: usize = 8;
/// A renew that began before the probe listened is only half seen: nanoseconds.
const GUARD_START: NodeTime = 100_000_000;
/// A renew that was under way when the probe left was never reported: nanoseconds.
const GUARD_END: NodeTime = 1_000_000_000;

/// A time during which the probe listened, by the node's clock.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: NodeTime,
    end: Option<NodeTime>,
}

/// The session with one node's probe.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) state: ProbeState,
    /// What the probe is attached to now.
    pub(super) attached: Option<Box<Attached>>,
    /// Facts about the latest stream.
    pub(super) streaming: Option<Streaming>,
    /// True once any object was created for this node.
    pub(super) created: bool,
    /// Whether it is certain that nothing is left in the cluster.
    pub(super) removed: Option<bool>,
    /// Counts probes and losses: node beats of different epochs may have
    /// unseen beats in between.
    pub(super) epoch: u32,
    windows: VecDeque<Window>,
    /// Our monotonic clock minus the node's clock, as the latest records gave
    /// it, in nanoseconds.
    offsets: VecDeque<i128>,
    /// The last record: by the node's clock, and when it arrived.
    last_heard: Option<(NodeTime, Duration)>,
    /// When the stream came up last, if it is up.
    up_since: Option<Duration>,
    resumed: bool,
    /// When the stream broke, while the same probe may come back.
    interrupted: Option<Duration>,
    /// Since when nothing is observed on the node, until a probe listens again.
    deaf_since: Option<Duration>,
    gap_seconds: f64,
    price: Price,
}

impl Link {
    /// True while records flow.
    pub(super) fn is_up(&self) -> bool {
        self.up_since.is_some()
    }

    /// True while a probe hears the heart: records flow and a lead works.
    pub(super) fn listens(&self) -> bool {
        self.is_up() && self.attached.as_ref().is_some_and(|a| !a.leads.is_empty())
    }

    /// When the stream broke, while the probe may still come back with what it saw.
    pub(super) fn interrupted(&self) -> Option<Duration> {
        self.interrupted
    }

    /// When the stream came up last.
    pub(super) fn up_since(&self) -> Option<Duration> {
        self.up_since
    }

    /// Whether a record that arrives now was made just now.
    pub(super) fn is_prompt(&self, now: Duration) -> bool {
        self.up_since.is_some_and(|up| !self.resumed || now.saturating_sub(up) >= CATCH_UP)
    }

    /// The plugin stood still: what waited arrives now, all at once.
    pub(super) fn stalled(&mut self, now: Duration) {
        if self.up_since.is_some() {
            self.up_since = Some(now);
            self.resumed = true;
        }
    }

    /// True when silence means that the node's heart did not beat.
    pub(super) fn is_settled(&self, now: Duration) -> bool {
        self.listens() && self.is_prompt(now)
    }

    /// The process cannot be measured any more; the probe itself goes on.
    pub(super) fn lost_process(&mut self, time: NodeTime) {
        self.close_window(time);
        self.attached = None;
    }

    /// Notes a record made at `time` that arrived `now`.
    pub(super) fn heard(&mut self, time: NodeTime, now: Duration) {
        self.last_heard = Some((time, now));
        if self.is_prompt(now) {
            self.offsets.truncate(OFFSETS_KEPT - 1);
            self.offsets.push_front(nanoseconds(now) - i128::from(time));
        }
    }

    /// A record can arrive late, never early: the least is the nearest to the
    /// truth, and the oldest are forgotten so that a stepped clock is followed.
    fn offset(&self) -> Option<i128> {
        self.offsets.iter().copied().min()
    }

    /// When something of the node's clock happened by ours: never later than
    /// its record arrived.
    pub(super) fn happened(&self, time: NodeTime, now: Duration) -> Duration {
        let Some(offset) = self.offset() else { return now };
        let estimate = (i128::from(time) + offset).max(0);
        u64::try_from(estimate).map_or(now, |nanos| Duration::from_nanos(nanos).min(now))
    }

    /// The stream is up.
    pub(super) fn stream_up(&mut self, streaming: Streaming, now: Duration) {
        self.price.records_lost(streaming.lost_records);
        if streaming.lost_records > 0 {
            self.epoch += 1;
        }
        self.resumed = streaming.resumed;
        if !streaming.resumed {
            self.probe_gone(now);
        }
        self.interrupted = None;
        self.up_since = Some(now);
        self.created = true;
        self.streaming = Some(streaming.clone());
        self.state = ProbeState::Streaming(Box::new(streaming));
    }

    /// The stream broke; the probe may live. Returns false when it was down already.
    pub(super) fn stream_broke(&mut self, why: String, now: Duration) -> bool {
        self.state = ProbeState::Interrupted(why);
        let was_up = self.up_since.take().is_some();
        if was_up {
            self.interrupted = Some(now);
        }
        was_up
    }

    /// The probe that listened is gone for good. What it could not report since
    /// its last record is not observed.
    pub(super) fn probe_gone(&mut self, now: Duration) {
        self.up_since = None;
        self.interrupted = None;
        if self.attached.take().is_some() {
            self.epoch += 1;
            let (time, heard) = self.last_heard.unwrap_or((0, now));
            self.close_window(time);
            self.deaf_since.get_or_insert(heard);
        }
        self.price.probe_gone();
    }

    /// The probe ended as it was told to: the silence from here on is no gap.
    pub(super) fn probe_left(&mut self, now: Duration) {
        let end = self.offset().and_then(|offset| i64::try_from(nanoseconds(now) - offset).ok());
        if let Some(end) = end {
            self.close_window(end);
        }
        self.probe_gone(now);
        self.deaf_since = None;
        self.state = ProbeState::Detached;
    }

    /// The probe listens to a process. Returns the seconds during which
    /// nothing was observed on the node before, if there were any.
    pub(super) fn attached(&mut self, attached: Attached, now: Duration) -> Option<f64> {
        let same =
            self.attached.as_ref().is_some_and(|old| old.process.pid == attached.process.pid);
        if !same || attached.leads.is_empty() {
            self.close_window(attached.time);
        }
        let open = self.windows.back().is_some_and(|window| window.end.is_none());
        if !open && !attached.leads.is_empty() {
            if self.windows.len() == WINDOWS_KEPT {
                self.windows.pop_front();
            }
            self.windows.push_back(Window { start: attached.time, end: None });
        }
        self.attached = Some(Box::new(attached));
        let gap = self.deaf_since.take().map(|since| seconds_between(since, now));
        self.gap_seconds += gap.unwrap_or(0.0);
        gap
    }

    /// Nothing can be heard after `end`: the process or its probe is gone.
    pub(super) fn close_window(&mut self, end: NodeTime) {
        if let Some(window) = self.windows.back_mut() {
            window.end.get_or_insert(end);
        }
    }

    /// Whether a renew with this renewTime must have been seen by the probe.
    pub(super) fn covers(&self, renew_time_micros: i64) -> bool {
        let time = renew_time_micros.saturating_mul(1000);
        self.windows.iter().any(|window| {
            time >= window.start.saturating_add(GUARD_START)
                && window.end.is_none_or(|end| time <= end.saturating_sub(GUARD_END))
        })
    }

    /// True when the probe listened at any time.
    pub(super) fn ever_listened(&self) -> bool {
        !self.windows.is_empty()
    }

    /// Price so far of the probe that runs now.
    pub(super) fn cost_now(&mut self, cost: Cost) {
        self.price.cost_now(cost);
    }

    /// Losses so far of the probe that runs now.
    pub(super) fn lost_now(&mut self, lost: Lost) {
        self.price.lost_now(lost);
    }

    /// Seconds until `now` during which nothing was observed on the node
    /// although a probe had listened before.
    pub(super) fn gap_seconds(&self, now: Duration) -> f64 {
        let open = self.deaf_since.or(self.interrupted);
        self.gap_seconds + open.map_or(0.0, |since| seconds_between(since, now).max(0.0))
    }

    /// Losses of every probe of this session; `None` when none was reported.
    pub(super) fn lost(&self) -> Option<Lost> {
        self.price.lost().or_else(|| self.ever_listened().then(Lost::default))
    }

    /// Price of every probe of this session together; `None` when none was reported.
    pub(super) fn cost(&self) -> Option<Cost> {
        self.price.cost()
    }
}
