//! Flows of datagrams: what was counted since it was last told. Pure: counters
//! in, flows out.
//!
//! Both ends of a flow may be on this node. When each sees the other at the
//! very address that the other has, it is told once, from the client's side,
//! with what the client has sent and received. Where an address is translated
//! on the way (a service's), the ends cannot be matched, since a client's port
//! is not counted apart: then both are told, without a peer. Nor is it known who
//! answered behind such an address.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use earthworm_wire::flow::{Amount, Direction, Flow, Traffic, Transport};

/// Readings without news after which a flow may make room for others.
const IDLE_READINGS: u64 = 5;

/// What tells flows of datagrams from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Place {
    /// Inode of the network namespace.
    pub(in super::super) network: u32,
    pub(in super::super) direction: Direction,
    pub(in super::super) local: IpAddr,
    pub(in super::super) remote: IpAddr,
    /// Of the end that serves.
    pub(in super::super) port: u16,
}

/// What a counter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counted {
    pub(super) sent: Amount,
    pub(super) received: Amount,
    /// The port of the owner's end, when it was always the same.
    pub(super) own_port: Option<u16>,
}

#[derive(Debug, Default)]
struct Known {
    counted: Counted,
    /// What was counted before its counter was removed and began anew.
    before: (Amount, Amount),
    told: (Amount, Amount),
    /// The reading in which it became known.
    since: u64,
    /// The reading in which it last had news.
    changed: u64,
    /// The reading after which it was last told.
    told_in: u64,
    /// Nobody of this node, as far as is known.
    is_foreign: bool,
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: HashMap<Place, Known>,
    reading: u64,
    /// The reading after which flows were last taken.
    taken: u64,
    waiting: u64,
}

impl Known {
    fn total(&self) -> (Amount, Amount) {
        let (mut sent, mut received) = self.before;
        sent.add(self.counted.sent);
        received.add(self.counted.received);
        (sent, received)
    }

    fn has_news(&self) -> bool {
        self.total() != self.told
    }
}

impl Place {
    /// The other end, as it sees itself.
    fn other(&self, network: u32) -> Self {
        Self {
            network,
            direction: match self.direction {
                Direction::Outgoing => Direction::Incoming,
                Direction::Incoming => Direction::Outgoing,
            },
            local: self.remote,
            remote: self.local,
            port: self.port,
        }
    }
}

/// Networks in which a flow is seen, by all that both ends agree on.
struct Ends(HashMap<Place, Option<u32>>);

impl Ends {
    fn of<'a>(places: impl Iterator<Item = &'a Place>) -> Self {
        let mut ends = HashMap::new();
        for place in places {
            // Two networks with the same address cannot be told apart.
            ends.entry(Place { network: 0, ..*place })
                .and_modify(|network| *network = None)
                .or_insert(Some(place.network));
        }
        Self(ends)
    }

    fn other(&self, place: &Place, known: &HashMap<Place, Known>) -> Option<Place> {
        // Loopback is of its network, as is an address that one gives to itself.
        let within = place.other(place.network);
        if known.contains_key(&within) {
            return Some(within);
        }
        if place.remote.is_loopback() || place.local.is_loopback() {
            return None;
        }
        let network = self.0.get(&place.other(0)).copied().flatten()?;
        Some(place.other(network))
    }
}

impl Ledger {
    /// All counters are read anew.
    pub(super) fn begin(&mut self) {
        self.reading += 1;
    }

    /// What one counter says in this reading.
    pub(super) fn see(&mut self, place: Place, counted: Counted) {
        let reading = self.reading;
        let known =
            self.known.entry(place).or_insert_with(|| Known { since: reading, ..Known::default() });
        if known.counted != counted {
            known.changed = reading;
        }
        known.counted = counted;
    }

