//! Questions to DNS servers of one node in the ledger.

use super::kept::{Counted, Kind};
use super::who::Who;
use crate::naming::Endpoint;
use crate::traffic::dns::DnsCounts;
use earthworm_wire::flow::{Dns, Transport};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

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
}

/// Questions, by client and server.
#[derive(Debug)]
pub(in crate::traffic) struct Questions;

/// Questions of one client to one server.
pub(in crate::traffic) type DnsEntry = Kind<Questions>;

impl Counted for Questions {
    type Wire = DnsWire;
    type Ends = DnsEnds;
    type Counts = DnsCounts;

    fn ends(who: &Who<'_>, wire: &DnsWire, at: Timestamp) -> (DnsEnds, bool) {
        let mut named = true;
        let client = who.owner(wire.owner, &mut named);
        let server = if wire.server.to_canonical().is_loopback() {
            // In its own network, that is itself.
            client.clone()
        } else {
            who.address(wire.server, DNS_PORT, Transport::Udp, at, &mut named)
        };
        (DnsEnds { client, server }, named)
    }

    fn all(ends: &DnsEnds) -> impl Iterator<Item = &Arc<Endpoint>> {
        [&ends.client, &ends.server].into_iter()
    }

    fn add(counts: &mut DnsCounts, more: &DnsCounts) {
        counts.add(more);
    }
}

impl DnsWire {
    pub(super) fn of(dns: &Dns) -> Self {
        Self { owner: dns.owner, server: dns.server }
    }
}
