//! Finds this node's kubelet among all processes of the kernel.
//!
//! Several nodes may share one kernel and one pid namespace (kind, minikube,
//! sandboxes), all running the same file. What tells them apart is the network
//! namespace: the probe's pod uses its node's host network, which is the one
//! the node's kubelet lives in.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::cost::start_ticks;

/// Names of executables that are or contain a kubelet, best first: k0s and
/// rke2 start a separate `kubelet`, which is then the one to watch.
const NAMES: [&str; 9] = [
    "kubelet",
    "kubelite",
    "k3s-server",
    "k3s-agent",
    "k3s",
    "rke2",
    "hyperkube",
    "k0s",
    "k0s-worker",
];

/// Flags by which a kubelet is told its node's name.
const NODE_FLAGS: [&str; 2] = ["--hostname-override", "--node-name"];

/// A process that is or contains a kubelet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubelet {
    /// Process id as this process's `/proc` has it.
    pub pid: u32,
    /// One of the known names.
    pub name: &'static str,
    /// Start time in clock ticks since boot, which tells it from a later
    /// process with the same id.
    pub start_ticks: u64,
    /// Device and inode of its executable: k3s starts itself anew in the same
    /// process. `None` when the kernel does not say.
    pub executable: Option<(u64, u64)>,
}

/// Why there is no kubelet to watch.
#[derive(Debug, Error)]
pub enum FindError {
    /// No process has one of the names.
    #[error("no process of this node's network namespace is a kubelet (looked for {})", NAMES.join(", "))]
    None,
    /// Several processes fit and nothing tells which one belongs to the node.
    #[error("processes {pids:?} all look like the kubelet of node {node}")]
    Ambiguous {
        /// The node.
        node: String,
        /// Those that fit.
        pids: Vec<u32>,
    },
    /// There are processes with a fitting name, but the kernel does not say
    /// where they live.
    #[error("not permitted to look at process {pid}: {source}")]
    NotPermitted {
        /// One of them.
        pid: u32,
        /// What the kernel said.
        source: io::Error,
    },
    /// `/proc` cannot be read.
    #[error("cannot read {path}: {source}")]
    Proc {
        /// Which part of it.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What `/proc` says about one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    pid: u32,
    parent: u32,
    name: &'static str,
    start_ticks: u64,
    executable: Option<(u64, u64)>,
    network: PathBuf,
    arguments: Vec<String>,
}

/// Finds the kubelet of `node` among the processes that share this process's
/// network namespace.
///
/// # Errors
/// See [`FindError`].
pub fn find_kubelet(node: &str) -> Result<Kubelet, FindError> {
    find_kubelet_in(Path::new("/proc"), node)
}

fn find_kubelet_in(proc: &Path, node: &str) -> Result<Kubelet, FindError> {
    let own = proc.join("self/ns/net");
    let network = fs::read_link(&own).map_err(|source| FindError::Proc { path: own, source })?;
    let entries =
        fs::read_dir(proc).map_err(|source| FindError::Proc { path: proc.to_owned(), source })?;
    let mut candidates = Vec::new();
    let mut refused = None;
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        match candidate(&entry.path(), pid) {
            Ok(Some(found)) => candidates.push(found),
            Ok(None) => {}
            Err(source) => refused = Some(FindError::NotPermitted { pid, source }),
        }
    }
    match choose(candidates, &network, node) {
        Err(FindError::None) => Err(refused.unwrap_or(FindError::None)),
        chosen => chosen,
    }
}

/// Whether the process still runs, and still the same executable.
#[must_use]
pub fn is_alive(kubelet: &Kubelet) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", kubelet.pid)).is_ok_and(|stat| {
        // A zombie has its entry until its parent asks for its status.
        let zombie = stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| matches!(rest.split_whitespace().next(), Some("Z" | "X")));
        !zombie
            && start_ticks(&stat) == Some(kubelet.start_ticks)
            && executable(Path::new(&format!("/proc/{}", kubelet.pid))) == kubelet.executable
    })
}

