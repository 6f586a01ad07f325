//! A cluster in words: what the API server shows, and what is asked.

mod addresses;
mod owners;
mod reuse;
mod services;
mod workloads;

use super::*;
use crate::signal::Problem;
use earthworm_wire::flow::{OwnerKind, Transport};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// Milliseconds since the start of the test's world.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_000 + millis).unwrap()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A uid that ends in this number.
pub(super) fn uid(number: u32) -> String {
    format!("0f0e0d0c-0b0a-4908-8706-{number:012x}")
}

/// A running pod in namespace `shop` on node-a.
pub(super) fn pod(number: u32, name: &str, address: &str) -> PodFacts {
    PodFacts {
        uid: uid(number),
        namespace: "shop".into(),
        name: name.into(),
        node: Some("node-a".into()),
        addresses: vec![ip(address)],
        containers: vec![container("main", &format!("id-{number}"))],
        ..PodFacts::default()
    }
}

pub(super) fn container(name: &str, id: &str) -> ContainerFacts {
    ContainerFacts { name: name.into(), id: Some(id.into()) }
}

pub(super) fn controlled(kind: &str, name: &str) -> Option<Controller> {
    Some(Controller { kind: kind.into(), name: name.into() })
}

/// A service in namespace `shop` with TCP port 80.
pub(super) fn service(name: &str, cluster_address: &str) -> ServiceFacts {
    ServiceFacts {
        namespace: "shop".into(),
        name: name.into(),
        cluster_addresses: vec![ip(cluster_address)],
        outer_addresses: Vec::new(),
        ports: vec![tcp(80, None)],
    }
}

pub(super) fn tcp(port: u16, node_port: Option<u16>) -> ServicePort {
    ServicePort { transport: Transport::Tcp, port, node_port }
}

/// A slice of a service in namespace `shop`, for TCP.
pub(super) fn slice(name: &str, service: &str, port: u16, addresses: &[&str]) -> BackendFacts {
    let addresses = addresses.iter();
    BackendFacts {
        namespace: "shop".into(),
        name: name.into(),
        service: service.into(),
        groups: vec![BackendGroup {
            addresses: addresses
                .map(|address| BackendAddress { address: ip(address), pod_uid: None })
                .collect(),
            ports: vec![BackendPort { transport: Transport::Tcp, port: Some(port) }],
        }],
    }
}

pub(super) fn node(name: &str, addresses: &[&str]) -> NodeFacts {
    NodeFacts { name: name.into(), addresses: addresses.iter().map(|text| ip(text)).collect() }
}

/// What the API server shows, in the order in which it does.
pub(super) struct World {
    pub(super) names: Names,
}

impl World {
    /// An empty cluster, of which everything is known.
    pub(super) fn new() -> Self {
        let mut world = Self { names: Names::default() };
        for what in What::ALL {
            world.list(what, 0, []);
        }
        world
    }

    /// A list from its beginning to its end.
    pub(super) fn list<const N: usize>(&mut self, what: What, millis: i64, shown: [Change; N]) {
        self.names.apply(Change::Listing(what));
        for change in shown {
            self.names.apply(change);
        }
        self.names.apply(Change::Listed { what, at: at(millis) });
        self.names.apply(Change::Synced(what));
    }

    pub(super) fn pod(&mut self, millis: i64, pod: &PodFacts) {
        self.names.apply(Change::Pod { at: at(millis), pod: Box::new(pod.clone()) });
    }

    pub(super) fn pod_gone(&mut self, millis: i64, number: u32) {
        self.names.apply(Change::PodGone { at: at(millis), uid: uid(number) });
    }

    pub(super) fn service(&mut self, service: &ServiceFacts) {
        self.names.apply(Change::Service(service.clone()));
    }

    pub(super) fn slice(&mut self, slice: &BackendFacts) {
        self.names.apply(Change::Backends(slice.clone()));
    }

    pub(super) fn node(&mut self, node: &NodeFacts) {
        self.names.apply(Change::Node(node.clone()));
    }

    pub(super) fn unavailable(&mut self, what: What) {
        let problem = Problem { reason: "forbidden", message: "no".into(), hint: None };
        self.names.apply(Change::Unavailable { what, problem });
    }

    /// Who is at TCP port 80 of an address.
    pub(super) fn who(&self, millis: i64, address: &str) -> Option<Arc<Endpoint>> {
        self.names.address(ip(address), 80, Transport::Tcp, at(millis))
    }

    /// Kind and name of who is at an address and TCP port.
    pub(super) fn at_port(&self, address: &str, port: u16) -> (EndpointKind, String) {
        let found = self.names.address(ip(address), port, Transport::Tcp, at(1_000)).unwrap();
        (found.kind, found.name.to_string())
    }

    /// Name of who was there.
    pub(super) fn name(&self, millis: i64, address: &str) -> String {
        self.who(millis, address).map_or("<none>".into(), |found| found.name.to_string())
    }

    pub(super) fn container(&self, uid: &str, id: &str) -> Option<Arc<Endpoint>> {
        let owner = OwnerKind::Container { pod_uid: uid.into(), container_id: id.into() };
        self.names.owner("node-a", &owner)
    }
}

pub(super) fn text(text: &str) -> Option<Arc<str>> {
    Some(text.into())
}
