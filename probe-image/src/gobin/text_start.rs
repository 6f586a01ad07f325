//! Where the addresses of functions count from.
//!
//! A wrong answer would put every probe into the middle of some instruction,
//! so the sources are tried in order of trust, each is checked against the
//! function table, and there is no guess at the end.

use super::elf::Image;
use super::error::{GoBinaryError, Result};
use super::pattern::Pattern;
use super::pclntab::{Extent, Pclntab};
use super::relocations::read_pointers;
use super::symbols;

/// Which source told the address of a function, in order of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextStart {
    /// The function's own entry in `.symtab`.
    SymbolTable,
    /// `moduledata.text` in `.go.module` (Go 1.26 and later).
    GoModule,
    /// `textStart` in the header of the function table (Go 1.18 to 1.25).
    PclntabHeader,
    /// No start was needed: the function table holds addresses (before Go 1.18).
    PclntabAddresses,
    /// The symbol `runtime.text`.
    RuntimeText,
    /// The start of `.text`, in a program without any code but Go's.
    TextSection,
}

/// Indices of pointers in `runtime.moduledata` of Go 1.26 (`runtime/symtab.go`).
const MODULE_PCLNTAB: u64 = 0;
const MODULE_MINIMUM_PC: u64 = 20;
const MODULE_MAXIMUM_PC: u64 = 21;
const MODULE_TEXT: u64 = 22;
/// Go 1.26's own linker writes 74 pointers; this much has to be there.
const MODULE_BYTES: u64 = (MODULE_TEXT + 1) * 8;

/// Sections that only a C linker leaves behind. Its start files come before
/// Go's code in `.text`, also in a static executable without `.dynsym`.
const C_LINKER_SECTIONS: [&str; 4] = [".init", ".fini", ".eh_frame", ".comment"];

/// Finds the address of `runtime.text`.
pub(super) fn find(image: &Image, table: &Pclntab) -> Result<(u64, TextStart)> {
    let whole = table.whole(image)?;
    let fits = |start: &u64| is_code(image, *start, whole);
    if let Some(start) = go_module(image, table, whole)?.filter(fits) {
        return Ok((start, TextStart::GoModule));
    }
    if let Some(start) = pclntab_header(image, table)?.filter(fits) {
        return Ok((start, TextStart::PclntabHeader));
    }
    if let Some(start) = runtime_text(image)?.filter(fits) {
        return Ok((start, TextStart::RuntimeText));
    }
    if let Some(start) = text_section(image)?.filter(fits) {
        return Ok((start, TextStart::TextSection));
    }
    Err(GoBinaryError::NoTrustedTextStart)
}

/// Whether all functions of the table are executable code, counted from here.
fn is_code(image: &Image, start: u64, whole: Extent) -> bool {
    let first = start.checked_add(whole.start);
    let size = whole.end.checked_sub(whole.start);
    match (first, size) {
        (Some(first), Some(size)) => start != 0 && image.code(first, size).is_some(),
        _ => false,
    }
}

/// The layout of `moduledata` changes between releases, so the other pointers
/// in it have to fit before the one that counts is believed.
fn go_module(image: &Image, table: &Pclntab, whole: Extent) -> Result<Option<u64>> {
    let Some(section) = image.section(&[".go.module", ".data.rel.ro.go.module"]) else {
        return Ok(None);
    };
    let end = section.address.checked_add(MODULE_BYTES);
    if section.region.size < MODULE_BYTES || end.is_none() {
        return Ok(None);
    }
    let fields = [MODULE_PCLNTAB, MODULE_MINIMUM_PC, MODULE_MAXIMUM_PC, MODULE_TEXT];
    let addresses = fields.map(|index| section.address + index * 8);
    let pointers = match read_pointers(image, &addresses) {
        Ok(pointers) => pointers,
        Err(GoBinaryError::MalformedElf { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let &[pclntab, minimum, maximum, text] = pointers.as_slice() else { return Ok(None) };
    let agrees = pclntab == table.address
        && text.checked_add(whole.start) == Some(minimum)
        && text.checked_add(whole.end) == Some(maximum);
    Ok(agrees.then_some(text))
}

fn pclntab_header(image: &Image, table: &Pclntab) -> Result<Option<u64>> {
    let Some(field) = table.text_start_field() else { return Ok(None) };
    match read_pointers(image, &[field]) {
        Ok(pointers) => Ok(pointers.first().copied()),
        Err(GoBinaryError::MalformedElf { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn runtime_text(image: &Image) -> Result<Option<u64>> {
    let wanted = [Pattern::new("runtime.text")];
    for table in [".symtab", ".dynsym"] {
        if let [symbol] = symbols::find(image, table, &wanted)?.as_slice() {
            return Ok(Some(symbol.address));
        }
    }
    Ok(None)
}

fn text_section(image: &Image) -> Result<Option<u64>> {
    if image.section(&C_LINKER_SECTIONS).is_some() || symbols::needs_libraries(image)? {
        return Ok(None);
    }
    Ok(image.section(&[".text"]).map(|section| section.address))
}
