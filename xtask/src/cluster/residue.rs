//! What sessions have left: in the cluster, among the processes, in the kernel.
//!
//! Looked for on all nodes, or on some while others work on the rest. What
//! cannot be said to be of another node counts everywhere: an object without a
//! node, and an eBPF object that no living process holds.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result};

use super::kernel_objects::{self, KernelObject};
use super::sandbox::Sandbox;
use super::sessions::{self, NodeProcess, Object};

/// The machine before a session.
#[derive(Debug, Clone)]
pub struct Baseline {
    kernel: BTreeSet<KernelObject>,
    elsewhere: BTreeSet<String>,
}

impl Baseline {
    /// Looks around. What is on the nodes `elsewhere` will never count.
    ///
    /// # Errors
    /// When the kernel does not tell what it has.
    pub fn take(elsewhere: BTreeSet<String>) -> Result<Self> {
        let kernel = kernel_objects::all().context("the kernel does not list its eBPF objects")?;
        Ok(Baseline { kernel, elsewhere })
    }

    /// What belongs to sessions, on these nodes, at this moment: nothing is
    /// compared with what was before.
    ///
    /// # Errors
    /// When the objects cannot be listed.
    pub fn sessions(&self, sandbox: &Sandbox) -> Result<Vec<String>> {
        let mut found = self.processes();
        found.extend(self.objects(sandbox)?);
        Ok(found)
    }

    /// Everything that is left: the same, and what the kernel has more than
    /// before.
    ///
    /// # Errors
    /// When something cannot be listed.
    pub fn left(&self, sandbox: &Sandbox) -> Result<Vec<String>> {
        let mut left = self.processes();
        left.extend(self.kernel()?.into_iter().map(describe));
        left.extend(self.objects(sandbox)?);
        Ok(left)
    }

    /// Whether nothing is left. The dearest question comes last, and only when
    /// the others have found nothing.
    ///
    /// # Errors
    /// When something cannot be listed.
    pub fn is_clean(&self, sandbox: &Sandbox) -> Result<bool> {
        Ok(self.processes().is_empty()
            && self.kernel()?.is_empty()
            && self.objects(sandbox)?.is_empty())
    }

    /// Names of the objects of sessions on these nodes.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn objects(&self, sandbox: &Sandbox) -> Result<Vec<String>> {
        let objects = sessions::objects(sandbox)?;
        Ok(objects.into_iter().filter(|one| self.counts(one)).map(|one| one.name).collect())
    }

    fn processes(&self) -> Vec<String> {
        let mut processes = sessions::of_sessions();
        processes.retain(|process| self.is_here(process));
        processes.iter().map(|process| format!("{process:?}")).collect()
    }

    fn kernel(&self) -> Result<BTreeSet<KernelObject>> {
        let now = kernel_objects::all().context("the kernel does not list its eBPF objects")?;
        let new: BTreeSet<KernelObject> = now.difference(&self.kernel).copied().collect();
        if new.is_empty() {
            return Ok(new);
        }
        let ours = |pid| sessions::examine(pid).is_some_and(|process| self.is_here(&process));
        Ok(&new - &kernel_objects::held_by_others(ours))
    }

    fn is_here(&self, process: &NodeProcess) -> bool {
        !self.elsewhere.contains(&process.node)
    }

    /// One that is for several nodes counts on each of them.
    fn counts(&self, object: &Object) -> bool {
        object.nodes.is_empty() || object.nodes.iter().any(|node| !self.elsewhere.contains(node))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_elsewhere_does_not_count() {
        let elsewhere = ["node-b", "node-c"].map(str::to_owned).into();
        let baseline = Baseline { kernel: BTreeSet::new(), elsewhere };
        let counts = |nodes: &[&str]| {
            let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
            baseline.counts(&Object { name: "Job/x".into(), nodes })
        };
        assert!(counts(&["node-a"]));
        assert!(counts(&["node-b", "node-a"]));
        assert!(!counts(&["node-b", "node-c"]));
        assert!(counts(&[]));
        // Not of this sandbox at all.
        assert!(counts(&["node-q"]));
        let process = |node: &str| NodeProcess {
            pid: 1,
            command_line: Vec::new(),
            executable: String::new(),
            node: node.into(),
        };
        assert!(baseline.is_here(&process("node-a")) && !baseline.is_here(&process("node-b")));
    }
}
