//! What the API server shows, as far as names need it.

use crate::signal::Problem;
use earthworm_wire::flow::Transport;
use jiff::Timestamp;
use std::net::{IpAddr, SocketAddr};

/// Something that became known about the cluster. Objects come whole: what is
/// shown again replaces what was known of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A list of one kind begins, at the start or after a gap.
    Listing(What),
    /// It is complete: what it did not show is gone.
    Listed {
        /// Which kind.
        what: What,
        /// When the end of the list came.
        at: Timestamp,
    },
    /// The first list of a kind is complete; told once.
    Synced(What),
    /// Nothing will be known of a kind; told once. What was known is given up:
    /// nobody would hear when it is no longer true.
    Unavailable {
        /// Which kind.
        what: What,
        /// Why, with the right that is missing.
        problem: Problem,
    },
    /// A pod, new or changed.
    Pod {
        /// When it was shown.
        at: Timestamp,
        /// Its state.
        pod: Box<PodFacts>,
    },
    /// A pod was deleted.
    PodGone {
        /// When that was shown.
        at: Timestamp,
        /// `metadata.uid`.
        uid: String,
    },
    /// A service, new or changed.
    Service(ServiceFacts),
    /// A service was deleted.
    ServiceGone {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// Addresses behind a service, new or changed.
    Backends(BackendFacts),
    /// They were deleted.
    BackendsGone {
        /// Namespace.
        namespace: String,
        /// Name of the object, not of the service.
        name: String,
    },
    /// A node, new or changed.
    Node(NodeFacts),
    /// A node was deleted.
    NodeGone {
        /// Name.
        name: String,
    },
    /// Where the kubeconfig's API server is, when it is an address.
    ApiServer(SocketAddr),
}

/// Kinds of objects that give names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Pods.
    Pods,
    /// Services.
    Services,
    /// EndpointSlices, or Endpoints where there are none.
    Backends,
    /// Nodes.
    Nodes,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pods, Self::Services, Self::Backends, Self::Nodes];

    /// What people call them.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Services => "services",
            Self::Backends => "endpoints of services",
            Self::Nodes => "nodes",
        }
    }
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// `metadata.uid`.
    pub uid: String,
    /// The uid that the kubelet itself uses, when this is the mirror of a static
    /// pod: annotation `kubernetes.io/config.hash`.
    pub static_uid: Option<String>,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `spec.nodeName`.
    pub node: Option<String>,
    /// `spec.hostNetwork`: its address is the node's.
    pub host_network: bool,
    /// `status.podIPs`.
    pub addresses: Vec<IpAddr>,
    /// Containers of every sort, those that ran before a restart too.
    pub containers: Vec<ContainerFacts>,
    /// The owner that manages it.
    pub controller: Option<Controller>,
    /// Label `pod-template-hash`.
    pub template_hash: Option<String>,
    /// Phase `Succeeded` or `Failed`: its address may be somebody else's by now.
    pub finished: bool,
    /// When the kubelet first saw it, by the node's clock, in whole seconds.
    pub accepted: Option<Timestamp>,
    /// When the first of its containers started, by the node's clock, in whole
    /// seconds.
    pub started: Option<Timestamp>,
    /// When the last of its containers ended, by the node's clock, in whole
    /// seconds; `None` while one has not.
    pub ended: Option<Timestamp>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerFacts {
    /// Name.
    pub name: String,
    /// Id without the runtime's prefix; `None` before it was created.
    pub id: Option<String>,
}

/// An owner reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceFacts {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `spec.clusterIPs`; none for a headless service.
    pub cluster_addresses: Vec<IpAddr>,
    /// `spec.externalIPs` and those of `status.loadBalancer.ingress`.
    pub outer_addresses: Vec<IpAddr>,
    /// Ports of the transports that are measured.
    pub ports: Vec<ServicePort>,
}

/// A port of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServicePort {
    /// Transport protocol.
    pub transport: Transport,
    /// On the service's addresses.
    pub port: u16,
    /// On every node.
    pub node_port: Option<u16>,
}

/// Addresses behind a service: an EndpointSlice, or an Endpoints object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendFacts {
    /// Namespace of the object and of the service.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Name of the service.
    pub service: String,
    /// A slice has one, an Endpoints object one per subset.
    pub groups: Vec<BackendGroup>,
}

/// Addresses that have the same ports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendGroup {
    /// Addresses.
    pub addresses: Vec<BackendAddress>,
    /// Ports of the transports that are measured.
    pub ports: Vec<BackendPort>,
}

/// An address behind a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendAddress {
    /// Address.
    pub address: IpAddr,
    /// Uid of the pod that has it, when it is a pod's.
    pub pod_uid: Option<String>,
}

/// A port on addresses behind a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendPort {
    /// Transport protocol.
    pub transport: Transport,
    /// `None` for all ports.
    pub port: Option<u16>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeFacts {
    /// Name.
    pub name: String,
    /// Of `status.addresses` those that are addresses, not names.
    pub addresses: Vec<IpAddr>,
}
