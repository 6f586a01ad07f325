//! The kernel's half: attaches the programs, reads and frees their counters.

use std::io;
use std::net::Ipv6Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use aya::Ebpf;
use aya::maps::{Map, MapData, PerCpuHashMap};
use aya::programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, Program};
use aya::util::nr_cpus;
use earthworm_ebpf::flows::{DATAGRAM_INCOMING, DATAGRAM_OUTGOING, DatagramCount, DatagramKey};
use earthworm_wire::flow::{Amount, Direction};

use super::ledger::{Counted, Place};
use super::root;
use crate::kernel::take;
use crate::uprobe::KernelError;

const PROGRAMS: [(&str, CgroupSkbAttachType); 2] =
    [("datagram_out", CgroupSkbAttachType::Egress), ("datagram_in", CgroupSkbAttachType::Ingress)];

/// Links stand beside those of others by themselves, and want no flag that says
/// so; kernels without links (before 5.7) do not have what the object needs.
const ATTACH_MODE: CgroupAttachMode = CgroupAttachMode::Single;

/// Kinds of datagrams for which there is room; on machines with very many
/// processors, each of which has counters of its own, fewer.
const MOST_KINDS: usize = 8_192;
const MOST_COUNTER_BYTES: usize = 32 << 20;

/// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`, include/uapi/linux/bpf.h.
const LOOKUP_AND_DELETE: libc::c_int = 21;

/// [`DatagramKey`] as a map's key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
struct Key(DatagramKey);

// SAFETY: integers and arrays of them, without padding that is not a field.
unsafe impl aya::Pod for Key {}

/// [`DatagramCount`] as a map's value.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Count(DatagramCount);

// SAFETY: integers, without padding that is not a field.
unsafe impl aya::Pod for Count {}

/// The counters of datagrams.
pub(super) struct Counters {
    map: PerCpuHashMap<MapData, Key, Count>,
    descriptor: OwnedFd,
    room: usize,
}

/// Entries that the map of counters is to have on this machine.
pub(in super::super) fn entries() -> u32 {
    let each = nr_cpus().unwrap_or(1).max(1) * size_of::<DatagramCount>();
    u32::try_from(MOST_KINDS.min(MOST_COUNTER_BYTES / each)).unwrap_or(u32::MAX)
}

impl Counters {
    /// Attaches the programs, until their object is dropped.
    ///
    /// # Errors
    /// What the kernel says. Then neither of the two is attached.
    pub(super) fn attach(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let Map::PerCpuHashMap(map) = take(ebpf, "datagrams")? else {
            return Err(KernelError::Failed {
                action: "use map datagrams".to_owned(),
                message: "it is of another type".to_owned(),
            });
        };
        let descriptor = map
            .fd()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| KernelError::from_io("use map datagrams", error))?;
        let map = PerCpuHashMap::try_from(Map::PerCpuHashMap(map))
            .map_err(|error| KernelError::from_error("use map datagrams", &error))?;
        let attached = attach_programs(ebpf);
        if attached.is_err() {
            for (name, _) in PROGRAMS {
                if let Ok(program) = program(ebpf, name) {
                    // It may not have been loaded at all.
                    let _ = program.unload();
                }
            }
        }
        attached?;
        Ok(Self { map, descriptor, room: entries() as usize })
    }

    /// Kinds for which there is room.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// All counters as they are now.
    pub(super) fn read(&self) -> impl Iterator<Item = (Place, Counted)> {
        self.map.iter().flatten().filter_map(|(Key(key), counts)| {
            Some((place(&key)?, sum(counts.iter().map(|Count(count)| *count))))
        })
    }

    /// Gives back the room of one, and what it had counted until then; `None`
    /// when the kernel cannot do both at once (before 5.14).
    pub(super) fn remove(&self, place: &Place) -> Option<Counted> {
        let key = key(place);
        let mut counts = vec![DatagramCount::default(); nr_cpus().ok()?];
        take_out(&self.descriptor, &key, &mut counts).ok()?;
        Some(sum(counts.into_iter()))
    }
}

