//! Questions to DNS servers of one node in the ledger.

use super::drops::Who;
use super::entry::is_same;
use crate::naming::{Endpoint, EndpointKind};
use crate::traffic::dns::DnsCounts;
use crate::traffic::names::{plain_address, plain_owner, unknown_owner};
use earthworm_wire::flow::{Dns, Transport};
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How often a name is asked for again that seems to be nobody's.
const PROVISIONAL_TRIES: u8 = 5;

/// Where DNS servers listen.
pub(in crate::traffic) const DNS_PORT: u16 = 53;

/// What a probe tells questions apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::traffic) struct DnsWire {
    owner: u32,
    pub(in crate::traffic) server: IpAddr,
}

/// Who asked, and whom.
#[derive(Debug, Clone)]
pub(in crate::traffic) struct DnsEnds {
    pub(in crate::traffic) client: Arc<Endpoint>,
    pub(in crate::traffic) server: Arc<Endpoint>,
    /// Both are known.
    named: bool,
}

/// Questions of one client to one server.
#[derive(Debug)]
pub(in crate::traffic) struct DnsEntry {
    pub(in crate::traffic) wire: DnsWire,
    pub(in crate::traffic) ends: DnsEnds,
    pub(in crate::traffic) total: DnsCounts,
    /// What was added in the latest interval that has any, by its number.
    recent: (u64, DnsCounts),
    /// When it was told first.
    first: Timestamp,
    /// How often its names were asked for again.
    tries: u8,
    /// Nothing can be added any more: its names, or its probe, are gone.
    ended: bool,
}

/// What was asked from one node. Its memory is bounded: pairs of client and
/// server for which there is no room are counted together.
#[derive(Debug)]
pub(in crate::traffic) struct Questions {
    pub(in crate::traffic) entries: Vec<DnsEntry>,
    /// What is in no entry for want of room.
    pub(in crate::traffic) unplaced: DnsCounts,
    current: HashMap<DnsWire, usize>,
    limit: usize,
}

impl Questions {
    /// With room for so many pairs of client and server.
    pub(super) fn with_room_for(limit: usize) -> Self {
        let unplaced = DnsCounts::default();
        Self { entries: Vec::new(), unplaced, current: HashMap::new(), limit }
    }

    /// Adds what was told in an interval.
    pub(super) fn add(&mut self, interval: u64, dns: &Dns, at: Timestamp, who: &Who<'_>) {
        let counts = DnsCounts::of(dns);
        let wire = DnsWire { owner: dns.owner, server: dns.server };
        let ends = ends(who, &wire, at);
        let known = self.current.get(&wire).copied();
        let place = match known {
            Some(place) if self.fits(place, &ends, who) => {
                self.entries[place].ends = ends;
                place
            }
            _ => {
                if let Some(place) = known {
                    // The server's address has got another owner.
                    self.entries[place].ended = true;
                    self.current.remove(&wire);
                }
                if self.entries.len() >= self.limit {
                    self.unplaced.add(&counts);
                    return;
                }
                let place = self.entries.len();
                self.current.insert(wire, place);
                self.entries.push(DnsEntry::new(wire, ends, at));
                place
            }
        };
        self.entries[place].add(interval, &counts);
    }

    /// Whether what was told of these ends belongs to an entry, whose own names
    /// may have become known since.
    fn fits(&mut self, place: usize, wanted: &DnsEnds, who: &Who<'_>) -> bool {
        let entry = &mut self.entries[place];
        if entry.ends.are(wanted) {
            return true;
        }
        entry.ends = ends(who, &entry.wire, entry.first);
        entry.ends.are(wanted)
    }

    /// Asks again for names that were not known.
    pub(super) fn name_again(&mut self, who: &Who<'_>) {
        for entry in &mut self.entries {
            if entry.waits_for_names() {
                entry.tries = entry.tries.saturating_add(1);
                entry.ends = ends(who, &entry.wire, entry.first);
            }
        }
    }

    /// The probe is gone; another one has owners of its own.
    pub(super) fn gone(&mut self) {
        self.current.clear();
        self.entries.iter_mut().for_each(|entry| entry.ended = true);
    }
}

impl DnsEntry {
    fn new(wire: DnsWire, ends: DnsEnds, first: Timestamp) -> Self {
        let (total, recent) = (DnsCounts::default(), (0, DnsCounts::default()));
        Self { wire, ends, total, recent, first, tries: 0, ended: false }
    }

    fn add(&mut self, interval: u64, counts: &DnsCounts) {
        self.total.add(counts);
        if self.recent.0 != interval {
            self.recent = (interval, DnsCounts::default());
        }
        self.recent.1.add(counts);
    }

    /// What was added in an interval; `None` when nothing was told.
    pub(in crate::traffic) fn in_interval(&self, interval: u64) -> Option<&DnsCounts> {
        (self.recent.0 == interval && interval > 0).then_some(&self.recent.1)
    }

    fn waits_for_names(&self) -> bool {
        let nobody =
            |end: &Endpoint| matches!(end.kind, EndpointKind::Private | EndpointKind::Unknown);
        let DnsEnds { client, server, named } = &self.ends;
        let provisional = self.tries < PROVISIONAL_TRIES && (nobody(client) || nobody(server));
        !self.ended && (!named || provisional)
    }
}

impl DnsEnds {
    fn are(&self, other: &Self) -> bool {
        is_same(&self.client, &other.client) && is_same(&self.server, &other.server)
    }
}

fn ends(who: &Who<'_>, wire: &DnsWire, at: Timestamp) -> DnsEnds {
    let mut named = true;
    let client = match who.owners.get(&wire.owner) {
        Some(kind) => {
            let name = who.names.owner(who.node, kind);
            named &= name.is_some();
            name.unwrap_or_else(|| Arc::new(plain_owner(who.node, kind)))
        }
        // It is told before its questions; one that was not will never be.
        None => Arc::new(unknown_owner(who.node)),
    };
    let server = if wire.server.to_canonical().is_loopback() {
        // In its own network, that is itself.
        client.clone()
    } else {
        let name = who.names.address(wire.server, DNS_PORT, Transport::Udp, at);
        named &= name.is_some();
        name.unwrap_or_else(|| Arc::new(plain_address(wire.server)))
    };
    DnsEnds { client, server, named }
}
