//! Services by their addresses and ports.

use super::endpoint::ServiceName;
use super::facts::{ServiceFacts, ServicePort};
use super::index::Index;
use super::intern::Interner;
use super::shelf::{Shelf, key};
use earthworm_wire::flow::Transport;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: ServiceName,
    cluster_addresses: Box<[IpAddr]>,
    outer_addresses: Box<[IpAddr]>,
    ports: Box<[ServicePort]>,
}

#[derive(Debug, Default)]
pub(super) struct Services {
    shelf: Shelf<Service>,
    by_cluster_address: Index<IpAddr, Arc<Service>>,
    by_outer_address: Index<(IpAddr, u16, Transport), Arc<Service>>,
    by_node_port: Index<(u16, Transport), Arc<Service>>,
}

impl Services {
    pub(super) fn begin(&mut self) {
        self.shelf.begin();
    }

    /// `false` when there is no room.
    pub(super) fn apply(&mut self, facts: &ServiceFacts, interner: &mut Interner) -> bool {
        let key = key(&facts.namespace, &facts.name);
        if !self.shelf.has_room(&key) {
            return false;
        }
        let canonical = |addresses: &[IpAddr]| addresses.iter().map(IpAddr::to_canonical).collect();
        let service = Arc::new(Service {
            name: ServiceName {
                namespace: interner.get(&facts.namespace),
                name: interner.get(&facts.name),
            },
            cluster_addresses: canonical(&facts.cluster_addresses),
            outer_addresses: canonical(&facts.outer_addresses),
            ports: facts.ports.as_slice().into(),
        });
        if let Some(old) = self.shelf.put(&key, service.clone()) {
            self.forget(&old);
        }
        for address in &service.cluster_addresses {
            self.by_cluster_address.add(*address, service.clone());
        }
        for port in &service.ports {
            for address in &service.outer_addresses {
                let key = (*address, port.port, port.transport);
                self.by_outer_address.add(key, service.clone());
            }
            if let Some(node_port) = port.node_port {
                self.by_node_port.add((node_port, port.transport), service.clone());
            }
        }
        true
    }

    pub(super) fn remove(&mut self, namespace: &str, name: &str) {
        if let Some(old) = self.shelf.take(&key(namespace, name)) {
            self.forget(&old);
        }
    }

    pub(super) fn sweep(&mut self) {
        for old in self.shelf.sweep() {
            self.forget(&old);
        }
    }

    pub(super) fn clear(&mut self) {
        self.shelf.clear();
        self.by_cluster_address.clear();
        self.by_outer_address.clear();
        self.by_node_port.clear();
    }

    fn forget(&mut self, old: &Arc<Service>) {
        let is_old = |service: &Arc<Service>| Arc::ptr_eq(service, old);
        for address in &old.cluster_addresses {
            self.by_cluster_address.remove(address, is_old);
        }
        for port in &old.ports {
            for address in &old.outer_addresses {
                self.by_outer_address.remove(&(*address, port.port, port.transport), is_old);
            }
            if let Some(node_port) = port.node_port {
                self.by_node_port.remove(&(node_port, port.transport), is_old);
            }
        }
    }

    /// The service that has this cluster address, whatever the port: such an
    /// address is never anybody else's.
    pub(super) fn at_cluster_address(&self, address: IpAddr) -> Option<&Service> {
        self.by_cluster_address.get(&address).last().map(AsRef::as_ref)
    }

    /// The service behind an address from outside of the cluster. The same
    /// address on another port may be a node or another service.
    pub(super) fn at_outer_address(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
    ) -> Option<&Service> {
        self.by_outer_address.get(&(address, port, transport)).last().map(AsRef::as_ref)
    }

    /// The service that has this port on every node.
    pub(super) fn at_node_port(&self, port: u16, transport: Transport) -> Option<&Service> {
        self.by_node_port.get(&(port, transport)).last().map(AsRef::as_ref)
    }
}
