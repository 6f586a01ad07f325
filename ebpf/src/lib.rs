//! Kernel programs, compiled: each `<probe>.bpf.c` of this folder as an ELF
//! object, and its event structs as Rust types of the same layout.
//!
//! Kernel structs never leave the node: the probe turns them into the wire's
//! records.

pub mod pulse;

/// An object's bytes, aligned as ELF readers want them.
#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

static PULSE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/pulse.bpf.o")));

/// The object of `pulse.bpf.c`.
#[must_use]
pub fn pulse_object() -> &'static [u8] {
    &PULSE.0
}
