//! One node's heart: takes in signals, gives findings.

use super::class::{Cause, Class, Grade};
use super::diagnose::{Arrest, DELAYED, Diagnosis, Failing, Periods, Vitals, diagnose};
use super::finding::{Beat, Event, EventKind, Finding, FindingKind, ProbeState, Problem, Rhythm};
use super::link::Link;
use super::merge::Merger;
use super::statistics::Statistics;
use super::summary::{Beats, Findings, ProbeOutcome, Summary, exit_code};
use super::watch::Watch;
use super::{clock, words};
use crate::signal::{NodeId, Signal, SignalKind, Stamp};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

mod intake;
mod tell;

/// Signals, ticks among them, come several times a second: a longer pause
/// means that the plugin's own process stood still.
pub const STALL: Duration = Duration::from_secs(3);

/// What one heart is measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Silence after which Kubernetes calls the node `Unknown`: 40 s, 50 s from 1.32 on.
    pub grace: Duration,
    /// The kubelet's renew interval, until a Lease shows it: it asks for four
    /// times as much in `spec.leaseDurationSeconds`.
    pub interval: Duration,
    /// Whether the user asked for a probe on this node.
    pub expects_probe: bool,
}

impl Config {
    /// With the kubelet's default interval of 10 s.
    #[must_use]
    pub fn new(grace: Duration, expects_probe: bool) -> Self {
        Self { grace, interval: Duration::from_secs(10), expects_probe }
    }
}

/// A time during which no beat could be seen.
#[derive(Debug, Clone, Copy)]
struct Blind {
    since: Duration,
    over: bool,
}

/// One node's heart. Its memory is bounded: an hour of intervals, 100 renew
/// times and the last few dozen beats.
#[derive(Debug)]
pub struct Heart {
    node: NodeId,
    config: Config,
    /// The newest instant that was seen; never goes back.
    now: Option<Stamp>,
    begun: Option<Stamp>,
    /// When the observation ended.
    finished: Option<Stamp>,
    link: Link,
    watch: Watch,
    merger: Merger,
    statistics: Statistics,
    previous: Option<tell::Previous>,
    /// The next beat is the first of a new process.
    restarted: bool,
    arrest: Option<Arrest>,
    arrest_words: String,
    failing: Option<Failing>,
    last_beat: Option<Duration>,
    /// The last beat that the control plane counts.
    last_progress: Option<Duration>,
    observed_since: Option<Duration>,
    /// Since when a beat could not have been seen, and until when that was so.
    blind: Option<Blind>,
    node_newest_renew: Option<i64>,
    retrograde: bool,
    found_age: Option<f64>,
    last_class: Option<(Class, Option<Cause>)>,
    last_words: String,
    current: (Class, Option<Cause>),
    worst: Class,
    beats: Beats,
    missed: u64,
    notable: u64,
    classified: u64,
    problem: Option<Problem>,
    out: Vec<FindingKind>,
}

impl Heart {
    /// A heart that nothing is known of yet.
    #[must_use]
    pub fn new(node: NodeId, config: Config) -> Self {
        Self {
            node,
            config,
            now: None,
            begun: None,
            finished: None,
            link: Link::default(),
            watch: Watch::default(),
            merger: Merger::new(config.expects_probe),
            statistics: Statistics::new(),
            previous: None,
            restarted: false,
            arrest: None,
            arrest_words: String::new(),
            failing: None,
            last_beat: None,
            last_progress: None,
            observed_since: None,
            blind: None,
            node_newest_renew: None,
            retrograde: false,
            found_age: None,
            last_class: None,
            last_words: String::new(),
            current: (Class::Undetermined, Some(Cause::TooLittleData)),
            worst: Class::Undetermined,
            beats: Beats::default(),
            missed: 0,
            notable: 0,
            classified: 0,
            problem: None,
            out: Vec::new(),
        }
    }

    /// The node whose heart this is.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Takes in one signal and gives what follows from it, in the order in
    /// which it is to be told. The signal must be about this heart's node.
    pub fn feed(&mut self, signal: &Signal) -> Vec<Finding> {
        let at = self.pass_time(signal.at);
        match &signal.kind {
            SignalKind::Probe(record) => self.probe_said(record, at),
            SignalKind::Lease(lease) => self.lease_shown(lease, at),
            SignalKind::Watch(state) => self.watch_said(state, at),
            SignalKind::Session(state) => self.session_said(state, at),
            SignalKind::Tick => {}
        }
        self.note_observing(at.monotonic);
        self.tell_due(at, false);
        self.note_rhythm(at);
        self.drain(at)
    }

