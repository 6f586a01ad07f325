//! What a node may refuse a launcher, arranged for one child process: system calls
//! by a seccomp filter, folders and files by a mount namespace of its own. Works
//! as root and, where the kernel allows user namespaces, without.

use std::ffi::{CStr, CString, c_long, c_ulong};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::ptr::{null, null_mut};

/// Answers the system call `number` with `errno` from now on.
pub(crate) fn refuse_call(command: &mut Command, number: c_long, errno: i32) {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let program = [
        // seccomp_data.nr is its first field.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        libc::sock_filter {
            jf: 1,
            ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number as u32)
        },
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | errno as u32),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    // SAFETY: the closure makes system calls only.
    unsafe {
        command.pre_exec(move || {
            let filter =
                libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
            let (zero, one) = (0 as c_ulong, 1 as c_ulong);
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, zero, zero, zero))?;
            let mode = c_ulong::from(libc::SECCOMP_MODE_FILTER);
            check(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter))
        });
    }
}

/// Limits the child's address space.
pub(crate) fn limit_address_space(command: &mut Command, size_bytes: u64) {
    let limit = libc::rlimit { rlim_cur: size_bytes, rlim_max: size_bytes };
    // SAFETY: the closure makes a system call only.
    unsafe { command.pre_exec(move || check(libc::setrlimit(libc::RLIMIT_AS, &raw const limit))) };
}

/// Gives the child `folder` as its `/run`.
pub(crate) fn replace_run(command: &mut Command, folder: &Path) {
    let folder = c_string(folder);
    in_mount_namespace(command, move || bind(&folder, c"/run"));
}

/// Gives the child `file` as its `/dev/termination-log`.
pub(crate) fn replace_termination_log(command: &mut Command, file: &Path) {
    let file = c_string(file);
    in_mount_namespace(command, move || {
        // SAFETY: constant strings, ended by zero.
        check(unsafe {
            libc::mount(c"none".as_ptr(), c"/dev".as_ptr(), c"tmpfs".as_ptr(), 0, null())
        })?;
        let log = c"/dev/termination-log";
        // SAFETY: as above; the descriptor is the new file's.
        check(unsafe { libc::close(libc::open(log.as_ptr(), libc::O_CREAT, 0o600)) })?;
        bind(&file, log)
    });
}

/// Whether this machine gives us a mount namespace at all; says so if not.
pub(crate) fn can_mount() -> bool {
    let mut command = Command::new("true");
    in_mount_namespace(&mut command, || Ok(()));
    let outcome = command.status();
    if let Err(error) = &outcome {
        eprintln!("skipped: no mount namespace here: {error}");
    }
    outcome.is_ok()
}

fn in_mount_namespace(
    command: &mut Command,
    arrange: impl Fn() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: these calls cannot fail.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let is_root = user == 0;
    let maps = [
        (c"/proc/self/setgroups", "deny".to_owned()),
        (c"/proc/self/uid_map", format!("0 {user} 1")),
        (c"/proc/self/gid_map", format!("0 {group} 1")),
    ];
    // SAFETY: the closure, and `arrange` by the contract of this file, make system
    // calls only: between fork and exec, with other threads gone, nothing else is
    // sound.
    unsafe {
        command.pre_exec(move || {
            check(libc::unshare(
                libc::CLONE_NEWNS | if is_root { 0 } else { libc::CLONE_NEWUSER },
            ))?;
            if !is_root {
                for (path, text) in &maps {
                    let file = libc::open(path.as_ptr(), libc::O_WRONLY);
                    check(file)?;
                    let written = libc::write(file, text.as_ptr().cast(), text.len());
                    check(if written < 0 { -1 } else { 0 })?;
                    libc::close(file);
                }
            }
            // What is mounted here stays here.
            let private = libc::MS_REC | libc::MS_PRIVATE;
            check(libc::mount(null(), c"/".as_ptr(), null(), private, null()))?;
            arrange()
        });
    }
}

fn bind(source: &CStr, target: &CStr) -> io::Result<()> {
    // SAFETY: both paths are ended by zero.
    check(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), null(), libc::MS_BIND, null_mut())
    })
}

fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
