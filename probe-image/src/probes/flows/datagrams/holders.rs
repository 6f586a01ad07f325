//! Who has a UDP port: the processes behind the sockets, as the walk over all
//! sockets shows them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Ports that are kept in mind at once; of others the owner is that of their network.
const MOST_PORTS: usize = 65_536;

/// Owners by network namespace and address; none where several share a port.
type Ports = HashMap<(u32, SocketAddr), Option<u32>>;

/// Owners of UDP ports, as of this walk and the one before: one may have gone
/// while what it sent is still to be told.
#[derive(Debug, Default)]
pub(in super::super) struct Holders {
    ports: Ports,
    ports_before: Ports,
}

impl Holders {
    /// A new walk over all sockets.
    pub(in super::super) fn begin_sweep(&mut self) {
        self.ports_before = std::mem::take(&mut self.ports);
    }

    /// A socket, and whose it is.
    pub(in super::super) fn enter(&mut self, network: u32, local: SocketAddr, owner: u32) {
        let place = (network, local);
        if let Some(known) = self.ports.get_mut(&place) {
            if *known != Some(owner) {
                *known = None;
            }
        } else if self.ports.len() < MOST_PORTS {
            self.ports.insert(place, Some(owner));
        }
    }

    /// The one owner that receives at this address and port, when there is one.
    pub(in super::super) fn at(&self, network: u32, local: IpAddr, port: u16) -> Option<u32> {
        let find = |ports: &Ports| {
            [local, Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]
                .into_iter()
                .find_map(|address| ports.get(&(network, SocketAddr::new(address, port))).copied())
        };
        find(&self.ports).or_else(|| find(&self.ports_before)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(holders: &Holders, network: u32, address: &str) -> Option<u32> {
        let address: SocketAddr = address.parse().unwrap();
        holders.at(network, address.ip(), address.port())
    }

    #[test]
    fn the_nearest_address_counts() {
        let mut holders = Holders::default();
        holders.enter(1, "127.0.0.53:53".parse().unwrap(), 7);
        holders.enter(1, "0.0.0.0:53".parse().unwrap(), 8);
        holders.enter(1, "[::]:123".parse().unwrap(), 9);
        assert_eq!(at(&holders, 1, "127.0.0.53:53"), Some(7));
        assert_eq!(at(&holders, 1, "10.0.0.1:53"), Some(8));
        assert_eq!(at(&holders, 1, "10.0.0.1:123"), Some(9));
        assert_eq!(at(&holders, 1, "[2001:db8::1]:123"), Some(9));
        assert_eq!(at(&holders, 2, "10.0.0.1:53"), None);
    }

    #[test]
    fn a_shared_port_is_nobodys_and_one_that_went_stays_for_a_sweep() {
        let mut holders = Holders::default();
        holders.enter(1, "0.0.0.0:53".parse().unwrap(), 7);
        holders.enter(1, "0.0.0.0:53".parse().unwrap(), 7);
        assert_eq!(at(&holders, 1, "10.0.0.1:53"), Some(7));
        holders.begin_sweep();
        assert_eq!(at(&holders, 1, "10.0.0.1:53"), Some(7));
        holders.enter(1, "0.0.0.0:53".parse().unwrap(), 7);
        holders.enter(1, "0.0.0.0:53".parse().unwrap(), 8);
        assert_eq!(at(&holders, 1, "10.0.0.1:53"), None);
        holders.begin_sweep();
        holders.begin_sweep();
        assert_eq!(at(&holders, 1, "10.0.0.1:53"), None);
    }
}
