//! Tests that load programs into this machine's kernel.

use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;

use super::report::Report;
use super::targets::{self, Targets};
use super::{capability, runner, skip, step};
use crate::cli::Class;
use crate::{build, packages};

/// Compiling included.
const PATIENCE: Duration = Duration::from_secs(25 * 60);

/// What the tests do: load, attach to other processes, make network namespaces.
const CAPABILITIES: [&str; 5] =
    ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"];

/// Runs them one after the other: they measure, and two at once would measure
/// each other.
pub(super) fn run(report: &mut Report) {
    let name = "tests";
    if let Some(reason) = obstacle() {
        return skip(report, Class::Kernel, name, &reason);
    }
    let targets = match Targets::find() {
        Ok(targets) if targets.kernel.is_empty() => {
            return skip(report, Class::Kernel, name, "there is no test program in tests/kernel");
        }
        found => found,
    };
    step(report, Class::Kernel, name, || {
        let mut command = build::cargo();
        command
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(targets::flags(&targets?.kernel))
            // A test that skips itself says so in its output, which is hidden
            // otherwise.
            .args(["--", "--test-threads=1", "--show-output"]);
        runner::run(command, PATIENCE)
    });
}

/// Why they cannot run here.
fn obstacle() -> Option<String> {
    if !geteuid().is_root() {
        return Some("needs root".to_owned());
    }
    if let Some(capability) = capability::missing(&CAPABILITIES) {
        return Some(format!("needs {capability}, which this container does not have"));
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Some("needs a kernel with BTF (/sys/kernel/btf/vmlinux)".to_owned());
    }
    if packages::find("go").is_none() {
        return Some("needs Go (https://go.dev/dl) for the program it listens to".to_owned());
    }
    None
}
