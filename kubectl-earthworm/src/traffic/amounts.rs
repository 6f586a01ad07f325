//! What moved between a source and a destination.

use earthworm_wire::flow::{Amount, Direction, Flow, Transport};

/// What moved, as the source sees it: the side that connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// By the source.
    pub sent: Amount,
    /// By the source.
    pub received: Amount,
    /// Segments that the source sent again; `None` where nobody counts them.
    pub source_retransmits: Option<u64>,
    /// The same of the destination.
    pub destination_retransmits: Option<u64>,
    /// What became of connections.
    pub changes: Changes,
}

/// What became of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Came up.
    pub opened: u64,
    /// Ended after they had been open.
    pub closed: u64,
    /// Never came up: refused.
    pub refused: u64,
    /// Never came up for another reason.
    pub failed: u64,
    /// Of those that ended, by a reset of the other end.
    pub reset: u64,
}

impl Amounts {
    /// What one report adds.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        let traffic = &flow.traffic;
        // Other protocols have nothing to retransmit.
        let tcp = flow.transport == Transport::Tcp;
        let own = tcp.then_some(traffic.retransmits);
        let other = traffic.peer_retransmits.filter(|_| tcp);
        let connections = traffic.connections;
        let amounts = Self {
            sent: traffic.sent,
            received: traffic.received,
            source_retransmits: own,
            destination_retransmits: other,
            changes: Changes {
                opened: connections.opened,
                closed: connections.closed,
                refused: connections.refused,
                failed: connections.failed,
                reset: connections.reset,
            },
        };
        match flow.direction {
            Direction::Outgoing => amounts,
            Direction::Incoming => amounts.reversed(),
        }
    }

    /// The same as the destination sees it.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            sent: self.received,
            received: self.sent,
            source_retransmits: self.destination_retransmits,
            destination_retransmits: self.source_retransmits,
            ..self
        }
    }

    /// Adds other amounts; counters saturate.
    pub fn add(&mut self, other: &Self) {
        self.sent.add(other.sent);
        self.received.add(other.received);
        add(&mut self.source_retransmits, other.source_retransmits);
        add(&mut self.destination_retransmits, other.destination_retransmits);
        let (mine, theirs) = (&mut self.changes, &other.changes);
        for (mine, theirs) in [
            (&mut mine.opened, theirs.opened),
            (&mut mine.closed, theirs.closed),
            (&mut mine.refused, theirs.refused),
            (&mut mine.failed, theirs.failed),
            (&mut mine.reset, theirs.reset),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// Bytes of both directions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sent.bytes.saturating_add(self.received.bytes)
    }

    /// Packets of both directions.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.sent.packets.saturating_add(self.received.packets)
    }

    /// Segments that were sent again, by the ends that are known; `None` when
    /// neither is.
    #[must_use]
    pub fn retransmits(&self) -> Option<u64> {
        let mut sum = self.source_retransmits;
        add(&mut sum, self.destination_retransmits);
        sum
    }
}

fn add(sum: &mut Option<u64>, other: Option<u64>) {
    if let Some(other) = other {
        *sum = Some(sum.unwrap_or(0).saturating_add(other));
    }
}
