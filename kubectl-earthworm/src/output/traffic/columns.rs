//! The columns of each view; the live screen has the same.

use super::{dns, drops, size};
use crate::naming::{Endpoint, EndpointKind};
use crate::output::escape;
use crate::output::table::duration;
use crate::traffic::{End, FlowRow, Row, Several, Subject, View};
use earthworm_wire::flow::Transport;

/// A column: its title and what a row has in it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// As kubectl writes titles.
    pub title: &'static str,
    /// Says who or what the row is about, and not how much.
    pub is_name: bool,
    value: fn(&Row) -> Option<String>,
}

/// What a value that was not measured looks like.
const ABSENT: &str = "<none>";

impl Column {
    pub(super) const fn new(title: &'static str, value: fn(&Row) -> Option<String>) -> Self {
        Self { title, is_name: false, value }
    }

    pub(super) const fn name(title: &'static str, value: fn(&Row) -> Option<String>) -> Self {
        Self { title, is_name: true, value }
    }

    /// What a row has here, escaped.
    #[must_use]
    pub fn of(&self, row: &Row) -> String {
        let value = (self.value)(row).filter(|value| !value.is_empty());
        escape(value.as_deref().unwrap_or(ABSENT)).into_owned()
    }
}

/// The columns of a view. With several nodes it is said which of them a row is
/// of, where rows are of one.
#[must_use]
pub fn columns(view: View, wide: bool, several_nodes: bool) -> Vec<Column> {
    if view == View::Drops {
        return drops::columns(wide, several_nodes);
    }
    if view == View::Dns {
        return dns::columns(wide, several_nodes);
    }
    let node = several_nodes.then_some(NODE);
    let mut columns: Vec<Column> = match view {
        View::Flows | View::Latency | View::Retransmits => node.into_iter().chain(FLOW).collect(),
        View::Pods => NAMED.into_iter().chain(node).collect(),
        View::Services => NAMED.to_vec(),
        View::Namespaces => vec![NAMED[1]],
        View::Ports => vec![PORT, PROTOCOL],
        View::Drops | View::Dns => Vec::new(),
    };
    columns.extend(MEASURES);
    if wide {
        match view {
            View::Flows | View::Latency | View::Retransmits => columns.extend(FLOW_WIDE),
            View::Pods => columns.push(WORKLOAD),
            View::Services | View::Namespaces | View::Ports | View::Drops | View::Dns => {}
        }
        columns.extend(WIDE);
    }
    columns
}

pub(super) const NODE: Column = Column::name("NODE", |row| row.node.as_deref().map(str::to_owned));
const PORT: Column = Column::name("PORT", |row| Some(place(row)?.0.to_string()));
const PROTOCOL: Column = Column::name("PROTOCOL", |row| Some(place(row)?.1.name().to_owned()));
const WORKLOAD: Column = Column::new("WORKLOAD", |row| match &row.subject {
    Subject::Pod(pod) => workload(pod),
    _ => None,
});

const FLOW: [Column; 4] = [
    Column::name("SOURCE", |row| Some(end_name(&flow(row)?.source.endpoint))),
    Column::name("DESTINATION", |row| Some(end_name(&flow(row)?.destination.endpoint))),
    PORT,
    PROTOCOL,
];

const NAMED: [Column; 2] = [
    Column::name("NAMESPACE", |row| match &row.subject {
        Subject::Pod(pod) => pod.namespace.as_deref().map(str::to_owned),
        Subject::Service(service) => Some(service.namespace.to_string()),
        _ => None,
    }),
    Column::name("NAME", |row| match &row.subject {
        Subject::Pod(pod) => Some(pod.name.to_string()),
        Subject::Service(service) => Some(service.name.to_string()),
        Subject::Namespace(name) => Some(name.to_string()),
        Subject::Flow(_) | Subject::Port(..) | Subject::Drop(_) | Subject::Dns(_) => None,
    }),
];

const MEASURES: [Column; 6] = [
    Column::new("SENT", |row| Some(size::bytes(row.total.sent.bytes))),
    Column::new("RECEIVED", |row| Some(size::bytes(row.total.received.bytes))),
    Column::new("RATE", |row| Some(size::rate(row.rate))),
    Column::new("RTT", |row| row.round_trip.map(|trip| duration(trip.mean_seconds()))),
    Column::new("RETRANSMITS", |row| row.total.retransmits().map(|count| count.to_string())),
    Column::new("CONNECTIONS", |row| has_connections(row).then(|| row.open.to_string())),
];

