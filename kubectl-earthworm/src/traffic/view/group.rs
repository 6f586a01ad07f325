//! Flows that make one row.

use super::View;
use crate::naming::{Endpoint, EndpointKind, ServiceName};
use crate::traffic::amounts::Amounts;
use crate::traffic::ledger::Entry;
use crate::traffic::row::{End, FlowRow, Row, Several, Subject};
use earthworm_wire::flow::{Direction, Transport};
use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One flow's part of a row.
pub(super) struct Part<'a> {
    pub(super) entry: &'a Entry,
    /// The node that told it.
    pub(super) node: &'a Arc<str>,
    /// What moved in the node's last interval.
    pub(super) interval: Option<Amounts>,
    pub(super) total: Amounts,
    /// How long that interval was.
    pub(super) seconds: f64,
    /// What the side that listens told of the same.
    pub(super) others: Vec<&'a Entry>,
}

/// What a person takes for the same end, whatever container or address of it
/// took part.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Same {
    kind: EndpointKind,
    namespace: Option<Arc<str>>,
    name: Arc<str>,
    node: Option<Arc<str>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Flow { node: Arc<str>, source: Same, destination: Same, port: u16, transport: Transport },
    Pod(Same),
    Service(ServiceName),
    Namespace(Arc<str>),
    Port(u16, Transport),
}

/// Rows while they grow.
pub(super) struct Groups {
    view: View,
    /// Nodes that tell of their own pods.
    counted: HashSet<Arc<str>>,
    rows: HashMap<Key, Row>,
}

impl Groups {
    /// For a view of flows that were told by nodes, these among them.
    pub(super) fn new(view: View, counted: HashSet<Arc<str>>) -> Self {
        Self { view, counted, rows: HashMap::new() }
    }

    pub(super) fn rows(self) -> Vec<Row> {
        self.rows.into_values().collect()
    }

    /// Adds a flow to the rows that it belongs to: to that of each of its ends,
    /// but only once where both have the same.
    pub(super) fn add(&mut self, part: &Part<'_>) {
        let ends = &part.entry.ends;
        let wire = &part.entry.wire;
        let answering = ends.backend.as_ref().unwrap_or(&ends.destination);
        match self.view {
            View::Flows | View::Latency | View::Retransmits => self.flow(part),
            View::Ports => {
                let key = Key::Port(wire.port, wire.transport);
                self.grow(key, part, false, || (Subject::Port(wire.port, wire.transport), None));
            }
            View::Services => {
                if let Some(service) = service(&ends.destination) {
                    let key = Key::Service(service.clone());
                    self.grow(key, part, true, || (Subject::Service(service), None));
                }
            }
            // They are no flows.
            View::Drops | View::Dns => {}
            View::Pods => self.pods(part, answering),
            View::Namespaces => {
                let namespace = |end: &Endpoint| end.namespace.clone();
                for (end, reversed) in distinct(&ends.source, answering, namespace) {
                    let Some(name) = namespace(end) else { continue };
                    let subject = || (Subject::Namespace(name.clone()), None);
                    self.grow(Key::Namespace(name.clone()), part, reversed, subject);
                }
            }
        }
    }

    /// Each end by the node that it is on: what a client on another node tells
    /// of a service says nothing of the pod that answered. Of a node that nobody
    /// looks at, by what others tell of it.
    fn pods(&mut self, part: &Part<'_>, answering: &Arc<Endpoint>) {
        let wire = &part.entry.wire;
        let source = &part.entry.ends.source;
        let (own, other) = match wire.direction {
            Direction::Outgoing => (source, answering),
            Direction::Incoming => (answering, source),
        };
        let incoming = wire.direction == Direction::Incoming;
        let told_there = other
            .node
            .as_ref()
            .is_some_and(|node| node != part.node && self.counted.contains(node));
        let both = Same::of(own) == Same::of(other);
        let other = Some(other).filter(|_| !both && (wire.peer.is_some() || !told_there));
        for (end, reversed) in [(Some(own), incoming), (other, !incoming)] {
            if let Some(end) = end.filter(|end| end.kind == EndpointKind::Pod) {
                let subject = || (Subject::Pod(pod_alone(end)), end.node.clone());
                self.grow(Key::Pod(Same::of(end)), part, reversed, subject);
            }
        }
    }

