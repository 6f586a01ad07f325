//! What a probe reports of traffic.
//!
//! The probe looks at every socket of the node's pods and of the node itself
//! once per interval, and hears of every TCP connection that ends in between.
//! It reports what was added since the report before, summed up over the
//! connections that differ in nothing but the client's port.
//!
//! Datagrams are counted one by one where sockets send and receive them. Of UDP
//! there are amounts, but neither connections nor round trips. Who serves is told
//! by the ports: the lower one is the service's when it is below 32,768; else
//! whoever did not send first, as far as that was seen.

use crate::record::NodeTime;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// Whose sockets a [`Flow`] is about; told once, before the first flow that
/// names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Number of this owner in this session.
    pub id: u32,
    /// Who it is.
    pub kind: OwnerKind,
}

/// Kinds of [`Owner`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OwnerKind {
    /// A container of a pod, by its control group: exact for pods in the node's
    /// network namespace too.
    Container {
        /// `metadata.uid` of the pod, in the form the API server has it.
        pod_uid: String,
        /// Id of the container, without the runtime's prefix.
        container_id: String,
    },
    /// A pod, by its network namespace: the process had ended before it was
    /// looked at, or belongs to the pod's sandbox.
    Pod {
        /// `metadata.uid` of the pod.
        pod_uid: String,
    },
    /// A process of the node itself, by the name it gives itself, which is not
    /// to be trusted on a terminal. Empty when it had ended before it was looked at.
    Process {
        /// Up to 15 bytes.
        name: String,
    },
    /// The node itself, as far as nobody in particular is meant.
    Node,
}

/// Packets that the node's kernel threw away, since the last [`Dropped`] that
/// differs in nothing but the amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// In whose network: [`Owner::id`] of a pod, or of the node itself.
    pub owner: u32,
    /// The kernel's own word (`enum skb_drop_reason` without its prefix), such
    /// as `NETFILTER_DROP` or `NO_SOCKET`.
    pub reason: String,
    /// Protocol of IP: 6 is TCP, 17 UDP; 0 when there were too many kinds to
    /// tell them apart.
    pub protocol: u8,
    /// Who sent them, by the IP header; `None` for crowds.
    pub source: Option<IpAddr>,
    /// To whom, likewise.
    pub destination: Option<IpAddr>,
    /// Destination port of TCP and UDP; 0 for others and for crowds.
    pub port: u16,
    /// How many.
    pub packets: u64,
    /// Their bytes from the IP header on.
    pub bytes: u64,
}

/// What a DNS server made of an owner's questions over UDP, since the last
/// [`Dns`] of the same owner and server. Told by the side that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Who asked: [`Owner::id`] of a pod, or of the node itself.
    pub owner: u32,
    /// The server's address, as the owner sees it.
    pub server: IpAddr,
    /// Questions, those that were repeated too.
    pub questions: u64,
    /// Questions without an answer: none came within five seconds, or before the
    /// same was asked again by the same number. One that comes later counts all
    /// the same.
    pub timeouts: u64,
    /// Answers by their code, lowest first.
    pub answers: Vec<DnsAnswers>,
}

/// Answers of a DNS server with one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsAnswers {
    /// The code (RCODE, RFC 1035), such as 3 for a name that does not exist.
    pub code: u8,
    /// How many.
    pub count: u64,
    /// Time from question to answer.
    pub latency: DnsLatency,
}

/// How long answers took, of those whose question was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DnsLatency {
    /// How many there are.
    pub count: u64,
    /// Sum over them.
    pub sum_micros: u64,
    /// Number `n` counts those of at least 2^n microseconds and less than twice
    /// that; the first one also those of less than one, the last one all longer.
    pub buckets: [u64; DNS_BUCKETS],
}

/// How the line of [`Sweep::missing`] begins that says so of datagrams: then
/// there are no [`Dns`].
pub const DNS_NOT_COUNTED: &str = "UDP and DNS are not measured";

/// Length of [`DnsLatency::buckets`].
pub const DNS_BUCKETS: usize = 24;

impl DnsAnswers {
    /// The code's name (RFC 1035, RFC 2136); `None` for one without.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        const NAMES: [&str; 11] = [
            "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
            "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
        ];
        NAMES.get(usize::from(self.code)).copied()
    }
}

/// Transport protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
}

impl Transport {
    /// The stable upper-case name, as Kubernetes writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

/// Who began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// The owner connected: the port is the remote one.
    Outgoing,
    /// The owner listens: the port is its own.
    Incoming,
}

