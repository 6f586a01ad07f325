//! One flow in the ledger.

use super::who::{PROVISIONAL_TRIES, is_provisional};
use crate::naming::Endpoint;
use crate::traffic::amounts::Amounts;
use earthworm_wire::flow::{Direction, Flow, RoundTrip, Transport};
use jiff::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What a probe tells flows apart by, and which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::traffic) struct Wire {
    pub(in crate::traffic) node: usize,
    pub(super) owner: u32,
    pub(in crate::traffic) peer: Option<u32>,
    pub(in crate::traffic) transport: Transport,
    pub(in crate::traffic) direction: Direction,
    pub(super) local: IpAddr,
    pub(super) remote: IpAddr,
    pub(in crate::traffic) port: u16,
    pub(in crate::traffic) backend: Option<SocketAddr>,
}

/// The addresses of both ends as the network between them has them: the same
/// wherever it is looked at, unless the source is translated.
pub(in crate::traffic) type Path = (IpAddr, SocketAddr, Transport);

impl Wire {
    pub(super) fn of(node: usize, flow: &Flow) -> Self {
        Self {
            node,
            owner: flow.owner,
            peer: flow.peer,
            transport: flow.transport,
            direction: flow.direction,
            local: flow.local,
            remote: flow.remote,
            port: flow.port,
            backend: flow.backend,
        }
    }

    /// Address of the side that connected.
    pub(in crate::traffic) fn source(&self) -> IpAddr {
        match self.direction {
            Direction::Outgoing => self.local,
            Direction::Incoming => self.remote,
        }
    }

    /// Address of the side that was dialled.
    pub(in crate::traffic) fn destination(&self) -> IpAddr {
        match self.direction {
            Direction::Outgoing => self.remote,
            Direction::Incoming => self.local,
        }
    }

    /// `None` for what stays on one machine and may be there on each.
    pub(in crate::traffic) fn path(&self) -> Option<Path> {
        let dialled = SocketAddr::new(self.destination(), self.port);
        let answering = match self.direction {
            Direction::Outgoing => self.backend.unwrap_or(dialled),
            Direction::Incoming => dialled,
        };
        let source = self.source().to_canonical();
        let address = answering.ip().to_canonical();
        let local = self.peer.is_some() || source.is_loopback() || address.is_loopback();
        let link_local = |address: IpAddr| match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        (!local && !link_local(source) && !link_local(address))
            .then(|| (source, SocketAddr::new(address, answering.port()), self.transport))
    }
}

/// Who the two ends are.
#[derive(Debug, Clone)]
pub(in crate::traffic) struct Ends {
    pub(in crate::traffic) source: Arc<Endpoint>,
    pub(in crate::traffic) destination: Arc<Endpoint>,
    /// Who answered, when the destination is a service.
    pub(in crate::traffic) backend: Option<Arc<Endpoint>>,
    /// All of it is known.
    pub(in crate::traffic) named: bool,
}

/// What one flow moved.
#[derive(Debug)]
pub(in crate::traffic) struct Entry {
    pub(in crate::traffic) wire: Wire,
    pub(in crate::traffic) ends: Ends,
    /// The side that connected tells the same, on another node.
    pub(in crate::traffic) covered: bool,
    /// How often its names were asked for again.
    pub(super) tries: u8,
    /// When it was told first.
    pub(super) first: Timestamp,
    /// Nothing can be added any more: its names, or its probe, are gone.
    pub(in crate::traffic) ended: bool,
    pub(in crate::traffic) total: Amounts,
    /// What was added in the latest interval that has any, and in the one before.
    recent: Part,
    earlier: Part,
    pub(in crate::traffic) open: u64,
    pub(in crate::traffic) older: u64,
    pub(in crate::traffic) round_trip: Option<RoundTrip>,
}

/// What was added in one interval, by its number.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    interval: u64,
    amounts: Amounts,
}

impl Entry {
    pub(super) fn new(wire: Wire, ends: Ends, covered: bool, first: Timestamp) -> Self {
        Self {
            wire,
            ends,
            covered,
            tries: 0,
            first,
            ended: false,
            total: Amounts::default(),
            recent: Part::default(),
            earlier: Part::default(),
            open: 0,
            older: 0,
            round_trip: None,
        }
    }

    /// Whether traffic between these ends belongs here.
    pub(super) fn takes(&self, ends: &Ends, covered: bool) -> bool {
        let same_backend = match (&self.ends.backend, &ends.backend) {
            (Some(one), Some(other)) => is_same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let known = &self.ends;
        let same = is_same(&known.source, &ends.source)
            && is_same(&known.destination, &ends.destination)
            && same_backend;
        same && self.covered == covered
    }

    /// Whether its names may still become known.
    pub(super) fn waits_for_names(&self) -> bool {
        let ends =
            [Some(&self.ends.source), Some(&self.ends.destination), self.ends.backend.as_ref()];
        let nobody = || {
            self.tries < PROVISIONAL_TRIES
                && ends.into_iter().flatten().any(|end| is_provisional(end))
        };
        !self.ended && (!self.ends.named || nobody())
    }

    /// Adds what was told in an interval.
    pub(super) fn add(&mut self, interval: u64, flow: &Flow) {
        let amounts = Amounts::of(flow);
        self.total.add(&amounts);
        if self.recent.interval != interval {
            self.earlier = self.recent;
            self.recent = Part { interval, amounts: Amounts::default() };
        }
        self.recent.amounts.add(&amounts);
        let traffic = &flow.traffic;
        self.open = traffic.connections.open;
        self.older = traffic.connections.older;
        if traffic.round_trip.is_some() {
            self.round_trip = traffic.round_trip;
        }
    }

    /// Nothing is added any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.open = 0;
        self.older = 0;
    }

    /// What was added in an interval; `None` when nothing was told.
    pub(in crate::traffic) fn in_interval(&self, interval: u64) -> Option<&Amounts> {
        let parts = [&self.recent, &self.earlier];
        let part = parts.into_iter().find(|part| part.interval == interval && interval > 0);
        part.map(|part| &part.amounts)
    }

    /// The number of the interval in which it was told of last.
    pub(super) fn last_told(&self) -> u64 {
        self.recent.interval
    }
}

/// Whether two names mean the same thing; details of it may have become known.
pub(super) fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    one.kind == other.kind
        && one.namespace == other.namespace
        && one.name == other.name
        && one.node == other.node
        && (one.container == other.container)
}
