//! What the screen knows. Fed with findings and time, drawn elsewhere.

use super::keys::Action;
use super::trace::Pulse;
use super::{Update, trace};
use crate::output::escape;
use crate::rhythm::{Beat, Class, Finding, FindingKind, Grade, Lead, ProbeState, Rhythm};
use crate::signal::{NodeId, Stamp};
use earthworm_wire::record::Outcome;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Beats and changes of rhythm that are kept for each trace: more than the
/// widest screen shows.
const KEPT: usize = 128;
/// Lines that are kept for the log.
const LOG_KEPT: usize = 200;

/// What the screen is about.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The nodes, in the order in which they are shown.
    pub nodes: Vec<NodeId>,
    /// Use colours.
    pub color: bool,
}

/// Everything the picture is drawn from.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) color: bool,
    pub(super) nodes: Vec<NodeView>,
    pub(super) log: VecDeque<LogLine>,
    pub(super) note: Option<String>,
    pub(super) selected: usize,
    pub(super) zoomed: bool,
    pub(super) help: bool,
    pub(super) begun: Stamp,
    pub(super) now: Stamp,
    /// The picture that is held while time goes on behind it.
    held: Option<Box<State>>,
}

/// One node's heart.
#[derive(Debug, Clone)]
pub(super) struct NodeView {
    pub(super) id: NodeId,
    pub(super) pulses: VecDeque<Pulse>,
    /// Rhythms and since when they were known.
    pub(super) rhythms: VecDeque<(Duration, Class)>,
    pub(super) cause: Option<&'static str>,
    pub(super) last: Option<Last>,
    /// A margin and when it was that.
    margin: Option<(f64, Duration)>,
    pub(super) grace_seconds: f64,
    pub(super) probe: ProbeState,
    /// Beats that succeeded, and tries that did not.
    pub(super) beats: u64,
    pub(super) failed: u64,
}

/// The measures of the last beat.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) known: Duration,
    pub(super) lead: Lead,
    pub(super) interval_seconds: Option<f64>,
    pub(super) renew_seconds: Option<f64>,
    pub(super) succeeded: bool,
}

/// A line of the log, already escaped.
#[derive(Debug, Clone)]
pub(super) struct LogLine {
    pub(super) time: Timestamp,
    pub(super) node: String,
    pub(super) text: String,
    pub(super) grade: Grade,
}

impl State {
    /// A screen that has been told nothing yet.
    #[must_use]
    pub fn new(setup: Setup, now: Stamp) -> Self {
        Self {
            color: setup.color,
            nodes: setup.nodes.into_iter().map(NodeView::new).collect(),
            log: VecDeque::new(),
            note: None,
            selected: 0,
            zoomed: false,
            help: false,
            begun: now,
            now,
            held: None,
        }
    }

    /// Moves time on.
    pub fn pass_time(&mut self, now: Stamp) {
        self.now = now;
    }

    /// Takes in what was found out.
    pub fn update(&mut self, update: Update) {
        match update {
            Update::Findings(findings) => {
                for finding in findings {
                    self.finding(&finding);
                }
            }
            Update::Note(note) => self.note = Some(escape(&note).into_owned()),
        }
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) {
        let last = self.nodes.len().saturating_sub(1);
        match action {
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::Down => self.selected = (self.selected + 1).min(last),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Help => self.help = !self.help,
            Action::Back => {
                self.help = false;
                self.zoomed = false;
            }
            Action::Pause => {
                self.held = match self.held.take() {
                    Some(_) => None,
                    None => Some(Box::new(self.clone())),
                };
            }
            Action::Quit => {}
        }
    }

    /// True while the picture is held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Nodes, log and time as they are to be drawn: held or live.
    pub(super) fn shown(&self) -> &State {
        self.held.as_deref().unwrap_or(self)
    }

    fn finding(&mut self, finding: &Finding) {
        let Some(node) = self.nodes.iter_mut().find(|node| node.id == finding.node) else {
            return;
        };
        let at = finding.at;
        let line = match &finding.kind {
            FindingKind::Beat(beat) => {
                node.beat(beat, at.monotonic);
                return;
            }
            FindingKind::Probe(state) => {
                node.probe.clone_from(state);
                return;
            }
            FindingKind::Rhythm(rhythm) => {
                node.rhythm(rhythm, at.monotonic);
                let why = rhythm.evidence.join("; ");
                let why = if why.is_empty() { why } else { format!(": {why}") };
                let title = rhythm.class.title();
                (at.wall, format!("{title}{why}"), rhythm.class.grade())
            }
            FindingKind::Event(event) => (event.time, event.kind.message(), Grade::Unknown),
            FindingKind::Problem(problem) => {
                let hint = problem.hint.as_ref().map(|hint| format!(" (hint: {hint})"));
                let text = format!("{}{}", problem.message, hint.unwrap_or_default());
                (at.wall, text, Grade::Notable)
            }
        };
        let (time, text, grade) = line;
        if self.log.len() == LOG_KEPT {
            self.log.pop_front();
        }
        self.log.push_back(LogLine {
            time,
            node: escape(&finding.node.node).into_owned(),
            text: escape(&text).into_owned(),
            grade,
        });
    }
}

impl NodeView {
    fn new(id: NodeId) -> Self {
        Self {
            id,
            pulses: VecDeque::new(),
            rhythms: VecDeque::new(),
            cause: None,
            last: None,
            margin: None,
            grace_seconds: 0.0,
            probe: ProbeState::None,
            beats: 0,
            failed: 0,
        }
    }

    fn beat(&mut self, beat: &Beat, known: Duration) {
        let succeeded = beat.outcome == Outcome::Renewed || beat.arrived == Some(true);
        if succeeded {
            self.beats += 1;
        } else {
            self.failed += 1;
        }
        let pulse = trace::Pulse {
            at: beat.happened,
            on_node: beat.lead != Lead::Api,
            succeeded,
            arrived: beat.arrived == Some(true),
            renew_seconds: beat.renew_seconds,
            round_trip_seconds: beat.round_trip_seconds,
        };
        if self.pulses.len() == KEPT {
            self.pulses.pop_front();
        }
        self.pulses.push_back(pulse);
        self.last = Some(Last {
            known,
            lead: beat.lead,
            interval_seconds: beat.interval_seconds,
            renew_seconds: beat.renew_seconds,
            succeeded,
        });
        self.note_margin(beat.margin_seconds, known);
    }

    fn rhythm(&mut self, rhythm: &Rhythm, known: Duration) {
        if self.rhythms.len() == KEPT {
            self.rhythms.pop_front();
        }
        self.rhythms.push_back((known, rhythm.class));
        self.cause = rhythm.cause.map(crate::rhythm::Cause::name);
        self.note_margin(rhythm.margin_seconds, known);
    }

    fn note_margin(&mut self, margin: Option<f64>, known: Duration) {
        if let Some(margin) = margin {
            self.margin = Some((margin, known));
            // Right after a beat the whole grace is left: the fullest margin is it.
            self.grace_seconds = self.grace_seconds.max(margin);
        }
    }

    /// The rhythm that was known at an instant.
    pub(super) fn class_at(&self, instant: Duration) -> Class {
        let known = self.rhythms.iter().rev().find(|(since, _)| *since <= instant);
        known.map_or(Class::Undetermined, |(_, class)| *class)
    }

    /// Time left until Kubernetes may call the node `Unknown`.
    pub(super) fn margin_seconds(&self, now: Duration) -> Option<f64> {
        let (margin, known) = self.margin?;
        Some(margin - now.saturating_sub(known).as_secs_f64())
    }
}
