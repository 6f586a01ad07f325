//! What runs on the sandbox's nodes because of us.

use std::fs;

/// All control groups of the sandbox's pods are below this one.
const SANDBOX_GROUP: &str = "/earthworm-sandbox/";

/// Every process identifier that `/proc` lists.
#[must_use]
pub fn all_pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A process of a session on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProcess {
    /// In the machine's own PID namespace.
    pub pid: u32,
    /// Its arguments.
    pub command_line: Vec<String>,
    /// Where its executable came from.
    pub executable: String,
}

/// Probes and launchers in the sandbox's pods, and whatever else there holds
/// the probe's memory file.
#[must_use]
pub fn of_sessions() -> Vec<NodeProcess> {
    all_pids().into_iter().filter_map(examine).collect()
}

/// Whether a process belongs to a session.
#[must_use]
pub fn is_of_session(pid: u32) -> bool {
    examine(pid).is_some()
}

fn examine(pid: u32) -> Option<NodeProcess> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    if !groups.contains(SANDBOX_GROUP) {
        return None;
    }
    let executable = link(&format!("/proc/{pid}/exe"));
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command_line: Vec<String> = arguments
        .split(|byte| *byte == 0)
        .filter(|argument| !argument.is_empty())
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect();
    let program = command_line.first().map_or("", String::as_str);
    let is_ours = executable.contains("earthworm-probe")
        || executable.starts_with("/earthworm/")
        || program.ends_with("earthworm-probe")
        || program == "/earthworm/launcher"
        || holds_memory_file(pid);
    is_ours.then_some(NodeProcess { pid, command_line, executable })
}

fn holds_memory_file(pid: u32) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.flatten().any(|entry| link(&entry.path().to_string_lossy()).contains("memfd:earthworm"))
}

fn link(path: &str) -> String {
    fs::read_link(path).map(|target| target.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Runs of the plugin that this program has not started: a developer who looks
/// at the same sandbox. What they have on the nodes is theirs.
#[must_use]
pub fn plugins_of_others() -> Vec<u32> {
    let this = std::process::id().to_string();
    let is_other = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        // The kernel keeps fifteen characters of a name.
        name.starts_with("kubectl-earthwo") && parent.is_some_and(|pid| pid.trim() != this)
    };
    all_pids().into_iter().filter(is_other).collect()
}
