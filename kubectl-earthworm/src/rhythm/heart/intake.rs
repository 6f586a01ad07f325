//! Takes in what the probe, the watch and the session say.

use super::super::merge::{ApiHalf, NodeHalf, Placed};
use super::super::watch::{Progress, progress};
use super::super::{clock, words};
use super::*;
use crate::signal::{LeaseSeen, SessionState, WatchState};
use earthworm_wire::record::{
    self, Attached, Incident, IncidentKind, Outcome, Record, TroubleReason,
};

impl Heart {
    pub(super) fn probe_said(&mut self, record: &Record, at: Stamp) {
        let now = at.monotonic;
        match record {
            Record::Attached(attached) => {
                self.link.heard(attached.time, now);
                self.attached(attached, at);
            }
            Record::Beat(beat) => {
                self.link.heard(beat.ended, now);
                self.node_beat(beat, at);
            }
            Record::Incident(incident) => {
                self.link.heard(incident.time, now);
                self.incident(incident, now);
            }
            Record::Cost(cost) => {
                self.link.heard(cost.time, now);
                self.link.cost_now(cost.clone());
            }
            Record::Lost(lost) => self.link.lost_now(*lost),
            Record::Trouble(trouble) => {
                self.link.heard(trouble.time, now);
                let told = self.link.attached.as_ref().is_some_and(|a| a.leads.is_empty());
                if told && trouble.reason == TroubleReason::Executable {
                    // Why no lead works was told with the process.
                    return;
                }
                self.link.lost_process(trouble.time);
                let (reason, hint) = trouble_words(trouble.reason);
                let message = trouble.message.clone();
                self.problem(Problem { reason, message, hint: hint.map(str::to_owned) });
            }
            Record::Owner(_)
            | Record::Flow(_)
            | Record::Dropped(_)
            | Record::Dns(_)
            | Record::Sweep(_)
            | Record::Generated(_) => {}
        }
    }

    fn attached(&mut self, attached: &Attached, at: Stamp) {
        let dead = [Some(Cause::KubeletExited), Some(Cause::KubeletKilled)];
        if dead.contains(&self.arrest.map(|arrest| arrest.cause)) {
            // The probe only attaches to a process that lives.
            self.arrest = None;
        }
        let gap = self.link.attached(attached.clone(), at.monotonic);
        if let Some(gap_seconds) = gap {
            if !self.watch.is_up() {
                // Nobody saw whether the heart beat: silence counts from here.
                self.observed_since = Some(at.monotonic);
            }
            self.event(at.wall, EventKind::ProbeRestarted { gap_seconds });
        }
        self.event(clock::timestamp(attached.time), EventKind::Attached(attached.clone()));
        if attached.leads.is_empty() {
            self.problem(Problem {
                reason: "no-lead",
                message: words::no_lead(attached),
                hint: Some("the Lease watch goes on; see what the API server shows".to_owned()),
            });
        } else {
            self.problem = None;
        }
    }

    fn node_beat(&mut self, beat: &record::Beat, at: Stamp) {
        let now = at.monotonic;
        let prompt = self.link.is_prompt(now);
        let start = start_of(beat);
        let ended = if prompt { now } else { self.link.happened(beat.ended, now) };
        let took = clock::node_seconds(start, beat.ended).max(0.0);
        let took = Duration::try_from_secs_f64(took).unwrap_or_default();
        let half = NodeHalf {
            beat: beat.clone(),
            arrived: at,
            prompt,
            started: ended.saturating_sub(took),
            ended,
            epoch: self.link.epoch,
        };
        let placed = self.merger.node(half);
        if placed == Placed::Duplicate {
            return;
        }
        if let Placed::Late { was_missed } = placed {
            self.count_lead(beat.lead);
            self.missed -= u64::from(was_missed);
            if beat.outcome == Outcome::Renewed {
                self.statistics.push_renew(beat.renew_seconds.unwrap_or(took.as_secs_f64()));
            }
        }
        if self.arrest.is_some_and(|arrest| start > arrest.time) {
            self.arrest = None;
        }
        if beat.outcome != Outcome::Renewed {
            return;
        }
        self.succeeded(ended);
        let renew = beat.attempts.iter().rev().find_map(|attempt| attempt.renew_time_micros);
        match progress(&mut self.node_newest_renew, renew) {
            Progress::Back => self.retrograde = true,
            // While the API server is heard, its order of renews decides.
            Progress::Forward if !self.watch.is_up() => self.retrograde = false,
            Progress::Forward | Progress::Unknown => {}
        }
        if !self.retrograde {
            self.last_progress = self.last_progress.max(Some(ended));
        }
    }

