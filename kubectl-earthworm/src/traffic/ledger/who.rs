//! Names as they are asked for about one node.

use crate::naming::{Endpoint, EndpointKind};
use crate::traffic::names::{Names, plain_address, plain_owner, unknown_owner};
use earthworm_wire::flow::{OwnerKind, Transport};
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How often a name is asked for again that seems to be nobody's.
pub(super) const PROVISIONAL_TRIES: u8 = 5;

/// Whom to ask for names, about one node.
pub(in crate::traffic) struct Who<'a> {
    pub(super) node: &'a Arc<str>,
    pub(super) owners: &'a HashMap<u32, OwnerKind>,
    pub(super) names: &'a dyn Names,
}

impl Who<'_> {
    /// The owner with this number. `named` becomes false when its name is not
    /// known yet.
    pub(super) fn owner(&self, id: u32, named: &mut bool) -> Arc<Endpoint> {
        match self.owners.get(&id) {
            Some(kind) => {
                let name = self.names.owner(self.node, kind);
                *named &= name.is_some();
                name.unwrap_or_else(|| Arc::new(plain_owner(self.node, kind)))
            }
            // It is told before anything that names it; one that was not will
            // never be.
            None => Arc::new(unknown_owner(self.node)),
        }
    }

    /// Who was at an address; likewise.
    pub(super) fn address(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
        at: Timestamp,
        named: &mut bool,
    ) -> Arc<Endpoint> {
        let name = self.names.address(address, port, transport, at);
        *named &= name.is_some();
        name.unwrap_or_else(|| Arc::new(plain_address(address)))
    }
}

/// Whether a name may only be a place holder: a pod is shown a moment after it
/// has its address, which is nobody's until then.
pub(super) fn is_provisional(endpoint: &Endpoint) -> bool {
    matches!(endpoint.kind, EndpointKind::Private | EndpointKind::Unknown)
}
