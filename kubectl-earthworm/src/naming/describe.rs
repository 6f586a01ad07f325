//! Ends of flows from what is known.

use super::endpoint::{Endpoint, EndpointKind, ServiceName};
use super::pods::Pod;
use super::services::Service;
use std::sync::Arc;

/// Namespace and name of the API server's service.
pub(super) const API_SERVER: (&str, &str) = ("default", "kubernetes");

/// Namespace, name and port of the cluster's DNS, whatever software it is.
const DNS: (&str, &str, u16) = ("kube-system", "kube-dns", 53);

/// Nothing but a kind and a name.
pub(super) fn named(kind: EndpointKind, name: Arc<str>) -> Endpoint {
    Endpoint {
        kind,
        namespace: None,
        name,
        container: None,
        workload: None,
        service: None,
        node: None,
        address: None,
    }
}

/// A pod, without what depends on the question.
pub(super) fn pod(pod: &Pod) -> Endpoint {
    Endpoint {
        namespace: Some(pod.namespace.clone()),
        workload: pod.workload.clone(),
        node: pod.node.clone(),
        ..named(EndpointKind::Pod, pod.name.clone())
    }
}

/// A service, or the API server as one.
pub(super) fn service(service: &Service) -> Endpoint {
    let ServiceName { namespace, name } = service.name.clone();
    let is_api_server = (&*namespace, &*name) == API_SERVER;
    let kind = if is_api_server { EndpointKind::ApiServer } else { EndpointKind::Service };
    Endpoint {
        namespace: Some(namespace),
        service: Some(service.name.clone()),
        ..named(kind, name)
    }
}

/// A service by its cluster address, which may be the cluster's DNS.
pub(super) fn cluster_service(found: &Service, port: u16) -> Endpoint {
    let endpoint = service(found);
    let is_dns = (&*found.name.namespace, &*found.name.name, port) == DNS;
    if is_dns { Endpoint { kind: EndpointKind::Dns, ..endpoint } } else { endpoint }
}
