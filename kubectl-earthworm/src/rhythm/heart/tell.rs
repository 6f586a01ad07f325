//! Tells a beat once both of its halves are known or waiting is over.

use super::super::clock;
use super::super::diagnose::{Before, class_of_beat};
use super::super::finding::{Lead, Segments, Source};
use super::super::merge::{PATIENCE, Pending, node_interval};
use super::intake::start_of;
use super::*;
use earthworm_wire::IDLE_EXIT_SECONDS;
use earthworm_wire::record::{self, NodeTime, Outcome};

/// A probe that lost us keeps its records for this long; one more second for
/// them to arrive.
const RESUMABLE: Duration = Duration::from_secs(IDLE_EXIT_SECONDS + 1);

/// What the next beat needs to know of the one before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Previous {
    /// On our monotonic clock.
    pub(super) happened: Duration,
    node: Option<PreviousNode>,
    /// Arrival from the API server and its epoch, when that is a measure of time.
    api: Option<(Duration, u32)>,
    renew_seconds: f64,
}

#[derive(Debug, Clone, Copy)]
struct PreviousNode {
    start: NodeTime,
    ended: NodeTime,
    started: Duration,
    prompt: bool,
    epoch: u32,
}

impl Heart {
    /// Tells every beat that need not wait any longer, or with `all` every beat.
    pub(super) fn tell_due(&mut self, at: Stamp, all: bool) {
        let link = &self.link;
        let mut due = Vec::new();
        while let Some(pending) =
            self.merger.next(|pending| all || is_due(pending, link, at.monotonic))
        {
            due.push(pending);
        }
        for pending in due {
            self.tell(&pending, at);
        }
    }

    fn tell(&mut self, pending: &Pending, at: Stamp) {
        let missed = self.is_missed(pending, at.monotonic);
        self.missed += u64::from(missed);
        self.merger.remember(pending, missed);
        self.beats.total += 1;
        self.beats.api += u64::from(pending.api.is_some());
        if let Some(node) = &pending.node {
            self.count_lead(node.beat.lead);
        }

        let (mut beat, this) = self.measure(pending, at);
        let fine = beat.outcome == Outcome::Renewed || beat.arrived == Some(true);
        if let Some(interval) = beat.interval_seconds.filter(|_| fine) {
            self.statistics.push_interval(interval);
        }
        if let Some(renew) = beat.renew_seconds.filter(|_| beat.outcome == Outcome::Renewed) {
            self.statistics.push_renew(renew);
        }
        if !fine && let Some(node) = &pending.node {
            self.note_failure(&beat, node.started, node.ended);
        }
        let before = self.previous.map_or_else(Before::default, |previous| Before {
            renew_seconds: previous.renew_seconds,
            estimated_interval: Some(clock::seconds_between(previous.happened, this.happened)),
        });
        let restarted = std::mem::take(&mut self.restarted);
        let class = class_of_beat(&beat, before, restarted, &self.statistics, self.periods());
        self.last_class = Some(class);
        self.last_words = words::beat(&beat);
        self.previous = Some(this);
        beat.rhythm = self.diagnosis(at.monotonic).class;
        self.count_class(&beat);
        self.out.push(FindingKind::Beat(Box::new(beat)));
        self.note_rhythm(at);
    }

    /// Whether the probe must have seen this beat and has not reported it.
    fn is_missed(&self, pending: &Pending, now: Duration) -> bool {
        let Some(api) = &pending.api else { return false };
        let waited_from = self.link.up_since().unwrap_or_default().max(pending.first);
        pending.node.is_none()
            && self.link.interrupted().is_none()
            && now.saturating_sub(waited_from) >= PATIENCE
            && api.lease.renew_time_micros.is_some_and(|renew| self.link.covers(renew))
    }

    fn note_failure(&mut self, beat: &Beat, started: Duration, ended: Duration) {
        if self.last_beat.is_some_and(|last| last >= ended) {
            // A record that came late, of a failure that is over.
            return;
        }
        let before = self.failing;
        self.failing = Some(Failing {
            since: before.map_or(started, |failing| failing.since.min(started)),
            until: before.map_or(ended, |failing| failing.until.max(ended)),
            attempts: before.map_or(0, |failing| failing.attempts) + beat.attempts.unwrap_or(1),
            http_status: beat.http_status,
        });
    }

