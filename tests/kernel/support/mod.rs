//! What the kernel tests share: a heart to listen to, a probe that listens,
//! and a look at what is left in the kernel.

pub(crate) mod empty;
pub(crate) mod heart;
pub(crate) mod leftovers;
pub(crate) mod listener;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: they measure latencies on machines with two processors.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a kernel test cannot run here; it says so loudly and passes.
pub(crate) fn cannot_run(test: &str) -> bool {
    // SAFETY: geteuid only reads.
    let reason = if unsafe { libc::geteuid() } != 0 {
        "needs root"
    } else if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        "needs a kernel with BTF"
    } else if std::process::Command::new("go").arg("version").output().is_err() {
        "needs Go to build the program it listens to"
    } else {
        return false;
    };
    eprintln!("\n==== SKIPPED {test}: {reason} ====\n");
    true
}
