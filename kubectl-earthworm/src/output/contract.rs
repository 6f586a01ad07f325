//! The data that JSON and YAML carry, as `docs/schema/earthworm.v1.json` has it.
//!
//! Durations are numbers of seconds, sizes are bytes, times are RFC 3339 in
//! UTC with nanoseconds. A field that was not measured is absent.

mod objects;
mod traffic;

pub(super) use objects::Object;
pub(super) use traffic::{flow_summary, list};

use crate::rhythm::{
    Beat, Event, EventKind, Finding, FindingKind, Intervals, ProbeOutcome, Problem, Rhythm,
    Summary, signal_name,
};
use crate::signal::{NodeId, Stamp};
use earthworm_wire::record::{self, IncidentKind, Outcome};
use jiff::Timestamp;
use objects::*;

/// Version of the contract: what `apiVersion` says.
pub const API_VERSION: &str = "earthworm.dev/v1";

/// The object of a finding; progress of a session is none.
pub(super) fn finding(finding: &Finding) -> Option<Object> {
    let arrived = finding.at.wall;
    let (kind, at, body) = match &finding.kind {
        FindingKind::Beat(beat) => ("Beat", beat.time, Body::Beat(Box::new(beat_body(beat)))),
        FindingKind::Rhythm(rhythm) => ("Rhythm", arrived, Body::Rhythm(rhythm_body(rhythm))),
        FindingKind::Event(event) => {
            ("Event", event.time, Body::Event(Box::new(event_body(event))))
        }
        FindingKind::Problem(problem) => ("Problem", arrived, Body::Problem(problem_body(problem))),
        FindingKind::Probe(_) => return None,
    };
    Some(object(kind, at, &finding.node, body))
}

/// The object of a summary.
pub(super) fn summary(summary: &Summary) -> Object {
    let Stamp { wall, .. } = summary.at;
    object("Summary", wall, &summary.node, Body::Summary(Box::new(summary_body(summary))))
}

fn object(kind: &'static str, at: Timestamp, node: &NodeId, body: Body) -> Object {
    Object {
        api_version: API_VERSION,
        kind,
        time: time(at),
        cluster: node.cluster.to_string(),
        node: node.node.to_string(),
        body,
    }
}

fn beat_body(beat: &Beat) -> BeatBody {
    let segments = beat.segments;
    let any = segments.sleep.or(segments.pq).or(segments.qr).or(segments.tu);
    BeatBody {
        lead: beat.lead.name(),
        matched_by: beat.matched_by.map(|by| by.name()),
        renew_time: beat.renew_time.map(time),
        interval_seconds: beat.interval_seconds.map(seconds),
        api_interval_seconds: beat.api_interval_seconds.map(seconds),
        renew_seconds: beat.renew_seconds.map(seconds),
        round_trip_seconds: beat.round_trip_seconds.map(seconds),
        attempts: beat.attempts,
        outcome: match beat.outcome {
            Outcome::Renewed => "renewed",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        },
        arrived: beat.arrived,
        http_status: beat.http_status,
        resource_version: beat.resource_version.clone(),
        lag_seconds: beat.lag_seconds.map(seconds),
        margin_seconds: beat.margin_seconds.map(seconds),
        rhythm: beat.rhythm.name(),
        segments_seconds: any.map(|_| SegmentsBody {
            sleep: segments.sleep.map(seconds),
            pq: segments.pq.map(seconds),
            qr: segments.qr.map(seconds),
            tu: segments.tu.map(seconds),
        }),
        source: beat.source.as_ref().map(|source| ProcessBody {
            process: source.process.clone(),
            pid: source.pid,
            go_version: source.go_version.clone(),
        }),
    }
}

fn rhythm_body(rhythm: &Rhythm) -> RhythmBody {
    RhythmBody {
        class: rhythm.class.name(),
        since: time(rhythm.since),
        interval_seconds: intervals_body(&rhythm.intervals),
        margin_seconds: rhythm.margin_seconds.map(seconds),
        diagnosis: rhythm
            .cause
            .map(|cause| DiagnosisBody { cause: cause.name(), evidence: rhythm.evidence.clone() }),
    }
}

fn intervals_body(intervals: &Intervals) -> Option<IntervalsBody> {
    Some(IntervalsBody {
        last: seconds(intervals.last?),
        mean: seconds(intervals.mean?),
        sdnn: intervals.sdnn.map(seconds),
        rmssd: intervals.rmssd.map(seconds),
    })
}

