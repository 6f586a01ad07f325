//! What a [`super::Heart`] has to say.

use super::class::{Cause, Class};
use super::statistics::Intervals;
use crate::signal::{NodeId, Stamp, Streaming};
use earthworm_wire::record;
use jiff::Timestamp;
use std::time::Duration;

/// One thing that was found out about one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// When the plugin knew it.
    pub at: Stamp,
    /// About whom.
    pub node: NodeId,
    /// What.
    pub kind: FindingKind,
}

/// Kinds of [`Finding`].
#[derive(Debug, Clone, PartialEq)]
pub enum FindingKind {
    /// The node's heart beat, or tried to.
    Beat(Box<Beat>),
    /// The rhythm is another one than before, or has another cause.
    Rhythm(Box<Rhythm>),
    /// Something happened to the kubelet or to the measurement.
    Event(Event),
    /// The node cannot be measured as asked; what still works goes on.
    Problem(Problem),
    /// Progress of the session with the probe. For a screen; not part of the
    /// data that the output formats carry.
    Probe(ProbeState),
}

/// The view that a beat was seen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lead {
    /// The kubelet's lease controller, on the node.
    Conduction,
    /// The plaintext of the request, on the node.
    Plaintext,
    /// The API server's watch alone.
    Api,
}

impl Lead {
    /// The stable lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conduction => "conduction",
            Self::Plaintext => "plaintext",
            Self::Api => "api",
        }
    }
}

impl From<record::Lead> for Lead {
    fn from(lead: record::Lead) -> Self {
        match lead {
            record::Lead::Conduction => Self::Conduction,
            record::Lead::Plaintext => Self::Plaintext,
        }
    }
}

/// How the node's and the API server's view of a beat were brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// Both carry the same renewTime: certain.
    RenewTime,
    /// They were within two seconds of each other: likely.
    Time,
}

impl MatchedBy {
    /// The stable name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RenewTime => "renewTime",
            Self::Time => "time",
        }
    }
}

/// One beat, merged from every lead that saw it. `None` means not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat {
    /// When it happened: start of the renew by the node's clock, or, with
    /// [`Lead::Api`], its arrival at the plugin by the plugin's clock.
    pub time: Timestamp,
    /// The same instant on the plugin's monotonic clock; an estimate for
    /// beats that the probe delivered late.
    pub happened: Duration,
    /// The best lead that saw it.
    pub lead: Lead,
    /// How the two views were matched, when there are two.
    pub matched_by: Option<MatchedBy>,
    /// `spec.renewTime` of the renew that counts.
    pub renew_time: Option<Timestamp>,
    /// Time since the beat before this one: on the node between the starts of
    /// two renews, else at the API server between two arrivals.
    pub interval_seconds: Option<f64>,
    /// Time between this beat's arrival from the API server and the one
    /// before, by the plugin's monotonic clock.
    pub api_interval_seconds: Option<f64>,
    /// From the start of the renew to its end.
    pub renew_seconds: Option<f64>,
    /// From the request to its answer, last attempt.
    pub round_trip_seconds: Option<f64>,
    /// How many requests it took; only the node knows.
    pub attempts: Option<u32>,
    /// How it ended.
    pub outcome: record::Outcome,
    /// Whether the control plane has it: the API server showed it or answered
    /// with success (`true`); it failed and was not shown within a second
    /// while the watch worked (`false`).
    pub arrived: Option<bool>,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// `metadata.resourceVersion` that the renew led to.
    pub resource_version: Option<String>,
    /// Arrival at the plugin minus renewTime. Two clocks: it contains the
    /// difference between the node's clock and the plugin's.
    pub lag_seconds: Option<f64>,
    /// Time left until Kubernetes may call the node `Unknown` if no further
    /// beat arrives; negative when that time has passed.
    pub margin_seconds: Option<f64>,
    /// The rhythm with this beat in it.
    pub rhythm: Class,
    /// Where the time went.
    pub segments: Segments,
    /// The process that beat.
    pub source: Option<Source>,
}

/// Parts of a beat, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Segments {
    /// End of the renew before this one to the start of this one.
    pub sleep: Option<f64>,
    /// Start to the first made-up Lease.
    pub pq: Option<f64>,
    /// Made-up Lease to the request, last attempt.
    pub qr: Option<f64>,
    /// Answer to the end of the renew.
    pub tu: Option<f64>,
}

/// The process that beats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Name of the executable.
    pub process: String,
    /// Process id on the node.
    pub pid: u32,
    /// Go release it was built with.
    pub go_version: Option<String>,
}

/// A rhythm, from the moment it was recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm {
    /// Its name.
    pub class: Class,
    /// Why, when that is known. Nothing needs a cause to be normal.
    pub cause: Option<Cause>,
    /// When it began: of a silence, the last beat; else the beat or the
    /// incident that showed it.
    pub since: Timestamp,
    /// Statistics of the intervals so far.
    pub intervals: Intervals,
    /// See [`Beat::margin_seconds`].
    pub margin_seconds: Option<f64>,
    /// One line each for people; text from outside is in here unescaped.
    pub evidence: Vec<String>,
}

/// Something that happened, with the time it happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// By the node's clock for what happened to the kubelet, else by the plugin's.
    pub time: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// Kinds of [`Event`]. Text in here comes from outside and is unescaped.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// Something happened to the watched process.
    Incident {
        /// Name of its executable.
        process: String,
        /// What it was.
        incident: record::Incident,
    },
    /// The probe listens to a process: first, again, or in another way.
    Attached(record::Attached),
    /// The stream from the probe broke; why.
    StreamInterrupted(String),
    /// The same probe goes on.
    StreamResumed {
        /// How long the stream was away.
        gap_seconds: f64,
        /// Records that were lost on the way.
        lost_records: u64,
    },
    /// What happens to the kubelet, which carries the stream, is told at once.
    BypassOpen,
    /// It is told when the kubelet runs again; why.
    BypassClosed(String),
    /// The probe is gone, a new one is being started; why.
    ProbeRestarting(String),
    /// A new probe listens.
    ProbeRestarted {
        /// How long nothing was observed on the node.
        gap_seconds: f64,
    },
    /// The watch of the Leases broke; why.
    ApiInterrupted(String),
    /// The watch works again.
    ApiRecovered {
        /// How long it was away.
        gap_seconds: f64,
    },
    /// The plugin itself stood still: nothing is concluded from the silence.
    ObserverStalled {
        /// For how long.
        gap_seconds: f64,
    },
}

/// Why a node cannot be measured as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable kebab-case word.
    pub reason: &'static str,
    /// One line; unescaped.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Where the session with the probe stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ProbeState {
    /// No probe is wanted, or none was tried yet.
    #[default]
    None,
    /// Objects are being created.
    Creating,
    /// The pod is being started; what it waits for.
    Starting(String),
    /// Records flow.
    Streaming(Box<Streaming>),
    /// The stream broke; why.
    Interrupted(String),
    /// A new probe is being started; why.
    Restarting(String),
    /// The probe has detached itself and ended.
    Detached,
    /// No probe here; the stable reason.
    Failed(&'static str),
}
