//! Rows from the ledger: what belongs together, what is wanted, what comes first.

mod dns;
mod drops;
mod group;
mod kinds;
mod sides;

use super::amounts::Amounts;
use super::dns::DnsCounts;
use super::ledger::{Entry, Ledger, Other};
use super::row::{Row, Subject};
use super::sort::SortBy;
use crate::naming::{Endpoint, EndpointKind};
use earthworm_wire::flow::{Amount, Transport};
use group::{Groups, Part};
use sides::BothSides;
use std::sync::Arc;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A source, a destination and a port.
    Flows,
    /// A pod.
    Pods,
    /// A service that was dialled, or that a pod belongs to which was.
    Services,
    /// A namespace.
    Namespaces,
    /// A port that is listened on.
    Ports,
    /// Flows that have a round trip.
    Latency,
    /// Flows that had something to send again.
    Retransmits,
    /// Packets that a node's kernel threw away for one reason.
    Drops,
    /// Questions of a pod or node to a DNS server.
    Dns,
}

impl View {
    /// As it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Pods => "pods",
            Self::Services => "services",
            Self::Namespaces => "namespaces",
            Self::Ports => "ports",
            Self::Latency => "latency",
            Self::Retransmits => "retransmits",
            Self::Drops => "drops",
            Self::Dns => "dns",
        }
    }

    /// What its rows can be sorted by, in the order in which a person steps
    /// through it; first what they are sorted by if nothing else is said.
    #[must_use]
    pub fn sort_keys(self) -> &'static [SortBy] {
        use SortBy::{Bytes, Connections, Latency, Packets, Queries};
        use SortBy::{Retransmits, RoundTrip, Timeouts};
        match self {
            Self::Drops => &[Packets, Bytes],
            Self::Dns => &[Queries, Timeouts, Latency],
            Self::Latency => &[RoundTrip, Retransmits, Connections, Bytes, Packets],
            Self::Retransmits => &[Retransmits, Connections, Bytes, Packets, RoundTrip],
            _ => &[Bytes, Packets, RoundTrip, Retransmits, Connections],
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// One end is in this namespace.
    pub namespace: Option<Arc<str>>,
    /// One end is a pod of this name (in the namespace, when there is one).
    pub pod: Option<Arc<str>>,
    /// Through this port, as it was dialled or as it was answered.
    pub port: Option<u16>,
    /// Over this protocol.
    pub transport: Option<Transport>,
}

/// A question to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What a row is.
    pub view: View,
    /// What is wanted.
    pub filter: Filter,
    /// What comes first.
    pub sort: SortBy,
    /// At most so many rows.
    pub rows: Option<usize>,
    /// Only what this node reported.
    pub node: Option<usize>,
    /// Only what was told in the last interval.
    pub moved_only: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Rows there were before they were limited.
    pub matching: usize,
    /// What is in no row, whatever was asked for: its names are forgotten.
    pub other: Other,
    /// Dropped packets that are in no row, whatever was asked for: there was no
    /// room for their kind.
    pub unplaced: Amount,
    /// The same of questions to DNS servers.
    pub unplaced_dns: DnsCounts,
}

impl Listing {
    /// Rows in the order that is asked for, and as many.
    fn of(mut rows: Vec<Row>, query: &Query) -> Self {
        let matching = rows.len();
        rows.sort_by(|one, other| query.sort.compare(one, other));
        rows.truncate(query.rows.unwrap_or(usize::MAX));
        Self { rows, matching, ..Self::default() }
    }
}

impl Filter {
    /// True when everything is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an end of a flow is wanted.
    fn wants_end(&self, end: &Endpoint) -> bool {
        let same = |wanted: &Option<Arc<str>>, found: Option<&Arc<str>>| {
            wanted.as_ref().is_none_or(|wanted| Some(wanted) == found)
        };
        let service = end.service.as_ref().map(|service| &service.namespace);
        let namespace = end.namespace.as_ref().or(service);
        same(&self.namespace, namespace)
            && same(&self.pod, Some(&end.name).filter(|_| end.kind == EndpointKind::Pod))
    }

    fn wants(&self, entry: &Entry) -> bool {
        let wire = &entry.wire;
        let port = self.port.is_none_or(|port| {
            wire.port == port || wire.backend.is_some_and(|backend| backend.port() == port)
        });
        let ends =
            [Some(&entry.ends.source), Some(&entry.ends.destination), entry.ends.backend.as_ref()];
        port && self.transport.is_none_or(|transport| wire.transport == transport)
            && ends.into_iter().flatten().any(|end| self.wants_end(end))
    }

    /// Whether a row of its own is wanted for a subject.
    fn wants_subject(&self, subject: &Subject) -> bool {
        let in_namespace =
            |namespace: &Arc<str>| self.namespace.as_ref().is_none_or(|wanted| wanted == namespace);
        match subject {
            Subject::Pod(pod) => self.wants_end(pod),
            Subject::Service(service) => in_namespace(&service.namespace),
            Subject::Namespace(namespace) => in_namespace(namespace),
            Subject::Flow(_) | Subject::Port(..) | Subject::Drop(_) | Subject::Dns(_) => true,
        }
    }
}

impl Ledger {
    /// Rows of a view.
    #[must_use]
    pub fn listing(&self, query: &Query) -> Listing {
        if query.view == View::Drops {
            return self.drops(query);
        }
        if query.view == View::Dns {
            return self.dns(query);
        }
        let both_sides = BothSides::of(self);
        let counted = self.nodes.iter().filter(|book| book.counted);
        let mut groups = Groups::new(query.view, counted.map(|book| book.name.clone()).collect());
        // Pods have both of their sides counted, each where it is.
        let both_ends = query.view == View::Pods;
        let mut other = Other::default();
        for book in self.books(query) {
            other.flows += book.other.flows;
            other.amounts.add(&book.other.amounts);
        }
        for entry in &self.entries {
            let node = entry.wire.node;
            let wanted = query.node.is_none_or(|wanted| wanted == node);
            let elsewhere = !both_ends && both_sides.is_told_elsewhere(entry);
            if !wanted || elsewhere || !query.filter.wants(entry) {
                continue;
            }
            let book = &self.nodes[node];
            let seconds = book.last.map_or(0.0, |last| last.seconds);
            let interval = entry.in_interval(book.intervals);
            if query.moved_only && interval.is_none() {
                continue;
            }
            let others = if both_ends { Vec::new() } else { both_sides.other_side(entry) };
            let (mut in_interval, mut total) = (interval.copied(), entry.total);
            for other in &others {
                take_over(&mut total, Some(&other.total));
                let theirs = other.in_interval(self.nodes[other.wire.node].intervals);
                in_interval.iter_mut().for_each(|amounts| take_over(amounts, theirs));
            }
            let name = &book.name;
            groups.add(&Part { entry, node: name, interval: in_interval, total, seconds, others });
        }
        let mut rows = groups.rows();
        rows.retain(|row| query.filter.wants_subject(&row.subject) && is_shown(query.view, row));
        Listing { other, ..Listing::of(rows, query) }
    }
}

fn is_shown(view: View, row: &Row) -> bool {
    match view {
        View::Latency => row.round_trip.is_some(),
        View::Retransmits => row.total.retransmits().is_some_and(|count| count > 0),
        _ => true,
    }
}

/// Takes over what only the side that listens can count.
fn take_over(amounts: &mut Amounts, other: Option<&Amounts>) {
    let again = other.map(|other| other.destination_retransmits.unwrap_or(0));
    if let Some(again) = again {
        let known = amounts.destination_retransmits.get_or_insert(0);
        *known = known.saturating_add(again);
    }
}
