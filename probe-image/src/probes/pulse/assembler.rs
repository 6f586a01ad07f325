//! Events in, records out. No I/O and no clock of its own, so that every
//! order of events can be tried in a test.
//!
//! A beat is one run of the lease controller's `sync` until
//! `retryUpdateLease` returns. The goroutine names the run: the request is
//! written and its answer read by other goroutines, which are joined to it by
//! the time inside the Lease and by connection and stream.

use std::collections::{HashMap, VecDeque};

use earthworm_wire::record::{
    Attempt, Beat, Incident, IncidentKind, Lead, NodeTime, Outcome, Record,
};

use super::event::{Event, EventKind, Stream};
use super::lease::Renewal;
use crate::clock::ClockOffset;

/// A prologue that has to grow the stack starts over, and its probe with it:
/// copying a stack takes less than this.
const STACK_GROWTH_NS: u64 = 100_000;
/// A run that did nothing yet and starts again so soon is the same one: its
/// prologue grew the stack, or gave way to another goroutine.
const SAME_RUN_NS: u64 = 1_000_000_000;
/// An attempt that follows one without an answer this much later: the earlier
/// one ended by the kubelet's timeout, and is worth telling before the run ends,
/// which may take five of them.
const TIMED_OUT_NS: u64 = 5_000_000_000;
/// A request without an answer: the kubelet's own timeout is 10 s.
const ANSWER_NS: u64 = 11_000_000_000;
/// Status of a Lease that was created instead of renewed. Its controller has no
/// `retryUpdateLease` to return from, and nothing left to do.
const CREATED: u16 = 201;
/// More goroutines than any process has lease controllers.
const MAXIMUM_RUNS: usize = 64;
/// `retryUpdateLease` tries five times; a Lease that cannot be created may be
/// tried more often within one run.
const MAXIMUM_ATTEMPTS: usize = 64;
/// How often one request may go out again.
const MAXIMUM_STREAMS: usize = 4;
/// Renewals that are remembered to know them again.
const RECENT_RENEWALS: usize = 16;
/// Requests that wait for an answer without a known controller.
const MAXIMUM_REQUESTS: usize = 64;

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    monotonic_ns: u64,
    wall: NodeTime,
}

impl Moment {
    fn seconds_since(self, earlier: Self) -> f64 {
        self.monotonic_ns.saturating_sub(earlier.monotonic_ns) as f64 / 1e9
    }
}

/// An attempt and what is needed to join its parts.
#[derive(Debug, Default)]
struct OpenAttempt {
    attempt: Attempt,
    prepared: Option<Moment>,
    stack: u64,
    written: Option<Moment>,
    answered: Option<Moment>,
    /// The request may go out again on another stream, after GOAWAY.
    streams: Vec<Stream>,
}

impl OpenAttempt {
    fn write(&mut self, moment: Moment, stream: Stream, renewal: &Renewal) {
        self.written = Some(moment);
        self.streams = vec![stream];
        self.attempt.written = Some(moment.wall);
        self.attempt.renew_time_micros = renewal.renew_time_micros;
    }

    fn answer(&mut self, moment: Moment, status: Option<u16>) {
        self.answered = Some(moment);
        self.attempt.answered = Some(moment.wall);
        self.attempt.http_status = status;
        self.attempt.round_trip_seconds = self.written.map(|written| moment.seconds_since(written));
    }

    fn waits_for(&self, stream: Stream) -> bool {
        self.answered.is_none() && self.streams.contains(&stream)
    }

    fn succeeded(&self) -> bool {
        self.attempt.http_status.is_some_and(|status| (200..300).contains(&status))
    }

    fn last_moment(&self) -> Option<Moment> {
        self.answered.or(self.written).or(self.prepared)
    }
}

/// A run of the controller that has not returned yet.
#[derive(Debug, Default)]
struct Run {
    started: Option<Moment>,
    attempts: Vec<OpenAttempt>,
}

impl Run {
    fn last_moment(&self) -> Option<Moment> {
        self.attempts.last().and_then(OpenAttempt::last_moment).or(self.started)
    }

