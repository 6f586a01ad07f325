//! The flows probe on a real kernel: known traffic in, exact numbers out.
//! Needs root; says so and passes elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "helpers of tests may fail and speak like tests"
)]

mod datagrams;
mod dns;
mod drops;
#[path = "../support/leftovers.rs"]
mod leftovers;
mod owners;
mod pod;
mod probe;
mod quality;
mod traffic;
mod truth;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: each looks at all sockets of the machine, and at what
/// its probe leaves in this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a test cannot run here; it says so loudly and passes.
fn cannot_run(test: &str) -> bool {
    // SAFETY: geteuid only reads.
    let reason = if unsafe { libc::geteuid() } != 0 {
        "needs root"
    } else if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        "needs a kernel with BTF"
    } else {
        return false;
    };
    eprintln!("\n==== SKIPPED {test}: {reason} ====\n");
    true
}
