//! Events of the kernel programs, decoded.

use earthworm_ebpf::pulse::{self, Header};

use super::lease::{self, Renewal};

/// One event with its common part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub(super) time_ns: u64,
    /// Process id in the probe's pid namespace.
    pub(super) process: u32,
    /// Address of the goroutine's descriptor; 0 outside of user probes.
    pub(super) goroutine: u64,
    /// Stack pointer; 0 outside of user probes.
    pub(super) stack: u64,
    /// What happened.
    pub(super) kind: EventKind,
}

/// What an [`Event`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventKind {
    /// The lease controller woke up; its `holderIdentity`, when it could be read.
    Sync(Option<String>),
    /// A Lease was made up; the `holderIdentity` likewise.
    NewLease(Option<String>),
    /// `retryUpdateLease` returned: whether without an error.
    RetryReturn {
        /// No error.
        success: bool,
    },
    /// A Lease was handed to the TLS layer.
    Write {
        /// Which request.
        stream: Stream,
        /// What it says.
        renewal: Renewal,
    },
    /// The headers of an answer arrived.
    Headers {
        /// To which request.
        stream: Stream,
        /// HTTP status, when it could be read.
        status: Option<u16>,
    },
    /// The process ended, with this status as in wait(2).
    Exit(i32),
    /// A signal was sent.
    Signal {
        /// Its number.
        signal: i32,
        /// The process ignores it.
        ignored: bool,
        /// `name[pid]`.
        sender: String,
    },
}

/// One HTTP/2 stream of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stream {
    /// Address of the connection in the process.
    pub(super) connection: u64,
    /// HTTP/2 stream id; 0 with HTTP/1.1, where answers are not seen.
    pub(super) id: u32,
}

/// Decodes one event; `None` when it is of an unknown kind or too short.
#[must_use]
pub(super) fn decode(bytes: &[u8]) -> Option<Event> {
    let header: Header = read(bytes)?;
    let kind = match header.kind {
        pulse::KIND_SYNC => EventKind::Sync(holder(&read(bytes)?)),
        pulse::KIND_NEW_LEASE => EventKind::NewLease(holder(&read(bytes)?)),
        pulse::KIND_RETRY_RETURN => {
            EventKind::RetryReturn { success: read::<pulse::Return>(bytes)?.error == 0 }
        }
        pulse::KIND_WRITE => {
            let write: pulse::Write = read(bytes)?;
            EventKind::Write {
                stream: Stream { connection: write.connection, id: write.stream },
                renewal: lease::parse(
                    write.format,
                    usize::try_from(write.length).unwrap_or(0),
                    &write.head,
                    &write.tail,
                ),
            }
        }
        pulse::KIND_HEADERS => {
            let headers: pulse::Headers = read(bytes)?;
            let digits = std::str::from_utf8(&headers.status[..3]).ok();
            EventKind::Headers {
                stream: Stream { connection: headers.connection, id: headers.stream },
                status: digits.and_then(|digits| digits.parse().ok()),
            }
        }
        pulse::KIND_EXIT => EventKind::Exit(read::<pulse::Exit>(bytes)?.code),
        pulse::KIND_SIGNAL => {
            let signal: pulse::Signal = read(bytes)?;
            let sender = if signal.from_kernel == 1 {
                "kernel[0]".to_owned()
            } else {
                let name = &signal.sender_name;
                let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
                format!("{}[{}]", String::from_utf8_lossy(&name[..end]), signal.sender)
            };
            EventKind::Signal { signal: signal.signal, ignored: signal.result == 1, sender }
        }
        _ => return None,
    };
    Some(Event {
        time_ns: header.time_ns,
        process: header.process,
        goroutine: header.goroutine,
        stack: header.stack,
        kind,
    })
}

/// An identity that is not a Kubernetes name was read from the wrong place:
/// better none than a wrong one.
fn holder(call: &pulse::Call) -> Option<String> {
    let length = usize::try_from(call.holder_length).ok()?;
    let bytes = call.holder.get(..length).filter(|bytes| !bytes.is_empty())?;
    let plausible = bytes.iter().all(u8::is_ascii_graphic);
    plausible.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Structs that an event may be read as: any bytes make a valid value.
trait Plain: Copy {}
impl Plain for Header {}
impl Plain for pulse::Call {}
impl Plain for pulse::Return {}
impl Plain for pulse::Write {}
impl Plain for pulse::Headers {}
impl Plain for pulse::Exit {}
impl Plain for pulse::Signal {}

fn read<T: Plain>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, the read needs no alignment, and a
    // `Plain` type consists of integers and arrays of them.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<T: Plain>(value: &T) -> &[u8] {
        // SAFETY: the types have no padding, by the layout test of the kernel crate.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) }
    }

    fn header(kind: u32) -> Header {
        Header { time_ns: 5, kind, process: 7, goroutine: 9, stack: 11 }
    }

    #[test]
    fn short_and_unknown_events_are_nothing() {
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(bytes(&header(99))), None);
        assert_eq!(decode(bytes(&header(pulse::KIND_WRITE))), None);
    }

    #[test]
    fn holders_are_names_or_nothing() {
        let mut call = pulse::Call {
            header: header(pulse::KIND_SYNC),
            controller: 1,
            holder_length: 6,
            unused: 0,
            holder: [0; pulse::HOLDER_BYTES],
        };
        call.holder[..6].copy_from_slice(b"node-a");
        assert_eq!(decode(bytes(&call)).unwrap().kind, EventKind::Sync(Some("node-a".into())));
        call.holder[2] = 0;
        assert_eq!(decode(bytes(&call)).unwrap().kind, EventKind::Sync(None));
        call.holder_length = 100_000;
        assert_eq!(decode(bytes(&call)).unwrap().kind, EventKind::Sync(None));
    }

    #[test]
    fn signals_name_their_sender() {
        let mut signal = pulse::Signal {
            header: header(pulse::KIND_SIGNAL),
            signal: 19,
            result: 1,
            sender: 42,
            from_kernel: 0,
            sender_name: *b"bash\0\0\0\0\0\0\0\0\0\0\0\0",
        };
        let sender = |signal: &pulse::Signal| match decode(bytes(signal)).unwrap().kind {
            EventKind::Signal { sender, .. } => sender,
            other => panic!("{other:?}"),
        };
        assert_eq!(sender(&signal), "bash[42]");
        signal.from_kernel = 1;
        assert_eq!(sender(&signal), "kernel[0]");
    }
}