    /// Whether the last attempt got no answer until `now`, when the next one begins.
    fn timed_out(&self, now: Moment) -> bool {
        self.attempts.last().is_some_and(|last| {
            last.answered.is_none()
                && last.prepared.is_some_and(|prepared| {
                    now.monotonic_ns.saturating_sub(prepared.monotonic_ns) >= TIMED_OUT_NS
                })
        })
    }

    fn beat(self, lead: Lead, outcome: Outcome, ended: Moment) -> Record {
        let begun =
            self.started.or_else(|| self.attempts.iter().find_map(|attempt| attempt.written));
        Record::Beat(Beat {
            lead,
            started: self.started.map(|moment| moment.wall),
            attempts: self.attempts.into_iter().map(|open| open.attempt).collect(),
            outcome,
            ended: ended.wall,
            renew_seconds: begun.map(|begun| ended.seconds_since(begun)),
        })
    }
}

/// Puts beats together from single events.
#[derive(Debug)]
pub(super) struct Assembler {
    node: String,
    /// By goroutine.
    runs: HashMap<u64, Run>,
    /// Requests that no run of the controller explains.
    requests: Vec<OpenAttempt>,
    /// `renewTime` of the last Leases that were written.
    recent: VecDeque<i64>,
    overflowed: u64,
}

