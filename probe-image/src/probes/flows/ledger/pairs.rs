//! Finds the other end of a connection on the same node.
//!
//! Both ends know the client's address and port. The server's need not be the
//! same to both: a service's address is translated on the way.

use std::collections::HashMap;

use earthworm_wire::flow::Direction;

use super::super::socket::{Address, Socket, SocketId};
use super::connection::Connection;

/// Ends with the same client that are compared: one that uses its port for more
/// servers at once does not do so to be understood.
const MOST_ENDS: usize = 64;

/// The client's address; within its network namespace when it is loopback,
/// which every namespace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    client: Address,
    network: u32,
}

/// One end: the server's address as this end knows it.
#[derive(Debug, Clone, Copy)]
struct End {
    id: SocketId,
    direction: Direction,
    server: Address,
    paired: bool,
}

/// Ends by the address of their client. There are two at most, unless a client
/// uses one port for several servers.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    ends: HashMap<Key, Vec<End>>,
}

impl Pairs {
    /// Enters one end; gives the other when that is there.
    pub(super) fn enter(&mut self, socket: &Socket, direction: Direction) -> Option<SocketId> {
        let (client, server) = match direction {
            Direction::Outgoing => (socket.local.into(), socket.remote.into()),
            Direction::Incoming => (socket.remote.into(), socket.local.into()),
        };
        // Nearly always there are two at most.
        let ends =
            self.ends.entry(key(client, socket.network)).or_insert_with(|| Vec::with_capacity(2));
        if ends.len() >= MOST_ENDS {
            return None;
        }
        let free = |end: &End| !end.paired && end.direction != direction;
        let exact = ends.iter().position(|end| free(end) && end.server == server);
        let found = exact.or_else(|| {
            let mut others = (0..ends.len()).filter(|index| free(&ends[*index]));
            let only = others.next()?;
            // Which of several it is, nobody can tell.
            others.next().is_none().then_some(only)
        });
        let other = found.map(|index| {
            ends[index].paired = true;
            ends[index].id
        });
        ends.push(End { id: socket.id, direction, server, paired: other.is_some() });
        other
    }

    /// Removes an end. The other one stays as it is: it had its pair.
    pub(super) fn leave(&mut self, id: SocketId, connection: &Connection) {
        let client = match connection.direction {
            Direction::Outgoing => connection.local,
            Direction::Incoming => connection.remote,
        };
        let key = key(client, connection.network);
        if let Some(ends) = self.ends.get_mut(&key) {
            ends.retain(|end| end.id != id);
            if ends.is_empty() {
                self.ends.remove(&key);
            }
        }
    }
}

fn key(client: Address, network: u32) -> Key {
    Key { client, network: if client.ip().is_loopback() { network } else { 0 } }
}
