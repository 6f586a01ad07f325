//! The live screen, on a thread of its own.

use crate::cluster::reporter::Clock;
use crate::rhythm::Finding;
use crate::screen::{self, Ending, Setup, Update};
use crate::signal::NodeId;
use crate::ui::Ui;
use std::io;
use std::sync::mpsc::Sender;
use tokio::task::JoinHandle;

/// The screen while it is up.
pub(super) struct Live {
    updates: Option<Sender<Update>>,
    screen: JoinHandle<io::Result<Ending>>,
}

impl Live {
    /// Takes over the terminal.
    pub(super) fn open(ui: Ui, clock: Clock, nodes: &[NodeId]) -> Self {
        let (updates, received) = std::sync::mpsc::channel();
        let setup = Setup { nodes: nodes.to_vec(), color: ui.colors(true) };
        let screen =
            tokio::task::spawn_blocking(move || screen::run(setup, &received, || clock.stamp()));
        Self { updates: Some(updates), screen }
    }

    pub(super) fn findings(&mut self, findings: Vec<Finding>) {
        self.send(Update::Findings(findings));
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
