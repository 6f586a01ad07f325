//! Addresses behind services: EndpointSlices, and Endpoints where there are none.

use super::Form;
use super::forms::{PortForm, metadata, number};
use crate::cluster::lean::form_of;
use crate::naming::{BackendAddress, BackendFacts, BackendGroup, BackendPort, Change, What};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Endpoints;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;
use std::borrow::Cow;

/// Names the service of an EndpointSlice.
pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// An EndpointSlice.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct SliceForm {
    #[serde(default, deserialize_with = "metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    endpoints: Option<Vec<SliceEndpoint>>,
    #[serde(default)]
    ports: Option<Vec<PortForm>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SliceEndpoint {
    addresses: Option<Vec<String>>,
    target_ref: Option<Target>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Target {
    kind: Option<String>,
    uid: Option<String>,
}

impl Target {
    fn pod_uid(self) -> Option<String> {
        self.uid.filter(|uid| self.kind.as_deref() == Some("Pod") && !uid.is_empty())
    }
}

impl Form for SliceForm {
    const WHAT: What = What::Backends;
    const OBJECT: &'static str = "endpointslices.discovery.k8s.io";

    fn shown(self, _: Timestamp) -> Change {
        let service = self.metadata.labels.and_then(|mut labels| labels.remove(SERVICE_NAME));
        let addresses = self.endpoints.into_iter().flatten().flat_map(|endpoint| {
            let pod_uid = endpoint.target_ref.and_then(Target::pod_uid);
            let texts = endpoint.addresses.unwrap_or_default();
            texts.into_iter().filter_map(move |text| address(&text, pod_uid.clone()))
        });
        let group = BackendGroup { addresses: addresses.collect(), ports: ports(self.ports) };
        Change::Backends(BackendFacts {
            namespace: self.metadata.namespace.unwrap_or_default(),
            name: self.metadata.name.unwrap_or_default(),
            // One of nobody's is kept, so that its address is not the next one's.
            groups: if service.is_some() { vec![group] } else { Vec::new() },
            service: service.unwrap_or_default(),
        })
    }

    fn gone(self, _: Timestamp) -> Change {
        gone(self.metadata)
    }
}

/// An Endpoints object, which has the name of its service.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct EndpointsForm {
    #[serde(default, deserialize_with = "metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    subsets: Option<Vec<Subset>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Subset {
    addresses: Option<Vec<SubsetAddress>>,
    not_ready_addresses: Option<Vec<SubsetAddress>>,
    ports: Option<Vec<PortForm>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubsetAddress {
    ip: Option<String>,
    target_ref: Option<Target>,
}

impl Form for EndpointsForm {
    const WHAT: What = What::Backends;
    const OBJECT: &'static str = "endpoints";

    fn shown(self, _: Timestamp) -> Change {
        let groups = self.subsets.into_iter().flatten().map(|subset| {
            let ready = subset.addresses.into_iter().flatten();
            let all = ready.chain(subset.not_ready_addresses.into_iter().flatten());
            let addresses = all.filter_map(|known| {
                address(&known.ip?, known.target_ref.and_then(Target::pod_uid))
            });
            BackendGroup { addresses: addresses.collect(), ports: ports(subset.ports) }
        });
        let name = self.metadata.name.unwrap_or_default();
        Change::Backends(BackendFacts {
            namespace: self.metadata.namespace.unwrap_or_default(),
            service: name.clone(),
            name,
            groups: groups.collect(),
        })
    }

    fn gone(self, _: Timestamp) -> Change {
        gone(self.metadata)
    }
}

fn gone(metadata: ObjectMeta) -> Change {
    Change::BackendsGone {
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
    }
}

fn address(text: &str, pod_uid: Option<String>) -> Option<BackendAddress> {
    Some(BackendAddress { address: text.parse().ok()?, pod_uid })
}

fn ports(known: Option<Vec<PortForm>>) -> Vec<BackendPort> {
    let known = known.into_iter().flatten();
    known
        .filter_map(|known| {
            // No port at all means every port; a wrong one means none.
            let port = match known.port {
                None => None,
                port => Some(number(port)?),
            };
            Some(BackendPort { transport: known.transport()?, port })
        })
        .collect()
}

form_of!(SliceForm, EndpointSlice, metadata_only: false);
form_of!(EndpointsForm, Endpoints, metadata_only: false);
