//! What the person or the program at the other end sees: lines in a format,
//! or the live screen.

mod lines;
mod live;

use crate::cli::pulse::PulseArgs;
use crate::cluster::reporter::Clock;
use crate::rhythm::{Finding, Summary};
use crate::signal::{NodeId, Problem};
use crate::ui::Ui;
use lines::Lines;
use live::Live;
use std::io::{self, IsTerminal};

/// Where findings go. A face never fails in the middle: what went wrong comes
/// out of [`Face::close`], after everything was cleaned up.
pub(super) struct Face {
    lines: Lines,
    /// While it is up, nothing else may write to the terminal.
    live: Option<Live>,
}

impl Face {
    /// The face that flags and terminal ask for: a terminal that is not told
    /// otherwise gets the live screen.
    pub(super) fn open(arguments: &PulseArgs, ui: Ui, clock: Clock, nodes: &[NodeId]) -> Self {
        let on_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let live = (arguments.output.is_none() && on_terminal && !ui.quiet)
            .then(|| Live::open(ui, clock, nodes));
        Self { lines: Lines::open(arguments, ui, nodes, live.is_none()), live }
    }

    /// Shows findings.
    pub(super) fn findings(&mut self, findings: Vec<Finding>) {
        match &mut self.live {
            Some(live) => live.findings(findings),
            None => self.lines.findings(&findings),
        }
    }

    /// Shows what was kept so far: to be called before waiting.
    pub(super) fn flush(&mut self) {
        if self.live.is_none() {
            self.lines.flush();
        }
    }

    /// A line about the command itself.
    pub(super) fn note(&mut self, text: &str) {
        match &mut self.live {
            Some(live) => live.note(text),
            None => self.lines.note(text),
        }
    }

    /// Something that concerns no single node.
    pub(super) fn problem(&mut self, problem: &Problem) {
        match &mut self.live {
            Some(live) => live.note(&problem.message),
            None => self.lines.problem(problem),
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lines.is_closed()
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
