//! One row of a table.

use super::amounts::Amounts;
use super::dns::DnsCounts;
use crate::naming::{Endpoint, ServiceName};
use earthworm_wire::flow::{Direction, RoundTrip, Transport};
use std::net::IpAddr;
use std::sync::Arc;

/// What moved for one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Who or what.
    pub subject: Subject,
    /// Of a flow, the node that saw it; of a pod, the one it runs on.
    pub node: Option<Arc<str>>,
    /// In the last interval; `None` when nothing was told of it. Questions to DNS
    /// servers have their numbers in the subject.
    pub interval: Option<Amounts>,
    /// Bytes of both directions per second in the last interval; of a drop, packets; of DNS,
    /// questions.
    pub rate: f64,
    /// Since the probes came.
    pub total: Amounts,
    /// Connections that are open.
    pub open: u64,
    /// Of those, how many were before the probe came.
    pub older: u64,
    /// Round trips as they were told last.
    pub round_trip: Option<RoundTrip>,
}

/// Whom or what a row is about. Amounts of a flow and of a port are those of
/// the side that connected, else those of the subject itself. What was dropped
/// counts as sent, its bytes from the IP header on.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Who talks to whom through which port.
    Flow(Box<FlowRow>),
    /// A pod.
    Pod(Arc<Endpoint>),
    /// A service.
    Service(ServiceName),
    /// A namespace.
    Namespace(Arc<str>),
    /// A port that is listened on.
    Port(u16, Transport),
    /// Packets that a node's kernel threw away.
    Drop(Box<DropRow>),
    /// Questions to a DNS server.
    Dns(Box<DnsRow>),
}

/// What a DNS server made of questions over UDP.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsRow {
    /// Who asked: a pod, or the node.
    pub client: Arc<Endpoint>,
    /// Whom, as the client sees it: a service, when that is what was asked.
    pub server: End,
    /// In the last interval; `None` when nothing was told of it.
    pub interval: Option<DnsCounts>,
    /// Since the probes came.
    pub total: DnsCounts,
}

/// Packets that were thrown away for one reason. Without source and
/// destination, there were too many kinds to tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct DropRow {
    /// The pod or the node in whose network it was.
    pub place: Arc<Endpoint>,
    /// The kernel's own word, or its number when it has none.
    pub reason: Arc<str>,
    /// Who sent them.
    pub source: Option<End>,
    /// To whom.
    pub destination: Option<End>,
    /// Destination port; 0 when there is none.
    pub port: u16,
    /// Protocol of IP.
    pub protocol: u8,
}

impl DropRow {
    /// Whether there were too many kinds to tell them apart.
    #[must_use]
    pub fn is_crowd(&self) -> bool {
        self.source.is_none() && self.destination.is_none()
    }

    /// What the protocol is called: by its number when it has no common name;
    /// `None` for a crowd.
    #[must_use]
    pub fn protocol_name(&self) -> Option<String> {
        (!self.is_crowd()).then(|| match self.protocol {
            1 => "ICMP".to_owned(),
            6 => "TCP".to_owned(),
            17 => "UDP".to_owned(),
            58 => "ICMPv6".to_owned(),
            other => other.to_string(),
        })
    }
}

/// Who talks to whom.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowRow {
    /// The side that connected.
    pub source: End,
    /// The side that listens; a service, when that is what was dialled.
    pub destination: End,
    /// Who answered, where the destination does not say: pods of a service,
    /// a process behind a node's address.
    pub backends: Several<Arc<str>>,
    /// The port that was dialled.
    pub port: u16,
    /// Transport protocol.
    pub transport: Transport,
    /// From which side it was seen: that of an `Outgoing` is the source.
    pub direction: Direction,
}

/// One end of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// Its name.
    pub endpoint: Arc<Endpoint>,
    /// Containers of the pod that take part.
    pub containers: Several<Arc<str>>,
    /// Its addresses.
    pub addresses: Several<IpAddr>,
}

/// The first few different values, and whether there were more.
#[derive(Debug, Clone, PartialEq)]
pub struct Several<T> {
    values: Vec<T>,
    more: bool,
}

/// More would fill the screen.
const KEPT: usize = 8;

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self { values: Vec::new(), more: false }
    }
}

impl<T: PartialEq> Several<T> {
    /// Adds a value, unless it is there.
    pub fn add(&mut self, value: T) {
        if self.values.contains(&value) {
            return;
        }
        if self.values.len() < KEPT {
            self.values.push(value);
        } else {
            self.more = true;
        }
    }

    /// The values that were kept, in the order in which they came.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Whether there are others.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// The value, when there is no other.
    #[must_use]
    pub fn only(&self) -> Option<&T> {
        match self.values.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }
}

impl End {
    pub(super) fn new(endpoint: Arc<Endpoint>) -> Self {
        Self { endpoint, containers: Several::default(), addresses: Several::default() }
    }

    pub(super) fn add(&mut self, endpoint: &Endpoint, address: IpAddr) {
        if let Some(container) = &endpoint.container {
            self.containers.add(container.clone());
        }
        self.addresses.add(address);
    }
}

impl Row {
    pub(super) fn new(subject: Subject, node: Option<Arc<str>>) -> Self {
        Self {
            subject,
            node,
            interval: None,
            rate: 0.0,
            total: Amounts::default(),
            open: 0,
            older: 0,
            round_trip: None,
        }
    }
}
