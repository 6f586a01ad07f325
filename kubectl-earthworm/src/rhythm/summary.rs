//! What one node's heart did during a session, and the exit code that follows.

use super::class::{Class, Grade};
use super::finding::Problem;
use super::statistics::{Intervals, Renews};
use crate::signal::{NodeId, Stamp};
use earthworm_wire::record::{Cost, Lost};
use std::time::Duration;

/// A node's session in numbers. `None` means not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// When it was taken.
    pub at: Stamp,
    /// About whom.
    pub node: NodeId,
    /// How long the node was looked at.
    pub observed: Duration,
    /// Beats by who saw them.
    pub beats: Beats,
    /// Beats that the API server showed while the probe listened and that the
    /// probe did not report: what the measurement itself missed.
    pub missed: Option<u64>,
    /// The rhythm at the end.
    pub rhythm: Class,
    /// The most alarming rhythm of the session.
    pub worst: Class,
    /// Statistics of the intervals.
    pub intervals: Intervals,
    /// Statistics of the renews, as the node saw them.
    pub renews: Renews,
    /// Time left until Kubernetes may call the node `Unknown`.
    pub margin_seconds: Option<f64>,
    /// Seconds during which nothing was observed on the node after a probe
    /// had listened; `None` when none ever did.
    pub gap_seconds: Option<f64>,
    /// Losses on the way.
    pub lost: Option<Lost>,
    /// Price on the node.
    pub cost: Option<Cost>,
    /// What became of the probe.
    pub probe: ProbeOutcome,
    /// Whether it is certain that no object is left in the cluster; `None`
    /// when none was created.
    pub removed: Option<bool>,
    /// 0 healthy, 1 measured and unhealthy, 2 could not measure.
    pub exit_code: u8,
}

/// Beats by who saw them; a beat that both saw counts in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beats {
    /// All, each once.
    pub total: u64,
    /// With [`super::Lead::Conduction`] as the best lead.
    pub conduction: u64,
    /// With [`super::Lead::Plaintext`] as the best lead.
    pub plaintext: u64,
    /// Shown by the API server.
    pub api: u64,
}

impl Beats {
    /// Seen on the node by any lead.
    #[must_use]
    pub fn on_node(&self) -> u64 {
        self.conduction + self.plaintext
    }
}

/// What became of a node's probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// None was wanted.
    NotWanted,
    /// It listened.
    Listened,
    /// It was wanted and never listened; the last known reason.
    NeverListened(Option<Problem>),
}

/// What the exit code follows from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Findings<'a> {
    pub(super) rhythm: Class,
    pub(super) worst: Class,
    /// Beats with a class of [`Grade::Notable`] and all classified beats.
    pub(super) notable: u64,
    pub(super) classified: u64,
    pub(super) probe: &'a ProbeOutcome,
    pub(super) on_node: u64,
    pub(super) missed: u64,
}

/// The exit code of one node:
///
/// * 1, measured and unhealthy: a rhythm of [`Grade::Unhealthy`] occurred at
///   any time, or at least two beats and more than one in ten were
///   [`Grade::Notable`];
/// * 2, could not measure: otherwise, when the rhythm at the end is
///   undetermined, the probe was wanted and never listened, or it listened and
///   was deaf (it reported no beat of at least two that the API server showed);
/// * 0, healthy: otherwise.
pub(super) fn exit_code(findings: &Findings<'_>) -> u8 {
    let often = findings.notable >= 2 && findings.notable * 10 > findings.classified;
    if findings.worst.grade() == Grade::Unhealthy || often {
        return 1;
    }
    let deaf = findings.on_node == 0 && findings.missed >= 2;
    let never = matches!(findings.probe, ProbeOutcome::NeverListened(_));
    if findings.rhythm == Class::Undetermined || never || deaf {
        return 2;
    }
    0
}
