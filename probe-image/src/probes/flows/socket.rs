//! Sockets as the kernel programs write them, decoded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;

use earthworm_ebpf::flows;

/// Bytes of one socket in what the iterator and the ring buffer give.
pub(super) const BYTES: usize = size_of::<flows::Socket>();

/// Name of a socket for as long as the kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SocketId(pub(super) NonZeroU64);

/// An address with a port in little room: there may be a hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Address {
    /// IPv4 as mapped IPv6.
    ip: Ipv6Addr,
    pub(super) port: u16,
}

impl Address {
    /// The same without a port.
    pub(super) fn without_port(self) -> Self {
        Self { port: 0, ..self }
    }

    pub(super) fn ip(self) -> IpAddr {
        self.ip.to_canonical()
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(four) => four.to_ipv6_mapped(),
            IpAddr::V6(six) => six,
        };
        Self { ip, port: address.port() }
    }
}

impl From<Address> for SocketAddr {
    fn from(address: Address) -> Self {
        SocketAddr::new(address.ip(), address.port)
    }
}

/// A TCP socket; or a UDP socket, of which only place and process are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) id: SocketId,
    /// Inode of its network namespace.
    pub(super) network: u32,
    /// Process that has it open, else the one that connected, when known.
    pub(super) process: Option<u32>,
    /// Name of the process that connected, padded with zeros; empty when not known.
    pub(super) creator_name: [u8; 16],
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) counters: Counters,
    pub(super) round_trip: Option<RoundTripMicros>,
    pub(super) state: State,
    /// Where it came from; `None` when it was there before the probe.
    pub(super) origin: Option<Origin>,
    /// It has been established since the probe came.
    pub(super) opened: bool,
}

/// What a socket has carried since it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counters {
    /// Payload sent, each byte once.
    pub(super) bytes_sent: u64,
    /// Payload received.
    pub(super) bytes_received: u64,
    /// Wraps around.
    pub(super) packets_sent: u32,
    /// Wraps around.
    pub(super) packets_received: u32,
    /// Wraps around.
    pub(super) retransmits: u32,
}

/// Smoothed and smallest round trip in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoundTripMicros {
    pub(super) smoothed: u32,
    pub(super) minimum: u32,
}

/// States that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for connections.
    Listening,
    /// On its way to be established.
    Connecting,
    /// Established, or about to end.
    Open,
    /// Ended.
    Ended(End),
    /// UDP: there are no connections.
    Datagrams,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After it had been open.
    Closed,
    /// After it had been open, by a reset of the other end.
    Reset,
    /// Before it was open: refused.
    Refused,
    /// Before it was open, for another reason.
    Failed,
}

/// How a connection began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// This end connected.
    Connected,
    /// The other end did.
    Accepted,
}

impl Counters {
    /// What was added since `before`.
    pub(super) fn since(self, before: Counters) -> Counters {
        // A socket that was disconnected and connected again starts from 0.
        let anew =
            self.bytes_sent < before.bytes_sent || self.bytes_received < before.bytes_received;
        if anew {
            return self;
        }
        Counters {
            bytes_sent: self.bytes_sent - before.bytes_sent,
            bytes_received: self.bytes_received - before.bytes_received,
            packets_sent: self.packets_sent.wrapping_sub(before.packets_sent),
            packets_received: self.packets_received.wrapping_sub(before.packets_received),
            retransmits: self.retransmits.wrapping_sub(before.retransmits),
        }
    }

    /// Whether nothing was carried.
    pub(super) fn is_nothing(self) -> bool {
        self == Counters::default()
    }
}

/// Decodes one socket; `None` when it is too short or of an unknown family.
pub(super) fn decode(bytes: &[u8]) -> Option<Socket> {
    if bytes.len() < BYTES {
        return None;
    }
    // SAFETY: there are enough bytes, the read needs no alignment, and the type
    // consists of integers and arrays of them.
    let raw = unsafe { bytes.as_ptr().cast::<flows::Socket>().read_unaligned() };
    from_raw(&raw)
}

fn from_raw(raw: &flows::Socket) -> Option<Socket> {
    let has = |flag: u8| raw.flags & flag != 0;
    let process = [raw.process, raw.creator].into_iter().find(|process| *process != 0);
    let fin = u64::from(has(flows::FLAG_FIN_RECEIVED));
    Some(Socket {
        id: SocketId(NonZeroU64::new(raw.cookie)?),
        network: raw.network,
        process,
        creator_name: raw.creator_name,
        local: SocketAddr::new(address(raw.family, &raw.local)?, raw.local_port),
        remote: SocketAddr::new(address(raw.family, &raw.remote)?, raw.remote_port),
        counters: Counters {
            bytes_sent: raw.bytes_sent.saturating_sub(raw.bytes_retransmitted),
            bytes_received: raw.bytes_received.saturating_sub(fin),
            packets_sent: raw.segments_sent,
            packets_received: raw.segments_received,
            retransmits: raw.retransmits,
        },
        round_trip: (raw.smoothed_rtt != 0).then(|| {
            let smoothed = raw.smoothed_rtt >> 3;
            let minimum = if raw.minimum_rtt == u32::MAX { smoothed } else { raw.minimum_rtt };
            RoundTripMicros { smoothed, minimum }
        }),
        state: match raw.state {
            _ if raw.protocol == flows::PROTOCOL_UDP => State::Datagrams,
            flows::STATE_LISTENING => State::Listening,
            flows::STATE_SYN_SENT | flows::STATE_SYN_RECEIVED => State::Connecting,
            flows::STATE_CLOSED => State::Ended(end(raw)),
            _ => State::Open,
        },
        origin: match (has(flows::FLAG_NEW), has(flows::FLAG_OUTGOING)) {
            (false, _) => None,
            (true, true) => Some(Origin::Connected),
            (true, false) => Some(Origin::Accepted),
        },
        opened: has(flows::FLAG_OPENED),
    })
}

