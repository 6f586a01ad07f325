//! The first process of an Earthworm pod: unpacks the probe and becomes it.
//!
//! `launcher <folder> [arguments for the probe...]` reads `<folder>/probe.zst.000`,
//! `.001`, ... (one zstd frame, cut into parts because a ConfigMap holds less than
//! 1 MiB), decompresses them into an anonymous file in memory and executes that
//! file. The container's image contributes nothing: no shell, no libc, not even a
//! writable file system. Where execution from memory is refused, the probe is
//! written to [`FALLBACK_PATH`] instead.
//!
//! It travels with every session, so it is small: no `std`, no libc, system calls
//! by hand. It is alive for some tens of milliseconds.

#![no_std]
#![no_main]

extern crate alloc;

mod builtins;
mod memory;
mod parts;
mod report;
mod start;
mod system;
mod unpack;

use core::convert::Infallible;
use core::ffi::CStr;

use crate::report::Failure;
use crate::system::Errno;
use crate::unpack::unpack;

/// Where the probe goes when it may not run from memory: the pod mounts an
/// emptyDir on this path's folder.
const FALLBACK_PATH: &CStr = c"/run/earthworm/probe";

/// The name the probe sees as its own, also shown by `ps`.
const PROBE_NAME: &CStr = c"earthworm-probe";

/// What the kernel put on the stack of the new process.
struct Arguments {
    /// `argv`, with the null pointer at its end.
    argv: &'static mut [*const u8],
    /// `envp`: C strings, ended by a null pointer.
    envp: *const *const u8,
}

/// The system has a rule against programs in memory (vm.memfd_noexec=2, a seccomp
/// or SELinux policy, a kernel without the calls). A file may be allowed where
/// memory is not; whatever else goes wrong would go wrong with a file, too.
struct Refusal {
    call: &'static str,
    errno: Errno,
}

/// Replaces this process by the probe; returns only when that failed.
fn launch(arguments: Arguments) -> Failure {
    // The program's name, the folder, the null pointer: three at least.
    let [_, first, _, ..] = arguments.argv else {
        return Failure::new("usage: launcher <folder> [arguments for the probe...]");
    };
    // SAFETY: the kernel ends every argument with a zero byte, and they live as
    // long as the process.
    let folder = unsafe { CStr::from_ptr(first.cast()) };
    // The folder's place becomes the probe's own name; what follows are the
    // probe's arguments already.
    *first = PROBE_NAME.as_ptr().cast();
    let argv = arguments.argv[1..].as_ptr();

    let refusal = match run_from_memory(folder, argv, arguments.envp) {
        Ok(refusal) => refusal,
        Err(failure) => return failure,
    };
    Failure::new("memory may not be executed here (")
        .text(refusal.call)
        .errno(refusal.errno)
        .text("), using ")
        .path(FALLBACK_PATH)
        .note();
    match run_from_file(folder, argv, arguments.envp) {
        Err(failure) => {
            failure.text(", and ").text(refusal.call).text(" is refused").errno(refusal.errno)
        }
    }
}

/// Becomes the probe, from an anonymous file; returns when that is refused.
fn run_from_memory(
    folder: &CStr,
    argv: *const *const u8,
    envp: *const *const u8,
) -> Result<Refusal, Failure> {
    let refused_or = |call, errno| match errno {
        Errno::ACCES | Errno::PERM | Errno::NOSYS => Ok(Refusal { call, errno }),
        errno => Err(Failure::new("cannot run the probe from memory: ").text(call).errno(errno)),
    };
    let file = match system::create_in_memory(PROBE_NAME) {
        Ok(file) => file,
        Err(errno) => return refused_or("memfd_create", errno),
    };
    unpack(folder, &file, c"memory")?;
    // SAFETY: both arrays are the kernel's own; `argv` begins one element later.
    let errno = unsafe { file.execute(argv, envp) };
    refused_or("execveat", errno)
}

/// Becomes the probe, from a file on disk.
fn run_from_file(
    folder: &CStr,
    argv: *const *const u8,
    envp: *const *const u8,
) -> Result<Infallible, Failure> {
    let failure = |what, errno| Failure::new(what).path(FALLBACK_PATH).errno(errno);

    // A restarted container finds the file of its predecessor.
    match system::unlink(FALLBACK_PATH) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(failure("cannot remove the old ", errno)),
    }
    let file = system::create(FALLBACK_PATH).map_err(|errno| failure("cannot create ", errno))?;
    unpack(folder, &file, FALLBACK_PATH)?;
    file.set_mode(0o755).map_err(|errno| failure("cannot make executable ", errno))?;
    // Closed before: a file open for writing cannot be executed (ETXTBSY).
    drop(file);
    // SAFETY: both arrays are the kernel's own; `argv` begins one element later.
    let errno = unsafe { system::execute(FALLBACK_PATH, argv, envp) };
    Err(failure("cannot execute ", errno))
}
