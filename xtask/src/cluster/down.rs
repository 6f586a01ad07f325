//! Stops a sandbox and removes every trace, also of one that crashed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::layout::Layout;
use super::lock::Lock;
use super::process::{self, ProcessId};
use super::state::State;
use super::{
    apiserver, cgroups, containerd, controller_manager, etcd, firewall, kube_proxy, kubelet,
    mounts, network,
};
use crate::progress::Progress;

/// Programs of a sandbox. Only together with a path below the state folder in
/// their arguments do they count as ours.
const PROGRAMS: [&str; 7] = [
    etcd::NAME,
    apiserver::NAME,
    controller_manager::NAME,
    containerd::NAME,
    containerd::SHIM,
    kubelet::NAME,
    kube_proxy::NAME,
];

/// How often processes are looked for, since one may start another meanwhile.
const ROUNDS: u32 = 100;

/// Between two such looks.
const ROUND_PAUSE: Duration = Duration::from_millis(50);

/// How long ended processes may stay listed.
const COLLECTION_PATIENCE: Duration = Duration::from_secs(3);

/// Stops the sandbox. Without one, only what a crash left is removed.
///
/// # Errors
/// When something could not be removed; the message lists what is left.
pub fn down() -> Result<()> {
    let mut progress = Progress::new();
    let layout = Layout::default();
    let _lock = Lock::take(&layout)?;
    let existed = anything_left(&layout)?;
    if existed {
        clean(&layout, &mut progress)?;
    }
    remove_root(&layout)?;
    let left = leftovers(&layout)?;
    if !left.is_empty() {
        bail!("still there:\n{}", left.join("\n"));
    }
    progress.finish(if existed { "the sandbox is gone" } else { "there was no sandbox" });
    Ok(())
}

/// Removes everything but the state folder itself and the lock in it.
///
/// # Errors
/// When a process does not end, or a mount, link, namespace or control group
/// cannot be removed. The state file then stays, so that the next try knows as
/// much as this one.
pub fn clean(layout: &Layout, progress: &mut Progress) -> Result<()> {
    // A state that cannot be understood hides only what can be found without it.
    let state = State::load(layout).unwrap_or_default();
    let sockets = containerd::shim_sockets(layout, &node_folders(layout));
    progress.step("ending processes");
    end_processes(layout, state.as_ref())?;
    progress.step("removing mounts, network and control groups");
    mounts::remove_below(layout.root())?;
    for socket in sockets {
        // Gone already when the shim had the time to remove it.
        let _ = fs::remove_file(socket);
    }
    network::remove()?;
    cgroups::remove(Duration::from_secs(10))?;
    if let Some(state) = &state {
        state.host.restore(layout)?;
    }
    remove_content(layout)
}

