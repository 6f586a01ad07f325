//! What runs on the sandbox's nodes because of us, and what sessions have made
//! in the cluster.

use std::fs;

use anyhow::{Context, Result, bail};

use super::cgroups::SANDBOX_GROUP;
use super::sandbox::Sandbox;

/// Kinds of which a session makes objects.
const KINDS: &str = "jobs,pods,configmaps,secrets";

/// The label of all of them.
pub const SELECTOR: &str = "app.kubernetes.io/managed-by=kubectl-earthworm";

/// One line per object: its name, then whatever tells its node.
const LINES: &str = r#"jsonpath={range .items[*]}{.kind}/{.metadata.name}{"\t"}{.metadata.annotations.earthworm\.dev/node} {.spec.nodeName}{"\t"}{.metadata.ownerReferences[*].name}{"\n"}{end}"#;

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
    /// The node, as its control group names it.
    pub node: String,
}

/// Probes and launchers in the sandbox's pods, and whatever else there holds
/// the probe's memory file.
#[must_use]
pub fn of_sessions() -> Vec<NodeProcess> {
    all_pids().into_iter().filter_map(examine).collect()
}

/// What a process is, if it belongs to a session.
#[must_use]
pub fn examine(pid: u32) -> Option<NodeProcess> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    // `9:pids:/earthworm-sandbox/node-a/kubepods/...`
    let below = format!(":/{SANDBOX_GROUP}/");
    let node = groups.lines().find_map(|line| line.split_once(&below))?.1;
    let node = node.split('/').next()?.to_owned();
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
    is_ours.then_some(NodeProcess { pid, command_line, executable, node })
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

/// An object of a session in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `Job/earthworm-node-a-0a1b2c3d-0`.
    pub name: String,
    /// The nodes that it is for; none when it does not tell.
    pub nodes: Vec<String>,
}

/// Objects of sessions in all namespaces.
///
/// # Errors
/// When they cannot be listed.
pub fn objects(sandbox: &Sandbox) -> Result<Vec<Object>> {
    let nodes: Vec<String> = sandbox.nodes()?.into_iter().map(|node| node.name).collect();
    let output = sandbox
        .kubectl(["get", KINDS, "--all-namespaces", "--selector", SELECTOR, "--output", LINES])?
        .output()
        .context("cannot start kubectl")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("cannot list the objects of sessions: {}", words.trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| object(line, &nodes)).collect())
}

/// A Job has the node's name in an annotation and a pod in its specification;
/// ConfigMaps and Secrets have it in the names of the Jobs that own them.
fn object(line: &str, nodes: &[String]) -> Object {
    let mut parts = line.split('\t');
    let name = parts.next().unwrap_or_default().to_owned();
    let mut told: Vec<String> =
        parts.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let owners: Vec<&str> = parts.next().unwrap_or_default().split_whitespace().collect();
    if told.is_empty() {
        let owns = |node: &&String| {
            let begin = format!("earthworm-{node}-");
            owners.iter().any(|owner| owner.starts_with(&begin))
        };
        told.extend(nodes.iter().filter(owns).cloned());
    }
    Object { name, nodes: told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_tell_their_nodes() {
        let nodes = ["node-a", "node-b", "node-c"].map(str::to_owned);
        let of = |line: &str| object(line, &nodes).nodes;
        assert_eq!(of("Job/earthworm-node-a-0a1b2c3d-0\tnode-a \t"), ["node-a"]);
        assert_eq!(of("Pod/x\t node-b\tearthworm-node-b-0a1b2c3d-0"), ["node-b"]);
        assert_eq!(of("Secret/x\t \tearthworm-node-c-0a1b2c3d-1"), ["node-c"]);
        let owners = "earthworm-node-a-0a1b2c3d-0 earthworm-node-b-0a1b2c3d-0";
        assert_eq!(of(&format!("ConfigMap/x\t \t{owners}")), ["node-a", "node-b"]);
        // Nobody may say of it that it is somebody else's.
        assert!(of("ConfigMap/x\t \t").is_empty());
    }
}
