//! What the probe on a node and the plugin on the user's machine say to each
//! other through the API server's port-forward.
//!
//! The crate holds three layers and does no I/O:
//!
//! * [`frame`]: length, kind and flags in front of every payload;
//! * [`greeting`]: the three payloads whose layout never changes, so that two
//!   versions that cannot talk can still tell each other why;
//! * [`message`], [`request`], [`record`], [`flow`]: the [`postcard`] payloads of one
//!   protocol version. The plugin brings the probe of its own version along,
//!   so these may change with every release; [`PROTOCOL`] says when they did.
//!
//! Kernel structures and addresses of kernel memory never appear here: the
//! probe turns them into these types before anything leaves the node.

pub mod flow;
pub mod frame;
pub mod greeting;
pub mod message;
pub mod record;
pub mod request;

/// Version of everything in [`message`], [`request`], [`record`] and [`flow`].
pub const PROTOCOL: u16 = 2;

/// Seconds without a plugin after which a probe detaches everything and ends,
/// and for which it keeps unacknowledged records for a plugin that comes back.
pub const IDLE_EXIT_SECONDS: u64 = 10;

/// Seconds for which a probe waits for a plugin while it knows that the
/// kubelet is stopped or dead. The stream runs through the kubelet, so the
/// plugin cannot be there; what the kernel said about the kubelet must not be
/// lost with the probe.
pub const IDLE_EXIT_WITHOUT_KUBELET_SECONDS: u64 = 60;

/// Name of the HTTP header that carries the bypass's token, in hexadecimal: on
/// the way around the kubelet the API server's pod proxy speaks HTTP. The
/// answer's body is [`frame`]s with [`message::ToPlugin::Records`] of records
/// that cannot wait for the port-forward, under the sequence numbers they have
/// there too.
pub const BYPASS_TOKEN_HEADER: &str = "earthworm-token";

/// Seconds without a record after which the bypass carries a
/// [`message::ToPlugin::Pong`], so that nobody on the way takes it for dead.
pub const BYPASS_KEEPALIVE_SECONDS: u64 = 10;

/// Milliseconds between two pings of the plugin. Port-forward itself neither
/// pings nor reports a dead peer.
pub const PING_MILLISECONDS: u64 = 1_000;

/// Milliseconds of silence after which a peer is taken for gone.
pub const SILENCE_MILLISECONDS: u64 = 3_000;

/// What the probe's process says by its exit code; the kubelet reports it.
pub mod exit_code {
    /// The session ended as it should.
    pub const DONE: i32 = 0;
    /// Anything that has no code of its own; the termination message says what.
    pub const FAILED: i32 = 1;
    /// Wrong arguments: plugin and probe do not fit together.
    pub const USAGE: i32 = 2;
    /// The port is taken by another process on the node.
    pub const PORT_IN_USE: i32 = 98;
}