fn attach_programs(ebpf: &mut Ebpf) -> Result<(), KernelError> {
    let root = root::open()?;
    for (name, kind) in PROGRAMS {
        let program = program(ebpf, name)?;
        program
            .load()
            .map_err(|error| KernelError::from_error(format!("load program {name}"), &error))?;
        program.attach(&root, kind, ATTACH_MODE).map_err(|error| {
            KernelError::from_error(
                format!("attach program {name} to the root of the control groups"),
                &error,
            )
        })?;
    }
    Ok(())
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut CgroupSkb, KernelError> {
    match ebpf.program_mut(name) {
        Some(Program::CgroupSkb(program)) => Ok(program),
        _ => Err(KernelError::Failed {
            action: format!("load program {name}"),
            message: "the object has no such program".to_owned(),
        }),
    }
}

/// What all processors have counted.
fn sum(counts: impl Iterator<Item = DatagramCount>) -> Counted {
    let mut sum = Counted::default();
    let mut ports = Vec::new();
    let mut has_other_ports = false;
    for count in counts {
        sum.sent.add(Amount { bytes: count.sent_bytes, packets: count.sent_packets });
        sum.received.add(Amount { bytes: count.received_bytes, packets: count.received_packets });
        has_other_ports |= count.has_other_ports != 0;
        if count.own_port != 0 {
            ports.push(count.own_port);
        }
    }
    ports.dedup();
    if let ([port], false) = (ports.as_slice(), has_other_ports) {
        sum.own_port = Some(*port);
    }
    sum
}

fn place(key: &DatagramKey) -> Option<Place> {
    let address = |bytes: [u8; 16]| Ipv6Addr::from(bytes).to_canonical();
    Some(Place {
        network: key.network,
        direction: match key.direction {
            DATAGRAM_OUTGOING => Direction::Outgoing,
            DATAGRAM_INCOMING => Direction::Incoming,
            _ => return None,
        },
        local: address(key.local),
        remote: address(key.remote),
        port: key.port,
    })
}

fn key(place: &Place) -> DatagramKey {
    let bytes = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        std::net::IpAddr::V6(address) => address.octets(),
    };
    DatagramKey {
        network: place.network,
        port: place.port,
        direction: match place.direction {
            Direction::Outgoing => DATAGRAM_OUTGOING,
            Direction::Incoming => DATAGRAM_INCOMING,
        },
        unused: 0,
        local: bytes(place.local),
        remote: bytes(place.remote),
    }
}

/// Removes an entry and reads it, one value per processor, in one step.
fn take_out(map: &OwnedFd, key: &DatagramKey, counts: &mut [DatagramCount]) -> io::Result<()> {
    /// The member of `union bpf_attr` for commands about one element.
    #[repr(C)]
    struct Element {
        map: u32,
        unused: u32,
        key: u64,
        value: u64,
        flags: u64,
    }
    let element = Element {
        map: u32::try_from(map.as_raw_fd()).unwrap_or(u32::MAX),
        unused: 0,
        key: std::ptr::from_ref(key) as u64,
        value: counts.as_mut_ptr() as u64,
        flags: 0,
    };
    // SAFETY: key and values have the sizes that the map was made with, the
    // values one for each possible processor; both outlive the call.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, LOOKUP_AND_DELETE, &raw const element, size_of::<Element>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_its_key() {
        for (local, remote) in [("10.0.0.1", "192.0.2.9"), ("2001:db8::1", "::1")] {
            let place = Place {
                network: 7,
                direction: Direction::Incoming,
                local: local.parse().unwrap(),
                remote: remote.parse().unwrap(),
                port: 53,
            };
            assert_eq!(super::place(&key(&place)), Some(place));
        }
        let none = DatagramKey {
            network: 1,
            port: 1,
            direction: 0,
            unused: 0,
            local: [0; 16],
            remote: [0; 16],
        };
        assert_eq!(super::place(&none), None);
    }

    #[test]
    fn processors_are_summed_up_and_one_port_is_known() {
        let count = |own_port, has_other_ports| DatagramCount {
            sent_packets: 2,
            sent_bytes: 20,
            received_packets: 1,
            received_bytes: 5,
            own_port,
            has_other_ports,
            unused: 0,
        };
        let same = sum([count(40_000, 0), DatagramCount::default(), count(40_000, 0)].into_iter());
        assert_eq!(same.sent, Amount { bytes: 40, packets: 4 });
        assert_eq!(same.received, Amount { bytes: 10, packets: 2 });
        assert_eq!(same.own_port, Some(40_000));
        assert_eq!(sum([count(40_000, 0), count(40_001, 0)].into_iter()).own_port, None);
        assert_eq!(sum([count(40_000, 1)].into_iter()).own_port, None);
    }
}
