//! Who really answers at an address that is translated on the way, such as a
//! service's: the node's own connection tracking is asked, connection by
//! connection.

mod message;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Questions in one sweep: each takes some microseconds.
const MOST_QUESTIONS: u32 = 512;

/// Addresses that were found not to be translated, and are not asked about again
/// for a while.
const MOST_DIRECT: usize = 4_096;

/// Sweeps for which an address that is not translated is believed to stay so.
const BELIEVED_FOR: u64 = 15;

/// Longest answer: one entry of the table has some hundred bytes.
const ANSWER_BYTES: usize = 8 << 10;

/// Asks the connection tracking of this process's network namespace.
pub(super) struct Nat {
    socket: OwnedFd,
    sequence: u32,
    sweep: u64,
    questions: u32,
    direct: HashMap<SocketAddr, u64>,
    buffer: Vec<u8>,
}

impl Nat {
    /// Opens the way to ask.
    ///
    /// # Errors
    /// When this kernel has no connection tracking, or does not let it be asked.
    pub(super) fn open() -> io::Result<Self> {
        // SAFETY: a plain system call.
        let descriptor = unsafe {
            libc::socket(
                libc::AF_NETLINK,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC,
                libc::NETLINK_NETFILTER,
            )
        };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let mut nat = Self {
            socket,
            sequence: 0,
            sweep: 0,
            questions: 0,
            direct: HashMap::new(),
            buffer: vec![0; ANSWER_BYTES],
        };
        // Any answer will do but that such questions are not understood.
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        nat.ask(nobody, nobody)?;
        Ok(nat)
    }

    /// A new sweep, with new questions.
    pub(super) fn begin_sweep(&mut self) {
        self.sweep += 1;
        self.questions = 0;
    }

    /// Who answers a TCP connection from `client` to `server`; `None` when that
    /// is `server` itself, or is not known.
    pub(super) fn backend(&mut self, client: SocketAddr, server: SocketAddr) -> Option<SocketAddr> {
        let believed = |seen: &u64| self.sweep - seen < BELIEVED_FOR;
        if self.questions >= MOST_QUESTIONS || self.direct.get(&server).is_some_and(believed) {
            return None;
        }
        self.questions += 1;
        let answering = self.ask(client, server).ok().flatten()?;
        if answering != server {
            return Some(answering);
        }
        if self.direct.len() >= MOST_DIRECT {
            self.direct.clear();
        }
        self.direct.insert(server, self.sweep);
        None
    }

    /// The source of the answers to a connection; `None` when there is none.
    fn ask(&mut self, client: SocketAddr, server: SocketAddr) -> io::Result<Option<SocketAddr>> {
        self.sequence = self.sequence.wrapping_add(1);
        let Some(question) = message::question(self.sequence, client, server) else {
            return Ok(None);
        };
        // SAFETY: the buffer is valid for its length.
        let sent = unsafe {
            libc::send(self.socket.as_raw_fd(), question.as_ptr().cast(), question.len(), 0)
        };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        // The kernel answers before `send` returns; what is no answer to this
        // question is one that nobody waited for.
        for _ in 0..4 {
            // SAFETY: the buffer is valid for its length, and written by the kernel.
            let count = unsafe {
                libc::recv(
                    self.socket.as_raw_fd(),
                    self.buffer.as_mut_ptr().cast(),
                    self.buffer.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            let Ok(count) = usize::try_from(count) else { return Err(io::Error::last_os_error()) };
            match message::answer(&self.buffer[..count], self.sequence) {
                message::Answer::Source(source) => return Ok(Some(source)),
                message::Answer::Unknown => return Ok(None),
                message::Answer::Refused(code) => return Err(io::Error::from_raw_os_error(code)),
                message::Answer::Other => {}
            }
        }
        Ok(None)
    }
}
