//! What was carried between whom since it was last told. Pure: sockets in,
//! flows out.
//!
//! A *window* is one sweep over the open sockets and the connections that
//! ended since the sweep before. Each connection's counters are held against
//! what was known of it, and what was added goes to its flow. Both ends of a
//! connection may be on this node: then it is told once, from the side that
//! connected, and what the other end adds are its retransmits alone.

mod connection;
mod flows;
mod pairs;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use earthworm_wire::flow::{Direction, Flow};

use super::socket::{End, Origin, Socket, SocketId};
use connection::{Added, Connection};
use flows::{Flows, Identity, Number};
use pairs::Pairs;

/// Connections that are kept in mind; more are not measured, and counted.
const MOST_CONNECTIONS: usize = 131_072;

/// Addresses of this node and its pods that are kept in mind. More only means
/// that a connection between two of them may be told from both ends for a while.
const MOST_ADDRESSES: usize = 8_192;

/// Windows for which it is not told that somebody tries to connect: mostly it
/// succeeds, and then it is known whom it has reached.
const CONNECTING_WINDOWS: u32 = 5;

/// Who owns sockets, as the ledger asks.
pub(super) trait Whose {
    /// The owner; `None` when the socket is not of this node.
    fn owner(&mut self, socket: &Socket) -> Option<u32>;
    /// Whether somebody listens at the socket's own port.
    fn is_listened_to(&self, socket: &Socket) -> bool;
    /// Who answers a connection to an address that is translated on the way.
    fn backend(&mut self, client: SocketAddr, server: SocketAddr) -> Option<SocketAddr>;
}

/// Connections and flows of one node.
#[derive(Default)]
pub(super) struct Ledger {
    connections: HashMap<SocketId, Connection>,
    flows: Flows,
    pairs: Pairs,
    addresses: HashSet<IpAddr>,
    window: u32,
    /// What this window has added, attributed at its end, when both ends of
    /// every connection have been seen.
    added: Vec<(SocketId, Added)>,
    /// Ended in this window; kept through the next one, in which their other
    /// end may end.
    lingering: Vec<SocketId>,
    lingering_before: Vec<SocketId>,
    sockets: u64,
    ended: u64,
    overflowed: u64,
}

impl Ledger {
    /// A sweep begins.
    pub(super) fn begin(&mut self) {
        self.window += 1;
        self.sockets = 0;
        self.ended = 0;
    }

    /// A socket that waits for connections.
    pub(super) fn listening(&mut self, socket: &Socket) {
        self.is_here(socket);
    }

    fn is_here(&mut self, socket: &Socket) {
        let address = socket.local.ip();
        if !address.is_unspecified() && self.addresses.len() < MOST_ADDRESSES {
            self.addresses.insert(address);
        }
    }

    /// A socket that a process has open.
    pub(super) fn open(&mut self, socket: &Socket, whose: &mut dyn Whose) {
        let window = self.window;
        if let Some(known) = self.connections.get_mut(&socket.id) {
            if known.seen == window {
                // Shared by several processes.
                return;
            }
            if !known.has_ended {
                known.seen = window;
                let is_settled = known.flow.is_some() || known.other.is_some();
                let added = known.update(socket, None);
                self.sockets += 1;
                if added.is_nothing() {
                    return;
                }
                if is_settled {
                    // The many that go on as they did need not wait.
                    self.attribute(socket.id, &added, whose);
                } else {
                    self.added.push((socket.id, added));
                }
                return;
            }
            // The socket has been connected anew.
            self.forget(socket.id);
        }
        if self.know(socket, whose) {
            self.sockets += 1;
            self.add(socket, None);
        }
    }

    /// A connection that ended; to be told after all open sockets.
    pub(super) fn ended(&mut self, socket: &Socket, end: End, whose: &mut dyn Whose) {
        let known = self.connections.get(&socket.id).is_some_and(|known| !known.has_ended);
        if !known {
            if socket.origin.is_none() {
                // It was there before the probe and belonged to no process:
                // nobody knows which part of it is new.
                return;
            }
            self.forget(socket.id);
            if !self.know(socket, whose) {
                return;
            }
        }
        self.ended += 1;
        self.add(socket, Some(end));
    }

    /// The window is complete: everything is attributed.
    pub(super) fn finish(&mut self, whose: &mut dyn Whose) {
        let mut held = Vec::new();
        for (id, added) in std::mem::take(&mut self.added) {
            if self.must_wait(id) {
                held.push((id, added));
            } else {
                self.attribute(id, &added, whose);
            }
        }
        self.added = held;
        let over =
            std::mem::replace(&mut self.lingering_before, std::mem::take(&mut self.lingering));
        for id in over {
            self.forget_if_ended(id);
        }
        self.drop_vanished();
    }