fn event_body(event: &Event) -> EventBody {
    let mut body = EventBody {
        reason: event.kind.reason(),
        message: event.kind.message(),
        ..EventBody::default()
    };
    match &event.kind {
        EventKind::Incident { process, incident } => {
            body.source =
                Some(ProcessBody { process: process.clone(), pid: incident.pid, go_version: None });
            body.sender.clone_from(&incident.sender);
            match incident.kind {
                IncidentKind::Signalled(number) | IncidentKind::Killed(number) => {
                    body.signal = Some(SignalBody { number, name: signal_name(number) });
                }
                IncidentKind::Exited(status) => body.exit_status = Some(status),
                IncidentKind::Stopped | IncidentKind::Continued | IncidentKind::Restarted => {}
            }
        }
        EventKind::Attached(attached) => {
            body.source = Some(ProcessBody {
                process: attached.process.name.clone(),
                pid: attached.process.pid,
                go_version: attached.process.go_version.clone(),
            });
            body.leads = Some(attached.leads.iter().map(|lead| lead.name()).collect());
            body.refused = (!attached.refused.is_empty()).then(|| {
                let refused = attached.refused.iter();
                refused
                    .map(|(lead, why)| RefusedBody { lead: lead.name(), message: why.clone() })
                    .collect()
            });
        }
        EventKind::StreamResumed { gap_seconds, lost_records } => {
            body.gap_seconds = Some(seconds(*gap_seconds));
            body.lost_records = Some(*lost_records);
        }
        EventKind::ProbeRestarted { gap_seconds }
        | EventKind::ApiRecovered { gap_seconds }
        | EventKind::ObserverStalled { gap_seconds } => {
            body.gap_seconds = Some(seconds(*gap_seconds));
        }
        EventKind::StreamInterrupted(_)
        | EventKind::BypassOpen
        | EventKind::BypassClosed(_)
        | EventKind::ProbeRestarting(_)
        | EventKind::ApiInterrupted(_) => {}
    }
    body
}

fn problem_body(problem: &Problem) -> ProblemBody {
    ProblemBody {
        reason: problem.reason,
        message: problem.message.clone(),
        hint: problem.hint.clone(),
    }
}

fn summary_body(summary: &Summary) -> SummaryBody {
    SummaryBody {
        observed_seconds: seconds(summary.observed.as_secs_f64()),
        beats: BeatsBody {
            total: summary.beats.total,
            by_lead: ByLeadBody {
                conduction: summary.beats.conduction,
                plaintext: summary.beats.plaintext,
                api: summary.beats.api,
            },
        },
        missed: summary.missed,
        rhythm: summary.rhythm.name(),
        worst_rhythm: summary.worst.name(),
        interval_seconds: intervals_body(&summary.intervals),
        renew_seconds: summary
            .renews
            .p50
            .zip(summary.renews.p99)
            .map(|(p50, p99)| PercentilesBody { p50: seconds(p50), p99: seconds(p99) }),
        margin_seconds: summary.margin_seconds.map(seconds),
        gap_seconds: summary.gap_seconds.map(seconds),
        lost: summary.lost.map(lost_body),
        cost: summary.cost.as_ref().map(cost_body),
        probe: probe_body(&summary.probe),
        nothing_left_behind: summary.removed,
        exit_code: summary.exit_code,
    }
}

fn probe_body(probe: &ProbeOutcome) -> ProbeBody {
    let (outcome, problem) = match probe {
        ProbeOutcome::NotWanted => ("not-wanted", None),
        ProbeOutcome::Listened => ("listened", None),
        ProbeOutcome::NeverListened(problem) => ("never-listened", problem.as_ref()),
    };
    ProbeBody { outcome, problem: problem.map(problem_body) }
}

fn lost_body(lost: record::Lost) -> LostBody {
    LostBody { kernel: lost.kernel, probe: lost.probe, tunnel: lost.tunnel }
}

fn cost_body(cost: &record::Cost) -> CostBody {
    CostBody {
        elapsed_seconds: seconds(cost.elapsed_seconds),
        probe_cpu_seconds: seconds(cost.cpu_seconds),
        setup_seconds: seconds(cost.setup_seconds),
        setup_cpu_seconds: seconds(cost.setup_cpu_seconds),
        probe_rss_bytes: cost.rss_bytes,
        probe_peak_rss_bytes: cost.peak_rss_bytes,
        bytes_sent: cost.sent_bytes,
        kernel_statistics: cost.kernel_statistics,
        programs: cost
            .programs
            .iter()
            .map(|program| ProgramBody {
                name: program.name.clone(),
                runs: program.runs,
                run_seconds: seconds(program.run_seconds),
            })
            .collect(),
    }
}

/// RFC 3339 in UTC, always with nine digits after the point.
fn time(timestamp: Timestamp) -> String {
    format!("{timestamp:.9}")
}

/// Seconds to the nanosecond: what the clocks give, without the noise of
/// binary fractions.
fn seconds(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}
