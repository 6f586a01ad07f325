//! The live screen, on a thread of its own.

use crate::cluster::reporter::Clock;
use crate::commands::top::asked::Asked;
use crate::rhythm::{Finding, FindingKind};
use crate::screen::Ending;
use crate::screen::top::{self, NodeFacts, Setup, Update};
use crate::signal::NodeId;
use crate::traffic::{Observer, Query};
use crate::ui::Ui;
use std::io;
use std::sync::mpsc::Sender;
use tokio::task::JoinHandle;

/// More rows than a person looks through. Those that come first, by what is
/// asked for, are sent to the screen.
const ROWS: usize = 10_000;

/// The screen while it is up.
pub(super) struct Live {
    updates: Option<Sender<Update>>,
    screen: JoinHandle<io::Result<Ending>>,
}

impl Live {
    /// Takes over the terminal.
    pub(super) fn open(asked: &Asked, ui: Ui, clock: Clock, nodes: &[NodeId]) -> Self {
        let (updates, received) = std::sync::mpsc::channel();
        let setup = Setup {
            view: asked.query.view,
            sort: asked.query.sort,
            nodes: nodes.to_vec(),
            color: ui.colors(true),
        };
        let screen =
            tokio::task::spawn_blocking(move || top::run(setup, &received, || clock.stamp()));
        Self { updates: Some(updates), screen }
    }

    pub(super) fn finding(&mut self, finding: &Finding) {
        let text = match &finding.kind {
            FindingKind::Event(event) => event.kind.message(),
            FindingKind::Problem(problem) => problem.message.clone(),
            FindingKind::Probe(state) => match top::progress(state) {
                Some(words) => words,
                None => return,
            },
            FindingKind::Beat(_) | FindingKind::Rhythm(_) => return,
        };
        self.note(&format!("{}: {text}", finding.node.node));
    }

    pub(super) fn interval(&mut self, observer: &Observer, query: &Query) {
        let query = Query { rows: Some(ROWS), ..query.clone() };
        let listing = observer.ledger.listing(&query);
        let nodes = (0..observer.nodes().len())
            .map(|node| observer.ledger.last(node).map(|last| NodeFacts { sockets: last.sockets }))
            .collect();
        self.send(Update::Interval { listing: Box::new(listing), nodes });
    }

    pub(super) fn note(&mut self, text: &str) {
        self.send(Update::Note(text.to_owned()));
    }

    fn send(&mut self, update: Update) {
        // A screen that has ended is noticed by `left`.
        if let Some(updates) = &self.updates {
            let _ = updates.send(update);
        }
    }

    /// Waits until the person leaves.
    ///
    /// # Errors
    /// When the terminal could not show it.
    pub(super) async fn left(&mut self) -> io::Result<()> {
        (&mut self.screen).await.map_err(io::Error::other)?.map(drop)
    }

    /// Gives the terminal back.
    pub(super) async fn close(mut self) {
        self.updates = None;
        let _ = self.screen.await;
    }
}
