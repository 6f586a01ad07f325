//! Rows of questions to DNS servers.

use super::group::Same;
use super::{Filter, Listing, Query};
use crate::traffic::dns::DnsCounts;
use crate::traffic::ledger::{DNS_PORT, DnsEntry, Ledger};
use crate::traffic::row::{DnsRow, End, Row, Subject};
use earthworm_wire::flow::Transport;
use std::collections::HashMap;
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
        let mut rows: HashMap<Key, Row> = HashMap::new();
        let mut unplaced_dns = DnsCounts::default();
        let books = self.nodes.iter().enumerate();
        for (_, book) in books.filter(|(node, _)| query.node.is_none_or(|wanted| wanted == *node)) {
            unplaced_dns.add(&book.questions.unplaced);
            let seconds = book.last.map_or(0.0, |last| last.seconds);
            for entry in &book.questions.entries {
                let interval = entry.in_interval(book.intervals);
                if !query.filter.wants_dns(entry) || (query.moved_only && interval.is_none()) {
                    continue;
                }
                let row = rows
                    .entry(Key::of(&book.name, entry))
                    .or_insert_with(|| Row::new(subject(entry), Some(book.name.clone())));
                grow(row, entry, interval, seconds);
            }
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        let matching = rows.len();
        rows.sort_by(|one, other| query.sort.compare(one, other));
        rows.truncate(query.rows.unwrap_or(usize::MAX));
        Listing { rows, matching, unplaced_dns, ..Listing::default() }
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
