//! Packets that the kernel threw away, as its map counts them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use aya::Ebpf;
use aya::maps::{MapData, PerCpuHashMap};
use earthworm_ebpf::flows::{DropCount, DropKey};
use earthworm_wire::flow::Dropped;

use crate::enumeration;
use crate::kernel::take;
use crate::uprobe::KernelError;

const PREFIX: &str = "SKB_DROP_REASON_";

/// Values of the enumeration that are no drops.
const NO_DROPS: [&str; 2] = ["SKB_NOT_DROPPED_YET", "SKB_CONSUMED"];

/// [`DropKey`] as a map's key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
struct Key(DropKey);

// SAFETY: integers and arrays of them, without padding that is not a field.
unsafe impl aya::Pod for Key {}

/// [`DropCount`] as a map's value.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Count(DropCount);

// SAFETY: two integers, without padding.
unsafe impl aya::Pod for Count {}

/// What the running kernel calls its reasons to drop a packet, by number.
#[derive(Debug, Default)]
pub(super) struct Reasons(HashMap<u32, String>);

impl Reasons {
    /// From the kernel's type information; empty when it has none.
    pub(super) fn read() -> Self {
        let btf = std::fs::read("/sys/kernel/btf/vmlinux").ok();
        let values = btf.and_then(|btf| enumeration::values(&btf, "skb_drop_reason"));
        Self(values.unwrap_or_default())
    }

    /// The number of a reason.
    pub(super) fn number(&self, word: &str) -> Option<u32> {
        let is_it = |name: &String| name.strip_prefix(PREFIX) == Some(word);
        self.0.iter().find(|(_, name)| is_it(name)).map(|(number, _)| *number)
    }
}

/// What was dropped since it was last told.
pub(super) struct Drops {
    /// By port and address, and those for which there was no room.
    maps: [PerCpuHashMap<MapData, Key, Count>; 2],
    reasons: Reasons,
    told: HashMap<Key, (u64, u64)>,
}

impl Drops {
    /// Reads the maps; reasons have the names that the running kernel gives.
    ///
    /// # Errors
    /// When the object has no such maps.
    pub(super) fn take_maps(ebpf: &mut Ebpf, reasons: Reasons) -> Result<Self, KernelError> {
        let mut map = |name| {
            PerCpuHashMap::try_from(take(ebpf, name)?)
                .map_err(|error| KernelError::from_error("use the maps", &error))
        };
        let maps = [map("drops")?, map("crowds")?];
        Ok(Self { maps, reasons, told: HashMap::new() })
    }

    /// What was added, at most so many kinds; the rest is told later. `owner`
    /// gives the owner of a network namespace, none for one that is not of this
    /// node.
    pub(super) fn take(
        &mut self,
        most: usize,
        mut owner: impl FnMut(u32) -> Option<u32>,
    ) -> Vec<Dropped> {
        let mut taken = Vec::new();
        for (key, counts) in self.maps.iter().flat_map(PerCpuHashMap::iter).flatten() {
            if taken.len() >= most {
                break;
            }
            let (packets, bytes) = counts.iter().fold((0, 0), |(packets, bytes), Count(count)| {
                (packets + count.packets, bytes + count.bytes)
            });
            let told = self.told.get(&key).copied().unwrap_or_default();
            if packets == told.0 {
                continue;
            }
            let Some(reason) = reason(&self.reasons.0, key.0.reason) else { continue };
            let Some(owner) = owner(key.0.network) else { continue };
            self.told.insert(key, (packets, bytes));
            taken.push(Dropped {
                owner,
                reason,
                protocol: key.0.protocol,
                source: address(key.0.source),
                destination: address(key.0.destination),
                port: key.0.port,
                packets: packets.saturating_sub(told.0),
                bytes: bytes.saturating_sub(told.1),
            });
        }
        taken
    }
}

/// The kernel's word; its number when it has no names; `None` for what is no drop.
fn reason(names: &HashMap<u32, String>, number: u32) -> Option<String> {
    match names.get(&number) {
        Some(name) if NO_DROPS.contains(&name.as_str()) => None,
        Some(name) => Some(name.strip_prefix(PREFIX).unwrap_or(name).to_owned()),
        // Subsystems have reasons of their own from 6.4 on, which are in other
        // enumerations (SKB_DROP_REASON_SUBSYS_SHIFT).
        None => Some(format!("{number:#x}")),
    }
}

fn address(bytes: [u8; 16]) -> Option<IpAddr> {
    let address = Ipv6Addr::from(bytes);
    (!address.is_unspecified()).then(|| IpAddr::V6(address).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_kernels_words() {
        let names = HashMap::from([
            (1, "SKB_CONSUMED".to_owned()),
            (3, "SKB_DROP_REASON_NO_SOCKET".to_owned()),
        ]);
        assert_eq!(reason(&names, 1), None);
        assert_eq!(reason(&names, 3).as_deref(), Some("NO_SOCKET"));
        assert_eq!(reason(&names, 0x20001).as_deref(), Some("0x20001"));
    }

    #[test]
    fn crowds_have_no_address() {
        assert_eq!(address([0; 16]), None);
        let four = "192.0.2.1".parse::<std::net::Ipv4Addr>().unwrap();
        assert_eq!(address(four.to_ipv6_mapped().octets()), Some(IpAddr::V4(four)));
    }
}
