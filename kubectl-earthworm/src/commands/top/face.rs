//! What the person or the program at the other end sees: a table or an object
//! per interval, or the live screen.

mod lines;
mod live;

use super::asked::Asked;
use crate::cluster::reporter::Clock;
use crate::rhythm::Finding;
use crate::signal::{NodeId, Problem};
use crate::traffic::{Observer, Query, Summary};
use crate::ui::Ui;
use lines::Lines;
use live::Live;
use std::io::{self, IsTerminal};

/// Where intervals go. A face never fails in the middle: what went wrong comes
/// out of [`Face::close`], after everything was cleaned up.
pub(super) struct Face {
    lines: Lines,
    /// While it is up, nothing else may write to the terminal.
    live: Option<Live>,
    was_live: bool,
    query: Query,
}

impl Face {
    /// The face that flags and terminal ask for: a terminal that is not told
    /// otherwise gets the live screen.
    pub(super) fn open(asked: &Asked, ui: Ui, clock: Clock, nodes: &[NodeId]) -> Self {
        let on_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let live = (asked.format.is_none() && on_terminal && !ui.quiet && !asked.once)
            .then(|| Live::open(asked, ui, clock, nodes));
        let lines = Lines::open(asked, ui, nodes, live.is_none());
        Self { lines, was_live: live.is_some(), live, query: asked.query.clone() }
    }

    /// Shows an event, a problem, or progress.
    pub(super) fn finding(&mut self, finding: &Finding) {
        match &mut self.live {
            Some(live) => live.finding(finding),
            None => self.lines.finding(finding),
        }
    }

    /// Whether each node's interval is told when it is complete, and not
    /// together with those of the others.
    pub(super) fn is_per_node(&self) -> bool {
        self.live.is_none() && self.lines.is_per_node()
    }

    /// Shows the last interval of one node.
    pub(super) fn interval_of(&mut self, observer: &Observer, node: usize) {
        self.lines.interval_of(observer, node, &self.query);
    }

    /// Shows the last interval of all nodes.
    pub(super) fn interval(&mut self, observer: &Observer) {
        match &mut self.live {
            Some(live) => live.interval(observer, &self.query),
            None => self.lines.interval(observer, &self.query),
        }
    }

    /// A line about the command itself.
    pub(super) fn note(&mut self, text: &str) {
        match &mut self.live {
            Some(live) => live.note(text),
            None => self.lines.note(text),
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lines.is_closed()
    }

    /// Whether lines were shown from the start: what comes at the end belongs to them.
    pub(super) fn has_lines(&self) -> bool {
        !self.was_live
    }

    /// Waits until the person leaves the live screen; for ever without one.
    /// From then on lines are shown.
    ///
    /// # Errors
    /// When the terminal could not show it: nobody has left.
    pub(super) async fn left(&mut self) -> io::Result<()> {
        let left = match &mut self.live {
            Some(live) => live.left().await,
            None => return std::future::pending().await,
        };
        self.live = None;
        left
    }

    /// Takes the live screen down, if it is up.
    pub(super) async fn leave(&mut self) {
        if let Some(live) = self.live.take() {
            live.close().await;
        }
    }

    /// The last word about every node.
    ///
    /// # Errors
    /// The first thing that went wrong with the output.
    pub(super) fn close(self, summaries: &[Summary]) -> Result<(), Problem> {
        self.lines.close(summaries)
    }
}