fn node_folders(layout: &Layout) -> Vec<String> {
    fs::read_dir(layout.root().join("nodes"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Ends recorded processes, the latest first, so that no kubelet starts a pod
/// anew; then shims and pods, until nothing is left.
fn end_processes(layout: &Layout, state: Option<&State>) -> Result<()> {
    let mut ended = BTreeSet::new();
    for component in state.iter().flat_map(|state| state.components.iter().rev()) {
        component.process.signal(Signal::KILL)?;
        ended.insert(component.process);
    }
    for _ in 0..ROUNDS {
        let remaining = remaining_processes(layout, state)?;
        if remaining.is_empty() {
            await_collection(&ended);
            return Ok(());
        }
        for (process, _) in remaining {
            process.signal(Signal::KILL)?;
            ended.insert(process);
        }
        sleep(ROUND_PAUSE);
    }
    let remaining = remaining_processes(layout, state)?;
    let lines: Vec<String> = remaining.into_iter().map(|(_, text)| text).collect();
    bail!("these processes do not end:\n{}", lines.join("\n"))
}

/// Gives the system's first process a moment to collect what ended, so that
/// nothing is listed any more. In a container without a proper first process
/// it never does, and nobody could change that.
fn await_collection(ended: &BTreeSet<ProcessId>) {
    let deadline = Instant::now() + COLLECTION_PATIENCE;
    while Instant::now() < deadline && ended.iter().any(|process| process.is_listed()) {
        sleep(ROUND_PAUSE);
    }
}

fn remaining_processes(layout: &Layout, state: Option<&State>) -> Result<Vec<(ProcessId, String)>> {
    let recorded = state
        .iter()
        .flat_map(|state| &state.components)
        .filter(|component| component.process.is_alive())
        .map(|component| {
            let text = format!("process {}: {}", component.process.pid, component.full_name());
            (component.process, text)
        });
    let by_arguments =
        process::with_arguments_below(layout.root(), &PROGRAMS).into_iter().map(|listed| {
            let program = listed.argv.first().map_or("", String::as_str);
            (listed.process, format!("process {}: {program:?}", listed.process.pid))
        });
    let in_groups = cgroups::processes()?.into_iter().map(|process| {
        (process, format!("process {} in a control group of the sandbox", process.pid))
    });
    let mut all: Vec<(ProcessId, String)> = recorded.chain(by_arguments).chain(in_groups).collect();
    all.sort_by_key(|(process, _)| *process);
    all.dedup_by_key(|(process, _)| *process);
    Ok(all)
}

fn remove_content(layout: &Layout) -> Result<()> {
    // Nothing may be mounted here any more: deleting must never reach through.
    if let Some(mount) = mounts::below(layout.root())?.first() {
        bail!("{} is still mounted", mount.display());
    }
    let lock = layout.lock_file();
    let entries = fs::read_dir(layout.root())
        .with_context(|| format!("cannot read {}", layout.root().display()))?;
    let state_file = layout.state_file();
    for entry in entries.flatten() {
        let path = entry.path();
        if path != lock && path != state_file {
            remove(&path)?;
        }
    }
    // The state goes last: as long as anything else is there, it is needed.
    if fs::exists(&state_file).unwrap_or(false) {
        remove(&state_file)?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removal = if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removal.with_context(|| format!("cannot remove {}", path.display()))
}

/// Removes the state folder, after [`clean`].
///
/// # Errors
/// When it cannot be removed.
pub fn remove_root(layout: &Layout) -> Result<()> {
    fs::remove_dir_all(layout.root())
        .with_context(|| format!("cannot remove {}", layout.root().display()))
}

/// Whether there is anything for [`clean`] to do. An empty state folder, made
/// for the lock, is nothing.
///
/// # Errors
/// When `/proc` or `/sys` cannot be read.
pub fn anything_left(layout: &Layout) -> Result<bool> {
    let folder = folder_line(layout);
    let content = fs::read_dir(layout.root()).into_iter().flatten().flatten();
    Ok(content.map(|entry| entry.path()).any(|path| path != layout.lock_file())
        || leftovers(layout)?.iter().any(|line| *line != folder))
}

fn folder_line(layout: &Layout) -> String {
    format!("folder {}", layout.root().display())
}

/// Everything of a sandbox that this machine still has, one line each.
///
/// # Errors
/// When `/proc` or `/sys` cannot be read.
pub fn leftovers(layout: &Layout) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let processes = remaining_processes(layout, None)?;
    lines.extend(processes.into_iter().map(|(_, text)| text));
    for mount in mounts::below(layout.root())? {
        lines.push(format!("mount {}", mount.display()));
    }
    for namespace in network::namespaces()? {
        lines.push(format!("network namespace {namespace}"));
    }
    for rule in firewall::rules() {
        lines.push(format!("packet filter rule {rule:?}"));
    }
    for link in network::links()? {
        lines.push(format!("link {link}"));
    }
    for group in cgroups::list()? {
        lines.push(format!("control group {}", group.display()));
    }
    if fs::exists(layout.root()).unwrap_or(false) {
        lines.push(folder_line(layout));
    }
    Ok(lines)
}