    pub(super) fn count_lead(&mut self, lead: record::Lead) {
        match lead {
            record::Lead::Conduction => self.beats.conduction += 1,
            record::Lead::Plaintext => self.beats.plaintext += 1,
        }
    }

    fn succeeded(&mut self, at: Duration) {
        self.last_beat = self.last_beat.max(Some(at));
        if self.failing.is_some_and(|failing| at >= failing.since) {
            self.failing = None;
        }
    }

    fn incident(&mut self, incident: &Incident, now: Duration) {
        let process = self.link.attached.as_ref().map(|attached| attached.process.clone());
        let kind = EventKind::Incident {
            process: process.as_ref().map_or_else(|| "kubelet".to_owned(), |p| p.name.clone()),
            incident: incident.clone(),
        };
        let cause = match incident.kind {
            IncidentKind::Stopped => Some(Cause::KubeletStopped),
            IncidentKind::Exited(_) => Some(Cause::KubeletExited),
            IncidentKind::Killed(_) => Some(Cause::KubeletKilled),
            IncidentKind::Continued | IncidentKind::Signalled(_) | IncidentKind::Restarted => None,
        };
        // What still comes in about a process that was replaced stops no heart.
        let current = process.is_none_or(|process| process.pid == incident.pid);
        if let Some(cause) = cause.filter(|_| current) {
            let at = self.link.happened(incident.time, now);
            self.arrest = Some(Arrest { cause, time: incident.time, at });
            self.arrest_words = words::event(&kind);
            self.last_class = None;
            if cause != Cause::KubeletStopped {
                self.link.close_window(incident.time);
                self.restarted = true;
            }
        }
        let stopped = self.arrest.is_some_and(|arrest| arrest.cause == Cause::KubeletStopped);
        match incident.kind {
            IncidentKind::Continued if stopped => self.arrest = None,
            IncidentKind::Restarted => {
                self.arrest = None;
                self.restarted = true;
                self.link.close_window(incident.time);
            }
            _ => {}
        }
        self.event(clock::timestamp(incident.time), kind);
    }

    pub(super) fn lease_shown(&mut self, lease: &LeaseSeen, at: Stamp) {
        let now = at.monotonic;
        let first = self.watch.newest_renew().is_none();
        self.learn_interval(lease);
        self.watch.shown(now);
        let half = ApiHalf {
            lease: lease.clone(),
            at,
            epoch: self.watch.epoch,
            prompt: !lease.listed && self.watch.is_settled(now),
        };
        let placed = self.merger.api(half);
        if matches!(placed, Some(Placed::Late { .. })) {
            self.beats.api += 1;
        }
        if lease.listed {
            self.lease_listed(lease, at, first);
            return;
        }
        if placed == Some(Placed::Duplicate) {
            return;
        }
        self.succeeded(now);
        let renew = lease.renew_time_micros;
        self.retrograde = self.watch.renewed(renew) == Progress::Back;
        if !self.retrograde {
            self.last_progress = self.last_progress.max(Some(now));
        }
        self.contradict_arrest(renew);
    }

    /// The kubelet renews four times in the time that it asks for
    /// (`pkg/kubelet/kubelet.go`, `nodeLeaseRenewIntervalFraction`).
    fn learn_interval(&mut self, lease: &LeaseSeen) {
        let duration = lease.lease_duration_seconds.and_then(|seconds| u32::try_from(seconds).ok());
        if let Some(seconds) = duration.filter(|&seconds| seconds > 0) {
            self.config.interval = Duration::from_secs(seconds.into()) / 4;
        }
    }

