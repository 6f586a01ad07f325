//! eBPF programs, maps and links, by the kernel's own ids.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::sessions;

/// `enum bpf_cmd`, include/uapi/linux/bpf.h.
const PROG_GET_NEXT_ID: libc::c_long = 11;
const MAP_GET_NEXT_ID: libc::c_long = 12;
const PROG_GET_FD_BY_ID: libc::c_long = 13;
const OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const LINK_GET_NEXT_ID: libc::c_long = 31;

/// `BPF_PROG_TYPE_CGROUP_DEVICE`.
const CGROUP_DEVICE: u32 = 15;

/// A program, map or link by the kernel's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KernelObject {
    /// `bpftool prog show id N`.
    Program(u32),
    /// `bpftool map show id N`.
    Map(u32),
    /// `bpftool link show id N`.
    Link(u32),
}

/// Every object that the kernel has now, without those by which a container
/// runtime guards the devices of a container where there are control groups of
/// version 2: they hang on the group, come and go with every pod, and belong to
/// the container, which is looked for itself.
///
/// # Errors
/// When the kernel does not tell, which needs CAP_SYS_ADMIN.
pub fn all() -> io::Result<BTreeSet<KernelObject>> {
    let programs = ids(PROG_GET_NEXT_ID)?.into_iter().filter(|id| !guards_devices(*id));
    let programs = programs.map(KernelObject::Program);
    let maps = ids(MAP_GET_NEXT_ID)?.into_iter().map(KernelObject::Map);
    let links = ids(LINK_GET_NEXT_ID)?.into_iter().map(KernelObject::Link);
    Ok(programs.chain(maps).chain(links).collect())
}

/// The ids of one kind. Ids only grow, so the walk ends.
fn ids(command: libc::c_long) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    let mut start = 0_u32;
    loop {
        // start_id, next_id, open_flags.
        let mut attributes = [start, 0, 0];
        match bpf(command, &mut attributes) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(found),
            Err(error) => return Err(error),
        }
        start = attributes[1];
        found.push(start);
    }
}

/// Whether a program is of the kind that decides about a container's devices.
/// One that has gone meanwhile is not.
fn guards_devices(id: u32) -> bool {
    let Ok(descriptor) = bpf(PROG_GET_FD_BY_ID, &mut [id, 0, 0]) else { return false };
    let Ok(descriptor) = i32::try_from(descriptor) else { return false };
    // SAFETY: the kernel has just opened it for this call alone.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    // The kind is the first of the fields of `struct bpf_prog_info`, and the
    // kernel fills in as many bytes as there is room for.
    let mut information = [0_u32; 2];
    let address = information.as_mut_ptr() as u64;
    let size = std::mem::size_of_val(&information) as u64;
    // fd and info_len, info: two numbers of 32 bits and one of 64.
    let mut attributes = [descriptor.as_raw_fd() as u64 | size << 32, address];
    bpf(OBJ_GET_INFO_BY_FD, &mut attributes).is_ok() && information[0] == CGROUP_DEVICE
}

/// bpf(2) with these attributes, into which it also writes.
fn bpf<T>(command: libc::c_long, attributes: &mut [T]) -> io::Result<libc::c_long> {
    let size = std::mem::size_of_val(attributes);
    // SAFETY: the callers give the attributes of their command, as long as they
    // say, and addresses in them are those of memory that they have borrowed.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Objects of which a living process has a descriptor, leaving out the
/// processes that are `ours`: somebody else's, who happens to work on this
/// machine.
pub fn held_by_others(ours: impl Fn(u32) -> bool) -> BTreeSet<KernelObject> {
    let mut held = BTreeSet::new();
    for pid in sessions::all_pids() {
        let holds = held_by(pid);
        if !holds.is_empty() && !ours(pid) {
            held.extend(holds);
        }
    }
    held
}

/// Objects of which a process has a descriptor.
#[must_use]
pub fn held_by(pid: u32) -> BTreeSet<KernelObject> {
    let mut held = BTreeSet::new();
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return held };
    for entry in entries.flatten() {
        // `anon_inode:bpf-map` and the like: a look at the name is cheap, and an
        // API server has thousands of others.
        let target = fs::read_link(entry.path()).unwrap_or_default();
        if !target.to_string_lossy().contains("bpf") {
            continue;
        }
        let information = format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_string_lossy());
        let Ok(text) = fs::read_to_string(information) else { continue };
        for line in text.lines() {
            let Some((name, id)) = line.split_once(':') else { continue };
            let Ok(id) = id.trim().parse() else { continue };
            held.extend(match name {
                "prog_id" => Some(KernelObject::Program(id)),
                "map_id" => Some(KernelObject::Map(id)),
                "link_id" => Some(KernelObject::Link(id)),
                _ => None,
            });
        }
    }
    held
}
