//! What a sandbox looks like: how many nodes, which Kubernetes, and the names,
//! addresses and ports that follow from that. Everything here is pure.

use std::net::Ipv4Addr;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// The Kubernetes version that `up` starts when none is named.
pub const DEFAULT_KUBERNETES: &str = "1.36.3";

/// Nodes are called `node-a` to `node-z`, so there is an end.
pub const MAX_NODES: u8 = 26;

/// The bridge on the machine's side that joins all nodes.
pub const BRIDGE: &str = "earthworm0";

/// Every link, network namespace and CNI network of a sandbox starts with this,
/// which is how `down` finds what a crash left behind.
pub const PREFIX: &str = "earthworm";

/// The network of the nodes (RFC 5737 keeps it for documentation, so no real
/// machine is hidden behind it).
pub const NODE_NETWORK: &str = "198.51.100.0/24";

/// The networks of the pods and services (RFC 2544 keeps 198.18.0.0/15 for
/// benchmarks): pods in 198.18.0.0/16, services in 198.19.0.0/24.
pub const POD_AND_SERVICE_NETWORK: &str = "198.18.0.0/15";

/// The pods of all nodes.
pub const POD_NETWORK: &str = "198.18.0.0/16";

/// The range from which the API server gives addresses to services.
pub const SERVICE_NETWORK: &str = "198.19.0.0/24";

/// The address of the service `kube-dns`.
pub const DNS_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 10);

/// The domain below which services and pods have names.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

/// The machine's own address on the bridge, where the nodes find the API server.
pub const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// Ports on the machine's side. They keep away from the usual ones, so that a
/// sandbox never meets a cluster that is already there. The kubelets use the
/// usual ports, but in network namespaces of their own.
pub mod ports {
    /// kube-apiserver, HTTPS (usually 6443).
    pub const API_SERVER: u16 = 26443;
    /// etcd, for its clients (usually 2379).
    pub const ETCD_CLIENT: u16 = 22379;
    /// etcd, for other members, of which there are none (usually 2380).
    pub const ETCD_PEER: u16 = 22380;
    /// kube-controller-manager, HTTPS (usually 10257).
    pub const CONTROLLER_MANAGER: u16 = 20257;

    /// All of them, each with the component that listens there.
    pub const ALL: [(u16, &str); 4] = [
        (API_SERVER, "kube-apiserver"),
        (ETCD_CLIENT, "etcd"),
        (ETCD_PEER, "etcd"),
        (CONTROLLER_MANAGER, "kube-controller-manager"),
    ];
}

/// The users besides `admin`. They may log in and have no rights at all, so
/// that a test can give each exactly what it wants to see.
pub const PLAIN_USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// What the caller of `up` decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// How many nodes, 1 to [`MAX_NODES`].
    pub nodes: u8,
    /// The version without a leading `v`. It must have a folder in
    /// `tests/cluster/kubernetes`.
    pub kubernetes: String,
}

impl Default for Options {
    fn default() -> Self {
        Options { nodes: 2, kubernetes: DEFAULT_KUBERNETES.to_owned() }
    }
}

impl Options {
    /// The nodes in order.
    ///
    /// # Errors
    /// When the number of nodes is outside 1 to [`MAX_NODES`].
    pub fn node_specs(&self) -> Result<Vec<NodeSpec>> {
        if self.nodes == 0 || self.nodes > MAX_NODES {
            bail!("{} nodes asked for, 1 to {MAX_NODES} are possible", self.nodes);
        }
        Ok((0..self.nodes).map(NodeSpec::new).collect())
    }
}

/// One node's names and addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// The name in Kubernetes, for example `node-a`.
    pub name: String,
    /// The network namespace, as `ip netns` lists it.
    pub namespace: String,
    /// The machine's end of the virtual cable into the namespace.
    pub host_link: String,
    /// The node's InternalIP.
    pub address: Ipv4Addr,
    /// The gateway of the node's pods: the node's end of each pod's cable has it.
    pub pod_gateway: Ipv4Addr,
    /// The node's pods live in this /24.
    pub pod_network: String,
}

impl NodeSpec {
    /// The node with this index, 0 for `node-a`. The index must be below
    /// [`MAX_NODES`].
    #[must_use]
    pub fn new(index: u8) -> Self {
        let letter = char::from(b'a' + index);
        NodeSpec {
            name: format!("node-{letter}"),
            namespace: format!("{PREFIX}-node-{letter}"),
            host_link: format!("{PREFIX}-{letter}"),
            address: Ipv4Addr::new(198, 51, 100, 11 + index),
            pod_gateway: Ipv4Addr::new(198, 18, index, 1),
            pod_network: format!("198.18.{index}.0/24"),
        }
    }

    /// The file that stands for the network namespace.
    #[must_use]
    pub fn namespace_path(&self) -> String {
        format!("/run/netns/{}", self.namespace)
    }
}

/// The minor version: 36 for `1.36.3`.
///
/// # Errors
/// When the text is not three numbers of which the first is 1.
pub fn minor_version(kubernetes: &str) -> Result<u32> {
    let numbers: Option<Vec<u32>> = kubernetes.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some([1, minor, _patch]) => Ok(*minor),
        _ => bail!("{kubernetes:?} is not a Kubernetes version like {DEFAULT_KUBERNETES}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_names_and_addresses_of_their_own() {
        let options = Options { nodes: MAX_NODES, ..Options::default() };
        let nodes = options.node_specs().unwrap();
        assert_eq!(nodes[0].name, "node-a");
        assert_eq!(nodes[0].address.to_string(), "198.51.100.11");
        assert_eq!(nodes[1].pod_network, "198.18.1.0/24");
        assert_eq!(nodes[1].namespace_path(), "/run/netns/earthworm-node-b");
        assert_eq!(nodes[25].name, "node-z");
        for node in &nodes {
            // IFNAMSIZ leaves 15 characters for the name of a link.
            assert!(node.host_link.len() <= 15, "{}", node.host_link);
            assert_ne!(node.address, HOST_ADDRESS);
            assert_ne!(node.host_link, BRIDGE);
        }
    }

    #[test]
    fn the_number_of_nodes_has_bounds() {
        for nodes in [0, MAX_NODES + 1] {
            let options = Options { nodes, ..Options::default() };
            assert!(options.node_specs().is_err(), "{nodes} nodes");
        }
    }

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(minor_version("1.36.3").unwrap(), 36);
        assert_eq!(minor_version("1.30.14").unwrap(), 30);
        for wrong in ["", "1.36", "v1.36.3", "2.0.0", "1.36.3-rc.1", "../../etc"] {
            assert!(minor_version(wrong).is_err(), "{wrong}");
        }
    }
}
