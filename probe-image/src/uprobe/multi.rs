//! Links that hold one program at many places of one executable
//! (`BPF_TRACE_UPROBE_MULTI`, Linux 6.6), with two raw bpf(2) calls: the BPF
//! library can neither load nor attach such programs.
//!
//! They need only CAP_BPF and CAP_PERFMON, where probes by perf_event_open(2)
//! need CAP_SYS_ADMIN on recent kernels.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::error::KernelError;

/// bpf(2) commands and constants, include/uapi/linux/bpf.h.
const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_LINK_CREATE: libc::c_long = 28;
const BPF_PROG_TYPE_KPROBE: u32 = 2;
const BPF_TRACE_UPROBE_MULTI: u32 = 48;

/// Up to 6.9 the pid of a link selects a thread instead of a process
/// (`uprobe_prog_run` compared `current` with the link's task; fixed by
/// "bpf: Fix multi-uprobe PID filtering logic"). A kubelet's goroutines run on
/// any thread, so without the fix most events would be missed.
const PID_SELECTS_PROCESS: (u32, u32) = (6, 10);

/// A program's instructions after relocation, with what loading needs.
#[derive(Debug)]
pub(super) struct Code<'a> {
    pub(super) name: &'a str,
    pub(super) license: &'a std::ffi::CStr,
    pub(super) instructions: *const libc::c_void,
    pub(super) count: usize,
}

/// `union bpf_attr` for BPF_PROG_LOAD, as far as it is used; the kernel takes
/// the rest as zero.
#[repr(C)]
struct LoadAttributes {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_attach_type: u32,
}

/// `union bpf_attr` for BPF_LINK_CREATE with `uprobe_multi`.
#[repr(C)]
struct LinkAttributes {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
    path: u64,
    offsets: u64,
    reference_counters: u64,
    cookies: u64,
    count: u32,
    multi_flags: u32,
    pid: u32,
    padding: u32,
}

fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: `attributes` is a live structure of the given size in the
    // layout of the command; the pointers in it outlive the call.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), size_of::<T>())
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = i32::try_from(result).map_err(io::Error::other)?;
    // SAFETY: both commands return a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Loads a program for links of this kind.
pub(super) fn load(code: &Code<'_>) -> Result<OwnedFd, KernelError> {
    let action = || format!("load program {}", code.name);
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().take(15).zip(code.name.bytes()) {
        *to = from;
    }
    let mut attributes = LoadAttributes {
        program_type: BPF_PROG_TYPE_KPROBE,
        instruction_count: u32::try_from(code.count).unwrap_or(u32::MAX),
        instructions: code.instructions as u64,
        license: code.license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buffer: 0,
        kernel_version: 0,
        flags: 0,
        name,
        interface: 0,
        expected_attach_type: BPF_TRACE_UPROBE_MULTI,
    };
    let refused = match bpf(BPF_PROG_LOAD, &mut attributes) {
        Ok(program) => return Ok(program),
        Err(error) => error,
    };
    if !matches!(refused.raw_os_error(), Some(libc::EINVAL | libc::EACCES)) {
        return Err(KernelError::from_io(action(), refused));
    }
    // EACCES and EINVAL are also the verifier's answers; then it has reasons.
    let mut log = vec![0u8; 64 * 1024];
    attributes.log_level = 1;
    attributes.log_size = u32::try_from(log.len()).unwrap_or(0);
    attributes.log_buffer = log.as_mut_ptr() as u64;
    match bpf(BPF_PROG_LOAD, &mut attributes) {
        Ok(program) => Ok(program),
        Err(error) => {
            let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
            let log = String::from_utf8_lossy(&log[..end]);
            let mut lines = log.lines().rev().filter(|line| !line.trim().is_empty());
            let verdict = lines.find(|line| !line.starts_with("processed "));
            match verdict {
                Some(line) => Err(KernelError::Failed {
                    action: action(),
                    message: format!("the verifier says: {}", line.trim()),
                }),
                None => Err(KernelError::from_io(action(), error)),
            }
        }
    }
}

/// Links a program to all `offsets` of the executable of process `pid`. The
/// link ends with the descriptor.
pub(super) fn attach(
    name: &str,
    program: BorrowedFd<'_>,
    pid: u32,
    offsets: &[u64],
) -> Result<OwnedFd, KernelError> {
    let action = || format!("attach {name} by an uprobe_multi link");
    let path = CString::new(format!("/proc/{pid}/exe"))
        .map_err(|error| KernelError::Failed { action: action(), message: error.to_string() })?;
    let mut attributes = LinkAttributes {
        program: u32::try_from(program.as_raw_fd()).unwrap_or(u32::MAX),
        target: 0,
        attach_type: BPF_TRACE_UPROBE_MULTI,
        flags: 0,
        path: path.as_ptr() as u64,
        offsets: offsets.as_ptr() as u64,
        reference_counters: 0,
        cookies: 0,
        count: u32::try_from(offsets.len()).unwrap_or(u32::MAX),
        multi_flags: 0,
        // The programs look at the process themselves as well.
        pid: if kernel_version() >= PID_SELECTS_PROCESS { pid } else { 0 },
        padding: 0,
    };
    bpf(BPF_LINK_CREATE, &mut attributes).map_err(|error| match error.raw_os_error() {
        Some(libc::ESRCH) => KernelError::ProcessEnded { pid },
        _ => KernelError::from_io(action(), error),
    })
}

/// Major and minor version of the running kernel; zeros when it does not say.
fn kernel_version() -> (u32, u32) {
    // SAFETY: all-zero bytes are a valid utsname, which uname fills with
    // zero-terminated strings.
    let names = unsafe {
        let mut names: libc::utsname = std::mem::zeroed();
        libc::uname(&raw mut names);
        names
    };
    let release: Vec<u8> =
        names.release.iter().map(|c| *c as u8).take_while(|byte| *byte != 0).collect();
    parse_version(&String::from_utf8_lossy(&release))
}

fn parse_version(release: &str) -> (u32, u32) {
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse_version("6.18.44-fc-v595"), (6, 18));
        assert_eq!(parse_version("6.6.0"), (6, 6));
        assert_eq!(parse_version("7.2.13+deb14-cloud-amd64"), (7, 2));
        assert_eq!(parse_version("odd"), (0, 0));
        assert!(parse_version("6.9.1") < PID_SELECTS_PROCESS);
    }

    #[test]
    fn attributes_have_the_layout_of_the_kernel() {
        assert_eq!(std::mem::offset_of!(LoadAttributes, expected_attach_type), 68);
        assert_eq!(std::mem::offset_of!(LinkAttributes, path), 16);
        assert_eq!(std::mem::offset_of!(LinkAttributes, pid), 56);
    }
}
