//! The control groups below which each kubelet makes its own tree.
//!
//! Two kubelets under one `kubepods` delete each other's pods, so each node has
//! a `cgroupRoot` of its own. It must exist before the kubelet starts, in every
//! version 1 hierarchy or in the one version 2 hierarchy.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::mounts::{self, Mount};
use super::process::ProcessId;

/// The group that holds all nodes, below the root of every hierarchy.
pub const SANDBOX_GROUP: &str = "earthworm-sandbox";

/// The `cgroupRoot` of a node's kubelet.
#[must_use]
pub fn kubelet_root(node: &str) -> String {
    format!("/{SANDBOX_GROUP}/{node}")
}

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    path: PathBuf,
    /// Version 2, with controllers that a parent hands to its children.
    unified: bool,
    /// The version 1 controller that refuses processes until it is told on
    /// which processors and memory nodes they may run.
    cpuset: bool,
}

fn hierarchies(mounts: &[Mount]) -> Vec<Hierarchy> {
    mounts
        .iter()
        .filter(|mount| matches!(mount.filesystem.as_str(), "cgroup" | "cgroup2"))
        .map(|mount| {
            let unified = mount.filesystem == "cgroup2";
            Hierarchy {
                path: mount.path.clone(),
                unified,
                cpuset: !unified && mount.super_options.split(',').any(|option| option == "cpuset"),
            }
        })
        .collect()
}

/// Makes the kubelet's root group for a node in every hierarchy.
///
/// # Errors
/// When a group cannot be made or filled.
pub fn create(node: &str) -> Result<()> {
    for hierarchy in hierarchies(&mounts::list()?) {
        let mut group = hierarchy.path.clone();
        for part in [SANDBOX_GROUP, node] {
            if hierarchy.unified {
                delegate_controllers(&group)?;
            }
            let parent = group.clone();
            group.push(part);
            if !group.is_dir() {
                fs::create_dir(&group).with_context(|| {
                    format!("cannot make the control group {}", group.display())
                })?;
            }
            if hierarchy.cpuset {
                inherit(&parent, &group, "cpuset.cpus")?;
                inherit(&parent, &group, "cpuset.mems")?;
            }
        }
        if hierarchy.unified {
            delegate_controllers(&group)?;
        }
    }
    Ok(())
}

/// Lets the children of a version 2 group use all controllers the group has.
/// Beside version 1 hierarchies the group has none, and nothing happens.
fn delegate_controllers(group: &Path) -> Result<()> {
    let Ok(controllers) = fs::read_to_string(group.join("cgroup.controllers")) else {
        return Ok(());
    };
    let file = group.join("cgroup.subtree_control");
    for controller in controllers.split_ascii_whitespace() {
        fs::write(&file, format!("+{controller}"))
            .with_context(|| format!("cannot hand on {controller} in {}", group.display()))?;
    }
    Ok(())
}

fn inherit(parent: &Path, group: &Path, file: &str) -> Result<()> {
    let target = group.join(file);
    let own = fs::read_to_string(&target).unwrap_or_default();
    if own.trim().is_empty() {
        fs::read(parent.join(file))
            .and_then(|value| fs::write(&target, value))
            .with_context(|| format!("cannot fill {}", target.display()))?;
    }
    Ok(())
}

/// The folders of all groups of the sandbox, children before their parents.
///
/// # Errors
/// When the mount table cannot be read.
pub fn list() -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for hierarchy in hierarchies(&mounts::list()?) {
        collect_children_first(&hierarchy.path.join(SANDBOX_GROUP), &mut folders);
    }
    Ok(folders)
}

fn collect_children_first(group: &Path, folders: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(group) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect_children_first(&entry.path(), folders);
        }
    }
    folders.push(group.to_owned());
}

/// The processes in the groups of the sandbox: everything that pods started.
///
/// # Errors
/// When the mount table cannot be read.
pub fn processes() -> Result<BTreeSet<ProcessId>> {
    let mut processes = BTreeSet::new();
    for group in list()? {
        let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for pid in text.lines().filter_map(|line| line.parse().ok()) {
            if let Some(process) = ProcessId::of(pid)
                && process.is_alive()
                && is_member(pid)
            {
                processes.insert(process);
            }
        }
    }
    Ok(processes)
}

/// Asked again after the start time was read, so that a process which took
/// over the identifier in between is not mistaken for the one that was listed.
fn is_member(pid: u32) -> bool {
    let below = format!(":/{SANDBOX_GROUP}/");
    fs::read_to_string(format!("/proc/{pid}/cgroup"))
        .is_ok_and(|text| text.lines().any(|line| line.contains(&below)))
}

/// Removes all groups of the sandbox. The kernel refuses as long as an ended
/// process is not quite gone, so this tries again until `patience` is over.
///
/// # Errors
/// When a group is still there in the end.
pub fn remove(patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        let mut failure = None;
        for group in list()? {
            if let Err(error) = fs::remove_dir(&group) {
                failure = Some((group, error));
            }
        }
        match failure {
            None => return Ok(()),
            Some((group, error)) if Instant::now() > deadline => {
                return Err(error).with_context(|| {
                    format!("cannot remove the control group {}", group.display())
                });
            }
            Some(_) => sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(path: &str, filesystem: &str, super_options: &str) -> Mount {
        Mount {
            path: PathBuf::from(path),
            filesystem: filesystem.to_owned(),
            super_options: super_options.to_owned(),
        }
    }

    #[test]
    fn both_versions_are_recognised() {
        let found = hierarchies(&[
            mount("/", "ext4", "rw"),
            mount("/sys/fs/cgroup/cpuset", "cgroup", "rw,cpuset"),
            mount("/sys/fs/cgroup/pids", "cgroup", "rw,pids"),
            mount("/sys/fs/cgroup/unified", "cgroup2", "rw"),
        ]);
        let kinds: Vec<(bool, bool)> =
            found.iter().map(|hierarchy| (hierarchy.unified, hierarchy.cpuset)).collect();
        assert_eq!(kinds, [(false, true), (false, false), (true, false)]);
    }

    #[test]
    fn children_come_before_their_parents() {
        let root = std::env::temp_dir().join(format!("xtask-cgroups-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).unwrap();
        let mut folders = Vec::new();
        collect_children_first(&root, &mut folders);
        assert_eq!(folders, [root.join("a/b"), root.join("a"), root.clone()]);
        fs::remove_dir_all(&root).unwrap();
    }
}
