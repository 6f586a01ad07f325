//! Everything that reaches the plugin about a node, as one stream.
//!
//! `cluster/` produces signals and stamps each when it arrives; `rhythm/`
//! turns them into findings and reads no clock of its own, so that a recorded
//! stream of signals gives the same findings again.

use earthworm_wire::record::Record;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// When a signal arrived at the plugin, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The user's wall clock, for people.
    pub wall: Timestamp,
    /// Time since the command started, by a clock that never steps.
    pub monotonic: Duration,
}

/// Where a node lives: the kubeconfig context's name and the node's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    /// Name of the kubeconfig context.
    pub cluster: Arc<str>,
    /// Name of the Node object.
    pub node: Arc<str>,
}

/// One thing that became known about one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// When the plugin learned it.
    pub at: Stamp,
    /// About whom.
    pub node: NodeId,
    /// What.
    pub kind: SignalKind,
}

/// Kinds of [`Signal`].
#[derive(Debug, Clone, PartialEq)]
pub enum SignalKind {
    /// A record from the probe on the node.
    Probe(Record),
    /// A state of the node's Lease, as the API server shows it.
    Lease(LeaseSeen),
    /// The Lease watch itself.
    Watch(WatchState),
    /// The session with the node's probe.
    Session(SessionState),
    /// Nothing but time: sent a few times a second so that absence is noticed.
    Tick,
}

/// One state of a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSeen {
    /// `spec.renewTime` in microseconds since the Unix epoch.
    pub renew_time_micros: Option<i64>,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `spec.holderIdentity`; untrusted text.
    pub holder: Option<String>,
    /// `spec.leaseDurationSeconds`.
    pub lease_duration_seconds: Option<i32>,
    /// True when this is the state found by a list (start of the watch, or
    /// after a gap) and not an event of its own: renews in between may be missing.
    pub listed: bool,
}

/// States of the Lease watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchState {
    /// The API server stopped answering; the reason in its words.
    Interrupted(String),
    /// It answers again. Leases follow, `listed` if renews may be missing.
    Recovered,
}

/// States of the session with one node's probe, in the order they usually come.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionState {
    /// Objects are being created.
    Creating,
    /// The pod is being started; what it waits for, in the kubelet's words.
    Starting(String),
    /// The probe answers.
    Streaming(Streaming),
    /// The stream broke; the probe may live and the session resume.
    Interrupted(String),
    /// What happens to the kubelet, which carries the stream, is told at once.
    BypassOpen,
    /// It is told when the kubelet runs again; why.
    BypassClosed(String),
    /// The probe is gone and a new one is being started; why.
    Restarting(String),
    /// The probe said farewell: everything on the node is detached.
    Detached,
    /// No object of the session is left in the cluster (`true`), or that could
    /// not be confirmed in time (`false`).
    Removed(bool),
    /// This node cannot be measured by a probe. The Lease watch goes on.
    Failed(Problem),
}

/// Facts about a stream that has come up.
#[derive(Debug, Clone, PartialEq)]
pub struct Streaming {
    /// True when the same probe goes on after an interruption.
    pub resumed: bool,
    /// Records that were lost between two connections.
    pub lost_records: u64,
    /// Privilege profile that the probe runs with, and why that one.
    pub profile: String,
    /// Image that the container was made from.
    pub image: String,
    /// Release of the probe.
    pub version: String,
}

/// Why a node could not be measured: data, not only text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable kebab-case word, such as `forbidden` or `image-refused`.
    pub reason: &'static str,
    /// One line that names the object.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
