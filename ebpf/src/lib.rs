//! Kernel programs, compiled: each `<probe>.bpf.c` of this folder as an ELF
//! object, and its event structs as Rust types of the same layout.
//!
//! Kernel structs never leave the node: the probe turns them into the wire's
//! records.

pub mod flows;
pub mod pulse;

/// Value of every object's map `cost`, one per processor.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProgramCost {
    /// How often the program ran.
    pub runs: u64,
    /// Nanoseconds between its first and its last instruction.
    pub run_ns: u64,
}

/// An object's bytes, aligned as ELF readers want them.
#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

static PULSE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/pulse.bpf.o")));

static FLOWS: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/flows.bpf.o")));

/// The object of `flows.bpf.c`.
#[must_use]
pub fn flows_object() -> &'static [u8] {
    &FLOWS.0
}

/// The object of `pulse.bpf.c`.
#[must_use]
pub fn pulse_object() -> &'static [u8] {
    &PULSE.0
}
