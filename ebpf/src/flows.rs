//! Rust mirrors of `include/flows.h`, field by field.

/// [`Socket::flags`]: its connection began after the probe came.
pub const FLAG_NEW: u8 = 1;
/// [`Socket::flags`]: it connected.
pub const FLAG_OUTGOING: u8 = 2;
/// [`Socket::flags`]: it was accepted by a listening socket.
pub const FLAG_INCOMING: u8 = 4;
/// [`Socket::flags`]: it has been established since the probe came.
pub const FLAG_OPENED: u8 = 8;
/// [`Socket::flags`]: the other end has said that it sends no more.
pub const FLAG_FIN_RECEIVED: u8 = 16;

/// [`Socket::family`] of IPv4.
pub const FAMILY_IPV4: u16 = 2;
/// [`Socket::family`] of IPv6.
pub const FAMILY_IPV6: u16 = 10;

/// [`Socket::state`] `SYN_SENT`.
pub const STATE_SYN_SENT: u8 = 2;
/// [`Socket::state`] `SYN_RECV`.
pub const STATE_SYN_RECEIVED: u8 = 3;
/// [`Socket::state`] `CLOSE`.
pub const STATE_CLOSED: u8 = 7;
/// [`Socket::state`] `LISTEN`.
pub const STATE_LISTENING: u8 = 10;

/// Names of the programs, at their positions in the maps `cost` and `lost`.
pub const PROGRAMS: [&str; 5] =
    ["sockets", "socket_state", "packet_drop", "datagram_out", "datagram_in"];

/// [`Socket::protocol`] of TCP.
pub const PROTOCOL_TCP: u8 = 6;
/// [`Socket::protocol`] of UDP.
pub const PROTOCOL_UDP: u8 = 17;

/// [`DatagramKey::direction`]: the other end serves.
pub const DATAGRAM_OUTGOING: u8 = 1;
/// [`DatagramKey::direction`]: the owner serves.
pub const DATAGRAM_INCOMING: u8 = 2;

/// A TCP socket as it is, or was when it ended; or a UDP socket, of which only
/// addresses, ports, network and process are set.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Number of this socket that no other one has until the next boot.
    pub cookie: u64,
    /// Payload that was sent, repeated bytes too.
    pub bytes_sent: u64,
    /// Payload that was sent again.
    pub bytes_retransmitted: u64,
    /// Sequence numbers that came: payload, and one for the FIN.
    pub bytes_received: u64,
    /// Segments sent, wraps around.
    pub segments_sent: u32,
    /// Segments received, wraps around.
    pub segments_received: u32,
    /// Segments sent again, wraps around.
    pub retransmits: u32,
    /// Smoothed round trip in eighths of a microsecond; 0: none yet.
    pub smoothed_rtt: u32,
    /// Smallest round trip in microseconds; all ones: none yet.
    pub minimum_rtt: u32,
    /// Inode of the network namespace.
    pub network: u32,
    /// Process that has it open, in the probe's own pid namespace; 0: unknown.
    pub process: u32,
    /// Process that connected, likewise.
    pub creator: u32,
    /// errno of its last failure.
    pub error: i32,
    /// One of the `FAMILY_` constants.
    pub family: u16,
    /// Own port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// State (`include/net/tcp_states.h`).
    pub state: u8,
    /// State before the end, of one that ended.
    pub state_before: u8,
    /// `FLAG_` constants.
    pub flags: u8,
    /// Protocol of IP: one of the `PROTOCOL_` constants.
    pub protocol: u8,
    /// Padding.
    pub unused: [u8; 2],
    /// Own address; IPv4 in the first four bytes.
    pub local: [u8; 16],
    /// The other end's address.
    pub remote: [u8; 16],
    /// Name of the process that connected, when it did, padded with zeros.
    pub creator_name: [u8; 16],
}

/// Key of the map `drops`: what dropped packets have in common.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DropKey {
    /// `enum skb_drop_reason` of the running kernel.
    pub reason: u32,
    /// Inode of the network namespace.
    pub network: u32,
    /// Destination port; 0: none, or no room to tell ports apart.
    pub port: u16,
    /// Protocol of IP.
    pub protocol: u8,
    /// Padding.
    pub unused: u8,
    /// IPv4 as mapped IPv6; zeros: no room to tell addresses apart.
    pub source: [u8; 16],
    /// Likewise.
    pub destination: [u8; 16],
}

/// Value of the map `drops`, one per processor.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCount {
    /// Packets.
    pub packets: u64,
    /// Their bytes from the IP header on.
    pub bytes: u64,
}

/// Key of the map `datagrams`: what datagrams have in common.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DatagramKey {
    /// Inode of the network namespace.
    pub network: u32,
    /// Port of the end that serves.
    pub port: u16,
    /// One of the `DATAGRAM_` constants.
    pub direction: u8,
    /// Padding.
    pub unused: u8,
    /// Address of the socket's end; IPv4 as mapped IPv6.
    pub local: [u8; 16],
    /// Address of the other end.
    pub remote: [u8; 16],
}

/// Value of the map `datagrams`, one per processor.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatagramCount {
    /// Datagrams sent, each segment of one as the wire has it.
    pub sent_packets: u64,
    /// Their payload.
    pub sent_bytes: u64,
    /// Datagrams that reached a socket.
    pub received_packets: u64,
    /// Their payload.
    pub received_bytes: u64,
    /// The first port of the socket's end that was seen.
    pub own_port: u16,
    /// Not 0: there were others.
    pub has_other_ports: u16,
    /// Padding.
    pub unused: u32,
}

/// [`DnsKey::kind`]: questions.
pub const DNS_QUESTIONS: u8 = 16;
/// [`DnsKey::kind`]: questions that were asked again by the same number before
/// there was an answer.
pub const DNS_UNANSWERED: u8 = 17;
/// Length of [`DnsCount::buckets`].
pub const DNS_BUCKETS: usize = 24;

/// Key of the map `dns_pending`: a question that waits for its answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DnsQuestion {
    /// Inode of the network namespace that asks.
    pub network: u32,
    /// Port of who asks.
    pub port: u16,
    /// Number of the question.
    pub number: u16,
    /// Address of who asks; IPv4 as mapped IPv6.
    pub client: [u8; 16],
    /// Address of the server.
    pub server: [u8; 16],
}

/// Key of the map `dns`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DnsKey {
    /// Inode of the network namespace that asks.
    pub network: u32,
    /// Code of the answers, or one of the `DNS_` constants.
    pub kind: u8,
    /// Padding.
    pub unused: [u8; 3],
    /// Address of the server; IPv4 as mapped IPv6.
    pub server: [u8; 16],
}

/// Value of the map `dns`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DnsCount {
    /// How many.
    pub count: u64,
    /// Those of them whose question was seen.
    pub timed: u64,
    /// Microseconds from question to answer, of these.
    pub micros: u64,
    /// These by the highest bit of their microseconds.
    pub buckets: [u64; DNS_BUCKETS],
}
