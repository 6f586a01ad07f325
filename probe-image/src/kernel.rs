//! What all probes do with their kernel objects: prepare, attach, read what
//! they cost and lost.

use aya::maps::{Map, MapData, PerCpuArray};
use aya::programs::{BtfTracePoint, Program};
use aya::{Btf, Ebpf};
use earthworm_wire::record::ProgramCost;

use crate::uprobe::KernelError;

/// [`earthworm_ebpf::ProgramCost`] as a map's value.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Counters(earthworm_ebpf::ProgramCost);

// SAFETY: two integers, without padding.
unsafe impl aya::Pod for Counters {}

/// What each program of an object cost and lost, told by the programs.
pub struct Accounts {
    names: &'static [&'static str],
    cost: PerCpuArray<MapData, Counters>,
    lost: PerCpuArray<MapData, u64>,
}

impl Accounts {
    /// Takes the maps of an object whose programs have these names, in the
    /// order of its `enum`.
    ///
    /// # Errors
    /// When the object has no such maps.
    pub fn take(ebpf: &mut Ebpf, names: &'static [&'static str]) -> Result<Self, KernelError> {
        let error = |error: aya::maps::MapError| KernelError::from_error("use the maps", &error);
        Ok(Self {
            names,
            cost: PerCpuArray::try_from(take(ebpf, "cost")?).map_err(error)?,
            lost: PerCpuArray::try_from(take(ebpf, "lost")?).map_err(error)?,
        })
    }

    /// Runs and time of each program so far, measured inside the programs.
    #[must_use]
    pub fn costs(&self) -> Vec<ProgramCost> {
        (0_u32..)
            .zip(self.names)
            .map(|(index, name)| {
                let per_cpu = self.cost.get(&index, 0).ok();
                let (runs, run_ns) = per_cpu
                    .iter()
                    .flat_map(|values| values.iter())
                    .fold((0, 0), |(runs, run_ns), Counters(cost)| {
                        (runs + cost.runs, run_ns + cost.run_ns)
                    });
                ProgramCost { name: (*name).to_owned(), runs, run_seconds: run_ns as f64 / 1e9 }
            })
            .collect()
    }

    /// Events lost in the kernel so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        (0_u32..)
            .zip(self.names)
            .filter_map(|(index, _)| self.lost.get(&index, 0).ok())
            .map(|values| values.iter().sum::<u64>())
            .sum()
    }
}

/// A map of an object.
///
/// # Errors
/// When it has none of this name.
pub fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map, KernelError> {
    ebpf.take_map(name).ok_or_else(|| KernelError::Failed {
        action: format!("use map {name}"),
        message: "the object has no such map".to_owned(),
    })
}

/// The kernel's type information. It takes 15 MB while it is there.
///
/// # Errors
/// When the kernel has none, or does not give it.
pub fn btf() -> Result<Btf, KernelError> {
    Btf::from_sys_fs()
        .map_err(|error| KernelError::from_error("give its type information (BTF)", &error))
}

/// Attaches a program to a tracepoint, until its object is dropped.
///
/// # Errors
/// What the kernel says.
pub fn attach_tracepoint(
    ebpf: &mut Ebpf,
    name: &str,
    tracepoint: &str,
    btf: &Btf,
) -> Result<(), KernelError> {
    let Some(Program::BtfTracePoint(program)) = ebpf.program_mut(name) else {
        return Err(KernelError::Failed {
            action: format!("attach to tracepoint {tracepoint}"),
            message: "the object has no such program".to_owned(),
        });
    };
    let program: &mut BtfTracePoint = program;
    program
        .load(tracepoint, btf)
        .map_err(|error| KernelError::from_error(format!("load program {name}"), &error))?;
    program.attach().map(drop).map_err(|error| {
        KernelError::from_error(format!("attach to tracepoint {tracepoint}"), &error)
    })
}

/// Below 5.11 maps count against the limit of locked memory, which is 64 KiB
/// by default. Later kernels do not care, so a refusal is not an error.
pub fn allow_locked_memory() {
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is a valid rlimit to read from.
    unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
}

/// Gives back what reading the kernel's type information or an executable
/// took: the allocator would keep it, 15 MB at a time.
pub fn release_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim only gives unused memory back to the system.
    unsafe {
        libc::malloc_trim(0);
    }
}
