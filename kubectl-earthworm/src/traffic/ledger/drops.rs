//! Dropped packets of one node in the ledger.

use super::entry::is_same;
use crate::naming::{Endpoint, EndpointKind};
use crate::traffic::names::{Names, plain_address, plain_owner, unknown_owner};
use earthworm_wire::flow::{Amount, Dropped, OwnerKind, Transport};
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How often a name is asked for again that seems to be nobody's.
const PROVISIONAL_TRIES: u8 = 5;

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
    /// All of it is known.
    named: bool,
}

/// Packets of one kind. Bytes count from the IP header on.
#[derive(Debug)]
pub(in crate::traffic) struct DropEntry {
    pub(in crate::traffic) wire: DropWire,
    pub(in crate::traffic) ends: DropEnds,
    pub(in crate::traffic) total: Amount,
    /// What was added in the latest interval that has any, and in the one
    /// before, by their numbers.
    recent: (u64, Amount),
    earlier: (u64, Amount),
    /// When it was told first.
    first: Timestamp,
    /// How often its names were asked for again.
    tries: u8,
    /// Nothing can be added any more: its names, or its probe, are gone.
    ended: bool,
}

/// What one node dropped. Its memory is bounded: kinds for which there is no
/// room are counted together.
#[derive(Debug)]
pub(in crate::traffic) struct Drops {
    pub(in crate::traffic) entries: Vec<DropEntry>,
    /// What is in no entry for want of room.
    pub(in crate::traffic) unplaced: Amount,
    /// All of it.
    pub(in crate::traffic) total: Amount,
    current: HashMap<DropWire, usize>,
    limit: usize,
}

/// Whom to ask for names, about one node.
pub(super) struct Who<'a> {
    pub(super) node: &'a Arc<str>,
    pub(super) owners: &'a HashMap<u32, OwnerKind>,
    pub(super) names: &'a dyn Names,
}

impl Drops {
    /// With room for so many kinds.
    pub(super) fn with_room_for(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            unplaced: Amount::default(),
            total: Amount::default(),
            current: HashMap::new(),
            limit,
        }
    }

    /// Adds what was told in an interval.
    pub(super) fn add(&mut self, interval: u64, dropped: &Dropped, at: Timestamp, who: &Who<'_>) {
        let amount = Amount { bytes: dropped.bytes, packets: dropped.packets };
        self.total.add(amount);
        let wire = DropWire::of(dropped);
        let ends = who.ends(&wire, at);
        let known = self.current.get(&wire).copied();
        let place = match known {
            Some(place) if self.fits(place, &ends, who) => {
                self.entries[place].ends = ends;
                place
            }
            _ => {
                if let Some(place) = known {
                    // An address has got another owner.
                    self.entries[place].ended = true;
                    self.current.remove(&wire);
                }
                if self.entries.len() >= self.limit {
                    self.unplaced.add(amount);
                    return;
                }
                let place = self.entries.len();
                self.current.insert(wire.clone(), place);
                self.entries.push(DropEntry::new(wire, ends, at));
                place
            }
        };
        self.entries[place].add(interval, amount);
    }

    /// Whether what was dropped between these ends belongs to an entry, whose
    /// own names may have become known since.
    fn fits(&mut self, place: usize, ends: &DropEnds, who: &Who<'_>) -> bool {
        let entry = &mut self.entries[place];
        if entry.ends.are(ends) {
            return true;
        }
        entry.ends = who.ends(&entry.wire, entry.first);
        entry.ends.are(ends)
    }

    /// Asks again for names that were not known.
    pub(super) fn name_again(&mut self, who: &Who<'_>) {
        for entry in &mut self.entries {
            if entry.waits_for_names() {
                entry.tries = entry.tries.saturating_add(1);
                entry.ends = who.ends(&entry.wire, entry.first);
            }
        }
    }

    /// The probe is gone; another one has owners of its own.
    pub(super) fn gone(&mut self) {
        self.current.clear();
        self.entries.iter_mut().for_each(|entry| entry.ended = true);
    }
}

impl DropWire {
    fn of(dropped: &Dropped) -> Self {
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

impl DropEntry {
    fn new(wire: DropWire, ends: DropEnds, first: Timestamp) -> Self {
        Self {
            wire,
            ends,
            total: Amount::default(),
            recent: Default::default(),
            earlier: Default::default(),
            first,
            tries: 0,
            ended: false,
        }
    }

    fn add(&mut self, interval: u64, amount: Amount) {
        self.total.add(amount);
        if self.recent.0 != interval {
            self.earlier = self.recent;
            self.recent = (interval, Amount::default());
        }
        self.recent.1.add(amount);
    }

    /// What was added in an interval; `None` when nothing was told.
    pub(in crate::traffic) fn in_interval(&self, interval: u64) -> Option<Amount> {
        let parts = [self.recent, self.earlier];
        let part = parts.into_iter().find(|(number, _)| *number == interval && interval > 0);
        part.map(|(_, amount)| amount)
    }

    fn waits_for_names(&self) -> bool {
        let nobody = || {
            self.tries < PROVISIONAL_TRIES
                && self
                    .ends
                    .all()
                    .any(|end| matches!(end.kind, EndpointKind::Private | EndpointKind::Unknown))
        };
        !self.ended && (!self.ends.named || nobody())
    }
}

impl DropEnds {
    /// The network that dropped, and the ends that are told.
    pub(in crate::traffic) fn all(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        [Some(&self.place), self.source.as_ref(), self.destination.as_ref()].into_iter().flatten()
    }

    fn are(&self, other: &Self) -> bool {
        // Of one kind, both have the same ends told.
        self.all().zip(other.all()).all(|(one, other)| is_same(one, other))
    }
}

impl Who<'_> {
    fn ends(&self, wire: &DropWire, at: Timestamp) -> DropEnds {
        let mut named = true;
        let place = match self.owners.get(&wire.owner) {
            Some(kind) => {
                let name = self.names.owner(self.node, kind);
                named &= name.is_some();
                name.unwrap_or_else(|| Arc::new(plain_owner(self.node, kind)))
            }
            // It is told before what it drops; one that was not will never be.
            None => Arc::new(unknown_owner(self.node)),
        };
        let mut end = |address: Option<IpAddr>, port| {
            let address = address?;
            if address.to_canonical().is_loopback() {
                // In its own network, that is itself.
                return Some(place.clone());
            }
            let transport = wire.transport().unwrap_or(Transport::Tcp);
            let name = self.names.address(address, port, transport, at);
            named &= name.is_some();
            Some(name.unwrap_or_else(|| Arc::new(plain_address(address))))
        };
        let source = end(wire.source, 0);
        let destination = end(wire.destination, wire.port);
        DropEnds { place, source, destination, named }
    }
}
