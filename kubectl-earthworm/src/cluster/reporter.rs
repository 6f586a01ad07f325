//! Stamps what becomes known about a node and hands it on.

use crate::signal::{NodeId, Signal, SignalKind, Stamp};
use jiff::Timestamp;
use std::time::Instant;
use tokio::sync::mpsc;

/// The clocks that stamp signals, started once per command.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// This moment.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp { wall: Timestamp::now(), monotonic: self.start.elapsed() }
    }
}

/// Reports about one node.
#[derive(Debug, Clone)]
pub struct Reporter {
    clock: Clock,
    node: NodeId,
    sender: mpsc::Sender<Signal>,
}

impl Reporter {
    /// For one node.
    #[must_use]
    pub fn new(clock: Clock, node: NodeId, sender: mpsc::Sender<Signal>) -> Self {
        Self { clock, node, sender }
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Stamps and sends. Waits when the receiver is behind: the stamp is
    /// already taken, and the wait holds back the probe's credit.
    pub async fn report(&self, kind: SignalKind) {
        let signal = Signal { at: self.clock.stamp(), node: self.node.clone(), kind };
        // A receiver that is gone means the command ends.
        let _ = self.sender.send(signal).await;
    }
}
