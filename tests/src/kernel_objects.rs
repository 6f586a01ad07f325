//! eBPF programs, maps and links, by the kernel's own ids.

use std::collections::BTreeSet;
use std::fs;

/// `enum bpf_cmd`, include/uapi/linux/bpf.h.
const PROG_GET_NEXT_ID: libc::c_long = 11;
const MAP_GET_NEXT_ID: libc::c_long = 12;
const LINK_GET_NEXT_ID: libc::c_long = 31;

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

/// Every object that the kernel has now.
///
/// # Panics
/// When the kernel does not tell, which needs CAP_SYS_ADMIN.
#[must_use]
pub fn all() -> BTreeSet<KernelObject> {
    let programs = ids(PROG_GET_NEXT_ID).into_iter().map(KernelObject::Program);
    let maps = ids(MAP_GET_NEXT_ID).into_iter().map(KernelObject::Map);
    let links = ids(LINK_GET_NEXT_ID).into_iter().map(KernelObject::Link);
    programs.chain(maps).chain(links).collect()
}

/// The ids of one kind. Ids only grow, so the walk ends.
fn ids(command: libc::c_long) -> Vec<u32> {
    let mut found = Vec::new();
    let mut start = 0_u32;
    loop {
        // start_id, next_id, open_flags.
        let mut attributes = [start, 0, 0];
        // SAFETY: the attributes of these commands are these three numbers, and
        // the kernel writes the second.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                command,
                attributes.as_mut_ptr(),
                std::mem::size_of_val(&attributes),
            )
        };
        if result != 0 {
            let error = std::io::Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::ENOENT), "bpf command {command}: {error}");
            return found;
        }
        start = attributes[1];
        found.push(start);
    }
}

/// Objects of which a living process other than a probe of the sandbox has a
/// descriptor: somebody else's, who happens to work on this machine.
#[must_use]
pub fn held_by_others(is_ours: impl Fn(u32) -> bool) -> BTreeSet<KernelObject> {
    let mut held = BTreeSet::new();
    for pid in super::processes::all_pids() {
        if !is_ours(pid) {
            held.extend(held_by(pid));
        }
    }
    held
}

/// Objects of which a process has a descriptor.
#[must_use]
pub fn held_by(pid: u32) -> BTreeSet<KernelObject> {
    let mut held = BTreeSet::new();
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return held };
    for entry in entries.flatten() {
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
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