    fn flow(&mut self, part: &Part<'_>) {
        let ends = &part.entry.ends;
        let wire = &part.entry.wire;
        let key = Key::Flow {
            node: part.node.clone(),
            source: Same::of(&ends.source),
            destination: Same::of(&ends.destination),
            port: wire.port,
            transport: wire.transport,
        };
        let row = self.grow(key, part, false, || {
            let flow = FlowRow {
                source: End::new(ends.source.clone()),
                destination: End::new(ends.destination.clone()),
                backends: Several::default(),
                port: wire.port,
                transport: wire.transport,
                direction: wire.direction,
            };
            (Subject::Flow(Box::new(flow)), Some(part.node.clone()))
        });
        if let Subject::Flow(flow) = &mut row.subject {
            flow.source.add(&ends.source, wire.source());
            flow.destination.add(&ends.destination, wire.destination());
            let backend = ends.backend.as_ref().map(full_name);
            let backend =
                backend.or_else(|| wire.backend.map(|address| address.to_string().into()));
            let is_service = ends.destination.kind != EndpointKind::Pod;
            let others = part.others.iter().filter(|_| is_service);
            let others = others.map(|other| full_name(&other.ends.destination));
            for backend in backend.into_iter().chain(others) {
                flow.backends.add(backend);
            }
        }
    }

    fn grow(
        &mut self,
        key: Key,
        part: &Part<'_>,
        reversed: bool,
        subject: impl FnOnce() -> (Subject, Option<Arc<str>>),
    ) -> &mut Row {
        let row = match self.rows.entry(key) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let (subject, node) = subject();
                slot.insert(Row::new(subject, node))
            }
        };
        let turned = |amounts: Amounts| if reversed { amounts.reversed() } else { amounts };
        row.total.add(&turned(part.total));
        if let Some(interval) = part.interval {
            row.interval.get_or_insert_default().add(&turned(interval));
            if part.seconds > 0.0 {
                #[expect(clippy::cast_precision_loss)]
                let bytes = interval.bytes() as f64;
                row.rate += bytes / part.seconds;
            }
        }
        row.open = row.open.saturating_add(part.entry.open);
        row.older = row.older.saturating_add(part.entry.older);
        if let Some(more) = part.entry.round_trip {
            match &mut row.round_trip {
                Some(trip) => trip.add(more),
                None => row.round_trip = Some(more),
            }
        }
        row
    }
}

impl Same {
    pub(super) fn of(end: &Endpoint) -> Self {
        Self {
            kind: end.kind,
            namespace: end.namespace.clone(),
            name: end.name.clone(),
            node: end.node.clone(),
        }
    }
}

/// Source and destination as subjects, with whether amounts are to be turned
/// round for it; one of them when both are the same.
fn distinct<'a, T: PartialEq>(
    source: &'a Arc<Endpoint>,
    destination: &'a Arc<Endpoint>,
    subject: impl Fn(&Endpoint) -> Option<T>,
) -> impl Iterator<Item = (&'a Arc<Endpoint>, bool)> {
    let (first, second) = (subject(source), subject(destination));
    let both = first == second;
    let source = first.map(|_| (source, false));
    let destination = second.filter(|_| !both).map(|_| (destination, true));
    source.into_iter().chain(destination)
}

/// The service that a destination stands for or belongs to.
fn service(end: &Endpoint) -> Option<ServiceName> {
    if let Some(service) = &end.service {
        return Some(service.clone());
    }
    let namespace = end.namespace.clone().filter(|_| end.kind == EndpointKind::Service)?;
    Some(ServiceName { namespace, name: end.name.clone() })
}

/// Without what only one of its flows is about.
fn pod_alone(end: &Arc<Endpoint>) -> Arc<Endpoint> {
    Arc::new(Endpoint { container: None, service: None, ..Endpoint::clone(end) })
}

/// `namespace/name`, or the name alone.
fn full_name(end: &Arc<Endpoint>) -> Arc<str> {
    match &end.namespace {
        Some(namespace) => format!("{namespace}/{}", end.name).into(),
        None => end.name.clone(),
    }
}
