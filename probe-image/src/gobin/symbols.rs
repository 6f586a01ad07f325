//! `.symtab` and `.dynsym`: the linker's own word, where it was not stripped.

use object::LittleEndian as LE;
use object::elf::{SHN_UNDEF, STT_FUNC, STT_NOTYPE, Sym64};

use super::elf::{Image, Section, cast};
use super::error::{GoBinaryError, Result};
use super::pattern::Pattern;
use super::stream::{Candidates, Window, wanted_name};

const WHAT: &str = "the symbol table";
/// Reads of names that turn out not to be wanted; a real table needs none or a few.
const MAXIMUM_NAME_READS: usize = 65_536;

/// A defined symbol of a wanted name.
pub(super) struct Symbol {
    /// Index of the pattern it matches.
    pub(super) pattern: usize,
    pub(super) name: String,
    pub(super) address: u64,
    /// Zero for symbols that only mark a place.
    pub(super) size: u64,
}

/// All defined symbols of wanted names in `.symtab` or `.dynsym`, without
/// loading the table; none when there is no such table.
pub(super) fn find(image: &Image, table: &str, wanted: &[Pattern]) -> Result<Vec<Symbol>> {
    let Some((table, names)) = table_and_names(image, table) else { return Ok(Vec::new()) };
    let candidates = Candidates::scan(image, names.region, wanted, WHAT)?;
    let mut found = Vec::new();
    if candidates.is_empty() {
        return Ok(found);
    }
    let mut reads = 0;
    for_each(image, table, |symbol| {
        let position = u64::from(symbol.st_name.get(LE));
        let code = matches!(symbol.st_type(), STT_FUNC | STT_NOTYPE);
        if !code || symbol.st_shndx.get(LE) == SHN_UNDEF || !candidates.contains(position) {
            return Ok(true);
        }
        reads += 1;
        if let Some((pattern, name)) = wanted_name(image, names.region, position, wanted, WHAT)? {
            let (address, size) = (symbol.st_value.get(LE), symbol.st_size.get(LE));
            found.push(Symbol { pattern, name, address, size });
        }
        if reads > MAXIMUM_NAME_READS || found.len() > wanted.len().saturating_mul(16) {
            let name = wanted.first().map(|pattern| pattern.name().to_owned()).unwrap_or_default();
            return Err(GoBinaryError::TooManyMatches { name });
        }
        Ok(true)
    })?;
    Ok(found)
}

/// Whether the dynamic loader has to find symbols in other libraries, which
/// is so for every program linked with C code.
pub(super) fn needs_libraries(image: &Image) -> Result<bool> {
    let Some(table) = image.section(&[".dynsym"]) else { return Ok(false) };
    let (mut index, mut undefined) = (0_u64, false);
    for_each(image, table, |symbol| {
        // Entry 0 is undefined in every table.
        undefined = index > 0 && symbol.st_shndx.get(LE) == SHN_UNDEF;
        index += 1;
        Ok(!undefined)
    })?;
    Ok(undefined)
}

fn table_and_names<'i>(image: &'i Image, table: &str) -> Option<(&'i Section, &'i Section)> {
    let table = image.section(&[table])?;
    Some((table, image.linked(table)?))
}

/// Calls `visit` with each symbol until it says `false`.
fn for_each(
    image: &Image,
    table: &Section,
    mut visit: impl FnMut(&Sym64<LE>) -> Result<bool>,
) -> Result<()> {
    let symbol_bytes = size_of::<Sym64<LE>>();
    let mut window = Window::new(image, table.region, WHAT);
    let mut position = 0;
    while let Some(bytes) = window.bytes(position, symbol_bytes)? {
        if !visit(cast(bytes)?)? {
            break;
        }
        position += symbol_bytes as u64;
    }
    Ok(())
}
