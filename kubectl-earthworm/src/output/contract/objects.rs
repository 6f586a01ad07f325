//! The shapes of the data, field by field, as the schema has them.

use super::traffic::{DnsListBody, DropListBody, FlowSummaryBody, ListBody};
use serde::Serialize;

/// One object of the output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::output) struct Object {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) time: String,
    pub(super) cluster: String,
    pub(super) node: String,
    #[serde(flatten)]
    pub(super) body: Body,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Body {
    Beat(Box<BeatBody>),
    Rhythm(RhythmBody),
    Event(Box<EventBody>),
    Problem(ProblemBody),
    Summary(Box<SummaryBody>),
    List(Box<ListBody>),
    DropList(Box<DropListBody>),
    DnsList(Box<DnsListBody>),
    FlowSummary(Box<FlowSummaryBody>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BeatBody {
    pub(super) lead: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) matched_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) renew_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_interval_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) renew_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) round_trip_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempts: Option<u32>,
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arrived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lag_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) margin_seconds: Option<f64>,
    pub(super) rhythm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segments_seconds: Option<SegmentsBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<ProcessBody>,
}

#[derive(Debug, Serialize)]
pub(super) struct SegmentsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sleep: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pq: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) qr: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tu: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProcessBody {
    pub(super) process: String,
    pub(super) pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) go_version: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RhythmBody {
    pub(super) class: &'static str,
    pub(super) since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval_seconds: Option<IntervalsBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) margin_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diagnosis: Option<DiagnosisBody>,
}

#[derive(Debug, Serialize)]
pub(super) struct IntervalsBody {
    pub(super) last: f64,
    pub(super) mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sdnn: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rmssd: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct DiagnosisBody {
    pub(super) cause: &'static str,
    pub(super) evidence: Vec<String>,
}

#[derive(Debug, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventBody {
    pub(super) reason: &'static str,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<ProcessBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<SignalBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leads: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<Vec<RefusedBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gap_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lost_records: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct SignalBody {
    pub(super) number: i32,
    pub(super) name: String,
}

#[derive(Debug, Serialize)]
pub(super) struct RefusedBody {
    pub(super) lead: &'static str,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ProblemBody {
    pub(super) reason: &'static str,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SummaryBody {
    pub(super) observed_seconds: f64,
    pub(super) beats: BeatsBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missed: Option<u64>,
    pub(super) rhythm: &'static str,
    pub(super) worst_rhythm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval_seconds: Option<IntervalsBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) renew_seconds: Option<PercentilesBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) margin_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gap_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lost: Option<LostBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<CostBody>,
    pub(super) probe: ProbeBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nothing_left_behind: Option<bool>,
    pub(super) exit_code: u8,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BeatsBody {
    pub(super) total: u64,
    pub(super) by_lead: ByLeadBody,
}

#[derive(Debug, Serialize)]
pub(super) struct ByLeadBody {
    pub(super) conduction: u64,
    pub(super) plaintext: u64,
    pub(super) api: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct PercentilesBody {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct LostBody {
    pub(super) kernel: u64,
    pub(super) probe: u64,
    pub(super) tunnel: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CostBody {
    pub(super) elapsed_seconds: f64,
    pub(super) probe_cpu_seconds: f64,
    pub(super) setup_seconds: f64,
    pub(super) setup_cpu_seconds: f64,
    pub(super) probe_rss_bytes: u64,
    pub(super) probe_peak_rss_bytes: u64,
    pub(super) bytes_sent: u64,
    pub(super) kernel_statistics: bool,
    pub(super) programs: Vec<ProgramBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgramBody {
    pub(super) name: String,
    pub(super) runs: u64,
    pub(super) run_seconds: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct ProbeBody {
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<ProblemBody>,
}
