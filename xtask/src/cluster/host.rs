//! What a kubelet, containerd and the network tools change outside of the
//! state folder, since their paths and kernel settings are built in. It is
//! written down before and put back afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::mount::{UnmountFlags, unmount};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::mounts;

/// Kernel settings that the kubelet sets at its start
/// (`setupKernelTunables` in pkg/kubelet/cm/container_manager_linux.go).
const KERNEL_SETTINGS: [&str; 6] = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// Where the CNI library remembers attachments, whatever the plugins were told.
const CNI_RESULTS: &str = "/var/lib/cni/results";

/// Folders that appear when they are missing, parents first.
const FOLDERS: [&str; 8] = [
    "/run/netns",
    "/run/containerd",
    "/run/containerd/s",
    "/var/lib/cni",
    CNI_RESULTS,
    "/var/lib/kubelet",
    "/var/lib/kubelet/device-plugins",
    "/var/log/containers",
];

/// Single files that appear when they are missing.
const FILES: [&str; 4] = [
    "/run/xtables.lock",
    "/var/lib/kubelet/device-plugins/kubelet.sock",
    "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint",
    "/var/lib/kubelet/device-plugins/DEPRECATION",
];

/// The machine before the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSnapshot {
    /// Path below `/proc/sys` and value.
    pub kernel_settings: BTreeMap<String, String>,
    /// Those of the folders and files in question that did not exist.
    pub absent: Vec<PathBuf>,
    /// Whether `/run/netns` was a mount: `ip netns add` makes it one.
    pub namespaces_mounted: bool,
}

impl HostSnapshot {
    /// Looks at the machine.
    ///
    /// # Errors
    /// When the mount table cannot be read.
    pub fn take() -> Result<HostSnapshot> {
        let kernel_settings = KERNEL_SETTINGS
            .iter()
            .filter_map(|name| {
                let value = fs::read_to_string(setting_path(name)).ok()?;
                Some(((*name).to_owned(), value.trim().to_owned()))
            })
            .collect();
        let absent = FOLDERS
            .iter()
            .chain(&FILES)
            .map(PathBuf::from)
            .filter(|path| path.symlink_metadata().is_err())
            .collect();
        Ok(HostSnapshot { kernel_settings, absent, namespaces_mounted: namespaces_are_mounted()? })
    }

    /// Puts everything back. Folders go only when nothing of anyone else is in
    /// them.
    ///
    /// # Errors
    /// When a kernel setting cannot be written or `/run/netns` not be unmounted.
    pub fn restore(&self, layout: &Layout) -> Result<()> {
        for (name, value) in &self.kernel_settings {
            let path = setting_path(name);
            let current = fs::read_to_string(&path).unwrap_or_default();
            if current.trim() != value {
                fs::write(&path, value)
                    .with_context(|| format!("cannot set {} to {value}", path.display()))?;
            }
        }
        remove_cni_results(layout);
        remove_log_links(layout);
        let was_absent = |path: &str| self.absent.iter().any(|absent| absent == Path::new(path));
        for file in FILES {
            if was_absent(file) {
                // Not every version makes every file.
                let _ = fs::remove_file(file);
            }
        }
        let no_namespace = fs::read_dir("/run/netns").is_ok_and(|mut all| all.next().is_none());
        if !self.namespaces_mounted && no_namespace && namespaces_are_mounted()? {
            unmount("/run/netns", UnmountFlags::DETACH).context("cannot unmount /run/netns")?;
        }
        for folder in FOLDERS.iter().rev() {
            if was_absent(folder) {
                // Refused by the kernel when it is not empty, and rightly so.
                let _ = fs::remove_dir(folder);
            }
        }
        Ok(())
    }
}

/// Refuses when a kubelet runs here already: ours would take its device plugin
/// socket, whose path is built in.
///
/// # Errors
/// When someone listens there.
pub fn refuse_beside_a_kubelet() -> Result<()> {
    let socket = "/var/lib/kubelet/device-plugins/kubelet.sock";
    if UnixStream::connect(socket).is_ok() {
        bail!("a kubelet runs on this machine already (it answers at {socket})");
    }
    Ok(())
}

fn setting_path(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

fn namespaces_are_mounted() -> Result<bool> {
    Ok(mounts::list()?.iter().any(|mount| mount.path == Path::new("/run/netns")))
}

/// The CNI library remembers each attachment in a file, which names the network
/// namespace below our folder.
fn remove_cni_results(layout: &Layout) {
    let folder = layout.root().join("").display().to_string();
    for entry in fs::read_dir(CNI_RESULTS).into_iter().flatten().flatten() {
        if fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&folder)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The kubelet links each container's log from here, whatever folder it was
/// told to keep the logs in.
fn remove_log_links(layout: &Layout) {
    for entry in fs::read_dir("/var/log/containers").into_iter().flatten().flatten() {
        let ours =
            fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(layout.root()));
        if ours {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_this_machine() {
        let snapshot = HostSnapshot::take().unwrap();
        assert!(snapshot.kernel_settings.contains_key("kernel/panic"));
        for path in &snapshot.absent {
            assert!(!path.exists(), "{}", path.display());
        }
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<HostSnapshot>(&text).unwrap(), snapshot);
    }

    #[test]
    fn folders_are_listed_parents_first() {
        for (index, folder) in FOLDERS.iter().enumerate() {
            let later_parent =
                FOLDERS[index + 1..].iter().any(|other| Path::new(folder).starts_with(other));
            assert!(!later_parent, "{folder}");
        }
    }
}
