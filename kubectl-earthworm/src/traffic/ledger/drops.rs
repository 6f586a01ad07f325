//! Dropped packets of one node in the ledger.

use super::kept::{Counted, Kind};
use super::who::Who;
use crate::naming::Endpoint;
use earthworm_wire::flow::{Amount, Dropped, Transport};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// Protocols of IP that have ports.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// What a probe tells dropped packets apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::traffic) struct DropWire {
    owner: u32,
    pub(in crate::traffic) reason: Arc<str>,
    pub(in crate::traffic) protocol: u8,
    pub(in crate::traffic) source: Option<IpAddr>,
    pub(in crate::traffic) destination: Option<IpAddr>,
    pub(in crate::traffic) port: u16,
}

/// Who dropped, who sent, and to whom.
#[derive(Debug, Clone)]
pub(in crate::traffic) struct DropEnds {
    pub(in crate::traffic) place: Arc<Endpoint>,
    pub(in crate::traffic) source: Option<Arc<Endpoint>>,
    pub(in crate::traffic) destination: Option<Arc<Endpoint>>,
}

/// Dropped packets, by reason and ends. Bytes count from the IP header on.
#[derive(Debug)]
pub(in crate::traffic) struct Drops;

/// Packets of one kind.
pub(in crate::traffic) type DropEntry = Kind<Drops>;

impl Counted for Drops {
    type Wire = DropWire;
    type Ends = DropEnds;
    type Counts = Amount;

    fn ends(who: &Who<'_>, wire: &DropWire, at: Timestamp) -> (DropEnds, bool) {
        let mut named = true;
        let place = who.owner(wire.owner, &mut named);
        let mut end = |address: Option<IpAddr>, port| {
            let address = address?;
            if address.to_canonical().is_loopback() {
                // In its own network, that is itself.
                return Some(place.clone());
            }
            let transport = wire.transport().unwrap_or(Transport::Tcp);
            Some(who.address(address, port, transport, at, &mut named))
        };
        let source = end(wire.source, 0);
        let destination = end(wire.destination, wire.port);
        (DropEnds { place, source, destination }, named)
    }

    /// The network that dropped, and the ends that are told: of one kind, always
    /// the same.
    fn all(ends: &DropEnds) -> impl Iterator<Item = &Arc<Endpoint>> {
        [Some(&ends.place), ends.source.as_ref(), ends.destination.as_ref()].into_iter().flatten()
    }

    fn add(counts: &mut Amount, more: &Amount) {
        counts.add(*more);
    }
}

impl DropWire {
    pub(super) fn of(dropped: &Dropped) -> Self {
        Self {
            owner: dropped.owner,
            reason: dropped.reason.as_str().into(),
            protocol: dropped.protocol,
            source: dropped.source,
            destination: dropped.destination,
            port: dropped.port,
        }
    }

    /// `None` for protocols without ports.
    pub(in crate::traffic) fn transport(&self) -> Option<Transport> {
        match self.protocol {
            TCP => Some(Transport::Tcp),
            UDP => Some(Transport::Udp),
            _ => None,
        }
    }
}