const FLOW_WIDE: [Column; 5] = [
    Column::new("SOURCE-CONTAINER", |row| containers(&flow(row)?.source)),
    Column::new("SOURCE-WORKLOAD", |row| workload(&flow(row)?.source.endpoint)),
    Column::new("DESTINATION-CONTAINER", |row| containers(&flow(row)?.destination)),
    Column::new("DESTINATION-WORKLOAD", |row| workload(&flow(row)?.destination.endpoint)),
    Column::new("BACKEND", |row| Some(several(&flow(row)?.backends))),
];

const WIDE: [Column; 8] = [
    Column::new("PACKETS-SENT", |row| Some(row.total.sent.packets.to_string())),
    Column::new("PACKETS-RECEIVED", |row| Some(row.total.received.packets.to_string())),
    Column::new("OPENED", |row| change(row, row.total.changes.opened)),
    Column::new("CLOSED", |row| change(row, row.total.changes.closed)),
    Column::new("REFUSED", |row| change(row, row.total.changes.refused)),
    Column::new("FAILED", |row| change(row, row.total.changes.failed)),
    Column::new("RESET", |row| change(row, row.total.changes.reset)),
    Column::new("OLDER", |row| change(row, row.older)),
];

fn flow(row: &Row) -> Option<&FlowRow> {
    match &row.subject {
        Subject::Flow(flow) => Some(flow),
        _ => None,
    }
}

fn place(row: &Row) -> Option<(u16, Transport)> {
    match &row.subject {
        Subject::Flow(flow) => Some((flow.port, flow.transport)),
        Subject::Port(port, transport) => Some((*port, *transport)),
        _ => None,
    }
}

/// Whether there is such a thing as a connection: UDP need not have any.
fn has_connections(row: &Row) -> bool {
    let changes = &row.total.changes;
    let any = row.open + changes.opened + changes.closed + changes.refused + changes.failed > 0;
    any || place(row).is_none_or(|(_, transport)| transport == Transport::Tcp)
}

fn change(row: &Row, count: u64) -> Option<String> {
    has_connections(row).then(|| count.to_string())
}

/// One end as a table shows it: `namespace/pod`, `namespace/service`, a
/// process, `node/NAME`, an address.
pub(super) fn end_name(end: &Endpoint) -> String {
    let Endpoint { kind, namespace, name, .. } = end;
    match (kind, namespace) {
        (EndpointKind::Node, _) => format!("node/{name}"),
        // It had ended before the probe could ask for its name.
        (EndpointKind::Process, _) if name.is_empty() => "(ended)".to_owned(),
        (_, Some(namespace)) => format!("{namespace}/{name}"),
        (_, None) => name.to_string(),
    }
}

/// The addresses that share a row, with commas.
pub(super) fn addresses(end: &End) -> String {
    let more = if end.addresses.has_more() { ",..." } else { "" };
    let addresses: Vec<String> =
        end.addresses.values().iter().map(|address| address.to_canonical().to_string()).collect();
    addresses.join(",") + more
}

fn containers(end: &End) -> Option<String> {
    Some(several(&end.containers))
}

fn several(values: &Several<std::sync::Arc<str>>) -> String {
    let more = if values.has_more() { ",..." } else { "" };
    values.values().join(",") + more
}

/// `Deployment/web`
pub(super) fn workload(end: &Endpoint) -> Option<String> {
    let workload = end.workload.as_ref()?;
    Some(format!("{}/{}", workload.kind, workload.name))
}

/// What a row is about, in words; unescaped.
pub(super) fn title(row: &Row) -> String {
    match &row.subject {
        Subject::Flow(flow) => {
            let backends = several(&flow.backends);
            let by =
                if backends.is_empty() { backends } else { format!(" (answered by {backends})") };
            format!(
                "{} to {}{by}, port {}/{}",
                end_name(&flow.source.endpoint),
                end_name(&flow.destination.endpoint),
                flow.port,
                flow.transport.name()
            )
        }
        Subject::Pod(pod) => {
            format!("{}/{}", pod.namespace.as_deref().unwrap_or_default(), pod.name)
        }
        Subject::Service(service) => format!("{}/{}", service.namespace, service.name),
        Subject::Namespace(name) => name.to_string(),
        Subject::Port(port, transport) => format!("port {port}/{}", transport.name()),
        Subject::Drop(drop) => drops::title(drop),
        Subject::Dns(dns) => dns::title(dns),
    }
}
