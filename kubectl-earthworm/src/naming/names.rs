//! The names of both ends of a flow.

use super::backends::Backends;
use super::describe::{API_SERVER, cluster_service, named, pod, service};
use super::endpoint::{Endpoint, EndpointKind};
use super::facts::{Change, What};
use super::intern::Interner;
use super::nodes::Nodes;
use super::pods::Pods;
use super::range;
use super::services::Services;
use earthworm_wire::flow::{OwnerKind, Transport};
use jiff::Timestamp;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// More API servers than a kubeconfig has.
const MOST_API_SERVERS: usize = 16;

/// Everybody in the cluster, as the API server has shown it.
#[derive(Debug, Default)]
pub struct Names {
    pods: Pods,
    services: Services,
    backends: Backends,
    nodes: Nodes,
    api_servers: Vec<SocketAddr>,
    synced: HashSet<What>,
    unavailable: HashSet<What>,
    interner: Interner,
    dropped: u64,
}

impl Names {
    /// For a machine that belongs to no cluster as far as anybody tells.
    #[must_use]
    pub fn without_cluster() -> Self {
        Self { unavailable: HashSet::from(What::ALL), ..Self::default() }
    }

    /// Takes in what became known.
    pub fn apply(&mut self, change: Change) {
        let interner = &mut self.interner;
        let has_room = match change {
            Change::Pod { at, pod } => {
                self.pods.apply(at, &pod, interner);
                true
            }
            Change::Service(service) => self.services.apply(&service, interner),
            Change::Backends(backends) => self.backends.apply(&backends, interner),
            Change::Node(node) => self.nodes.apply(&node, interner),
            Change::ApiServer(address) => self.add_api_server(address),
            rest => {
                self.apply_rest(rest);
                true
            }
        };
        self.dropped += u64::from(!has_room);
    }

    fn apply_rest(&mut self, change: Change) {
        match change {
            Change::PodGone { at, uid } => self.pods.remove(at, &uid),
            Change::ServiceGone { namespace, name } => self.services.remove(&namespace, &name),
            Change::BackendsGone { namespace, name } => self.backends.remove(&namespace, &name),
            Change::NodeGone { name } => self.nodes.remove(&name),
            Change::Listing(what) => match what {
                What::Pods => self.pods.begin(),
                What::Services => self.services.begin(),
                What::Backends => self.backends.begin(),
                What::Nodes => self.nodes.begin(),
            },
            Change::Listed { what, at } => match what {
                What::Pods => self.pods.sweep(at),
                What::Services => self.services.sweep(),
                What::Backends => self.backends.sweep(),
                What::Nodes => self.nodes.sweep(),
            },
            Change::Synced(what) => {
                self.synced.insert(what);
            }
            Change::Unavailable { what, .. } => {
                self.unavailable.insert(what);
                match what {
                    What::Pods => self.pods.clear(),
                    What::Services => self.services.clear(),
                    What::Backends => self.backends.clear(),
                    What::Nodes => self.nodes.clear(),
                }
            }
            Change::Pod { .. }
            | Change::Service(_)
            | Change::Backends(_)
            | Change::Node(_)
            | Change::ApiServer(_) => {}
        }
    }

    fn add_api_server(&mut self, address: SocketAddr) -> bool {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        // Seen from a node, the loopback of the user's machine is another's.
        if address.ip().is_loopback() || self.api_servers.contains(&address) {
            return true;
        }
        let has_room = self.api_servers.len() < MOST_API_SERVERS;
        if has_room {
            self.api_servers.push(address);
        }
        has_room
    }