/// Traffic between an owner and a remote address through one service port,
/// since the last [`Flow`] with the same identity: everything but `traffic`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// [`Owner::id`].
    pub owner: u32,
    /// Owner of the other end, when that is on this node too. Such a flow is
    /// told once, from the side that connected. UDP to an address that is
    /// translated on the way is told from both ends, without a peer.
    pub peer: Option<u32>,
    /// Transport protocol.
    pub transport: Transport,
    /// Who began.
    pub direction: Direction,
    /// The owner's address.
    pub local: IpAddr,
    /// The other end's address, as the owner sees it: of a service, when it
    /// dialled a service.
    pub remote: IpAddr,
    /// The listening side's port, as the owner sees it.
    pub port: u16,
    /// Who really answered, when address or port were translated and the
    /// answering side is known; never of UDP.
    pub backend: Option<SocketAddr>,
    /// What was added.
    pub traffic: Traffic,
}

/// How the line of [`Sweep::missing`] begins that says so of dropped packets:
/// then there are no [`Dropped`].
pub const DROPS_NOT_COUNTED: &str = "dropped packets are not counted";

/// Amounts of a [`Flow`], as its owner sees them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Sent by the owner.
    pub sent: Amount,
    /// Received by the owner.
    pub received: Amount,
    /// Segments that the owner sent more than once.
    pub retransmits: u64,
    /// The same of the other end; `None` when its socket is not on this node.
    pub peer_retransmits: Option<u64>,
    /// Connections.
    pub connections: Connections,
    /// Round trips as the owner's kernel measures them; `None` when no
    /// connection has an estimate.
    pub round_trip: Option<RoundTrip>,
}

/// Bytes and packets of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// Payload of the transport protocol, each byte once: retransmitted bytes
    /// and headers do not count.
    pub bytes: u64,
    /// Packets on the wire, those without payload and retransmitted ones too. A
    /// datagram that travels in fragments is one. Received datagrams are those
    /// that reached a socket, also one that had no room for them
    /// (see [`Dropped`]).
    pub packets: u64,
}

/// Connections of a [`Flow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Connections {
    /// Open at the end of the interval. The only one that is no difference.
    pub open: u64,
    /// Opened in the interval.
    pub opened: u64,
    /// Closed in the interval, after they had been open.
    pub closed: u64,
    /// Never came up: refused.
    pub refused: u64,
    /// Never came up: no answer, unreachable, or given up by the process.
    pub failed: u64,
    /// Ended by a reset of the other end after they had been open; part of `closed`.
    pub reset: u64,
    /// Of those that are open, how many were before the probe came: their
    /// traffic counts from then on.
    pub older: u64,
}

/// Smoothed round-trip times (`tcp_sock.srtt_us`, RFC 6298) of the connections
/// of a [`Flow`] that have one, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrip {
    /// Connections that count.
    pub connections: u32,
    /// Sum over them.
    pub sum_micros: u64,
    /// The smallest of them.
    pub lowest_micros: u32,
    /// The largest of them.
    pub highest_micros: u32,
    /// The smallest single measurement of any of them (`tcp_sock.rtt_min`).
    pub minimum_micros: u32,
}

/// End of one look at all sockets; its [`Flow`]s came before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// 0 for the first one, which finds what is there already: from it on
    /// everything is counted. No flows belong to it.
    pub number: u64,
    /// When it was complete.
    pub time: NodeTime,
    /// Since the sweep before, by the monotonic clock; 0 for the first.
    pub seconds: f64,
    /// What it cost: time from its first to its last system call.
    pub sweep_seconds: f64,
    /// TCP sockets of the node and its pods that were looked at.
    pub sockets: u64,
    /// Connections that ended since the sweep before.
    pub ended: u64,
    /// Flows that have more to tell than was sent, since the plugin takes too
    /// little: what they hold is told later, nothing of it is lost.
    pub held_back: u64,
    /// What cannot be seen on this kernel, one line for people each; only with
    /// `number` 0.
    pub missing: Vec<String>,
}

impl Amount {
    /// Adds another amount; counters saturate.
    pub fn add(&mut self, other: Amount) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.packets = self.packets.saturating_add(other.packets);
    }
}

impl RoundTrip {
    /// One connection's estimate.
    #[must_use]
    pub fn of_one(smoothed_micros: u32, minimum_micros: u32) -> Self {
        Self {
            connections: 1,
            sum_micros: u64::from(smoothed_micros),
            lowest_micros: smoothed_micros,
            highest_micros: smoothed_micros,
            minimum_micros,
        }
    }

    /// Takes in other connections.
    pub fn add(&mut self, other: RoundTrip) {
        self.connections = self.connections.saturating_add(other.connections);
        self.sum_micros = self.sum_micros.saturating_add(other.sum_micros);
        self.lowest_micros = self.lowest_micros.min(other.lowest_micros);
        self.highest_micros = self.highest_micros.max(other.highest_micros);
        self.minimum_micros = self.minimum_micros.min(other.minimum_micros);
    }

    /// The mean in seconds.
    #[must_use]
    pub fn mean_seconds(&self) -> f64 {
        self.sum_micros as f64 / f64::from(self.connections.max(1)) / 1e6
    }
}