fn end(raw: &flows::Socket) -> End {
    let before = raw.state_before;
    if before == flows::STATE_SYN_SENT || before == flows::STATE_SYN_RECEIVED {
        return if raw.error == libc::ECONNREFUSED { End::Refused } else { End::Failed };
    }
    // EPIPE is what a reset gives to a socket whose other end has said goodbye.
    if raw.error == libc::ECONNRESET || raw.error == libc::EPIPE { End::Reset } else { End::Closed }
}

/// IPv4 in the form of IPv6 is IPv4: that is what travels.
fn address(family: u16, bytes: &[u8; 16]) -> Option<IpAddr> {
    match family {
        flows::FAMILY_IPV4 => {
            let [first, second, third, fourth, ..] = *bytes;
            Some(IpAddr::V4(Ipv4Addr::new(first, second, third, fourth)))
        }
        flows::FAMILY_IPV6 => Some(IpAddr::V6(Ipv6Addr::from(*bytes)).to_canonical()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> flows::Socket {
        let mut local = [0; 16];
        local[..4].copy_from_slice(&[10, 0, 0, 1]);
        let mut remote = [0; 16];
        remote[..4].copy_from_slice(&[10, 0, 0, 2]);
        flows::Socket {
            cookie: 7,
            bytes_sent: 1500,
            bytes_retransmitted: 500,
            bytes_received: 101,
            segments_sent: 4,
            segments_received: 3,
            retransmits: 1,
            smoothed_rtt: 80_008,
            minimum_rtt: 9_000,
            network: 1,
            process: 0,
            creator: 42,
            error: 0,
            family: flows::FAMILY_IPV4,
            local_port: 40_000,
            remote_port: 80,
            state: 1,
            state_before: 0,
            flags: flows::FLAG_NEW | flows::FLAG_OUTGOING | flows::FLAG_OPENED,
            protocol: flows::PROTOCOL_TCP,
            unused: [0; 2],
            local,
            remote,
            creator_name: *b"curl\0\0\0\0\0\0\0\0\0\0\0\0",
        }
    }

    #[test]
    fn repeated_bytes_and_the_fin_are_no_payload() {
        let socket = from_raw(&raw()).unwrap();
        assert_eq!((socket.counters.bytes_sent, socket.counters.bytes_received), (1000, 101));
        let mut over = raw();
        over.flags |= flows::FLAG_FIN_RECEIVED;
        assert_eq!(from_raw(&over).unwrap().counters.bytes_received, 100);
        assert_eq!(socket.process, Some(42));
        assert_eq!(socket.origin, Some(Origin::Connected));
        assert_eq!(socket.round_trip, Some(RoundTripMicros { smoothed: 10_001, minimum: 9_000 }));
        assert_eq!(socket.remote, "10.0.0.2:80".parse().unwrap());
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        let mut mapped = raw();
        mapped.family = flows::FAMILY_IPV6;
        mapped.local = Ipv4Addr::new(10, 0, 0, 9).to_ipv6_mapped().octets();
        mapped.remote = "2001:db8::1".parse::<Ipv6Addr>().unwrap().octets();
        let socket = from_raw(&mapped).unwrap();
        assert_eq!(socket.local.ip(), "10.0.0.9".parse::<IpAddr>().unwrap());
        assert_eq!(socket.remote.ip(), "2001:db8::1".parse::<IpAddr>().unwrap());
        mapped.family = 1;
        assert_eq!(from_raw(&mapped), None);
        assert_eq!(decode(&[0; BYTES - 1]), None);
    }

    #[test]
    fn ends_are_told_apart() {
        for (before, error, expected) in [
            (2, libc::ECONNREFUSED, End::Refused),
            (2, libc::ETIMEDOUT, End::Failed),
            (1, libc::ECONNRESET, End::Reset),
            (8, libc::EPIPE, End::Reset),
            (9, 0, End::Closed),
        ] {
            let mut ended = raw();
            (ended.state, ended.state_before, ended.error) = (flows::STATE_CLOSED, before, error);
            assert_eq!(from_raw(&ended).unwrap().state, State::Ended(expected));
        }
    }

    #[test]
    fn counters_wrap_and_start_again() {
        let before = Counters { packets_sent: u32::MAX, bytes_sent: 10, ..Counters::default() };
        let after = Counters { packets_sent: 4, bytes_sent: 30, ..Counters::default() };
        let added = after.since(before);
        assert_eq!((added.packets_sent, added.bytes_sent), (5, 20));
        let anew = Counters { packets_sent: 2, bytes_sent: 3, ..Counters::default() };
        assert_eq!(anew.since(after), anew);
        assert!(after.since(after).is_nothing());
    }
}
