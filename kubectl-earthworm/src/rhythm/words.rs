//! Sentences for people. Text from outside is in them as it came: whoever
//! shows them escapes them.

use super::class::{Cause, Class};
use super::clock::seconds_between;
use super::diagnose::{Diagnosis, Vitals};
use super::finding::{Beat, EventKind};
use earthworm_wire::record::{Attached, Incident, IncidentKind, Lead};

impl EventKind {
    /// The stable kebab-case word for data.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Incident { incident, .. } => match incident.kind {
                IncidentKind::Stopped => "kubelet-stopped",
                IncidentKind::Continued => "kubelet-continued",
                IncidentKind::Signalled(_) => "kubelet-signalled",
                IncidentKind::Exited(_) => "kubelet-exited",
                IncidentKind::Killed(_) => "kubelet-killed",
                IncidentKind::Restarted => "kubelet-restarted",
            },
            Self::Attached(_) => "probe-attached",
            Self::StreamInterrupted(_) => "stream-interrupted",
            Self::StreamResumed { .. } => "stream-resumed",
            Self::BypassOpen => "bypass-open",
            Self::BypassClosed(_) => "bypass-closed",
            Self::ProbeRestarting(_) => "probe-restarting",
            Self::ProbeRestarted { .. } => "probe-restarted",
            Self::ApiInterrupted(_) => "api-interrupted",
            Self::ApiRecovered { .. } => "api-recovered",
            Self::ObserverStalled { .. } => "observer-stalled",
        }
    }

    /// One line for people, without the time; unescaped.
    #[must_use]
    pub fn message(&self) -> String {
        event(self)
    }
}

/// The usual name of a Linux signal on amd64 and arm64, where it has one.
#[must_use]
pub fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        16 => "SIGSTKFLT",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

pub(super) fn event(kind: &EventKind) -> String {
    match kind {
        EventKind::Incident { process, incident } => incident_words(process, incident),
        EventKind::Attached(attached) => attached_words(attached),
        EventKind::StreamInterrupted(why) => format!("stream from the probe broke: {why}"),
        EventKind::StreamResumed { gap_seconds, lost_records: 0 } => {
            format!("stream from the probe resumed after {gap_seconds:.1} s, nothing lost")
        }
        EventKind::StreamResumed { gap_seconds, lost_records } => format!(
            "stream from the probe resumed after {gap_seconds:.1} s with {lost_records} records lost"
        ),
        EventKind::BypassOpen => "the probe is also reached around the kubelet".to_owned(),
        EventKind::BypassClosed(why) => format!(
            "the probe is reached through the kubelet alone, so news of a kubelet that stops come \
             when it runs again: {why}"
        ),
        EventKind::ProbeRestarting(why) => format!("another probe is being started: {why}"),
        EventKind::ProbeRestarted { gap_seconds } => {
            format!("probe restarted, {gap_seconds:.1} s not observed on the node")
        }
        EventKind::ApiInterrupted(why) => format!("API server stopped answering: {why}"),
        EventKind::ApiRecovered { gap_seconds } => {
            format!("API server answers again after {gap_seconds:.1} s")
        }
        EventKind::ObserverStalled { gap_seconds } => {
            format!("this command stood still for {gap_seconds:.1} s; the silence is not counted")
        }
    }
}

fn incident_words(process: &str, incident: &Incident) -> String {
    let from =
        incident.sender.as_ref().map_or_else(String::new, |sender| format!(" from {sender}"));
    match incident.kind {
        // Which of the stop signals it was is not reported.
        IncidentKind::Stopped => format!("{process} stopped by a stop signal{from}"),
        IncidentKind::Continued => format!("{process} continued by SIGCONT{from}"),
        IncidentKind::Signalled(number) => {
            format!("{process} was sent {}{from}", signal_name(number))
        }
        IncidentKind::Exited(status) => format!("{process} exited with status {status}"),
        IncidentKind::Killed(number) => {
            format!("{process} killed by {}{from}", signal_name(number))
        }
        IncidentKind::Restarted => format!("{process} restarted as process {}", incident.pid),
    }
}

fn attached_words(attached: &Attached) -> String {
    let leads = lead_names(&attached.leads);
    let process = format!("{}[{}]", attached.process.name, attached.process.pid);
    let go = attached.process.go_version.as_ref().map_or_else(String::new, |go| format!(" ({go})"));
    if attached.leads.is_empty() {
        return format!("probe found {process}{go} and no lead works");
    }
    let refused: String = attached
        .refused
        .iter()
        .map(|(lead, why)| format!("; without {}: {why}", lead.name()))
        .collect();
    format!("probe listens to {process}{go} by {leads}{refused}")
}

