//! Pointers in position-independent executables.
//!
//! The file may hold a zero where the loader will write the address; the
//! address itself is then the addend of a `RELATIVE` relocation.

use object::LittleEndian as LE;
use object::elf::{R_AARCH64_RELATIVE, R_X86_64_RELATIVE, Rela64, SHT_RELA};

use super::Architecture;
use super::elf::{Image, cast_slice};
use super::error::{GoBinaryError, Result};

const ENTRIES_PER_READ: u64 = 2048;

/// Reads the pointers at these virtual addresses as they will be in a process
/// loaded at the addresses of the file.
pub(super) fn read_pointers(image: &Image, addresses: &[u64]) -> Result<Vec<u64>> {
    let mut pointers = Vec::with_capacity(addresses.len());
    for address in addresses {
        let region = image
            .loaded(*address, 8)
            .ok_or(GoBinaryError::MalformedElf { what: "a pointer outside of the segments" })?;
        let mut bytes = [0; 8];
        image.read_at(region.offset, &mut bytes, "a pointer")?;
        pointers.push(u64::from_le_bytes(bytes));
    }
    if image.pie && !addresses.is_empty() {
        apply_relocations(image, addresses, &mut pointers)?;
    }
    Ok(pointers)
}

fn apply_relocations(image: &Image, addresses: &[u64], pointers: &mut [u64]) -> Result<()> {
    let relative = match image.architecture {
        Architecture::Amd64 => R_X86_64_RELATIVE.0,
        Architecture::Arm64 => R_AARCH64_RELATIVE.0,
    };
    let entry_bytes = size_of::<Rela64<LE>>() as u64;
    // Relocations of sections that are not loaded have other uses.
    let tables = image.sections().filter(|table| table.kind == SHT_RELA && table.address != 0);
    for table in tables {
        let mut left = table.region.size / entry_bytes;
        let mut offset = table.region.offset;
        let mut buffer = vec![0; (left.min(ENTRIES_PER_READ) * entry_bytes) as usize];
        while left > 0 {
            let count = left.min(ENTRIES_PER_READ);
            let bytes = &mut buffer[..(count * entry_bytes) as usize];
            image.read_at(offset, bytes, "the relocations")?;
            for entry in cast_slice::<Rela64<LE>>(bytes, count as usize)? {
                if entry.r_info.get(LE) != u64::from(relative) {
                    continue;
                }
                let place = entry.r_offset.get(LE);
                let matches = addresses.iter().zip(pointers.iter_mut());
                for (_, pointer) in matches.filter(|(address, _)| **address == place) {
                    *pointer = entry.r_addend.get(LE).cast_unsigned();
                }
            }
            left -= count;
            offset += count * entry_bytes;
        }
    }
    Ok(())
}
