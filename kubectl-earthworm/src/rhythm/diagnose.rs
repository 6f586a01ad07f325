//! The rules that name a rhythm. Pure functions of what is known.

use super::class::{Cause, Class};
use super::clock::seconds_between;
use super::finding::Beat;
use super::statistics::Statistics;
use earthworm_wire::record::Outcome;
use std::time::Duration;

/// A renew in one attempt that takes longer is a first-degree block.
const SLOW_RENEW_SECONDS: f64 = 1.0;
/// Share of the interval below which a beat is premature.
const PREMATURE: f64 = 0.9;
/// Share of the interval above which the node has overslept.
pub(super) const DELAYED: f64 = 1.2;
/// Share of the interval above which beats were left out.
const MISSED: f64 = 2.0;
/// Share of the interval after which silence is suspicious: two beats and
/// their jitter.
const SUSPECTED: f64 = 2.1;
/// Mean of the kubelet's jitter: it sleeps for I to 1.04 I.
const JITTER_MEAN: f64 = 1.02;
/// How far the median may be off before the rhythm counts as slow or fast.
const TOLERANCE: f64 = 0.05;
/// A beat this close to the median is in rhythm, whatever the rhythm is.
const REGULAR: f64 = 0.1;
/// Intervals that the median is taken over.
const MEDIAN_OF: usize = 5;

/// The periods that rules are measured in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Periods {
    pub(super) interval: f64,
    pub(super) grace: f64,
}

/// An incident after which no beat can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrest {
    pub(super) cause: Cause,
    /// When, by the node's clock and by ours.
    pub(super) time: i64,
    pub(super) at: Duration,
}

/// Attempts since the last success.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Failing {
    /// Start of the first, end of the last, on our monotonic clock.
    pub(super) since: Duration,
    pub(super) until: Duration,
    pub(super) attempts: u32,
    /// The last answer, if there was one.
    pub(super) http_status: Option<u16>,
}

/// Everything that the rhythm at one instant follows from.
#[derive(Debug)]
pub(super) struct Vitals {
    pub(super) now: Duration,
    pub(super) periods: Periods,
    pub(super) arrest: Option<Arrest>,
    pub(super) failing: Option<Failing>,
    /// The last successful beat.
    pub(super) last_beat: Option<Duration>,
    /// Since when a beat would have been noticed.
    pub(super) observed_since: Option<Duration>,
    /// Whether a beat would be noticed now.
    pub(super) observing: bool,
    /// Whether the API server could not be reached by the plugin either.
    pub(super) api_interrupted: bool,
    /// Whether the control plane ignores the beats because of their renewTime.
    pub(super) retrograde: bool,
    /// Age of the Lease that was found at the start, by two clocks.
    pub(super) found_age: Option<f64>,
    /// The class of the last beat.
    pub(super) last_class: Option<(Class, Option<Cause>)>,
}

/// A named rhythm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Diagnosis {
    pub(super) class: Class,
    pub(super) cause: Option<Cause>,
    /// When it began, if that was not just now.
    pub(super) since: Option<Duration>,
}

impl Diagnosis {
    fn new(class: Class, cause: Cause, since: Option<Duration>) -> Self {
        Self { class, cause: Some(cause), since }
    }
}

