//! One connection, as one of its ends has it.

use earthworm_wire::flow::{Direction, RoundTrip};

use super::super::socket::{Address, Counters, End, Socket, SocketId, State};
use super::flows::Number;

/// What is kept of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) owner: u32,
    pub(super) direction: Direction,
    pub(super) network: u32,
    pub(super) local: Address,
    pub(super) remote: Address,
    /// The socket at the other end, when it is on this node.
    pub(super) other: Option<SocketId>,
    /// Its flow; entered when there is something to tell.
    pub(super) flow: Option<Number>,
    /// The window in which it became known.
    pub(super) since: u32,
    /// The last window in which it was seen.
    pub(super) seen: u32,
    /// It was open before the probe came.
    pub(super) is_older: bool,
    pub(super) is_open: bool,
    pub(super) has_ended: bool,
    counters: Counters,
}

/// What a window added to a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Added {
    pub(super) counters: Counters,
    pub(super) round_trip: Option<RoundTrip>,
    pub(super) opened: bool,
    pub(super) end: Option<End>,
}

impl Added {
    pub(super) fn is_nothing(&self) -> bool {
        self.counters.is_nothing() && !self.opened && self.end.is_none()
    }
}

impl Connection {
    /// A connection that becomes known. What one that was there before the
    /// probe has carried until now is not this probe's.
    pub(super) fn new(socket: &Socket, owner: u32, direction: Direction, window: u32) -> Self {
        let is_older = socket.origin.is_none();
        Self {
            owner,
            direction,
            network: socket.network,
            local: socket.local.into(),
            remote: socket.remote.into(),
            other: None,
            flow: None,
            since: window,
            seen: window,
            is_older,
            is_open: is_older && socket.state == State::Open,
            has_ended: false,
            counters: if is_older { socket.counters } else { Counters::default() },
        }
    }

    /// What was added since the last look.
    pub(super) fn update(&mut self, socket: &Socket, end: Option<End>) -> Added {
        let counters = socket.counters.since(self.counters);
        self.counters = socket.counters;
        let opened = socket.opened && !self.is_open;
        self.is_open |= opened;
        self.has_ended = end.is_some();
        if self.local.ip().is_unspecified() {
            // It was bound before it was connected.
            self.local = socket.local.into();
        }
        Added {
            counters,
            round_trip: socket
                .round_trip
                .map(|micros| RoundTrip::of_one(micros.smoothed, micros.minimum)),
            opened,
            end,
        }
    }
}
