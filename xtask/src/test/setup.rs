//! What the classes need and Debian has, installed before they start.

use std::time::Instant;

use rustix::process::geteuid;

use super::is_wanted;
use super::report::{Outcome, Report, Row};
use crate::cli::{Class, TestArguments};
use crate::packages;
use crate::progress::{Progress, print};

/// Programs and their packages for everything that is compiled.
const COMPILERS: [(&str, &str); 3] = [("clang", "clang"), ("llvm-strip", "llvm"), ("cc", "gcc")];

/// For the tests that look at the screen.
const TERMINAL: (&str, &str) = ("tmux", "tmux");

/// For the kernel tests: they count what is left in the kernel.
const NETWORK: (&str, &str) = ("ip", "iproute2");

/// For the cluster tests: they cut a node off, and look at who listens there.
const PACKETS: [(&str, &str); 2] = [("nft", "nftables"), ("ss", "iproute2")];

/// Helps to find out why a test failed; nothing depends on it, and not every
/// distribution has a package of that name.
const OPTIONAL: (&str, &str) = ("bpftool", "bpftool");

/// Installs what is missing. What cannot be installed fails here, and the
/// classes then say for themselves what they cannot do.
pub(super) fn run(arguments: &TestArguments, report: &mut Report) {
    let mut wanted = COMPILERS.to_vec();
    wanted.push(TERMINAL);
    if is_wanted(arguments, Class::Kernel) {
        wanted.push(NETWORK);
    }
    if is_wanted(arguments, Class::Cluster) {
        wanted.extend(PACKETS);
    }
    if wanted.iter().all(|(program, _)| packages::find(program).is_some()) {
        return;
    }
    let started = Instant::now();
    let mut progress = Progress::new();
    match packages::ensure(&wanted, &mut progress) {
        Ok(()) => progress.finish("installed what was missing"),
        Err(error) => {
            print(&format!("\n==== MISSING: {error:#} ===="));
            let mut row = Row::new(Class::Unit, "packages", started.elapsed());
            row.reason = format!("{error:#}");
            // A user without root is told what to install; cargo then says which
            // of it a build really cannot do without.
            row.outcome = if geteuid().is_root() { Outcome::Failed } else { Outcome::Skipped };
            report.rows.push(row);
        }
    }
    if geteuid().is_root()
        && is_wanted(arguments, Class::Kernel)
        && packages::ensure(&[OPTIONAL], &mut progress).is_err()
    {
        print("bpftool cannot be installed here; no test depends on it");
    }
}