    /// A listed state is no beat. It shows that the node has renewed since the
    /// last state that was shown, or that it has not.
    fn lease_listed(&mut self, lease: &LeaseSeen, at: Stamp, first: bool) {
        let Some(renew) = lease.renew_time_micros else { return };
        let newer = self.watch.newest_renew().is_none_or(|newest| renew > newest);
        self.watch.listed(Some(renew));
        let age = clock::renew_timestamp(renew)
            .map(|renewed| at.wall.duration_since(renewed).as_secs_f64().max(0.0));
        if first {
            self.found_age = age;
        } else if newer && let Some(age) = age {
            // Two clocks are compared here; the result is kept between the
            // last beat that was seen and now, which needs no clock.
            let renewed = (at.monotonic.as_secs_f64() - age).max(0.0);
            let renewed = Duration::try_from_secs_f64(renewed).unwrap_or(at.monotonic);
            let renewed = renewed.min(at.monotonic);
            self.succeeded(renewed.max(self.last_beat.unwrap_or_default()));
            self.last_progress = self.last_progress.max(Some(renewed));
            self.contradict_arrest(Some(renew));
        }
    }

    /// A renew that began after the kubelet was stopped or dead shows that it runs.
    fn contradict_arrest(&mut self, renew: Option<i64>) {
        let renew = renew.map(|micros| micros.saturating_mul(1000));
        if self.arrest.is_some_and(|arrest| renew.is_some_and(|renew| renew > arrest.time)) {
            self.arrest = None;
        }
    }

    pub(super) fn watch_said(&mut self, state: &WatchState, at: Stamp) {
        match state {
            WatchState::Interrupted(why) => {
                if self.watch.broke(at.monotonic) {
                    self.event(at.wall, EventKind::ApiInterrupted(why.clone()));
                }
            }
            WatchState::Recovered => {
                if let Some(gap_seconds) = self.watch.recovered(at.monotonic) {
                    self.event(at.wall, EventKind::ApiRecovered { gap_seconds });
                }
            }
        }
    }

    pub(super) fn session_said(&mut self, state: &SessionState, at: Stamp) {
        let now = at.monotonic;
        match state {
            SessionState::Creating => {
                self.link.created = true;
                self.link.state = ProbeState::Creating;
            }
            SessionState::Starting(what) => {
                self.link.created = true;
                self.link.state = ProbeState::Starting(what.clone());
            }
            SessionState::Streaming(streaming) => {
                let interrupted = self.link.interrupted();
                self.link.stream_up(streaming.clone(), now);
                if streaming.resumed {
                    let gap_seconds =
                        interrupted.map_or(0.0, |since| clock::seconds_between(since, now));
                    let lost_records = streaming.lost_records;
                    self.event(at.wall, EventKind::StreamResumed { gap_seconds, lost_records });
                }
            }
            SessionState::Interrupted(why) => {
                if self.link.stream_broke(why.clone(), now) {
                    self.event(at.wall, EventKind::StreamInterrupted(why.clone()));
                }
            }
            SessionState::BypassOpen => return self.event(at.wall, EventKind::BypassOpen),
            SessionState::BypassClosed(why) => {
                return self.event(at.wall, EventKind::BypassClosed(why.clone()));
            }
            SessionState::Restarting(why) => {
                self.link.probe_gone(now);
                self.link.state = ProbeState::Restarting(why.clone());
                self.event(at.wall, EventKind::ProbeRestarting(why.clone()));
            }
            SessionState::Detached => self.link.probe_left(now),
            SessionState::Removed(certain) => {
                self.link.created = true;
                self.link.removed = Some(*certain);
                return;
            }
            SessionState::Failed(problem) => {
                self.link.probe_gone(now);
                self.link.state = ProbeState::Failed(problem.reason);
                self.problem(Problem {
                    reason: problem.reason,
                    message: problem.message.clone(),
                    hint: problem.hint.clone(),
                });
            }
        }
        self.out.push(FindingKind::Probe(self.link.state.clone()));
    }
}

/// When a beat began, by the node's clock and the best lead.
pub(super) fn start_of(beat: &record::Beat) -> record::NodeTime {
    let first = beat.attempts.first();
    beat.started
        .or(first.and_then(|attempt| attempt.written.or(attempt.prepared)))
        .unwrap_or(beat.ended)
}

fn trouble_words(reason: TroubleReason) -> (&'static str, Option<&'static str>) {
    match reason {
        TroubleReason::NoKubelet => (
            "no-kubelet",
            Some("the Lease watch goes on; the probe looks again when a process starts"),
        ),
        TroubleReason::NotPermitted => ("not-permitted", Some("try a stronger --profile")),
        TroubleReason::Kernel => {
            ("kernel", Some("the Lease watch goes on; a probe needs Linux 5.10 with BTF or newer"))
        }
        TroubleReason::Executable => ("executable", None),
    }
}
