//! Flows and what is to be told of them.

use std::collections::HashMap;
use std::num::NonZeroU32;

use earthworm_wire::flow::{Amount, Connections, Direction, Flow, Traffic, Transport};

use super::super::socket::{Address, End};
use super::connection::{Added, Connection};

/// Flows that are kept in mind at once.
const MOST_FLOWS: usize = 65_536;

/// What tells a flow from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    owner: u32,
    peer: Option<u32>,
    direction: Direction,
    /// Without the port that does not matter.
    local: Address,
    remote: Address,
    port: u16,
    backend: Option<Address>,
}

/// Number of a flow while it is kept in mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(NonZeroU32);

impl Number {
    fn of(index: usize) -> Option<Self> {
        NonZeroU32::new(u32::try_from(index).ok()?.checked_add(1)?).map(Self)
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Identity {
    /// The flow of a connection whose other end is `other` and at `backend`,
    /// when these are known.
    pub(super) fn of(
        connection: &Connection,
        other: Option<&Connection>,
        backend: Option<Address>,
    ) -> Self {
        let port = match connection.direction {
            Direction::Outgoing => connection.remote.port,
            Direction::Incoming => connection.local.port,
        };
        Self {
            owner: connection.owner,
            peer: other.map(|other| other.owner),
            direction: connection.direction,
            local: connection.local.without_port(),
            remote: connection.remote.without_port(),
            port,
            backend: backend.filter(|backend| *backend != connection.remote),
        }
    }
}

#[derive(Debug)]
struct Slot {
    identity: Identity,
    /// Since it was last told; `connections.open` and `.older` are now.
    traffic: Traffic,
    has_news: bool,
    references: u32,
}

/// All flows with something to tell, or with a connection.
#[derive(Debug, Default)]
pub(super) struct Flows {
    numbers: HashMap<Identity, Number>,
    slots: Vec<Option<Slot>>,
    free: Vec<Number>,
    /// Where the next telling begins, so that every flow has its turn.
    turn: usize,
    waiting: u64,
    overflowed: u64,
}

impl Flows {
    /// The number of a flow; `None`, counted, when there is no room for another.
    pub(super) fn enter(&mut self, identity: Identity) -> Option<Number> {
        if let Some(number) = self.numbers.get(&identity) {
            return Some(*number);
        }
        if self.numbers.len() >= MOST_FLOWS {
            self.overflowed += 1;
            return None;
        }
        // Of an end on this node it is known that it has sent nothing again.
        let traffic = Traffic { peer_retransmits: identity.peer.map(|_| 0), ..Traffic::default() };
        let slot = Slot { identity, traffic, has_news: false, references: 0 };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number.index()] = Some(slot);
                number
            }
            None => {
                self.slots.push(Some(slot));
                Number::of(self.slots.len() - 1)?
            }
        };
        self.numbers.insert(identity, number);
        Some(number)
    }

    fn slot(&mut self, number: Number) -> Option<&mut Slot> {
        self.slots.get_mut(number.index())?.as_mut()
    }

    /// Adds what one of its connections carried.
    pub(super) fn add(&mut self, number: Number, added: &Added) {
        let Some(slot) = self.slot(number) else { return };
        let Traffic { sent, received, retransmits, connections, round_trip, .. } =
            &mut slot.traffic;
        let counters = added.counters;
        sent.add(Amount { bytes: counters.bytes_sent, packets: u64::from(counters.packets_sent) });
        received.add(Amount {
            bytes: counters.bytes_received,
            packets: u64::from(counters.packets_received),
        });
        *retransmits += u64::from(counters.retransmits);
        connections.opened += u64::from(added.opened);
        match added.end {
            Some(End::Closed) => connections.closed += 1,
            Some(End::Reset) => {
                connections.closed += 1;
                connections.reset += 1;
            }
            Some(End::Refused) => connections.refused += 1,
            Some(End::Failed) => connections.failed += 1,
            None => {}
        }
        match (round_trip, added.round_trip) {
            (Some(known), Some(more)) => known.add(more),
            (known @ None, more) => *known = more,
            (Some(_), None) => {}
        }
        slot.has_news = true;
    }

    /// Adds what only the other end knows.
    pub(super) fn add_of_peer(&mut self, number: Number, added: &Added) {
        let Some(slot) = self.slot(number) else { return };
        let retransmits = u64::from(added.counters.retransmits);
        *slot.traffic.peer_retransmits.get_or_insert(0) += retransmits;
        slot.has_news |= retransmits > 0;
    }

    /// The open connections of every flow are counted anew.
    pub(super) fn begin_count(&mut self) {
        for slot in self.slots.iter_mut().flatten() {
            slot.traffic.connections.open = 0;
            slot.traffic.connections.older = 0;
            slot.references = 0;
        }
    }

    /// Counts one connection.
    pub(super) fn count(&mut self, number: Number, connection: &Connection) {
        let Some(slot) = self.slot(number) else { return };
        slot.references += 1;
        if connection.is_open && !connection.has_ended {
            slot.traffic.connections.open += 1;
            slot.traffic.connections.older += u64::from(connection.is_older);
        }
    }

    /// Takes what is to be told of at most so many flows.
    pub(super) fn take(&mut self, most: usize) -> Vec<Flow> {
        let mut told = Vec::new();
        let count = self.slots.len();
        let mut waiting = 0;
        let from = self.turn;
        for step in 0..count {
            let index = (from + step) % count;
            let Some(slot) = &mut self.slots[index] else { continue };
            if slot.has_news {
                if told.len() < most {
                    told.push(slot.tell());
                    self.turn = index + 1;
                } else {
                    waiting += 1;
                    continue;
                }
            }
            if slot.references == 0 {
                self.numbers.remove(&slot.identity);
                self.slots[index] = None;
                self.free.extend(Number::of(index));
            }
        }
        self.waiting = waiting;
        told
    }

    /// Flows that have more to tell.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Times that there was no room for a flow.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

impl Slot {
    fn tell(&mut self) -> Flow {
        let Identity { owner, peer, direction, local, remote, port, backend } = self.identity;
        let traffic = self.traffic;
        self.traffic = Traffic {
            peer_retransmits: traffic.peer_retransmits.map(|_| 0),
            connections: Connections {
                open: traffic.connections.open,
                older: traffic.connections.older,
                ..Connections::default()
            },
            ..Traffic::default()
        };
        self.has_news = false;
        Flow {
            owner,
            peer,
            transport: Transport::Tcp,
            direction,
            local: local.ip(),
            remote: remote.ip(),
            port,
            backend: backend.map(Into::into),
            traffic,
        }
    }
}