/// Names the rhythm. The order is the order of certainty: what an incident or
/// an attempt proves comes before what silence suggests.
pub(super) fn diagnose(vitals: &Vitals) -> Diagnosis {
    let Vitals { now, periods, .. } = *vitals;
    if let Some(arrest) = vitals.arrest {
        return Diagnosis::new(Class::Asystole, arrest.cause, Some(arrest.at));
    }
    if !vitals.observing {
        let cause = match vitals.observed_since {
            Some(_) => Cause::NotObserved,
            None => Cause::TooLittleData,
        };
        return Diagnosis::new(Class::Undetermined, cause, None);
    }
    if let Some(failing) = vitals.failing {
        let since = vitals.last_beat.unwrap_or(failing.since);
        let tries = seconds_between(failing.until, now) <= periods.grace;
        if tries && seconds_between(since, now) > periods.grace / 2.0 {
            let cause = match (failing.http_status, vitals.api_interrupted) {
                (Some(_), _) => Cause::ApiRefuses,
                (None, true) => Cause::ApiUnreachable,
                (None, false) => Cause::Partition,
            };
            return Diagnosis::new(Class::ThirdDegreeBlock, cause, Some(since));
        }
    }
    // The later of the two: `None` sorts before every instant.
    if let Some(since) = vitals.last_beat.max(vitals.observed_since) {
        let silent = seconds_between(since, now);
        if silent > periods.grace {
            return Diagnosis::new(Class::Asystole, Cause::NoBeat, Some(since));
        }
        if silent > periods.interval * SUSPECTED {
            return Diagnosis::new(Class::SuspectedFlatline, Cause::NoBeat, Some(since));
        }
    }
    if vitals.retrograde {
        return Diagnosis::new(Class::Retrograde, Cause::ClockStep, None);
    }
    if let Some((class, cause)) = vitals.last_class {
        return Diagnosis { class, cause, since: None };
    }
    if vitals.last_beat.is_none() && vitals.found_age.is_some_and(|age| age > periods.grace) {
        return Diagnosis::new(Class::SuspectedFlatline, Cause::StaleLease, None);
    }
    Diagnosis::new(Class::Undetermined, Cause::TooLittleData, None)
}

/// What counts of the beat before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// Its renew is part of the interval and not of the sleep.
    pub(super) renew_seconds: f64,
    /// Time since then, as well as the plugin can tell.
    pub(super) estimated_interval: Option<f64>,
}

/// What one beat, told with its measures, says about the rhythm.
/// `restarted` tells that it is the first of a new process.
pub(super) fn class_of_beat(
    beat: &Beat,
    before: Before,
    restarted: bool,
    statistics: &Statistics,
    periods: Periods,
) -> (Class, Option<Cause>) {
    if beat.arrived != Some(true) && beat.outcome != Outcome::Renewed {
        let cause = match beat.http_status {
            Some(status) if !(200..300).contains(&status) => Cause::ApiRefuses,
            _ => Cause::Partition,
        };
        return (Class::SecondDegreeBlockTypeTwo, Some(cause));
    }
    let irregular = if restarted { Cause::KubeletRestarted } else { Cause::Irregular };
    let interval = beat.interval_seconds;
    let longer_than = |share: f64| interval.is_some_and(|rr| rr > periods.interval * share);
    if longer_than(MISSED) {
        return (Class::MissedBeat, Some(irregular));
    }
    if beat.attempts.is_some_and(|attempts| attempts >= 2) {
        return (Class::PrematureBeat, Some(Cause::Retries));
    }
    if let Some(renew) = beat.renew_seconds.filter(|&renew| renew > SLOW_RENEW_SECONDS) {
        let waited = beat.round_trip_seconds.is_some_and(|trip| trip > renew / 2.0);
        let cause = if waited { Cause::SlowApi } else { Cause::SlowRenew };
        return (Class::FirstDegreeBlock, Some(cause));
    }
    let median = statistics.recent_median(MEDIAN_OF);
    let regular =
        median.zip(interval).is_some_and(|(median, rr)| (rr / median - 1.0).abs() < REGULAR);
    if !regular && interval.is_some_and(|rr| rr < periods.interval * PREMATURE) {
        return (Class::PrematureBeat, Some(irregular));
    }
    let slept = interval.map(|rr| rr - before.renew_seconds);
    if !regular && slept.is_some_and(|slept| slept > periods.interval * DELAYED) {
        return (Class::DelayedBeat, Some(irregular));
    }
    if let Some(median) = median {
        let expected = periods.interval * JITTER_MEAN;
        if median > expected * (1.0 + TOLERANCE) {
            return (Class::SinusBradycardia, None);
        }
        if median < expected * (1.0 - TOLERANCE) {
            return (Class::SinusTachycardia, None);
        }
    }
    // Without a measured interval the estimate has to do, if it is a good one.
    let soon = before.estimated_interval.is_some_and(|rr| rr <= periods.interval * DELAYED);
    if interval.is_none() && !(soon && statistics.intervals().count > 0) {
        return (Class::Undetermined, Some(Cause::TooLittleData));
    }
    (Class::NormalSinus, None)
}