    /// Whether every kind has been listed, or never will be.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        What::ALL.iter().all(|what| self.is_settled(*what))
    }

    /// Objects that were not taken in, or given up early, because there were
    /// more than any cluster has.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped + self.pods.dropped()
    }

    /// Who has a socket on `node`. `None`: not known yet, ask again later.
    ///
    /// Never has a service: an owner has many ports. That of a listening pod is
    /// in the answer to [`Names::address`] for its own address and port. The
    /// name of a process that had ended before it was looked at is empty.
    #[must_use]
    pub fn owner(&self, node: &str, owner: &OwnerKind) -> Option<Arc<Endpoint>> {
        let (uid, container_id) = match owner {
            OwnerKind::Process { name } => {
                return Some(Arc::new(Endpoint {
                    node: Some(self.interner.find(node)),
                    ..named(EndpointKind::Process, name.as_str().into())
                }));
            }
            OwnerKind::Node => {
                let name = self.interner.find(node);
                return Some(Arc::new(Endpoint {
                    node: Some(Arc::clone(&name)),
                    ..named(EndpointKind::Node, name)
                }));
            }
            OwnerKind::Container { pod_uid, container_id } => (pod_uid, Some(container_id)),
            OwnerKind::Pod { pod_uid } => (pod_uid, None),
        };
        if self.unavailable.contains(&What::Pods) {
            return Some(Arc::new(Endpoint {
                node: Some(self.interner.find(node)),
                ..named(EndpointKind::Unknown, uid.as_str().into())
            }));
        }
        let found = self.pods.find(uid, node)?;
        let container = match container_id {
            Some(id) => {
                let container = found.pod.container(id);
                // A container runs up to seconds before its pod's status has its id.
                if container.is_none() && !found.is_final {
                    return None;
                }
                container.cloned()
            }
            None => None,
        };
        let node = found.pod.node.clone().or_else(|| Some(self.interner.find(node)));
        Some(Arc::new(Endpoint { container, node, ..pod(found.pod) }))
    }

    /// Who was at an address at a moment. `None`: not known yet, ask again later.
    ///
    /// `port` is the one that is listened on at that address; 0 for the address
    /// of a client, whose port means nothing.
    ///
    /// A pod is shown a second or two after it has its address. What is asked
    /// about it before is answered as if it were nobody's; asked again later,
    /// for the same moment, the answer is the pod.
    #[must_use]
    pub fn address(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
        at: Timestamp,
    ) -> Option<Arc<Endpoint>> {
        let address = address.to_canonical();
        let endpoint = self.find(address, port, transport, at)?;
        Some(Arc::new(Endpoint { address: Some(address), ..endpoint }))
    }

    /// The first who claims the address. As long as a kind is not listed, nobody
    /// can be told who would come after it.
    fn find(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
        at: Timestamp,
    ) -> Option<Endpoint> {
        if !(self.is_settled(What::Pods) && self.is_settled(What::Backends)) {
            return None;
        }
        if let Some((found, still)) = self.pods.at(address, at) {
            let service = still
                .then(|| self.backends.service_of(&found.uid, address, port, transport).cloned());
            return Some(Endpoint { service: service.flatten(), ..pod(found) });
        }
        if !self.is_settled(What::Services) {
            return None;
        }
        if let Some(found) = self.services.at_cluster_address(address) {
            return Some(cluster_service(found, port));
        }
        if let Some(found) = self.services.at_outer_address(address, port, transport) {
            return Some(service(found));
        }
        if !self.is_settled(What::Nodes) {
            return None;
        }
        let node = self.nodes.at(address);
        if let Some(node) = node
            && let Some(found) = self.services.at_node_port(port, transport)
        {
            return Some(Endpoint { node: Some(node.clone()), ..service(found) });
        }
        if self.is_api_server(address, port, transport, node.is_some()) {
            return Some(Endpoint {
                namespace: Some(self.interner.find(API_SERVER.0)),
                node: node.cloned(),
                ..named(EndpointKind::ApiServer, self.interner.find(API_SERVER.1))
            });
        }
        if let Some(node) = node {
            let node = node.clone();
            return Some(Endpoint { node: Some(node.clone()), ..named(EndpointKind::Node, node) });
        }
        Some(named(range::kind(address), address.to_string().into()))
    }

    /// With the right port always; with another one, or as a client, when the
    /// address is not a node's, on which much more may run.
    fn is_api_server(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
        is_node: bool,
    ) -> bool {
        let (namespace, name) = API_SERVER;
        let behind = self.backends.is_behind(namespace, name, address, port, transport);
        let known = self.api_servers.iter().filter(|known| known.ip() == address);
        let configured = known
            .map(|known| known.port() == port && transport == Transport::Tcp)
            .reduce(|one, other| one || other);
        match (behind, configured) {
            (None, None) => false,
            (behind, configured) => !is_node || behind == Some(true) || configured == Some(true),
        }
    }

    fn is_settled(&self, what: What) -> bool {
        self.synced.contains(&what) || self.unavailable.contains(&what)
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> ([usize; 4], usize) {
        (self.pods.sizes(), self.interner.len())
    }
}