fn executable(folder: &Path) -> Option<(u64, u64)> {
    fs::metadata(folder.join("exe")).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// `None` when the process is something else or is gone already; an error only
/// when its name fits and the kernel refuses to say more.
fn candidate(folder: &Path, pid: u32) -> io::Result<Option<Candidate>> {
    let Ok(command_line) = fs::read(folder.join("cmdline")) else { return Ok(None) };
    let arguments: Vec<String> = command_line
        .split(|byte| *byte == 0)
        .filter(|argument| !argument.is_empty())
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect();
    let Some(name) = known_name(&arguments) else { return Ok(None) };
    let Ok(stat) = fs::read_to_string(folder.join("stat")) else { return Ok(None) };
    let Some(start_ticks) = start_ticks(&stat) else { return Ok(None) };
    let parent = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0);
    match fs::read_link(folder.join("ns/net")) {
        Ok(network) => {
            let executable = executable(folder);
            Ok(Some(Candidate { pid, parent, name, start_ticks, executable, network, arguments }))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        Err(_) => Ok(None),
    }
}

/// The name under which the process was started: k3s and hyperkube are one
/// file for many programs, so the file's name alone says too little. k3s
/// rewrites its arguments into one (`/usr/local/bin/k3s server`).
fn known_name(arguments: &[String]) -> Option<&'static str> {
    let mut words = arguments.iter().flat_map(|argument| argument.split_whitespace());
    let program = words.next()?;
    let base = program.rsplit('/').next().unwrap_or(program);
    let name = NAMES.into_iter().find(|name| *name == base)?;
    let role_fits = match name {
        "k3s" | "rke2" => words.next().is_some_and(|role| role == "server" || role == "agent"),
        "k0s" => words.next().is_some_and(|role| role == "controller" || role == "worker"),
        "hyperkube" => words.next().is_some_and(|role| role == "kubelet"),
        _ => true,
    };
    role_fits.then_some(name)
}

/// The node's name in the arguments, as `--flag=name` or `--flag name`.
fn named_node(arguments: &[String]) -> Option<&str> {
    let mut words = arguments.iter().flat_map(|argument| argument.split_whitespace());
    while let Some(word) = words.next() {
        for flag in NODE_FLAGS {
            match word.strip_prefix(flag) {
                Some("") => return words.next(),
                Some(rest) if rest.starts_with('=') => return Some(&rest[1..]),
                _ => {}
            }
        }
    }
    None
}

