//! User probes: programs of one object, attached inside of one process.
//!
//! An uprobe_multi link is tried first: it needs the weaker privilege, selects
//! the process in the kernel, and takes all places in one call. Where the
//! kernel does not have it, perf_event_open(2) is tried. Everything is held by
//! file descriptors; nothing is pinned, so nothing outlives this process.
//!
//! Return probes are never used: they crash Go programs, whose runtime finds
//! foreign return addresses on its stacks. Places to attach at come from
//! [`crate::gobin`], which has looked at the code there.

mod error;
mod multi;
mod stack_check;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use aya::maps::{Map, MapData};
use aya::programs::uprobe::{UProbeLinkId, UProbeScope};
use aya::programs::{Program, UProbe};
use aya::{Btf, Ebpf};
use aya_obj::Object;

pub use error::KernelError;

use crate::gobin;

/// The place to probe a function of the register calling convention whose
/// entry was checked: behind its stack check where that is known, since the
/// entry itself may run more than once per call.
///
/// # Errors
/// When the executable cannot be read.
pub fn once_per_call(file: &File, entry: &gobin::Entry) -> io::Result<u64> {
    let mut bytes = [0; stack_check::CHECK_BYTES];
    // A function at the very end of the file is shorter.
    let read = file.read_at(&mut bytes, entry.file_offset)?;
    Ok(entry.file_offset + stack_check::length(&bytes[..read]).unwrap_or(0))
}

/// How user probes are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// A BPF link of type `uprobe_multi`, Linux 6.6.
    UprobeMulti,
    /// perf_event_open(2).
    Perf,
}

impl Mechanism {
    /// The stable lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UprobeMulti => "uprobe_multi",
            Self::Perf => "perf",
        }
    }
}

/// The user probe programs of one object.
#[derive(Debug)]
pub struct UserPrograms {
    /// Loaded for uprobe_multi links, or why that failed.
    multi: Result<HashMap<String, OwnedFd>, KernelError>,
    /// Loaded for perf, by the library.
    perf_loaded: HashSet<String>,
}

/// An attached program; dropping it detaches a link, but a perf attachment is
/// undone by [`UserPrograms::detach`].
#[derive(Debug)]
pub struct Attachment {
    program: String,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Link(#[expect(dead_code, reason = "held for its Drop")] OwnedFd),
    Perf(Vec<UProbeLinkId>),
}

impl Attachment {
    /// How it is held.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        match self.held {
            Held::Link(_) => Mechanism::UprobeMulti,
            Held::Perf(_) => Mechanism::Perf,
        }
    }
}

impl UserPrograms {
    /// Loads the programs named, from the object that `ebpf` was made of. To
    /// be called before any map is taken out of `ebpf`, whose maps they share.
    #[must_use]
    pub fn load(object: &[u8], names: &[&str], btf: &Btf, ebpf: &Ebpf) -> Self {
        Self { multi: load_multi(object, names, btf, ebpf), perf_loaded: HashSet::new() }
    }

    /// Programs for perf_event_open(2) only: what is left on kernels without
    /// uprobe_multi links.
    #[must_use]
    pub fn perf_only() -> Self {
        let action = "attach by an uprobe_multi link".to_owned();
        let source = io::Error::from_raw_os_error(libc::EOPNOTSUPP);
        Self {
            multi: Err(KernelError::NotSupported { action, source }),
            perf_loaded: HashSet::new(),
        }
    }

    /// Attaches `program` at the file offsets of the executable of process `pid`.
    ///
    /// # Errors
    /// When both ways are refused; not permitted when more rights could open one.
    pub fn attach(
        &mut self,
        ebpf: &mut Ebpf,
        program: &str,
        pid: u32,
        offsets: &[u64],
    ) -> Result<Attachment, KernelError> {
        let by_link = match &self.multi {
            Ok(programs) => match programs.get(program) {
                Some(loaded) => multi::attach(program, loaded.as_fd(), pid, offsets),
                None => Err(unknown(program)),
            },
            Err(error) => Err(error.again()),
        };
        let first = match by_link {
            Ok(link) => {
                return Ok(Attachment { program: program.to_owned(), held: Held::Link(link) });
            }
            Err(error @ KernelError::ProcessEnded { .. }) => return Err(error),
            Err(error) => error,
        };
        match self.attach_perf(ebpf, program, pid, offsets) {
            Ok(links) => Ok(Attachment { program: program.to_owned(), held: Held::Perf(links) }),
            // Where the weaker way is not known to the kernel, the stronger
            // one decides whether more rights help.
            Err(second) if matches!(first, KernelError::NotSupported { .. }) => Err(second),
            Err(second) if second.is_not_permitted() => Err(second),
            Err(_) => Err(first),
        }
    }

