//! Addresses behind services.

use super::endpoint::ServiceName;
use super::facts::{BackendFacts, BackendPort};
use super::index::Index;
use super::intern::Interner;
use super::shelf::{Shelf, key};
use super::uid::Uid;
use earthworm_wire::flow::Transport;
use std::net::IpAddr;
use std::sync::Arc;

/// One object, such as an EndpointSlice.
#[derive(Debug)]
struct Slice {
    groups: Box<[Arc<Group>]>,
}

#[derive(Debug)]
struct Group {
    service: ServiceName,
    addresses: Box<[IpAddr]>,
    ports: Box<[BackendPort]>,
}

/// That an address is in a group.
#[derive(Debug)]
struct Membership {
    group: Arc<Group>,
    pod: Option<Uid>,
}

#[derive(Debug, Default)]
pub(super) struct Backends {
    shelf: Shelf<Slice>,
    by_address: Index<IpAddr, Membership>,
}

impl Group {
    fn has(&self, port: u16, transport: Transport) -> bool {
        let mut ports = self.ports.iter().filter(|known| known.transport == transport);
        ports.any(|known| known.port.is_none_or(|known| known == port))
    }
}

impl Backends {
    pub(super) fn begin(&mut self) {
        self.shelf.begin();
    }

    /// `false` when there is no room.
    pub(super) fn apply(&mut self, facts: &BackendFacts, interner: &mut Interner) -> bool {
        let key = key(&facts.namespace, &facts.name);
        if !self.shelf.has_room(&key) {
            return false;
        }
        if let Some(old) = self.shelf.take(&key) {
            self.forget(&old);
        }
        let service = ServiceName {
            namespace: interner.get(&facts.namespace),
            name: interner.get(&facts.service),
        };
        let mut groups = Vec::with_capacity(facts.groups.len());
        for facts in &facts.groups {
            let addresses = facts.addresses.iter().map(|known| known.address.to_canonical());
            let group = Arc::new(Group {
                service: service.clone(),
                addresses: addresses.collect(),
                ports: facts.ports.as_slice().into(),
            });
            for (address, known) in group.addresses.iter().zip(&facts.addresses) {
                let pod = known.pod_uid.as_deref().map(Uid::new);
                self.by_address.add(*address, Membership { group: group.clone(), pod });
            }
            groups.push(group);
        }
        self.shelf.put(&key, Arc::new(Slice { groups: groups.into() }));
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
        self.by_address.clear();
    }

    fn forget(&mut self, old: &Slice) {
        for group in &old.groups {
            for address in &group.addresses {
                self.by_address.remove(address, |known| Arc::ptr_eq(&known.group, group));
            }
        }
    }

    /// The one service through which a pod is reached at this address and port;
    /// `None` when there are several. A slice that still has the address for
    /// the pod before says nothing.
    pub(super) fn service_of(
        &self,
        pod: &Uid,
        address: IpAddr,
        port: u16,
        transport: Transport,
    ) -> Option<&ServiceName> {
        let mut services = self
            .by_address
            .get(&address)
            .iter()
            .filter(|known| known.pod.as_ref().is_none_or(|known| known == pod))
            .filter(|known| known.group.has(port, transport))
            .map(|known| &known.group.service);
        let first = services.next()?;
        services.all(|other| other == first).then_some(first)
    }

    /// Whether an address is behind this service: `Some(true)` with this port,
    /// `Some(false)` with others.
    pub(super) fn is_behind(
        &self,
        namespace: &str,
        service: &str,
        address: IpAddr,
        port: u16,
        transport: Transport,
    ) -> Option<bool> {
        let groups =
            self.by_address.get(&address).iter().map(|known| &known.group).filter(|group| {
                &*group.service.namespace == namespace && &*group.service.name == service
            });
        groups.map(|group| group.has(port, transport)).reduce(|one, other| one || other)
    }
}
