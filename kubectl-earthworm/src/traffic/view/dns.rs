//! Rows of questions to DNS servers.

use super::group::Same;
use super::{Filter, Listing, Query};
use crate::traffic::dns::DnsCounts;
use crate::traffic::ledger::{DNS_PORT, DnsEntry, Ledger};
use crate::traffic::row::{DnsRow, End, Row, Subject};
use earthworm_wire::flow::Transport;
use std::sync::Arc;

/// What a person takes for the same client and server, whatever their addresses.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    node: Arc<str>,
    client: Same,
    server: Same,
}

impl Filter {
    /// Who asked is wanted.
    fn wants_dns(&self, entry: &DnsEntry) -> bool {
        self.port.is_none_or(|port| port == DNS_PORT)
            && self.transport.is_none_or(|wanted| wanted == Transport::Udp)
            && self.wants_end(&entry.ends.client)
    }
}

impl Ledger {
    /// Rows of questions to DNS servers.
    pub(super) fn dns(&self, query: &Query) -> Listing {
        let rows = self.rows_of_kinds(
            query,
            |book| &book.questions.entries,
            |entry| query.filter.wants_dns(entry),
            Key::of,
            subject,
            grow,
        );
        let mut listing = Listing::of(rows, query);
        for book in self.books(query) {
            listing.unplaced_dns.add(&book.questions.unplaced);
        }
        listing
    }
}

impl Key {
    fn of(node: &Arc<str>, entry: &DnsEntry) -> Self {
        let (client, server) = (Same::of(&entry.ends.client), Same::of(&entry.ends.server));
        Self { node: node.clone(), client, server }
    }
}

fn subject(entry: &DnsEntry) -> Subject {
    Subject::Dns(Box::new(DnsRow {
        client: entry.ends.client.clone(),
        server: End::new(entry.ends.server.clone()),
        interval: None,
        total: DnsCounts::default(),
    }))
}

fn grow(row: &mut Row, entry: &DnsEntry, interval: Option<&DnsCounts>, seconds: f64) {
    let Subject::Dns(dns) = &mut row.subject else { return };
    dns.total.add(&entry.total);
    dns.server.add(&entry.ends.server, entry.wire.server);
    if let Some(counts) = interval {
        dns.interval.get_or_insert_default().add(counts);
        if seconds > 0.0 {
            #[expect(clippy::cast_precision_loss)]
            let questions = counts.questions as f64;
            row.rate += questions / seconds;
        }
    }
}