    fn measure(&self, pending: &Pending, at: Stamp) -> (Beat, Previous) {
        let node = pending.node.as_ref();
        let api = pending.api.as_ref();
        let now = at.monotonic;
        let previous = self.previous;

        let this_node = node.map(|half| PreviousNode {
            start: start_of(&half.beat),
            ended: half.beat.ended,
            started: half.started,
            prompt: half.prompt,
            epoch: half.epoch,
        });
        let this_api = api.filter(|half| half.prompt).map(|half| (half.at.monotonic, half.epoch));
        let api_interval_seconds = match (previous.and_then(|p| p.api), this_api) {
            (Some((before, epoch)), Some((after, same))) if epoch == same => {
                Some(clock::seconds_between(before, after))
            }
            _ => None,
        };
        // Beats without loss in between: only then is the difference an interval.
        let neighbour = previous
            .and_then(|p| p.node)
            .zip(this_node)
            .filter(|(before, after)| before.epoch == after.epoch);
        let node_interval_seconds = neighbour.and_then(|(before, after)| {
            let arrivals = (before.prompt && after.prompt)
                .then(|| clock::seconds_between(before.started, after.started));
            node_interval(before.start, after.start, arrivals, api_interval_seconds)
        });
        let sleep = neighbour.zip(node_interval_seconds).map(|((before, _), interval)| {
            // From the interval, which a step of the clock does not bend.
            (interval - clock::node_seconds(before.start, before.ended)).max(0.0)
        });

        let seen = node.map(|half| &half.beat);
        let last = seen.and_then(|beat| beat.attempts.last());
        let renew = api
            .and_then(|half| half.lease.renew_time_micros)
            .or_else(|| seen?.attempts.iter().rev().find_map(|a| a.renew_time_micros))
            .and_then(clock::renew_timestamp);
        let outcome = seen.map_or(Outcome::Renewed, |beat| beat.outcome);
        let renew_seconds = seen.and_then(|beat| beat.renew_seconds);
        let happened = match (node, api) {
            (Some(half), _) => half.started,
            (None, Some(half)) => half.at.monotonic,
            (None, None) => now,
        };
        let arrived_wall = api.filter(|half| !half.lease.listed).map(|half| half.at.wall);
        let beat = Beat {
            time: match (this_node, api) {
                (Some(node), _) => clock::timestamp(node.start),
                (None, Some(half)) => half.at.wall,
                (None, None) => at.wall,
            },
            happened,
            lead: seen.map_or(Lead::Api, |beat| beat.lead.into()),
            matched_by: pending.matched_by,
            renew_time: renew,
            interval_seconds: node_interval_seconds.or(api_interval_seconds),
            api_interval_seconds,
            renew_seconds,
            round_trip_seconds: last.and_then(|attempt| attempt.round_trip_seconds),
            attempts: seen
                .and_then(|beat| u32::try_from(beat.attempts.len()).ok())
                .filter(|&attempts| attempts > 0),
            outcome,
            arrived: if api.is_some() || outcome == Outcome::Renewed {
                Some(true)
            } else {
                self.watch.is_settled(now).then_some(false)
            },
            http_status: last.and_then(|attempt| attempt.http_status),
            resource_version: api.map(|half| half.lease.resource_version.clone()),
            lag_seconds: renew
                .zip(arrived_wall)
                .map(|(renew, arrived)| arrived.duration_since(renew).as_secs_f64()),
            margin_seconds: self.margin_seconds(now),
            rhythm: self.current.0,
            segments: Segments { sleep, ..seen.map(segments).unwrap_or_default() },
            source: node.and(self.link.attached.as_ref()).map(|attached| Source {
                process: attached.process.name.clone(),
                pid: attached.process.pid,
                go_version: attached.process.go_version.clone(),
            }),
        };
        let this = Previous {
            happened,
            node: this_node,
            api: this_api,
            renew_seconds: renew_seconds.unwrap_or(0.0),
        };
        (beat, this)
    }
}

/// Parts of a renew, as far as its leads show them. The sleep before it is
/// not among them.
fn segments(beat: &record::Beat) -> Segments {
    let first = beat.attempts.first();
    let last = beat.attempts.last();
    let between = |from: Option<NodeTime>, to: Option<NodeTime>| {
        Some(clock::node_seconds(from?, to?)).filter(|&seconds| seconds >= 0.0)
    };
    Segments {
        sleep: None,
        pq: between(beat.started, first.and_then(|attempt| attempt.prepared)),
        qr: last.and_then(|attempt| between(attempt.prepared, attempt.written)),
        tu: between(last.and_then(|attempt| attempt.answered), Some(beat.ended)),
    }
}

/// Whether a beat with one half need not wait for the other any longer.
fn is_due(pending: &Pending, link: &Link, now: Duration) -> bool {
    let Some(api) = pending.api.as_ref().filter(|_| pending.node.is_none()) else {
        return now.saturating_sub(pending.first) >= PATIENCE;
    };
    if let Some(since) = link.interrupted() {
        // The probe may come back with its half.
        return now.saturating_sub(since) >= RESUMABLE;
    }
    let covered = api.lease.renew_time_micros.is_none_or(|renew| link.covers(renew));
    if !link.listens() || !covered {
        return true;
    }
    let waited_from = link.up_since().unwrap_or_default().max(pending.first);
    now.saturating_sub(waited_from) >= PATIENCE
}
