//! The kernel's half of the probe: loads the object, attaches, reads counters.

use std::fs;
use std::os::unix::fs::MetadataExt;

use aya::maps::{HashMap, MapData, RingBuf};
use aya::{Ebpf, EbpfLoader};
use earthworm_ebpf::pulse::PROGRAMS;
use earthworm_wire::record::Lead;

use super::sites::Sites;
use crate::kernel::{Accounts, allow_locked_memory, attach_tracepoint, btf, take};
use crate::uprobe::{Attachment, KernelError, Mechanism, UserPrograms};

const USER_PROGRAMS: [&str; 5] =
    ["lease_sync", "new_lease", "retry_return", "tls_write", "process_headers"];

/// Kernel program and the tracepoint it belongs to.
const TRACEPOINTS: [(&str, &str); 2] =
    [("process_exit", "sched_process_exit"), ("signal_generate", "signal_generate")];

/// The loaded programs and their maps.
pub(super) struct Kernel {
    ebpf: Ebpf,
    user: UserPrograms,
    watched: HashMap<MapData, u32, u32>,
    accounts: Accounts,
    attachments: Vec<Attachment>,
}

/// The ring buffer the programs write to.
pub(super) type Events = RingBuf<MapData>;

/// Which leads work now.
#[derive(Debug)]
pub(super) struct Attached {
    /// Leads all of whose programs are attached.
    pub(super) leads: Vec<Lead>,
    /// The others and why.
    pub(super) refused: Vec<(Lead, String)>,
    /// How the programs are held.
    pub(super) mechanism: Option<Mechanism>,
    /// Whether more rights could give a lead that was refused.
    pub(super) not_permitted: bool,
}

impl Kernel {
    /// Loads everything and attaches the tracepoints; nothing is watched yet.
    ///
    /// # Errors
    /// When the kernel refuses an object, a map, or a tracepoint.
    pub(super) fn load() -> Result<(Self, Events), KernelError> {
        allow_locked_memory();
        let btf = btf()?;
        let (device, inode) = pid_namespace()?;
        let object = earthworm_ebpf::pulse_object();
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .override_global("namespace_device", &device, true)
            .override_global("namespace_inode", &inode, true)
            .load(object)
            .map_err(|error| KernelError::from_error("load the kernel programs", &error))?;
        let user = UserPrograms::load(object, &USER_PROGRAMS, &btf, &ebpf);
        for (name, tracepoint) in TRACEPOINTS {
            attach_tracepoint(&mut ebpf, name, tracepoint, &btf)?;
        }
        let events = RingBuf::try_from(take(&mut ebpf, "events")?)
            .map_err(|error| KernelError::from_error("map the ring buffer", &error))?;
        let map_error =
            |error: aya::maps::MapError| KernelError::from_error("use the maps", &error);
        let kernel = Self {
            watched: HashMap::try_from(take(&mut ebpf, "watched")?).map_err(map_error)?,
            accounts: Accounts::take(&mut ebpf, &PROGRAMS)?,
            ebpf,
            user,
            attachments: Vec::new(),
        };
        Ok((kernel, events))
    }

    /// Lets the programs see one process, and no other.
    ///
    /// # Errors
    /// When the map cannot be changed.
    pub(super) fn watch(&mut self, pid: u32) -> Result<(), KernelError> {
        self.unwatch();
        self.watched
            .insert(pid, 1, 0)
            .map_err(|error| KernelError::from_error("watch the process", &error))
    }

    /// Lets the programs see no process.
    pub(super) fn unwatch(&mut self) {
        let pids: Vec<u32> = self.watched.keys().flatten().collect();
        for pid in pids {
            // An entry that is gone is what was asked for.
            let _ = self.watched.remove(&pid);
        }
    }

    /// Attaches the user probes of every lead that has sites.
    pub(super) fn attach(&mut self, sites: &Sites) -> Attached {
        let mut attached = Attached {
            leads: Vec::new(),
            refused: Vec::new(),
            mechanism: None,
            not_permitted: false,
        };
        // Answers before questions: the beginning of a beat is attached last,
        // so that no beat is seen that lacks its end.
        for (lead, places) in sites.leads.iter().rev() {
            let places = match places {
                Ok(places) => places,
                Err(reason) => {
                    attached.refused.push((*lead, reason.clone()));
                    continue;
                }
            };
            let mut held = Vec::with_capacity(places.len());
            let mut refusal = None;
            for site in places {
                match self.user.attach(
                    &mut self.ebpf,
                    site.program,
                    sites.process.pid,
                    &site.offsets,
                ) {
                    Ok(attachment) => held.push(attachment),
                    Err(error) => {
                        refusal = Some(error);
                        break;
                    }
                }
            }
            match refusal {
                None => {
                    attached.mechanism = held.first().map(Attachment::mechanism);
                    attached.leads.push(*lead);
                    self.attachments.append(&mut held);
                }
                Some(error) => {
                    for attachment in held {
                        self.user.detach(&mut self.ebpf, attachment);
                    }
                    attached.not_permitted |= error.is_not_permitted();
                    attached.refused.push((*lead, error.to_string()));
                }
            }
        }
        attached.leads.sort_unstable();
        attached.refused.sort_unstable_by_key(|(lead, _)| *lead);
        attached
    }

    /// Detaches all user probes; the tracepoints stay for the next process.
    pub(super) fn detach(&mut self) {
        for attachment in std::mem::take(&mut self.attachments) {
            self.user.detach(&mut self.ebpf, attachment);
        }
    }

    /// What the programs cost and lost.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

/// Device and inode of this process's pid namespace, as the kernel writes them.
fn pid_namespace() -> Result<(u64, u64), KernelError> {
    let metadata = fs::metadata("/proc/self/ns/pid")
        .map_err(|error| KernelError::from_io("look at the own pid namespace", error))?;
    let device = metadata.dev();
    // The kernel's own form of a device number (MKDEV, include/linux/kdev_t.h)
    // is not the one stat(2) returns.
    let (major, minor) = (u64::from(libc::major(device)), u64::from(libc::minor(device)));
    Ok((major << 20 | minor, metadata.ino()))
}
