//! Who is behind an address or an owner.

use crate::naming::{self, Endpoint, EndpointKind};
use earthworm_wire::flow::{OwnerKind, Transport};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// Gives names. `None` means not known, or not known yet: it is asked again later.
pub trait Names {
    /// Who owns sockets on `node`.
    fn owner(&self, node: &str, owner: &OwnerKind) -> Option<Arc<Endpoint>>;

    /// Who had an address at a time. `port` is the one that is listened on
    /// there, and 0 for the side that connected.
    fn address(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
        at: Timestamp,
    ) -> Option<Arc<Endpoint>>;
}

impl Names for naming::Names {
    fn owner(&self, node: &str, owner: &OwnerKind) -> Option<Arc<Endpoint>> {
        self.owner(node, owner)
    }

    fn address(
        &self,
        address: IpAddr,
        port: u16,
        transport: Transport,
        at: Timestamp,
    ) -> Option<Arc<Endpoint>> {
        self.address(address, port, transport, at)
    }
}

/// An owner by what the probe says of it alone.
pub(super) fn plain_owner(node: &str, owner: &OwnerKind) -> Endpoint {
    let (kind, name) = match owner {
        OwnerKind::Container { pod_uid, .. } | OwnerKind::Pod { pod_uid } => {
            (EndpointKind::Unknown, format!("pod {pod_uid}"))
        }
        OwnerKind::Process { name } => (EndpointKind::Process, name.clone()),
        OwnerKind::Node => (EndpointKind::Node, node.to_owned()),
    };
    Endpoint { node: Some(node.into()), ..bare(kind, &name) }
}

/// An owner that the probe never told of.
pub(super) fn unknown_owner(node: &str) -> Endpoint {
    Endpoint { node: Some(node.into()), ..bare(EndpointKind::Unknown, "unknown owner") }
}

/// An address by itself.
pub(super) fn plain_address(address: IpAddr) -> Endpoint {
    let kind = if is_private(address) { EndpointKind::Private } else { EndpointKind::Internet };
    Endpoint { address: Some(address), ..bare(kind, &address.to_canonical().to_string()) }
}

fn bare(kind: EndpointKind, name: &str) -> Endpoint {
    Endpoint {
        kind,
        namespace: None,
        name: name.into(),
        container: None,
        workload: None,
        service: None,
        node: None,
        address: None,
    }
}

/// RFC 1918, RFC 4193, RFC 6598, link-local, loopback.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_nobody() {
        for (address, kind) in [
            ("10.1.2.3", EndpointKind::Private),
            ("100.64.0.1", EndpointKind::Private),
            ("100.128.0.1", EndpointKind::Internet),
            ("127.0.0.1", EndpointKind::Private),
            ("169.254.1.1", EndpointKind::Private),
            ("8.8.8.8", EndpointKind::Internet),
            ("::1", EndpointKind::Private),
            ("fd00::1", EndpointKind::Private),
            ("fe80::1", EndpointKind::Private),
            ("::ffff:10.0.0.1", EndpointKind::Private),
            ("2001:4860:4860::8888", EndpointKind::Internet),
        ] {
            assert_eq!(plain_address(address.parse().unwrap()).kind, kind, "{address}");
        }
    }
}
