//! Traffic as data: `FlowList`, `TrafficList`, `FlowSummary`; dropped packets
//! and DNS have files of their own.

mod dns;
mod drops;

pub(in crate::output) use dns::DnsListBody;
pub(in crate::output) use drops::DropListBody;

use super::objects::{Body, CostBody, LostBody, Object, ProbeBody};
use super::{cost_body, lost_body, object, probe_body, seconds};
use crate::naming::{Endpoint, EndpointKind};
use crate::output::traffic::Told;
use crate::signal::NodeId;
use crate::traffic::{
    Amounts, End, FlowRow, Interval, Listing, Row, Several, Subject, Summary, View,
};
use drops::{DroppedBody, dropped_body};
use earthworm_wire::flow::{Direction, RoundTrip};
use jiff::Timestamp;
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;

/// One interval of one node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::output) struct ListBody {
    /// What a row of a `TrafficList` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    interval: u64,
    interval_seconds: f64,
    sockets: u64,
    ended: u64,
    held_back: u64,
    matching: usize,
    items: Vec<ItemBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<OtherBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemBody {
    #[serde(flatten)]
    subject: SubjectBody,
    bytes: PairBody,
    packets: PairBody,
    connections: ConnectionsBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_seconds: Option<RoundTripBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retransmits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retransmits_by: Option<ByBody>,
    since_start: SinceStartBody,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SubjectBody {
    Flow(Box<FlowBody>),
    #[serde(rename_all = "camelCase")]
    Pod {
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        pod_node: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        workload: Option<WorkloadBody>,
    },
    Named {
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        name: String,
    },
    Port {
        port: u16,
        transport: &'static str,
    },
}

#[derive(Debug, Serialize)]
struct FlowBody {
    source: EndBody,
    destination: EndBody,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backends: Vec<String>,
    transport: &'static str,
    direction: &'static str,
}

#[derive(Debug, Serialize)]
struct EndBody {
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    containers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<WorkloadBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<ServiceBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

#[derive(Debug, Serialize)]
struct WorkloadBody {
    kind: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct ServiceBody {
    namespace: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct PairBody {
    sent: u64,
    received: u64,
}

#[derive(Debug, Serialize)]
struct ConnectionsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    older: Option<u64>,
    opened: u64,
    closed: u64,
    refused: u64,
    failed: u64,
    reset: u64,
}

#[derive(Debug, Serialize)]
struct RoundTripBody {
    min: f64,
    mean: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct ByBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<u64>,
}

#[derive(Debug, Serialize)]
struct SinceStartBody {
    bytes: PairBody,
    packets: PairBody,
    connections: ConnectionsBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    retransmits: Option<u64>,
}

#[derive(Debug, Serialize)]
struct OtherBody {
    flows: u64,
    bytes: PairBody,
    packets: PairBody,
}

/// The last object of each node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::output) struct FlowSummaryBody {
    observed_seconds: f64,
    intervals: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<SocketsBody>,
    ended: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep_seconds: Option<f64>,
    held_back: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<OtherBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<DroppedBody>,
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<LostBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostBody>,
    probe: ProbeBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    nothing_left_behind: Option<bool>,
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct SocketsBody {
    last: u64,
    peak: u64,
}

/// The object of an interval of one node.
pub(in crate::output) fn list(told: &Told<'_>, node: &NodeId, interval: &Interval) -> Object {
    let by = match told.view {
        View::Dns => return dns::list(told, node, interval),
        View::Drops => return drops::list(told, node, interval),
        View::Flows | View::Latency | View::Retransmits => None,
        View::Pods => Some("pod"),
        View::Services => Some("service"),
        View::Namespaces => Some("namespace"),
        View::Ports => Some("port"),
    };
    let kind = if by.is_some() { "TrafficList" } else { "FlowList" };
    let Listing { rows, matching, other, .. } = told.listing;
    let body = ListBody {
        by,
        interval: interval.number,
        interval_seconds: seconds(interval.seconds),
        sockets: interval.sockets,
        ended: interval.ended,
        held_back: interval.held_back,
        matching: *matching,
        items: rows.iter().map(item).collect(),
        other: other_body(other),
    };
    object(kind, end_of(interval), node, Body::List(Box::new(body)))
}

fn end_of(interval: &Interval) -> Timestamp {
    // What lies outside of the years of a timestamp was never a clock.
    let time = Timestamp::from_nanosecond(i128::from(interval.time));
    time.unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The object of a node's session.
pub(in crate::output) fn flow_summary(summary: &Summary) -> Object {
    let body = FlowSummaryBody {
        observed_seconds: seconds(summary.observed_seconds),
        intervals: summary.intervals,
        sockets: summary
            .sockets
            .zip(summary.peak_sockets)
            .map(|(last, peak)| SocketsBody { last, peak }),
        ended: summary.ended,
        sweep_seconds: summary.sweep_seconds.map(seconds),
        held_back: summary.held_back,
        other: other_body(&summary.other),
        dropped: summary.dropped.map(dropped_body),
        missing: summary.missing.clone(),
        lost: summary.lost.map(lost_body),
        cost: summary.cost.as_ref().map(cost_body),
        probe: probe_body(&summary.probe),
        nothing_left_behind: summary.removed,
        exit_code: summary.exit_code,
    };
    object("FlowSummary", summary.at.wall, &summary.node, Body::FlowSummary(Box::new(body)))
}

fn item(row: &Row) -> ItemBody {
    let interval = row.interval.unwrap_or_default();
    let by = matches!(row.subject, Subject::Flow(_)).then_some(ByBody {
        source: interval.source_retransmits,
        destination: interval.destination_retransmits,
    });
    ItemBody {
        subject: subject(&row.subject, row.node.as_deref()),
        bytes: bytes(&interval),
        packets: packets(&interval),
        connections: ConnectionsBody {
            open: Some(row.open),
            older: Some(row.older),
            ..connections(&interval)
        },
        rtt_seconds: row.round_trip.as_ref().map(round_trip),
        retransmits: interval.retransmits(),
        retransmits_by: by.filter(|by| by.source.is_some() || by.destination.is_some()),
        since_start: SinceStartBody {
            bytes: bytes(&row.total),
            packets: packets(&row.total),
            connections: connections(&row.total),
            retransmits: row.total.retransmits(),
        },
    }
}

fn subject(subject: &Subject, node: Option<&str>) -> SubjectBody {
    match subject {
        Subject::Flow(flow) => SubjectBody::Flow(Box::new(flow_body(flow))),
        Subject::Pod(pod) => SubjectBody::Pod {
            namespace: pod.namespace.as_deref().map(str::to_owned),
            name: pod.name.to_string(),
            pod_node: node.map(str::to_owned),
            workload: workload(pod),
        },
        Subject::Service(service) => SubjectBody::Named {
            namespace: Some(service.namespace.to_string()),
            name: service.name.to_string(),
        },
        Subject::Namespace(name) => SubjectBody::Named { namespace: None, name: name.to_string() },
        Subject::Port(port, transport) => {
            SubjectBody::Port { port: *port, transport: transport.name() }
        }
        // Lists of their own have them.
        Subject::Drop(drop) => {
            SubjectBody::Named { namespace: None, name: drop.reason.to_string() }
        }
        Subject::Dns(dns) => {
            SubjectBody::Named { namespace: None, name: dns.client.name.to_string() }
        }
    }
}

fn flow_body(flow: &FlowRow) -> FlowBody {
    FlowBody {
        source: end(&flow.source, None),
        destination: end(&flow.destination, Some(flow.port)),
        backends: flow.backends.values().iter().map(ToString::to_string).collect(),
        transport: flow.transport.name(),
        direction: match flow.direction {
            Direction::Outgoing => "outgoing",
            Direction::Incoming => "incoming",
        },
    }
}

/// An end that is told by its name alone.
fn end_alone(endpoint: &Arc<Endpoint>) -> EndBody {
    let alone = End {
        endpoint: endpoint.clone(),
        containers: Several::default(),
        addresses: Several::default(),
    };
    end(&alone, None)
}

fn end(end: &End, port: Option<u16>) -> EndBody {
    let Endpoint { kind, namespace, name, service, node, .. } = &*end.endpoint;
    let only = end.containers.only();
    let several = end.containers.values();
    let addresses = end.addresses.values();
    EndBody {
        kind: kind_name(*kind),
        name: name.to_string(),
        namespace: namespace.as_deref().map(str::to_owned),
        pod: (*kind == EndpointKind::Pod).then(|| name.to_string()),
        container: only.map(ToString::to_string),
        containers: (several.len() > 1).then(|| several.iter().map(ToString::to_string).collect()),
        workload: workload(&end.endpoint),
        service: service.as_ref().map(|service| ServiceBody {
            namespace: service.namespace.to_string(),
            name: service.name.to_string(),
        }),
        node: node.as_deref().map(str::to_owned),
        address: end.addresses.only().copied(),
        addresses: (addresses.len() > 1).then(|| addresses.to_vec()),
        port,
    }
}

fn workload(end: &Endpoint) -> Option<WorkloadBody> {
    let workload = end.workload.as_ref()?;
    Some(WorkloadBody { kind: workload.kind.to_string(), name: workload.name.to_string() })
}

/// The stable names of kinds.
fn kind_name(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Pod => "pod",
        EndpointKind::Service => "service",
        EndpointKind::ApiServer => "api-server",
        EndpointKind::Dns => "dns",
        EndpointKind::Process => "process",
        EndpointKind::Node => "node",
        EndpointKind::Private => "private",
        EndpointKind::Internet => "internet",
        EndpointKind::Unknown => "unknown",
    }
}

fn bytes(amounts: &Amounts) -> PairBody {
    PairBody { sent: amounts.sent.bytes, received: amounts.received.bytes }
}

fn packets(amounts: &Amounts) -> PairBody {
    PairBody { sent: amounts.sent.packets, received: amounts.received.packets }
}

fn connections(amounts: &Amounts) -> ConnectionsBody {
    let changes = &amounts.changes;
    ConnectionsBody {
        open: None,
        older: None,
        opened: changes.opened,
        closed: changes.closed,
        refused: changes.refused,
        failed: changes.failed,
        reset: changes.reset,
    }
}

fn round_trip(trip: &RoundTrip) -> RoundTripBody {
    RoundTripBody {
        min: seconds(f64::from(trip.minimum_micros) / 1e6),
        mean: seconds(trip.mean_seconds()),
        max: seconds(f64::from(trip.highest_micros) / 1e6),
    }
}

fn other_body(other: &crate::traffic::Other) -> Option<OtherBody> {
    (other.flows > 0).then(|| OtherBody {
        flows: other.flows,
        bytes: bytes(&other.amounts),
        packets: packets(&other.amounts),
    })
}
