//! Rows from the ledger: what belongs together, what is wanted, what comes first.

mod group;

use super::amounts::Amounts;
use super::ledger::{Entry, Ledger, Other};
use super::row::{Row, Subject};
use super::sort::SortBy;
use crate::naming::{Endpoint, EndpointKind};
use earthworm_wire::flow::{Direction, Transport};
use group::Groups;
use std::collections::HashMap;
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
            Subject::Flow(_) | Subject::Port(..) => true,
        }
    }
}

impl Ledger {
    /// Rows of a view.
    #[must_use]
    pub fn listing(&self, query: &Query) -> Listing {
        let both_sides = BothSides::of(self);
        let mut groups = Groups::new(query.view);
        let books = self.nodes.iter().enumerate();
        let mut other = Other::default();
        for (_, book) in books.filter(|(node, _)| query.node.is_none_or(|wanted| wanted == *node)) {
            other.flows += book.other.flows;
            other.amounts.add(&book.other.amounts);
        }
        for entry in &self.entries {
            let node = entry.wire.node;
            let wanted = query.node.is_none_or(|wanted| wanted == node);
            if !wanted || both_sides.is_told_elsewhere(entry) || !query.filter.wants(entry) {
                continue;
            }
            let book = &self.nodes[node];
            let seconds = book.last.map_or(0.0, |last| last.seconds);
            let interval = entry.in_interval(book.intervals);
            if query.moved_only && interval.is_none() {
                continue;
            }
            let more = both_sides.retransmits_of(entry, |other| {
                other.in_interval(self.nodes[other.wire.node].intervals)
            });
            groups.add(&group::Part {
                entry,
                node: &book.name,
                interval: interval.map(|amounts| with_retransmits(amounts, more.map(|m| m.1))),
                total: with_retransmits(&entry.total, more.map(|m| m.0)),
                seconds,
            });
        }
        let mut rows = groups.rows();
        rows.retain(|row| query.filter.wants_subject(&row.subject) && is_shown(query.view, row));
        let matching = rows.len();
        rows.sort_by(|one, other| query.sort.compare(one, other));
        rows.truncate(query.rows.unwrap_or(usize::MAX));
        Listing { rows, matching, other }
    }
}

fn is_shown(view: View, row: &Row) -> bool {
    match view {
        View::Latency => row.round_trip.is_some(),
        View::Retransmits => row.total.retransmits().is_some_and(|count| count > 0),
        _ => true,
    }
}

/// What only the other node knows.
fn with_retransmits(amounts: &Amounts, more: Option<u64>) -> Amounts {
    let destination_retransmits = amounts.destination_retransmits.or(more);
    Amounts { destination_retransmits, ..*amounts }
}

/// Flows that were told from both of their sides, on two nodes.
struct BothSides<'a> {
    /// From the side that connected: by path, the node and the first entry.
    told: HashMap<super::ledger::Path, (usize, &'a Entry)>,
    /// From the side that listens.
    heard: HashMap<super::ledger::Path, Vec<&'a Entry>>,
}

impl<'a> BothSides<'a> {
    fn of(ledger: &'a Ledger) -> Self {
        let mut sides = Self { told: HashMap::new(), heard: HashMap::new() };
        if ledger.nodes.len() < 2 {
            return sides;
        }
        for entry in &ledger.entries {
            let Some(path) = entry.wire.path() else { continue };
            match entry.wire.direction {
                Direction::Outgoing => {
                    sides.told.entry(path).or_insert((entry.wire.node, entry));
                }
                Direction::Incoming => sides.heard.entry(path).or_default().push(entry),
            }
        }
        sides
    }

    /// Whether the same is told by the side that connected.
    fn is_told_elsewhere(&self, entry: &Entry) -> bool {
        if entry.covered {
            return true;
        }
        let incoming = entry.wire.direction == Direction::Incoming;
        let path = entry.wire.path().filter(|_| incoming);
        let told = path.and_then(|path| self.told.get(&path));
        told.is_some_and(|(node, _)| *node != entry.wire.node)
    }

    /// Segments that the side that listens sent again, in total and in its
    /// last interval; once for all entries of a path.
    fn retransmits_of(
        &self,
        entry: &Entry,
        interval: impl Fn(&'a Entry) -> Option<&'a Amounts>,
    ) -> Option<(u64, u64)> {
        let path = entry.wire.path().filter(|_| entry.wire.direction == Direction::Outgoing)?;
        let (_, first) = self.told.get(&path)?;
        let heard = self.heard.get(&path)?;
        let mut sum = None;
        for other in heard.iter().filter(|other| other.wire.node != entry.wire.node) {
            let (total, recent) = sum.get_or_insert((0, 0));
            if std::ptr::eq(*first, entry) {
                *total += other.total.destination_retransmits.unwrap_or(0);
                let amounts = interval(other);
                *recent += amounts.and_then(|a| a.destination_retransmits).unwrap_or(0);
            }
        }
        sum
    }
}