fn choose(candidates: Vec<Candidate>, network: &Path, node: &str) -> Result<Kubelet, FindError> {
    let here: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.network == network).collect();
    // Between fork and exec a kubelet's child looks just like its parent.
    let children_out = |candidate: &&Candidate| {
        !here.iter().any(|other| other.pid == candidate.parent && other.name == candidate.name)
    };
    let mut fitting: Vec<&Candidate> = here.iter().copied().filter(children_out).collect();
    let rank = |candidate: &Candidate| NAMES.iter().position(|name| *name == candidate.name);
    let best = fitting.iter().map(|candidate| rank(candidate)).min().flatten();
    fitting.retain(|candidate| rank(candidate) == best);
    if fitting.len() > 1 {
        let says = |candidate: &&Candidate| {
            named_node(&candidate.arguments).map(|named| named.eq_ignore_ascii_case(node))
        };
        let named: Vec<&Candidate> =
            fitting.iter().copied().filter(|c| says(c) == Some(true)).collect();
        if named.is_empty() {
            fitting.retain(|candidate| says(candidate).is_none());
        } else {
            fitting = named;
        }
    }
    match fitting.as_slice() {
        [] => Err(FindError::None),
        [one] => Ok(Kubelet {
            pid: one.pid,
            name: one.name,
            start_ticks: one.start_ticks,
            executable: one.executable,
        }),
        several => {
            let mut pids: Vec<u32> = several.iter().map(|candidate| candidate.pid).collect();
            pids.sort_unstable();
            Err(FindError::Ambiguous { node: node.to_owned(), pids })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32, network: &str, command_line: &str) -> Option<Candidate> {
        let arguments: Vec<String> =
            command_line.split(' ').map(|argument| argument.replace('_', " ")).collect();
        Some(Candidate {
            pid,
            parent,
            name: known_name(&arguments)?,
            start_ticks: u64::from(pid),
            executable: None,
            network: PathBuf::from(network),
            arguments,
        })
    }

    /// `pid parent network command line`, one process per line; an underscore
    /// is a space inside of an argument.
    fn check(processes: &str, expected: &str) {
        let candidates = processes
            .lines()
            .filter_map(|line| {
                let mut fields = line.trim().splitn(4, ' ');
                let pid = fields.next()?.parse().ok()?;
                let parent = fields.next()?.parse().ok()?;
                process(pid, parent, fields.next()?, fields.next()?)
            })
            .collect();
        let found = match choose(candidates, Path::new("here"), "node-a") {
            Ok(kubelet) => format!("{} {}", kubelet.name, kubelet.pid),
            Err(FindError::None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{processes}");
    }

    #[test]
    fn chooses_by_network_namespace_then_by_name() {
        check("10 1 here /usr/bin/kubelet --v=2", "kubelet 10");
        check("10 1 there /usr/bin/kubelet", "none");
        check("10 1 here /usr/bin/kubectl get nodes\n11 1 here sh -c kubelet", "none");
        check(
            "10 1 there kubelet --hostname-override=node-a\n11 1 here kubelet --hostname-override=node-b",
            "kubelet 11",
        );
        check(
            "10 1 here kubelet --hostname-override=node-b\n11 1 here kubelet --hostname-override node-a",
            "kubelet 11",
        );
        check("10 1 here kubelet --hostname-override=node-b\n11 1 here kubelet", "kubelet 11");
        check(
            "11 1 here kubelet\n10 1 here kubelet",
            "processes [10, 11] all look like the kubelet of node node-a",
        );
    }

    #[test]
    fn leaves_out_what_only_looks_like_a_kubelet() {
        check("10 1 here kubelet --v=2\n11 10 here kubelet --v=2", "kubelet 10");
        check("10 1 here /usr/bin/k0s worker\n11 10 here /var/lib/k0s/bin/kubelet", "kubelet 11");
        check("10 1 here /usr/local/bin/k3s_server\n11 10 here containerd", "k3s 10");
        check(
            "10 1 here k3s-agent --node-name node-a\n11 1 here k3s kubectl get nodes",
            "k3s-agent 10",
        );
        check("10 1 here hyperkube apiserver\n11 1 here hyperkube kubelet", "hyperkube 11");
    }

    #[test]
    fn reads_proc() {
        let proc = tempfile::tempdir().unwrap();
        let add = |pid: &str, network: &str, command_line: &str| {
            let folder = proc.path().join(pid);
            fs::create_dir_all(folder.join("ns")).unwrap();
            std::os::unix::fs::symlink(network, folder.join("ns/net")).unwrap();
            fs::write(folder.join("cmdline"), command_line.replace(' ', "\0")).unwrap();
            let rest = (5..=21).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
            fs::write(folder.join("stat"), format!("{pid} (ku) b) S 1 {rest} 777 0")).unwrap();
        };
        add("self", "net:[1]", "probe");
        add("20", "net:[2]", "/usr/bin/kubelet --v=2");
        assert!(matches!(find_kubelet_in(proc.path(), "n"), Err(FindError::None)));
        add("21", "net:[1]", "/usr/bin/kubelet --v=2");
        let found = find_kubelet_in(proc.path(), "n").unwrap();
        assert_eq!(found, Kubelet { pid: 21, name: "kubelet", start_ticks: 777, executable: None });
    }
}
