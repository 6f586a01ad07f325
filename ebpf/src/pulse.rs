//! Rust mirrors of `include/pulse.h`, field by field.

/// Longest name of a node in bytes.
pub const HOLDER_BYTES: usize = 256;
/// How much of the start of a request is kept.
pub const HEAD_BYTES: usize = 1024;
/// How much of the end of a request is kept.
pub const TAIL_BYTES: usize = 64;

/// [`Header::kind`] of a [`Call`] of `sync`.
pub const KIND_SYNC: u32 = 1;
/// [`Header::kind`] of a [`Call`] of `newLease`.
pub const KIND_NEW_LEASE: u32 = 2;
/// [`Header::kind`] of a [`Return`].
pub const KIND_RETRY_RETURN: u32 = 3;
/// [`Header::kind`] of a [`Write`].
pub const KIND_WRITE: u32 = 4;
/// [`Header::kind`] of [`Headers`].
pub const KIND_HEADERS: u32 = 5;
/// [`Header::kind`] of an [`Exit`].
pub const KIND_EXIT: u32 = 6;
/// [`Header::kind`] of a [`Signal`].
pub const KIND_SIGNAL: u32 = 7;

/// [`Write::format`]: HTTP/2 DATA frame with a protobuf body.
pub const FORMAT_PROTOBUF: u32 = 1;
/// [`Write::format`]: HTTP/2 DATA frame with a JSON body.
pub const FORMAT_JSON: u32 = 2;
/// [`Write::format`]: HTTP/1.1 request with headers and body.
pub const FORMAT_HTTP1: u32 = 3;

/// Names of the programs, at their positions in the maps `cost` and `lost`.
pub const PROGRAMS: [&str; 7] = [
    "lease_sync",
    "new_lease",
    "retry_return",
    "tls_write",
    "process_headers",
    "process_exit",
    "signal_generate",
];

/// What every event starts with.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub time_ns: u64,
    /// One of the `KIND_` constants.
    pub kind: u32,
    /// Process id in the probe's own pid namespace.
    pub process: u32,
    /// Address of the running goroutine's descriptor; 0 outside of user probes.
    pub goroutine: u64,
    /// Stack pointer; 0 outside of user probes.
    pub stack: u64,
}

/// Entry of the lease controller's `sync` or `newLease`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Common part.
    pub header: Header,
    /// Address of the controller.
    pub controller: u64,
    /// Bytes of `holder` that are set; 0 when it could not be read.
    pub holder_length: u32,
    /// Padding.
    pub unused: u32,
    /// The controller's `holderIdentity`.
    pub holder: [u8; HOLDER_BYTES],
}

/// A return instruction of `retryUpdateLease`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return {
    /// Common part.
    pub header: Header,
    /// Type word of the returned error; 0 for nil.
    pub error: u64,
}

/// A Lease handed to the TLS layer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// Common part.
    pub header: Header,
    /// Address of the `tls.Conn`.
    pub connection: u64,
    /// HTTP/2 stream; 0 with HTTP/1.1.
    pub stream: u32,
    /// One of the `FORMAT_` constants.
    pub format: u32,
    /// Bytes written; 0 when they could not be read.
    pub length: u32,
    /// Padding.
    pub unused: u32,
    /// The first bytes, as many as were written and fit.
    pub head: [u8; HEAD_BYTES],
    /// The last bytes.
    pub tail: [u8; TAIL_BYTES],
}

/// Response headers on a stream that a Lease was written to.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// Common part.
    pub header: Header,
    /// Address of the `tls.Conn`.
    pub connection: u64,
    /// HTTP/2 stream.
    pub stream: u32,
    /// Three digits and a zero; the first is zero when they could not be read.
    pub status: [u8; 4],
}

/// The watched process ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Common part.
    pub header: Header,
    /// Status as in wait(2).
    pub code: i32,
    /// Padding.
    pub unused: u32,
}

/// A signal was sent to the watched process.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Common part.
    pub header: Header,
    /// Signal number.
    pub signal: i32,
    /// What the kernel did with it: 0 delivered, 1 ignored, 2 already pending.
    pub result: i32,
    /// Process id of the sender.
    pub sender: u32,
    /// 1 when the kernel itself sent it.
    pub from_kernel: u32,
    /// Name of the sending task, padded with zeros.
    pub sender_name: [u8; 16],
}