impl Assembler {
    /// For the Lease of this node.
    #[must_use]
    pub(super) fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            runs: HashMap::new(),
            requests: Vec::new(),
            recent: VecDeque::with_capacity(RECENT_RENEWALS),
            overflowed: 0,
        }
    }

    /// Events dropped so far because a table was full.
    #[must_use]
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Takes one event; events come in the order of the ring buffer. `offset`
    /// turns their times into the wall clock's.
    pub(super) fn event(&mut self, event: &Event, offset: ClockOffset, out: &mut Vec<Record>) {
        let moment = Moment { monotonic_ns: event.time_ns, wall: offset.wall(event.time_ns) };
        match &event.kind {
            EventKind::Sync(holder) => {
                if self.is_ours(holder.as_deref()) {
                    self.sync(event, moment, out);
                }
            }
            EventKind::NewLease(holder) => {
                if self.is_ours(holder.as_deref()) {
                    self.new_lease(event, moment, out);
                }
            }
            EventKind::RetryReturn { success } => {
                // Without a run: it began before the probes were there, or it
                // belongs to the controller of another Lease.
                if let Some(run) = self.runs.remove(&event.goroutine) {
                    let outcome = if *success { Outcome::Renewed } else { Outcome::Failed };
                    out.push(run.beat(Lead::Conduction, outcome, moment));
                }
            }
            EventKind::Write { stream, renewal } => {
                if self.is_ours(renewal.name.as_deref()) {
                    self.write(moment, *stream, renewal);
                }
            }
            EventKind::Headers { stream, status } => self.headers(moment, *stream, *status, out),
            EventKind::Exit(code) => {
                self.process_ended(moment, out);
                out.push(incident(event, moment, exit_kind(*code), None));
            }
            EventKind::Signal { signal, ignored, sender } => {
                if let Some(kind) = signal_kind(*signal, *ignored) {
                    out.push(incident(event, moment, kind, Some(sender.clone())));
                }
            }
        }
    }

    /// Whether anything is open that [`Self::tick`] could end.
    pub(super) fn is_waiting(&self) -> bool {
        !self.runs.is_empty() || !self.requests.is_empty()
    }

    /// Ends what has waited for too long; to be called about every second
    /// with `CLOCK_MONOTONIC`, while [`Self::is_waiting`].
    pub(super) fn tick(&mut self, now_ns: u64, out: &mut Vec<Record>) {
        let overdue =
            |moment: Moment, after: u64| now_ns.saturating_sub(moment.monotonic_ns) >= after;
        let mut index = 0;
        while index < self.requests.len() {
            match self.requests[index].written {
                Some(written) if overdue(written, ANSWER_NS) => {
                    let request = self.requests.swap_remove(index);
                    out.push(single(request, Outcome::Unknown, written));
                }
                _ => index += 1,
            }
        }
        // A run that succeeded and whose return was not seen.
        let succeeded = |run: &Run| {
            let last = run.attempts.last().filter(|last| last.succeeded())?;
            last.answered.filter(|answered| overdue(*answered, ANSWER_NS))
        };
        let ended: Vec<(u64, Moment)> = self
            .runs
            .iter()
            .filter_map(|(goroutine, run)| Some((*goroutine, succeeded(run)?)))
            .collect();
        for (goroutine, answered) in ended {
            if let Some(run) = self.runs.remove(&goroutine) {
                out.push(run.beat(Lead::Conduction, Outcome::Renewed, answered));
            }
        }
    }

    /// Forgets what is open: the probes are gone and its end will not be seen.
    pub(super) fn detached(&mut self) {
        self.runs.clear();
        self.requests.clear();
    }

    /// Unreadable names are accepted: better a beat of somebody else, with
    /// its attempts, than none.
    fn is_ours(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| name == self.node)
    }

    fn sync(&mut self, event: &Event, moment: Moment, out: &mut Vec<Record>) {
        if let Some(run) = self.runs.get(&event.goroutine) {
            let again = run.attempts.is_empty()
                && run.started.is_some_and(|started| {
                    moment.monotonic_ns.saturating_sub(started.monotonic_ns) < SAME_RUN_NS
                });
            if again {
                return;
            }
        }
        if let Some(run) = self.runs.remove(&event.goroutine) {
            // It ended unseen, or by creating the Lease.
            close_unseen(run, out);
        }
        if self.runs.len() >= MAXIMUM_RUNS {
            self.overflowed += 1;
            return;
        }
        let run = Run { started: Some(moment), attempts: Vec::new() };
        self.runs.insert(event.goroutine, run);
    }

    fn new_lease(&mut self, event: &Event, moment: Moment, out: &mut Vec<Record>) {
        if !self.runs.contains_key(&event.goroutine) && self.runs.len() >= MAXIMUM_RUNS {
            self.overflowed += 1;
            return;
        }
        let run = self.runs.entry(event.goroutine).or_default();
        let again = run.attempts.last().is_some_and(|last| {
            // Two attempts in a row have the same stack; a stack that grew is elsewhere.
            last.written.is_none()
                && last.stack != event.stack
                && last.prepared.is_some_and(|prepared| {
                    moment.monotonic_ns.saturating_sub(prepared.monotonic_ns) < STACK_GROWTH_NS
                })
        });
        if again {
            return;
        }
        if run.timed_out(moment) {
            let failed = std::mem::take(run);
            out.push(failed.beat(Lead::Conduction, Outcome::Failed, moment));
        }
        if run.attempts.len() >= MAXIMUM_ATTEMPTS {
            self.overflowed += 1;
            return;
        }
        run.attempts.push(OpenAttempt {
            attempt: Attempt { prepared: Some(moment.wall), ..Attempt::default() },
            prepared: Some(moment),
            stack: event.stack,
            ..OpenAttempt::default()
        });
    }

    fn write(&mut self, moment: Moment, stream: Stream, renewal: &Renewal) {
        if self.is_repeated(stream, renewal) {
            return;
        }
        // The controller reads the clock right after newLease is entered, so
        // the attempt is the one closest to the time in the request.
        let distance = |open: &OpenAttempt| match (open.attempt.prepared, renewal.renew_time_micros)
        {
            (Some(prepared), Some(micros)) => micros.saturating_mul(1000).abs_diff(prepared),
            _ => u64::MAX,
        };
        let attempt = self
            .runs
            .values_mut()
            .filter_map(|run| run.attempts.last_mut())
            .filter(|open| open.written.is_none())
            .min_by_key(|open| distance(open));
        if let Some(open) = attempt {
            open.write(moment, stream, renewal);
            return;
        }
        if self.requests.len() >= MAXIMUM_REQUESTS {
            self.overflowed += 1;
            return;
        }
        let mut request = OpenAttempt::default();
        request.write(moment, stream, renewal);
        self.requests.push(request);
    }

    /// Every attempt has a time of its own, so a time that was seen before is
    /// the same Lease again: the prologue of Write that started over, a
    /// request sent again on another connection, or the API server's answer
    /// where it lives in the same process.
    fn is_repeated(&mut self, stream: Stream, renewal: &Renewal) -> bool {
        let Some(renewed) = renewal.renew_time_micros else { return false };
        let attempts = self.runs.values_mut().flat_map(|run| &mut run.attempts);
        let same = attempts
            .chain(&mut self.requests)
            .find(|open| open.written.is_some() && open.attempt.renew_time_micros == Some(renewed));
        if let Some(open) = same {
            if !open.streams.contains(&stream) && open.streams.len() < MAXIMUM_STREAMS {
                open.streams.push(stream);
            }
            return true;
        }
        if self.recent.contains(&renewed) {
            return true;
        }
        if self.recent.len() == RECENT_RENEWALS {
            self.recent.pop_front();
        }
        self.recent.push_back(renewed);
        false
    }

    fn headers(
        &mut self,
        moment: Moment,
        stream: Stream,
        status: Option<u16>,
        out: &mut Vec<Record>,
    ) {
        if status.is_some_and(|status| status < 200) {
            return;
        }
        let asked = self.runs.iter_mut().find_map(|(goroutine, run)| {
            let open = run.attempts.iter_mut().find(|open| open.waits_for(stream))?;
            open.answer(moment, status);
            Some(*goroutine)
        });
        if let Some(goroutine) = asked {
            if status == Some(CREATED)
                && let Some(run) = self.runs.remove(&goroutine)
            {
                out.push(run.beat(Lead::Conduction, Outcome::Renewed, moment));
            }
            return;
        }
        if let Some(index) = self.requests.iter().position(|open| open.waits_for(stream)) {
            let mut request = self.requests.swap_remove(index);
            request.answer(moment, status);
            let outcome = match status {
                None => Outcome::Unknown,
                Some(_) if request.succeeded() => Outcome::Renewed,
                Some(_) => Outcome::Failed,
            };
            out.push(single(request, outcome, moment));
        }
    }

    fn process_ended(&mut self, moment: Moment, out: &mut Vec<Record>) {
        let mut runs: Vec<Run> = self.runs.drain().map(|(_, run)| run).collect();
        runs.sort_by_key(|run| run.last_moment().map(|last| last.monotonic_ns));
        for run in runs {
            out.push(run.beat(Lead::Conduction, Outcome::Unknown, moment));
        }
        for request in self.requests.drain(..) {
            out.push(single(request, Outcome::Unknown, moment));
        }
    }
}