    fn attach_perf(
        &mut self,
        ebpf: &mut Ebpf,
        name: &str,
        pid: u32,
        offsets: &[u64],
    ) -> Result<Vec<UProbeLinkId>, KernelError> {
        let scope = NonZeroU32::new(pid)
            .map(UProbeScope::OneProcess)
            .ok_or(KernelError::ProcessEnded { pid })?;
        let program = uprobe(ebpf, name)?;
        if !self.perf_loaded.contains(name) {
            program
                .load()
                .map_err(|error| KernelError::from_error(format!("load program {name}"), &error))?;
            self.perf_loaded.insert(name.to_owned());
        }
        let path = format!("/proc/{pid}/exe");
        let mut links = Vec::with_capacity(offsets.len());
        for offset in offsets {
            match program.attach(*offset, &path, scope) {
                Ok(link) => links.push(link),
                Err(error) => {
                    for link in links {
                        // Already failing: the first error is the one to report.
                        let _ = program.detach(link);
                    }
                    let action = format!("attach {name} by perf_event_open");
                    return Err(KernelError::from_error(action, &error));
                }
            }
        }
        Ok(links)
    }

    /// Detaches at once.
    pub fn detach(&mut self, ebpf: &mut Ebpf, attachment: Attachment) {
        let Attachment { program, held } = attachment;
        if let (Held::Perf(links), Ok(program)) = (held, uprobe(ebpf, &program)) {
            for link in links {
                // A link that is gone is what was asked for.
                let _ = program.detach(link);
            }
        }
    }
}

fn unknown(program: &str) -> KernelError {
    KernelError::Failed {
        action: format!("attach {program}"),
        message: "the object has no such program".to_owned(),
    }
}

fn uprobe<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut UProbe, KernelError> {
    match ebpf.program_mut(name) {
        Some(Program::UProbe(program)) => Ok(program),
        _ => Err(unknown(name)),
    }
}

/// The descriptor of a map of the kinds in use.
fn descriptor(map: &Map) -> Option<BorrowedFd<'_>> {
    let data: &MapData = match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::RingBuf(data) => data,
        _ => return None,
    };
    Some(data.fd().as_fd())
}

/// Parses the object a second time and relocates it onto the maps that exist.
fn load_multi(
    bytes: &[u8],
    names: &[&str],
    btf: &Btf,
    ebpf: &Ebpf,
) -> Result<HashMap<String, OwnedFd>, KernelError> {
    let failed = |message: String| KernelError::Failed {
        action: "relocate the user probe programs".to_owned(),
        message,
    };
    let mut object = Object::parse(bytes).map_err(|error| failed(error.to_string()))?;
    object.relocate_btf(btf).map_err(|error| failed(error.to_string()))?;
    let text = object.functions.keys().map(|(section, _)| *section).collect();
    let maps = std::mem::take(&mut object.maps);
    let mut places = Vec::with_capacity(maps.len());
    for (name, map) in &maps {
        let shared = ebpf
            .map(name)
            .and_then(descriptor)
            .ok_or_else(|| failed(format!("map {name} does not exist")))?;
        places.push((name.as_str(), shared.as_raw_fd(), map));
    }
    object.relocate_maps(places.into_iter(), &text).map_err(|error| failed(error.to_string()))?;
    object.relocate_calls(&text).map_err(|error| failed(error.to_string()))?;
    let mut loaded = HashMap::with_capacity(names.len());
    for name in names {
        let program = object.programs.get(*name).ok_or_else(|| unknown(name))?;
        let function =
            object.functions.get(&program.function_key()).ok_or_else(|| unknown(name))?;
        let code = multi::Code {
            name,
            license: &program.license,
            instructions: function.instructions.as_ptr().cast(),
            count: function.instructions.len(),
        };
        loaded.insert((*name).to_owned(), multi::load(&code)?);
    }
    Ok(loaded)
}
