//! What comes first.

use super::dns::DnsCounts;
use super::row::{DnsRow, DropRow, End, Row, Subject};
use super::view::View;
use std::cmp::{Ordering, Reverse};

/// What rows are sorted by, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// Bytes of both directions in the last interval, then since the start.
    #[default]
    Bytes,
    /// Packets likewise.
    Packets,
    /// Mean round trip; what has none comes last.
    RoundTrip,
    /// Segments that were sent again in the last interval, then since the start.
    Retransmits,
    /// Connections that are open, then those that were opened.
    Connections,
    /// Questions to DNS servers in the last interval, then since the start.
    Queries,
    /// Those without an answer likewise.
    Timeouts,
    /// Mean time to an answer since the start; what has none comes last.
    Latency,
}

impl SortBy {
    /// As it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Packets => "packets",
            Self::RoundTrip => "rtt",
            Self::Retransmits => "retransmits",
            Self::Connections => "connections",
            Self::Queries => "queries",
            Self::Timeouts => "timeouts",
            Self::Latency => "latency",
        }
    }

    /// The one after this among the keys of a view, and the first after the last.
    #[must_use]
    pub fn next(self, view: View) -> Self {
        let keys = view.sort_keys();
        let place = keys.iter().position(|key| *key == self).unwrap_or(0);
        keys[(place + 1) % keys.len()]
    }

    /// Orders two rows. Those that are equal keep their place by name, so that
    /// nothing moves without a reason.
    #[must_use]
    pub fn compare(self, one: &Row, other: &Row) -> Ordering {
        let key = |row: &Row| Reverse(self.key(row));
        key(one)
            .cmp(&key(other))
            .then_with(|| Reverse(moved(one)).cmp(&Reverse(moved(other))))
            .then_with(|| by_name(one, other))
    }

    fn key(self, row: &Row) -> (u64, u64) {
        let interval = row.interval.as_ref();
        match self {
            Self::Bytes => moved(row),
            Self::Packets => (interval.map_or(0, |amounts| amounts.packets()), row.total.packets()),
            // A mean in microseconds plus one: 0 is for what has none.
            Self::RoundTrip => {
                let mean = |trip: &earthworm_wire::flow::RoundTrip| {
                    trip.sum_micros / u64::from(trip.connections.max(1)) + 1
                };
                (row.round_trip.as_ref().map_or(0, mean), 0)
            }
            Self::Retransmits => {
                let count = |amounts: &super::Amounts| amounts.retransmits().unwrap_or(0);
                (interval.map_or(0, count), count(&row.total))
            }
            Self::Connections => (row.open, row.total.changes.opened),
            Self::Queries => asked(row, |counts| counts.questions),
            Self::Timeouts => asked(row, |counts| counts.timeouts),
            // Likewise.
            Self::Latency => {
                let mean = |dns: &DnsRow| {
                    let latency = &dns.total.latency;
                    latency.sum_micros.checked_div(latency.count).map_or(0, |mean| mean + 1)
                };
                (dns(row).map_or(0, mean), 0)
            }
        }
    }
}

fn dns(row: &Row) -> Option<&DnsRow> {
    match &row.subject {
        Subject::Dns(dns) => Some(dns),
        _ => None,
    }
}

fn asked(row: &Row, count: fn(&DnsCounts) -> u64) -> (u64, u64) {
    let Some(dns) = dns(row) else { return (0, 0) };
    (dns.interval.as_ref().map_or(0, count), count(&dns.total))
}

fn moved(row: &Row) -> (u64, u64) {
    (row.interval.as_ref().map_or(0, |amounts| amounts.bytes()), row.total.bytes())
}

fn by_name(one: &Row, other: &Row) -> Ordering {
    one.node.cmp(&other.node).then_with(|| match (&one.subject, &other.subject) {
        (Subject::Flow(one), Subject::Flow(other)) => one
            .source
            .endpoint
            .cmp(&other.source.endpoint)
            .then_with(|| one.destination.endpoint.cmp(&other.destination.endpoint))
            .then_with(|| (one.port, one.transport).cmp(&(other.port, other.transport))),
        (Subject::Pod(one), Subject::Pod(other)) => one.cmp(other),
        (Subject::Service(one), Subject::Service(other)) => one.cmp(other),
        (Subject::Namespace(one), Subject::Namespace(other)) => one.cmp(other),
        (Subject::Port(port, over), Subject::Port(other, other_over)) => {
            (port, over).cmp(&(other, other_over))
        }
        (Subject::Drop(one), Subject::Drop(other)) => drop_name(one).cmp(&drop_name(other)),
        (Subject::Dns(one), Subject::Dns(other)) => {
            (&one.client, &one.server.endpoint).cmp(&(&other.client, &other.server.endpoint))
        }
        // One table has rows of one kind.
        _ => Ordering::Equal,
    })
}

fn drop_name(row: &DropRow) -> impl Ord + '_ {
    let end = |end: &'_ Option<End>| end.as_ref().map(|end| end.endpoint.clone());
    (&row.place, &row.reason, end(&row.source), end(&row.destination), row.port, row.protocol)
}