    /// Whoever feeds this heart was there until `until` and had nothing to say:
    /// the pause is none in which a beat could have been overlooked.
    pub fn awake(&mut self, until: Stamp) {
        if let Some(now) = self.now.as_mut().filter(|now| until.monotonic > now.monotonic) {
            *now = until;
        }
    }

    /// Until when time alone changes nothing about this heart, so that it need
    /// not be told the time; `None` when it must be.
    #[must_use]
    pub fn rests_until(&self) -> Option<Duration> {
        let now = self.now?.monotonic;
        // A probe's silence, or a beat that waits for its other half, matter at once.
        let rests = !self.config.expects_probe
            && !self.merger.is_waiting()
            && self.watch.is_settled(now)
            && matches!(self.current.0.grade(), Grade::Healthy | Grade::Notable);
        // The next beat is due then, and late only later.
        self.last_beat.filter(|_| rests).map(|last| last + self.config.interval)
    }

    /// Ends the observation: tells the beats that still wait for their other
    /// half, and concludes nothing from any silence after `at`. To be called
    /// when the command stops listening, before it cleans up.
    ///
    /// Signals may be fed on: what a probe still had to say, its cost, and
    /// what became of the session belong in the [`Heart::summary`].
    pub fn finish(&mut self, at: Stamp) -> Vec<Finding> {
        let at = self.pass_time(at);
        self.tell_due(at, true);
        self.note_rhythm(at);
        self.finished.get_or_insert(at);
        self.drain(at)
    }

    /// Where the session with the probe stands.
    #[must_use]
    pub fn probe(&self) -> &ProbeState {
        &self.link.state
    }

    /// The rhythm now and its cause.
    #[must_use]
    pub fn rhythm(&self) -> (Class, Option<Cause>) {
        self.current
    }

    /// Seconds from `now` until Kubernetes may call the node `Unknown` if no
    /// further beat arrives; `None` before the first beat that arrived.
    #[must_use]
    pub fn margin_seconds(&self, now: Duration) -> Option<f64> {
        let silent = clock::seconds_between(self.last_progress?, now);
        Some(self.config.grace.as_secs_f64() - silent)
    }

    /// The session in numbers. What depends on time is taken when the
    /// observation was finished, else `at`.
    #[must_use]
    pub fn summary(&self, at: Stamp) -> Summary {
        let now = self.finished.unwrap_or(at).monotonic;
        let probe = match (self.config.expects_probe, self.link.ever_listened()) {
            (_, true) => ProbeOutcome::Listened,
            (false, false) => ProbeOutcome::NotWanted,
            (true, false) => ProbeOutcome::NeverListened(self.problem.clone()),
        };
        let exit_code = exit_code(&Findings {
            rhythm: self.current.0,
            worst: self.worst,
            notable: self.notable,
            classified: self.classified,
            probe: &probe,
            on_node: self.beats.on_node(),
            missed: self.missed,
        });
        let listened = self.link.ever_listened();
        Summary {
            at,
            node: self.node.clone(),
            observed: self.begun.map_or(Duration::ZERO, |b| now.saturating_sub(b.monotonic)),
            beats: self.beats,
            missed: listened.then_some(self.missed),
            rhythm: self.current.0,
            worst: self.worst,
            intervals: self.statistics.intervals(),
            renews: self.statistics.renews(),
            margin_seconds: self.margin_seconds(now),
            gap_seconds: listened.then(|| self.link.gap_seconds(now)),
            lost: self.link.lost(),
            cost: self.link.cost(),
            probe,
            removed: match (self.link.created, self.link.removed) {
                (true, None) => Some(false),
                (_, removed) => removed,
            },
            exit_code,
        }
    }

    /// Notes whether a beat would be seen now.
    fn note_observing(&mut self, now: Duration) {
        if self.watch.is_up() || self.link.listens() {
            self.observed_since.get_or_insert(now);
            if let Some(blind) = self.blind.as_mut().filter(|blind| !blind.over) {
                blind.over = true;
                self.forget_rhythm(now);
            }
        } else if self.observed_since.is_some() && self.blind.is_none_or(|blind| blind.over) {
            self.blind = Some(Blind { since: now, over: false });
        }
    }

    /// After a time that could have hidden a beat the rhythm has to show itself anew.
    fn forget_rhythm(&mut self, now: Duration) {
        let due = self.config.interval.mul_f64(DELAYED);
        if self.previous.is_none_or(|previous| now.saturating_sub(previous.happened) > due) {
            self.last_class = None;
        }
    }

