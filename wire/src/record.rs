//! What a probe reports.
//!
//! Every instant is a [`NodeTime`]: the node's wall clock at the moment the
//! kernel saw the event. Differences between instants of one beat come from
//! the monotonic clock, so a clock step never bends a segment.

use crate::flow::{Dns, Dropped, Flow, Owner, Sweep};
use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch by the node's clock.
pub type NodeTime = i64;

/// One thing the probe has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// Which process is watched, by which leads; sent first and again after
    /// every change (restart of the kubelet, a lead that came or went).
    Attached(Attached),
    /// The kubelet renewed its Lease, or tried to.
    Beat(Beat),
    /// Something happened to the watched process.
    Incident(Incident),
    /// The price of the measurement so far, every few seconds and at the end.
    Cost(Cost),
    /// What was lost so far, sent with [`Record::Cost`].
    Lost(Lost),
    /// Measuring is not possible at all; the session goes on, the node's
    /// process may come back.
    Trouble(Trouble),
    /// Somebody who has sockets; before the first flow of it.
    Owner(Owner),
    /// Traffic that was added.
    Flow(Box<Flow>),
    /// Packets that were thrown away.
    Dropped(Box<Dropped>),
    /// Questions to a DNS server and their answers.
    Dns(Box<Dns>),
    /// All flows, drops and DNS of an interval have been told.
    Sweep(Sweep),
    /// Content of a [`crate::request::Request::Generate`] session: counts up from 0.
    Generated(u64),
}

/// How a beat was seen on the node, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lead {
    /// The kubelet's lease controller: start, attempts, outcome, total time.
    Conduction,
    /// The plaintext of the request before encryption and the answer's
    /// status: renew time, HTTP status, round trip.
    Plaintext,
}

impl Lead {
    /// The stable lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conduction => "conduction",
            Self::Plaintext => "plaintext",
        }
    }
}

/// The watched process and what is attached to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attached {
    /// When the last program was attached.
    pub time: NodeTime,
    /// The process.
    pub process: Process,
    /// Leads that work, best first; empty when none does.
    pub leads: Vec<Lead>,
    /// Leads that do not work and why, in one line each.
    pub refused: Vec<(Lead, String)>,
    /// How the user probes are held: `uprobe_multi` or `perf`; `None` without any.
    pub mechanism: Option<String>,
    /// Seconds it took from the request to this record.
    pub seconds: f64,
}

/// The process whose heart is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id in the node's own pid namespace.
    pub pid: u32,
    /// Name of the executable: `kubelet`, `k3s`, ...
    pub name: String,
    /// Go release it was built with, such as `go1.26.8`, when known.
    pub go_version: Option<String>,
    /// GNU or Go build id, when it has one.
    pub build_id: Option<String>,
}

/// One run of the lease controller until it succeeded or gave up; with
/// [`Lead::Plaintext`] alone, one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// The best lead that saw it.
    pub lead: Lead,
    /// P: the lease controller woke up. Only with [`Lead::Conduction`].
    pub started: Option<NodeTime>,
    /// Every attempt that was seen, oldest first.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub outcome: Outcome,
    /// When that was known: the return of the controller's call, else the
    /// answer, else the write.
    pub ended: NodeTime,
    /// From `started` (else from the first write) to `ended`, by the monotonic clock.
    pub renew_seconds: Option<f64>,
}

/// One request to renew the Lease.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Attempt {
    /// Q: the new Lease was made up. Only with [`Lead::Conduction`].
    pub prepared: Option<NodeTime>,
    /// R: the request was handed to the TLS layer. Only with [`Lead::Plaintext`].
    pub written: Option<NodeTime>,
    /// `spec.renewTime` in the request, in microseconds since the Unix epoch:
    /// the name by which the API server's watch shows the same beat.
    pub renew_time_micros: Option<i64>,
    /// T: the answer's headers arrived.
    pub answered: Option<NodeTime>,
    /// Status of the answer.
    pub http_status: Option<u16>,
    /// From R to T by the monotonic clock.
    pub round_trip_seconds: Option<f64>,
}

/// How a beat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The controller's call returned no error, or the answer was 2xx.
    Renewed,
    /// The controller gave up, or the answer was an error.
    Failed,
    /// The end was not seen: the process ended, or no answer came in time.
    Unknown,
}

/// Something that happened to the watched process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When the kernel saw it.
    pub time: NodeTime,
    /// Process id of the watched process.
    pub pid: u32,
    /// What it was.
    pub kind: IncidentKind,
    /// Who sent the signal, as `name[pid]`; the name is up to 15 bytes of
    /// the sender's choosing and is not to be trusted on a terminal.
    pub sender: Option<String>,
}

/// Kinds of [`Incident`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IncidentKind {
    /// A stop signal (SIGSTOP, SIGTSTP ...) was sent.
    Stopped,
    /// SIGCONT was sent.
    Continued,
    /// A deadly signal with this number was sent.
    Signalled(i32),
    /// The process ended by itself with this status.
    Exited(i32),
    /// The process was ended by the signal with this number.
    Killed(i32),
    /// A new process has taken its place; [`Attached`] follows.
    Restarted,
}

/// Accumulated price of the measurement on the node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// When it was taken.
    pub time: NodeTime,
    /// Seconds since the probe's process started.
    pub elapsed_seconds: f64,
    /// User and system time of the probe's process.
    pub cpu_seconds: f64,
    /// The part of `elapsed_seconds` until the probe listened for the first time.
    pub setup_seconds: f64,
    /// The part of `cpu_seconds` until the probe listened for the first time:
    /// loading programs and reading an executable cost more than hours of listening.
    pub setup_cpu_seconds: f64,
    /// Resident memory of the probe's process now.
    pub rss_bytes: u64,
    /// Largest resident memory so far.
    pub peak_rss_bytes: u64,
    /// Bytes sent to the plugin.
    pub sent_bytes: u64,
    /// Each program in the kernel.
    pub programs: Vec<ProgramCost>,
    /// Whether `run_seconds` was measured inside the programs (`false`) or by
    /// the kernel's own statistics (`true`).
    pub kernel_statistics: bool,
}

/// Price of one program in the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramCost {
    /// Its name.
    pub name: String,
    /// How often it ran.
    pub runs: u64,
    /// Time spent in it.
    pub run_seconds: f64,
}

/// Events lost so far, by the hop that lost them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lost {
    /// In the kernel: a full ring buffer.
    pub kernel: u64,
    /// In the probe: a full table.
    pub probe: u64,
    /// On the way: records that were dropped because the plugin took none for too long.
    pub tunnel: u64,
}

/// Why nothing can be measured now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it was found.
    pub time: NodeTime,
    /// Stable word.
    pub reason: TroubleReason,
    /// One line for people, with what the kernel or the file said.
    pub message: String,
}

/// Stable reasons of [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TroubleReason {
    /// No process on this node looks like its kubelet.
    NoKubelet,
    /// The kernel refused with EPERM or EACCES: a stronger profile may help.
    NotPermitted,
    /// The kernel lacks a feature or refused for another reason.
    Kernel,
    /// The executable cannot be read as a Go program with known entry points.
    Executable,
}
