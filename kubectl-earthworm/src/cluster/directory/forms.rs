//! Services and nodes, read without what names do not need.

use super::Form;
use crate::cluster::lean::form_of;
use crate::naming::{Change, NodeFacts, ServiceFacts, ServicePort, What};
use earthworm_wire::flow::Transport;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Labels and annotations that are read; all others are passed over.
const KEYS: [&str; 3] =
    [super::pods::TEMPLATE_HASH, super::pods::CONFIG_HASH, super::backends::SERVICE_NAME];

/// A service, as far as it has addresses and ports.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ServiceForm {
    #[serde(default, deserialize_with = "metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: ServiceSpec,
    #[serde(default)]
    status: ServiceStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Option<Vec<String>>,
    #[serde(rename = "externalIPs")]
    external_ips: Option<Vec<String>>,
    ports: Option<Vec<PortForm>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceStatus {
    load_balancer: Option<LoadBalancer>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Option<Vec<AddressForm>>,
}

/// What has an `ip`, or a name in its place.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddressForm {
    pub(super) ip: Option<String>,
}

/// A port of a service or of its endpoints.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PortForm {
    pub(super) port: Option<i64>,
    protocol: Option<String>,
    node_port: Option<i64>,
}

impl PortForm {
    /// `None` for a transport that is not measured, such as SCTP.
    pub(super) fn transport(&self) -> Option<Transport> {
        match self.protocol.as_deref() {
            None | Some("" | "TCP") => Some(Transport::Tcp),
            Some("UDP") => Some(Transport::Udp),
            Some(_) => None,
        }
    }

    fn of_service(&self) -> Option<ServicePort> {
        Some(ServicePort {
            transport: self.transport()?,
            port: number(self.port)?,
            node_port: number(self.node_port),
        })
    }
}

impl Form for ServiceForm {
    const WHAT: What = What::Services;
    const OBJECT: &'static str = "services";

    fn shown(self, _: Timestamp) -> Change {
        let Self { metadata, spec, status } = self;
        let mut cluster = addresses(spec.cluster_ips.iter().flatten());
        // A server before 1.20 has only the one.
        if cluster.is_empty() {
            cluster = addresses(&spec.cluster_ip);
        }
        let ingress = status.load_balancer.and_then(|balancer| balancer.ingress);
        let ingress: Vec<String> = ingress.into_iter().flatten().filter_map(|one| one.ip).collect();
        Change::Service(ServiceFacts {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            cluster_addresses: cluster,
            outer_addresses: addresses(spec.external_ips.iter().flatten().chain(&ingress)),
            ports: spec.ports.iter().flatten().filter_map(PortForm::of_service).collect(),
        })
    }

    fn gone(self, _: Timestamp) -> Change {
        Change::ServiceGone {
            namespace: self.metadata.namespace.unwrap_or_default(),
            name: self.metadata.name.unwrap_or_default(),
        }
    }
}

/// A node's addresses.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct NodeForm {
    #[serde(default, deserialize_with = "metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    addresses: Option<Vec<NodeAddress>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NodeAddress {
    address: Option<String>,
}

impl Form for NodeForm {
    const WHAT: What = What::Nodes;
    const OBJECT: &'static str = "nodes";

    fn shown(self, _: Timestamp) -> Change {
        let known = self.status.addresses.into_iter().flatten();
        let known: Vec<String> = known.filter_map(|known| known.address).collect();
        Change::Node(NodeFacts {
            name: self.metadata.name.unwrap_or_default(),
            addresses: addresses(&known),
        })
    }

    fn gone(self, _: Timestamp) -> Change {
        Change::NodeGone { name: self.metadata.name.unwrap_or_default() }
    }
}

/// Those of the texts that are addresses, each once: `None` (headless), names
/// and nothing are none.
pub(super) fn addresses<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<IpAddr> {
    let mut known: Vec<IpAddr> = Vec::new();
    for text in texts {
        if let Ok(address) = text.parse()
            && !known.contains(&address)
        {
            known.push(address);
        }
    }
    known
}

/// A port, when it is one.
pub(super) fn number(port: Option<i64>) -> Option<u16> {
    port.and_then(|port| port.try_into().ok()).filter(|port| *port != 0)
}

/// Reads of `metadata` what names need.
pub(super) fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        name: Option<String>,
        namespace: Option<String>,
        uid: Option<String>,
        resource_version: Option<String>,
        owner_references: Option<Vec<OwnerReference>>,
        labels: Option<BTreeMap<Cow<'static, str>, Option<String>>>,
        annotations: Option<BTreeMap<Cow<'static, str>, Option<String>>>,
    }
    let read = Metadata::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: read.name,
        namespace: read.namespace,
        uid: read.uid,
        resource_version: read.resource_version,
        owner_references: read.owner_references,
        labels: read.labels.map(of_interest),
        annotations: read.annotations.map(of_interest),
        ..ObjectMeta::default()
    })
}

fn of_interest(all: BTreeMap<Cow<'static, str>, Option<String>>) -> BTreeMap<String, String> {
    let known = all.into_iter().filter(|(key, _)| KEYS.contains(&&**key));
    known.filter_map(|(key, value)| Some((key.into_owned(), value?))).collect()
}

form_of!(ServiceForm, Service, metadata_only: false);
form_of!(NodeForm, Node, metadata_only: false);

#[cfg(test)]
#[path = "forms_tests.rs"]
mod tests;
