//! The kernel's half: loads the object, reads all sockets, collects those that
//! ended.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;

use aya::maps::{MapData, RingBuf};
use aya::programs::{Iter, Program};
use aya::{Ebpf, EbpfLoader};
use earthworm_ebpf::flows::PROGRAMS;

use super::datagrams::{self, Datagrams};
use super::drops::{Drops, Reasons};
use super::socket::{self, BYTES, Socket};
use crate::kernel::{Accounts, allow_locked_memory, attach_tracepoint, btf, take};
use crate::uprobe::KernelError;

const ITERATOR: &str = "sockets";

/// How much of what the iterator writes is fetched at once.
const CHUNK_BYTES: usize = 64 << 10;

/// The ring buffer of connections that ended.
pub(super) type EndedRing = RingBuf<MapData>;

/// The loaded programs.
pub(super) struct Kernel {
    ebpf: Ebpf,
    accounts: Accounts,
    buffer: Vec<u8>,
    /// Dropped packets, or why they are not counted.
    drops: Result<Drops, KernelError>,
    /// Datagrams, likewise.
    datagrams: Result<Datagrams, KernelError>,
}

impl Kernel {
    /// Loads everything and begins to hear of connections that begin and end.
    ///
    /// # Errors
    /// When the kernel refuses an object, a map, a program or the tracepoint.
    pub(super) fn load() -> Result<(Self, EndedRing), KernelError> {
        allow_locked_memory();
        let btf = btf()?;
        let namespace = fs::metadata("/proc/self/ns/pid")
            .map_err(|error| KernelError::from_io("look at the own pid namespace", error))?
            .ino();
        // Numbers of namespaces have 32 bits in the kernel.
        let namespace = u32::try_from(namespace).unwrap_or(0);
        let reasons = Reasons::read();
        let purged = reasons.number("QUEUE_PURGE").unwrap_or(u32::MAX);
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .override_global("pid_namespace_inode", &namespace, true)
            .override_global("reason_queue_purge", &purged, true)
            .map_max_entries("datagrams", datagrams::entries())
            .load(earthworm_ebpf::flows_object())
            .map_err(|error| KernelError::from_error("load the kernel programs", &error))?;
        iterator(&mut ebpf)?
            .load("task_file", &btf)
            .map_err(|error| KernelError::from_error("load program sockets", &error))?;
        // Before the first sweep: what it does not know to be new was there.
        attach_tracepoint(&mut ebpf, "socket_state", "inet_sock_set_state", &btf)?;
        let ended = RingBuf::try_from(take(&mut ebpf, "ended")?)
            .map_err(|error| KernelError::from_error("map the ring buffer", &error))?;
        let accounts = Accounts::take(&mut ebpf, &PROGRAMS)?;
        // Kernels before 5.17 give no reason, and refuse a program that wants one.
        let drops = attach_tracepoint(&mut ebpf, "packet_drop", "kfree_skb", &btf)
            .and_then(|()| Drops::take_maps(&mut ebpf, reasons));
        let datagrams = Datagrams::attach(&mut ebpf);
        let buffer = Vec::with_capacity(CHUNK_BYTES);
        Ok((Self { ebpf, accounts, buffer, drops, datagrams }, ended))
    }

    /// Shows every TCP and UDP socket that a process has open, once for every
    /// process that has it.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn sweep(&mut self, mut show: impl FnMut(Socket)) -> Result<(), KernelError> {
        let error = |error: &(dyn std::error::Error + 'static)| {
            KernelError::from_error("walk the sockets of all processes", error)
        };
        let program = iterator(&mut self.ebpf)?;
        // A link gives one walk.
        let link = program.attach().map_err(|cause| error(&cause))?;
        let link = program.take_link(link).map_err(|cause| error(&cause))?;
        let mut file = link.into_file().map_err(|cause| error(&cause))?;
        self.buffer.clear();
        loop {
            let kept = self.buffer.len();
            self.buffer.resize(kept + CHUNK_BYTES, 0);
            let count = match file.read(&mut self.buffer[kept..]) {
                Ok(count) => count,
                // It has walked far without finding anything, and goes on.
                Err(cause)
                    if matches!(cause.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
                {
                    self.buffer.truncate(kept);
                    continue;
                }
                Err(cause) => return Err(error(&cause)),
            };
            self.buffer.truncate(kept + count);
            let whole = self.buffer.len() / BYTES * BYTES;
            for socket in self.buffer[..whole].chunks_exact(BYTES).filter_map(socket::decode) {
                show(socket);
            }
            self.buffer.drain(..whole);
            if count == 0 {
                return Ok(());
            }
        }
    }

    /// Dropped packets, or why they are not counted.
    pub(super) fn drops(&mut self) -> Result<&mut Drops, &KernelError> {
        self.drops.as_mut().map_err(|error| &*error)
    }

    /// Datagrams, or why they are not counted.
    pub(super) fn datagrams(&mut self) -> Result<&mut Datagrams, &KernelError> {
        self.datagrams.as_mut().map_err(|error| &*error)
    }

    /// Events that were not counted for want of room here.
    pub(super) fn overflowed(&self) -> u64 {
        self.datagrams.as_ref().map_or(0, Datagrams::overflowed)
    }

    /// What the programs cost and lost.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

fn iterator(ebpf: &mut Ebpf) -> Result<&mut Iter, KernelError> {
    match ebpf.program_mut(ITERATOR) {
        Some(Program::Iter(program)) => Ok(program),
        _ => Err(KernelError::Failed {
            action: format!("load program {ITERATOR}"),
            message: "the object has no such program".to_owned(),
        }),
    }
}