    /// Whether the rhythm can be told now: somebody listens, and what waited
    /// during a time of blindness has arrived or is overtaken by a newer beat.
    fn observing(&self, now: Duration) -> bool {
        if self.watch.is_settled(now) || self.link.is_settled(now) {
            return true;
        }
        let listening = self.watch.is_up() || self.link.listens();
        let blind_since = self.blind.map(|blind| blind.since);
        listening && self.last_beat.is_some_and(|last| blind_since.is_none_or(|b| last > b))
    }

    /// Moves time on. A long pause means that nobody was there to see a beat.
    fn pass_time(&mut self, mut at: Stamp) -> Stamp {
        if let Some(before) = self.now {
            at.monotonic = at.monotonic.max(before.monotonic);
            let pause = at.monotonic - before.monotonic;
            if pause > STALL && self.finished.is_none() {
                self.watch.stalled(at.monotonic);
                self.link.stalled(at.monotonic);
                self.blind = Some(Blind { since: before.monotonic, over: true });
                self.forget_rhythm(at.monotonic);
                // Whether anything still arrives has to show itself too.
                self.observed_since = self.observed_since.map(|_| at.monotonic);
                let gap_seconds = pause.as_secs_f64();
                self.event(at.wall, EventKind::ObserverStalled { gap_seconds });
            }
        }
        self.begun.get_or_insert(at);
        self.now = Some(at);
        at
    }

    fn periods(&self) -> Periods {
        Periods {
            interval: self.config.interval.as_secs_f64(),
            grace: self.config.grace.as_secs_f64(),
        }
    }

    fn diagnosis(&self, now: Duration) -> Diagnosis {
        diagnose(&self.vitals(now))
    }

    fn vitals(&self, now: Duration) -> Vitals {
        Vitals {
            now,
            periods: self.periods(),
            arrest: self.arrest,
            failing: self.failing,
            last_beat: self.last_beat,
            observed_since: self.observed_since,
            observing: self.observing(now),
            api_interrupted: self.watch.is_interrupted(),
            retrograde: self.retrograde,
            found_age: self.found_age,
            last_class: self.last_class,
        }
    }

    /// Tells the rhythm when it is another one than before.
    fn note_rhythm(&mut self, at: Stamp) {
        if self.finished.is_some() {
            return;
        }
        let diagnosis = self.diagnosis(at.monotonic);
        let current = (diagnosis.class, diagnosis.cause);
        // What got better is told together with the beat that shows it.
        let soon = diagnosis.class < self.current.0 && self.merger.is_waiting();
        if soon || current == self.current {
            return;
        }
        self.worst = self.worst.max(diagnosis.class);
        self.current = current;
        let beat_decides = self.last_class == Some(current);
        let last_told = self.previous.as_ref().map(|previous| previous.happened);
        let since = diagnosis.since.or(last_told.filter(|_| beat_decides));
        let since = since.unwrap_or(at.monotonic).min(at.monotonic);
        let rhythm = Rhythm {
            class: diagnosis.class,
            cause: diagnosis.cause,
            since: wall_before(at, since),
            intervals: self.statistics.intervals(),
            margin_seconds: self.margin_seconds(at.monotonic),
            evidence: words::evidence(&words::Evidence {
                vitals: &self.vitals(at.monotonic),
                diagnosis: &diagnosis,
                listens: self.link.listens(),
                arrest: &self.arrest_words,
                beat: &self.last_words,
            }),
        };
        self.out.push(FindingKind::Rhythm(Box::new(rhythm)));
    }

    fn count_class(&mut self, beat: &Beat) {
        match beat.rhythm.grade() {
            Grade::Unknown => return,
            Grade::Notable => self.notable += 1,
            Grade::Healthy | Grade::Unhealthy => {}
        }
        self.classified += 1;
        self.worst = self.worst.max(beat.rhythm);
    }

    fn event(&mut self, time: Timestamp, kind: EventKind) {
        self.out.push(FindingKind::Event(Event { time, kind }));
    }

    fn problem(&mut self, problem: Problem) {
        if self.problem.as_ref() != Some(&problem) {
            self.problem = Some(problem.clone());
            self.out.push(FindingKind::Problem(problem));
        }
    }

    fn drain(&mut self, at: Stamp) -> Vec<Finding> {
        let node = &self.node;
        self.out.drain(..).map(|kind| Finding { at, node: node.clone(), kind }).collect()
    }
}

/// The wall clock's time at an earlier instant of the monotonic clock.
fn wall_before(at: Stamp, earlier: Duration) -> Timestamp {
    let ago = at.monotonic.saturating_sub(earlier);
    let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::ZERO);
    at.wall.checked_sub(ago).unwrap_or(at.wall)
}