    /// Takes what is to be told, at most so many; the rest is told later. What
    /// is told is not told again.
    pub(super) fn take(&mut self, most: usize) -> Vec<Flow> {
        self.flows.begin_count();
        for connection in self.connections.values() {
            if let Some(flow) = connection.flow {
                self.flows.count(flow, connection);
            }
        }
        self.flows.take(most)
    }

    /// Flows that have more to tell.
    pub(super) fn waiting(&self) -> u64 {
        self.flows.waiting()
    }

    /// Open sockets and ended connections of the last window.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.sockets, self.ended)
    }

    /// Connections that were not measured, since there was no room for them.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed + self.flows.overflowed()
    }

    /// Remembers a connection; false when it is not of this node, or there is
    /// no room.
    fn know(&mut self, socket: &Socket, whose: &mut dyn Whose) -> bool {
        let Some(owner) = whose.owner(socket) else { return false };
        if self.connections.len() >= MOST_CONNECTIONS {
            self.overflowed += 1;
            return false;
        }
        let direction = match socket.origin {
            Some(Origin::Connected) => Direction::Outgoing,
            Some(Origin::Accepted) => Direction::Incoming,
            None if whose.is_listened_to(socket) => Direction::Incoming,
            None => Direction::Outgoing,
        };
        self.is_here(socket);
        let mut connection = Connection::new(socket, owner, direction, self.window);
        if let Some(other) = self.pairs.enter(socket, direction) {
            connection.other = Some(other);
            if let Some(other) = self.connections.get_mut(&other) {
                other.other = Some(socket.id);
                // Its flow is another one now.
                other.flow = None;
            }
        }
        self.connections.insert(socket.id, connection);
        true
    }

    fn add(&mut self, socket: &Socket, end: Option<End>) {
        let Some(connection) = self.connections.get_mut(&socket.id) else { return };
        let added = connection.update(socket, end);
        if end.is_some() {
            self.lingering.push(socket.id);
        }
        if !added.is_nothing() {
            self.added.push((socket.id, added));
        }
    }

    /// Which flow a connection belongs to will be known later: one that is not
    /// open yet has no other end, and a new one to an address of this node has
    /// one that was not seen yet.
    fn must_wait(&self, id: SocketId) -> bool {
        self.connections.get(&id).is_some_and(|connection| {
            let age = self.window - connection.since;
            let is_connecting = !connection.is_open && !connection.has_ended;
            let is_near = || {
                let remote = connection.remote.ip();
                remote.is_loopback() || self.addresses.contains(&remote)
            };
            connection.other.is_none()
                && !connection.is_older
                && (is_connecting && age < CONNECTING_WINDOWS || age == 0 && is_near())
        })
    }

    fn attribute(&mut self, id: SocketId, added: &Added, whose: &mut dyn Whose) {
        let Some(connection) = self.connections.get(&id) else { return };
        if let (Direction::Incoming, Some(client)) = (connection.direction, connection.other) {
            // A client that is forgotten by now has been told with all it carried.
            if let Some(flow) = self.flow_of(client, whose) {
                self.flows.add_of_peer(flow, added);
            }
        } else if let Some(flow) = self.flow_of(id, whose) {
            self.flows.add(flow, added);
        }
    }

    /// The flow of a connection, entered when it is new.
    fn flow_of(&mut self, id: SocketId, whose: &mut dyn Whose) -> Option<Number> {
        let connection = self.connections.get(&id)?;
        if let Some(flow) = connection.flow {
            return Some(flow);
        }
        let other = connection.other.and_then(|other| self.connections.get(&other));
        let backend = match other {
            Some(other) => Some(other.local),
            None if connection.direction == Direction::Outgoing && connection.is_open => {
                whose.backend(connection.local.into(), connection.remote.into()).map(Into::into)
            }
            None => None,
        };
        let identity = Identity::of(connection, other, backend);
        let flow = self.flows.enter(identity)?;
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.flow = Some(flow);
        }
        Some(flow)
    }

    /// Sockets that were neither seen nor heard to end: their process closed
    /// them, and they end by themselves, or their end was lost on the way.
    fn drop_vanished(&mut self) {
        // Orphans live for up to some minutes (tcp_fin_timeout, retries).
        const PATIENCE_WINDOWS: u32 = 600;
        let window = self.window;
        let vanished: Vec<SocketId> = self
            .connections
            .iter()
            .filter(|(_, connection)| {
                !connection.has_ended && window - connection.seen > PATIENCE_WINDOWS
            })
            .map(|(id, _)| *id)
            .collect();
        for id in vanished {
            self.forget(id);
        }
    }

    fn forget_if_ended(&mut self, id: SocketId) {
        if self.connections.get(&id).is_some_and(|connection| connection.has_ended) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: SocketId) {
        if let Some(connection) = self.connections.remove(&id) {
            self.pairs.leave(id, &connection);
        }
    }
}
