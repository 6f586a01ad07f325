//! One end of a flow, named.

use std::net::IpAddr;
use std::sync::Arc;

/// One end of a flow. All text is untrusted: it came from the cluster or from a
/// process on a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// What it is.
    pub kind: EndpointKind,
    /// Namespace of a pod or service.
    pub namespace: Option<Arc<str>>,
    /// Name of the pod, service, node or process; the address of what has no name.
    pub name: Arc<str>,
    /// Container of the pod, when the socket's owner is known that well.
    pub container: Option<Arc<str>>,
    /// What the pod belongs to.
    pub workload: Option<Workload>,
    /// The service that was dialled, or through which this pod is reached.
    pub service: Option<ServiceName>,
    /// The node that a pod, process or address is on.
    pub node: Option<Arc<str>>,
    /// Its address, when one is known.
    pub address: Option<IpAddr>,
}

/// Kinds of [`Endpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndpointKind {
    /// A pod.
    Pod,
    /// A service whose answering pod is not known.
    Service,
    /// The API server: the addresses behind `default/kubernetes` and of the kubeconfig.
    ApiServer,
    /// The cluster's DNS: the service `kube-system/kube-dns`.
    Dns,
    /// A process of a node, outside of pods.
    Process,
    /// A node, by one of its addresses.
    Node,
    /// An address of nobody in the cluster, in a range for private use (RFC 1918,
    /// RFC 4193, RFC 6598, link-local, loopback).
    Private,
    /// Any other address of nobody in the cluster.
    Internet,
    /// An owner that is not known (yet), such as a pod that the API server has not shown.
    Unknown,
}

/// What a pod belongs to: the Deployment and not its ReplicaSet, the CronJob and
/// not its Job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// `Deployment`, `DaemonSet`, `StatefulSet`, `Job`, `CronJob`, `Node` (static pods), ...
    pub kind: Arc<str>,
    /// Its name, in the pod's namespace.
    pub name: Arc<str>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}