/// A beat of one request, for which no run of the controller is known.
fn single(request: OpenAttempt, outcome: Outcome, ended: Moment) -> Record {
    let run = Run { attempts: vec![request], ..Run::default() };
    run.beat(Lead::Plaintext, outcome, ended)
}

fn close_unseen(run: Run, out: &mut Vec<Record>) {
    let Some(ended) = run.last_moment() else { return };
    let renewed = run.attempts.last().is_some_and(OpenAttempt::succeeded);
    let outcome = if renewed { Outcome::Renewed } else { Outcome::Unknown };
    out.push(run.beat(Lead::Conduction, outcome, ended));
}

fn incident(event: &Event, moment: Moment, kind: IncidentKind, sender: Option<String>) -> Record {
    Record::Incident(Incident { time: moment.wall, pid: event.process, kind, sender })
}

/// As wait(2) has it: the low seven bits are the signal, the next byte the status.
fn exit_kind(code: i32) -> IncidentKind {
    match code & 0x7f {
        0 => IncidentKind::Exited((code >> 8) & 0xff),
        signal => IncidentKind::Killed(signal),
    }
}

/// `None` for a terminal's stop signal that the process ignores. SIGSTOP
/// cannot be ignored, and SIGCONT continues a process that ignores it.
fn signal_kind(signal: i32, ignored: bool) -> Option<IncidentKind> {
    match signal {
        libc::SIGSTOP => Some(IncidentKind::Stopped),
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
            (!ignored).then_some(IncidentKind::Stopped)
        }
        libc::SIGCONT => Some(IncidentKind::Continued),
        _ => (!ignored).then_some(IncidentKind::Signalled(signal)),
    }
}