/// Why a probe that found its process hears nothing.
pub(super) fn no_lead(attached: &Attached) -> String {
    let process = format!("{}[{}]", attached.process.name, attached.process.pid);
    let mut refused = attached.refused.iter();
    let first = refused.next().map_or("", |(_, why)| why);
    let reasons = if refused.all(|(_, why)| why == first) {
        first.to_owned()
    } else {
        let reason = |(lead, why): &(Lead, String)| format!("{}: {why}", lead.name());
        attached.refused.iter().map(reason).collect::<Vec<_>>().join("; ")
    };
    format!("no lead works on {process}: {reasons}")
}

fn lead_names(leads: &[Lead]) -> String {
    let names: Vec<&str> = leads.iter().map(|lead| lead.name()).collect();
    names.join(" and ")
}

/// What evidence is drawn from.
pub(super) struct Evidence<'a> {
    pub(super) vitals: &'a Vitals,
    pub(super) diagnosis: &'a Diagnosis,
    /// Whether a probe hears the node now.
    pub(super) listens: bool,
    /// The incident that stopped the heart.
    pub(super) arrest: &'a str,
    /// The measures of the last beat.
    pub(super) beat: &'a str,
}

/// At most a few lines that say what the rhythm was concluded from.
pub(super) fn evidence(given: &Evidence<'_>) -> Vec<String> {
    let Evidence { vitals, diagnosis, .. } = given;
    let silent = diagnosis.since.map_or(0.0, |since| seconds_between(since, vitals.now));
    match (diagnosis.class, diagnosis.cause) {
        (Class::NormalSinus, _) | (_, None) => Vec::new(),
        (Class::ThirdDegreeBlock, Some(cause)) => {
            let attempts = vitals.failing.map_or(0, |failing| failing.attempts);
            let status = vitals.failing.and_then(|failing| failing.http_status);
            let api = match (cause, status) {
                (_, Some(status)) => format!("the API server answers the kubelet with {status}"),
                (Cause::ApiUnreachable, None) => {
                    "the API server does not answer this command either".to_owned()
                }
                _ => "the API server answers this command".to_owned(),
            };
            vec![format!("attempts without success: {attempts} in {silent:.1} s"), api]
        }
        (_, Some(Cause::KubeletStopped | Cause::KubeletExited | Cause::KubeletKilled)) => {
            vec![given.arrest.to_owned()]
        }
        (_, Some(Cause::NoBeat)) => {
            let reach = if given.listens {
                "the probe hears the node: the kubelet is neither stopped nor dead, as far as signals show"
            } else {
                "nothing listens on the node: a stopped kubelet, a dead node and a partition \
                 look the same from here"
            };
            vec![format!("no beat for {silent:.1} s"), reach.to_owned()]
        }
        (_, Some(Cause::StaleLease)) => {
            let age = vitals.found_age.unwrap_or_default();
            vec![format!(
                "the Lease found at the start was {age:.0} s old, by the node's clock and this machine's"
            )]
        }
        (_, Some(Cause::NotObserved)) => {
            vec!["neither the API server nor a probe could be heard".to_owned()]
        }
        (_, Some(Cause::TooLittleData)) => vec!["fewer than two beats in a row".to_owned()],
        (_, Some(Cause::ClockStep)) => {
            vec!["renewTime went back; the control plane ignores such renews".to_owned()]
        }
        (_, Some(_)) => vec![given.beat.to_owned()],
    }
}

/// The measures of one beat that a rhythm may follow from.
pub(super) fn beat(beat: &Beat) -> String {
    let mut parts = Vec::new();
    if let Some(interval) = beat.interval_seconds {
        parts.push(format!("interval {interval:.3} s"));
    }
    if let Some(renew) = beat.renew_seconds {
        parts.push(format!("renew {renew:.3} s"));
    }
    if let Some(trip) = beat.round_trip_seconds {
        parts.push(format!("{trip:.3} s of it between request and answer"));
    }
    if let Some(attempts) = beat.attempts.filter(|&attempts| attempts > 1) {
        parts.push(format!("{attempts} attempts"));
    }
    if let Some(status) = beat.http_status {
        parts.push(format!("status {status}"));
    }
    parts.join(", ")
}
