//! Whose a socket is: looked up in `/proc` once per process, remembered.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use earthworm_wire::flow::{Owner, OwnerKind};

use super::cgroup::{Container, Root};
use super::socket::{Origin, Socket};

/// Most owners of one session; more are not told apart from those of the node.
const MOST_OWNERS: usize = 65_536;

/// Sweeps for which it is believed whose a network namespace is: their numbers
/// are used again.
const BELIEVED_FOR: u64 = 5;

/// Finds and numbers owners.
pub(super) struct Owners {
    own_network: u32,
    root: Root,
    numbers: HashMap<OwnerKind, u32>,
    untold: Vec<Owner>,
    /// By process id, for one sweep: ids are used again.
    processes: HashMap<u32, Option<Process>>,
    networks: HashMap<u32, Network>,
    listeners: Listeners,
    /// Those of the sweep before: one may have gone while its connections end.
    listeners_before: Listeners,
    sweep: u64,
    searched: bool,
}

#[derive(Debug, Clone)]
struct Process {
    container: Option<Container>,
    name: String,
}

/// Whose a network namespace is, and in which sweep that was seen.
#[derive(Debug, Clone)]
struct Network {
    pod_uid: Option<String>,
    seen: u64,
}

/// Owners of listening sockets by network namespace and port.
type Listeners = HashMap<(u32, u16), u32>;

impl Owners {
    /// For the node whose network namespace and control groups this process shares.
    ///
    /// # Errors
    /// When `/proc` does not tell these.
    pub(super) fn new() -> std::io::Result<Self> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let network = fs::metadata("/proc/thread-self/ns/net")?.ino();
        Ok(Self {
            // Numbers of namespaces have 32 bits in the kernel.
            own_network: u32::try_from(network).unwrap_or(0),
            root: Root::of_own(&own),
            numbers: HashMap::new(),
            untold: Vec::new(),
            processes: HashMap::new(),
            networks: HashMap::new(),
            listeners: Listeners::new(),
            listeners_before: Listeners::new(),
            sweep: 0,
            searched: false,
        })
    }

    /// A new sweep: process ids may have been used again since the last one.
    pub(super) fn begin_sweep(&mut self) {
        self.sweep += 1;
        self.searched = false;
        self.processes.clear();
        self.listeners_before = std::mem::take(&mut self.listeners);
    }

    /// A socket waits for connections; true when it is of this node.
    pub(super) fn listening(&mut self, socket: &Socket) -> bool {
        let Some(owner) = self.of(socket) else { return false };
        if self.listeners.len() < MOST_OWNERS {
            self.listeners.insert((socket.network, socket.local.port()), owner);
        }
        true
    }

    /// Who listens, or did a moment ago, at the socket's own port.
    pub(super) fn listener_at(&self, socket: &Socket) -> Option<u32> {
        let place = (socket.network, socket.local.port());
        self.listeners.get(&place).or_else(|| self.listeners_before.get(&place)).copied()
    }

    /// The owner of a socket; `None` when it is not of this node or its pods.
    pub(super) fn of(&mut self, socket: &Socket) -> Option<u32> {
        if let Some(owner) = self.of_process(socket) {
            return Some(owner);
        }
        // Nobody has it open any more, or whoever has it is no container.
        if socket.origin != Some(Origin::Connected)
            && let Some(owner) = self.listener_at(socket)
        {
            return Some(owner);
        }
        if socket.network == self.own_network {
            return Some(self.number(OwnerKind::Process { name: creator_name(socket) }));
        }
        let pod_uid = self.pod_of(socket.network)?;
        Some(self.number(OwnerKind::Pod { pod_uid }))
    }

    /// The container or the node's process that has a socket open; `None` when it
    /// is neither, or nobody has.
    pub(super) fn of_process(&mut self, socket: &Socket) -> Option<u32> {
        let process = socket.process.and_then(|id| self.process(id))?;
        if let Some(Container { pod_uid, id }) = process.container {
            if socket.network != self.own_network {
                self.believe(socket.network, Some(pod_uid.clone()));
            }
            return Some(self.number(OwnerKind::Container { pod_uid, container_id: id }));
        }
        (socket.network == self.own_network)
            .then(|| self.number(OwnerKind::Process { name: process.name }))
    }

    /// The owner of a network namespace as a whole; `None` when it is not of this
    /// node.
    pub(super) fn of_network(&mut self, network: u32) -> Option<u32> {
        if network == self.own_network {
            return Some(self.number(OwnerKind::Node));
        }
        let pod_uid = self.pod_of(network)?;
        Some(self.number(OwnerKind::Pod { pod_uid }))
    }

    /// Owners that were numbered since the last call.
    pub(super) fn take_untold(&mut self) -> Vec<Owner> {
        std::mem::take(&mut self.untold)
    }

    fn number(&mut self, kind: OwnerKind) -> u32 {
        if let Some(number) = self.numbers.get(&kind) {
            return *number;
        }
        let kind = if self.numbers.len() < MOST_OWNERS {
            kind
        } else {
            let rest = OwnerKind::Process { name: String::new() };
            if let Some(number) = self.numbers.get(&rest) {
                return *number;
            }
            rest
        };
        let id = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(kind.clone(), id);
        self.untold.push(Owner { id, kind });
        id
    }

    fn process(&mut self, id: u32) -> Option<Process> {
        if let Some(known) = self.processes.get(&id) {
            return known.clone();
        }
        let found = look_at(&self.root, id);
        self.processes.insert(id, found.clone());
        found
    }

    fn pod_of(&mut self, network: u32) -> Option<String> {
        if !self.is_believed(network) && !std::mem::replace(&mut self.searched, true) {
            self.search();
        }
        if !self.is_believed(network) {
            self.believe(network, None);
        }
        self.networks.get(&network)?.pod_uid.clone()
    }

    fn is_believed(&self, network: u32) -> bool {
        self.networks.get(&network).is_some_and(|known| self.sweep - known.seen < BELIEVED_FOR)
    }

    fn believe(&mut self, network: u32, pod_uid: Option<String>) {
        if self.networks.len() >= MOST_OWNERS {
            self.networks.clear();
        }
        self.networks.insert(network, Network { pod_uid, seen: self.sweep });
    }

    /// Looks for the network namespaces of all pods.
    fn search(&mut self) {
        let Ok(entries) = fs::read_dir("/proc") else { return };
        for entry in entries.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
            else {
                continue;
            };
            let Ok(metadata) = fs::metadata(format!("/proc/{id}/ns/net")) else { continue };
            let Ok(network) = u32::try_from(metadata.ino()) else { continue };
            if network == self.own_network {
                continue;
            }
            if let Some(Process { container: Some(container), .. }) = self.process(id) {
                self.believe(network, Some(container.pod_uid));
            }
        }
    }
}

/// As it was when it connected; it may have ended since.
fn creator_name(socket: &Socket) -> String {
    let name = &socket.creator_name;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(&name[..end]).into_owned()
}

fn look_at(root: &Root, id: u32) -> Option<Process> {
    let groups = fs::read_to_string(format!("/proc/{id}/cgroup")).ok()?;
    let container = root.container(&groups);
    let name = match container {
        // The container's name is what people know.
        Some(_) => String::new(),
        None => fs::read_to_string(format!("/proc/{id}/comm")).ok()?.trim_end().to_owned(),
    };
    Some(Process { container, name })
}
