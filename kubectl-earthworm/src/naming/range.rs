//! Addresses of nobody in the cluster.

use super::endpoint::EndpointKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address can be on the internet at all.
pub(super) fn kind(address: IpAddr) -> EndpointKind {
    let private = match address {
        IpAddr::V4(address) => v4_is_private(address),
        IpAddr::V6(address) => v6_is_private(address),
    };
    if private { EndpointKind::Private } else { EndpointKind::Internet }
}

fn v4_is_private(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        // A connection to 0.0.0.0 goes to the loopback.
        || address.is_unspecified()
        || address.is_broadcast()
        // RFC 6598: 100.64.0.0/10.
        || (first == 100 && (64..128).contains(&second))
        // Multicast that stays on the link (RFC 5771) or on the site (RFC 2365).
        || (first == 224 && second == 0 && third == 0)
        || first == 239
}

fn v6_is_private(address: Ipv6Addr) -> bool {
    /// RFC 4291, section 2.7: scopes up to 8 end within the organization.
    const ORGANIZATION: u16 = 8;
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || (address.is_multicast() && address.segments()[0] & 0xf <= ORGANIZATION)
}