    /// Whether the counters must be read again to know which flows are told from
    /// their other end: a client's counter is older than its server's, but may
    /// have been passed by when it came to be.
    pub(super) fn is_unsure(&self) -> bool {
        let ends = Ends::of(self.known.keys());
        self.known.iter().any(|(place, known)| {
            known.since == self.reading
                && place.direction == Direction::Incoming
                && ends.other(place, &self.known).is_none()
        })
    }

    /// Takes what is to be told, at most so many flows; the rest is told later.
    /// `owner` gives whose a place is, with the port there when it is only one;
    /// none when it is not of this node.
    pub(super) fn take(
        &mut self,
        most: usize,
        is_last: bool,
        owner: &mut dyn FnMut(&Place, Option<u16>) -> Option<u32>,
    ) -> Vec<Flow> {
        let ends = Ends::of(self.known.keys());
        let here: HashSet<IpAddr> = self.known.keys().map(|place| place.local).collect();
        let mut places: Vec<(u64, Place)> = self
            .known
            .iter()
            .filter(|(_, known)| known.has_news())
            .map(|(place, known)| (known.told_in, *place))
            .collect();
        // Every flow has its turn.
        places.sort_by_key(|(told_in, _)| *told_in);
        self.waiting = 0;
        let mut told = Vec::new();
        for (_, place) in places {
            let mut whose = |place: &Place| owner(place, self.known.get(place)?.counted.own_port);
            let own = whose(&place);
            let other = ends.other(&place, &self.known);
            let peer = other.and_then(|other| whose(&other));
            let reading = self.reading;
            let Some(known) = self.known.get_mut(&place) else { continue };
            known.is_foreign = own.is_none();
            let Some(own) = own else { continue };
            let is_alone = peer.is_none() && !is_last;
            match place.direction {
                Direction::Incoming if peer.is_some() => {
                    known.told = known.total();
                    continue;
                }
                // Its client's may have been passed by.
                Direction::Incoming if is_alone && known.since == reading => continue,
                // What it has sent may not have arrived yet.
                Direction::Outgoing
                    if is_alone && known.since > self.taken && here.contains(&place.remote) =>
                {
                    continue;
                }
                _ => {}
            }
            if told.len() >= most {
                self.waiting += 1;
                continue;
            }
            told.push(known.tell(&place, own, peer));
            known.told_in = reading;
        }
        self.taken = self.reading;
        told
    }

    /// Flows that have more to tell.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Flows that are known.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// At most so many that have told everything and are idle.
    pub(super) fn idle(&self, most: usize) -> Vec<Place> {
        self.known
            .iter()
            .filter(|(_, known)| {
                (known.is_foreign || !known.has_news())
                    && self.reading - known.changed > IDLE_READINGS
            })
            .map(|(place, _)| *place)
            .take(most)
            .collect()
    }

    /// The counter of a place was removed, and had this to say.
    pub(super) fn removed(&mut self, place: &Place, last: Counted) {
        let Some(known) = self.known.get_mut(place) else { return };
        known.counted = last;
        if known.is_foreign || !known.has_news() {
            self.known.remove(place);
            return;
        }
        // It has counted in the very moment; the next counter begins from 0.
        known.before = known.total();
        known.counted = Counted::default();
        known.changed = self.reading;
    }
}

impl Known {
    fn tell(&mut self, place: &Place, owner: u32, peer: Option<u32>) -> Flow {
        let total = self.total();
        let since = |now: Amount, before: Amount| Amount {
            bytes: now.bytes.saturating_sub(before.bytes),
            packets: now.packets.saturating_sub(before.packets),
        };
        let traffic = Traffic {
            sent: since(total.0, self.told.0),
            received: since(total.1, self.told.1),
            ..Traffic::default()
        };
        self.told = total;
        Flow {
            owner,
            peer,
            transport: Transport::Udp,
            direction: place.direction,
            local: place.local,
            remote: place.remote,
            port: place.port,
            backend: None,
            traffic,
        }
    }
}
