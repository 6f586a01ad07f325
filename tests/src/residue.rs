//! What a session may not leave behind.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use xtask::cluster::Sandbox;

use crate::kernel_objects::{self, KernelObject};
use crate::processes;

/// Kinds of which a session makes objects.
const KINDS: &str = "jobs,pods,configmaps,secrets";
/// The label of all of them.
const SELECTOR: &str = "app.kubernetes.io/managed-by=kubectl-earthworm";
/// The promise: everything is gone this long after the session.
pub const PROMISE: Duration = Duration::from_secs(15);

/// How long a session of somebody else is waited for.
const OTHERS: Duration = Duration::from_secs(60);

/// The machine before a test.
#[derive(Debug)]
pub struct Baseline {
    kernel: BTreeSet<KernelObject>,
}

impl Baseline {
    /// Looks around. Nothing of an earlier session may be there, or the test
    /// could not tell its own.
    pub(crate) fn take(sandbox: &Sandbox) -> Baseline {
        let deadline = Instant::now() + OTHERS;
        while !(objects(sandbox).is_empty() && processes::of_sessions().is_empty()) {
            assert!(
                Instant::now() < deadline,
                "an earlier session is still there: {:?} {:?}",
                objects(sandbox),
                processes::of_sessions()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        Baseline { kernel: kernel_objects::all() }
    }

    /// Waits until nothing is left of sessions that ended at `since`, and gives
    /// how many seconds that took.
    pub(crate) fn wait_until_clean(&self, sandbox: &Sandbox, since: Instant) -> f64 {
        loop {
            let at = since.elapsed();
            let left = self.left(sandbox);
            if left.is_empty() {
                return at.as_secs_f64();
            }
            let others = processes::plugins_of_others();
            let patience = if others.is_empty() { PROMISE } else { OTHERS };
            assert!(
                at < patience,
                "left after {:.1} s, beside plugins of others {others:?}: {left:#?}",
                at.as_secs_f64()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Everything that is there and was not before.
    fn left(&self, sandbox: &Sandbox) -> Vec<String> {
        let mut left: Vec<String> =
            processes::of_sessions().iter().map(|process| format!("{process:?}")).collect();
        let new: BTreeSet<KernelObject> =
            kernel_objects::all().difference(&self.kernel).copied().collect();
        if !new.is_empty() {
            let others = kernel_objects::held_by_others(processes::is_of_session);
            left.extend(new.difference(&others).map(|object| describe(*object)));
        }
        left.extend(objects(sandbox));
        left
    }
}

/// Objects of sessions in all namespaces.
///
/// # Panics
/// When they cannot be listed.
#[must_use]
pub fn objects(sandbox: &Sandbox) -> Vec<String> {
    let output = sandbox
        .kubectl(["get", KINDS, "--all-namespaces", "--output=name", "--selector", SELECTOR])
        .unwrap()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// What the kernel says about one of its objects, for the report of a failure.
fn describe(object: KernelObject) -> String {
    let (kind, id) = match object {
        KernelObject::Program(id) => ("prog", id),
        KernelObject::Map(id) => ("map", id),
        KernelObject::Link(id) => ("link", id),
    };
    let words = Command::new("bpftool").args([kind, "show", "id", &id.to_string()]).output();
    let words = words.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("{object:?} {}", words.unwrap_or_default())
}
