//! Go's own function table, which the runtime needs and `strip` leaves alone.
//!
//! Its layout changed with Go 1.16, 1.18 and 1.20 (`debug/gosym/pclntab.go`
//! and `pcHeader` in `runtime/symtab.go` of each release). From 1.18 on the
//! functions are stored as offsets from the start of the text, before that as
//! addresses.

use super::Architecture;
use super::elf::{Image, Region};
use super::error::{GoBinaryError, Result};
use super::pattern::Pattern;
use super::relocations::read_pointers;
use super::stream::{Candidates, Window, wanted_name};

const WHAT: &str = "the pclntab";
/// Section names: plain executables, and position-independent ones.
const SECTIONS: [&str; 2] = [".gopclntab", ".data.rel.ro.gopclntab"];
/// Where it ends up in a position-independent executable of an external linker.
const MERGED_SECTION: &str = ".data.rel.ro";
const POINTER_BYTES: u64 = 8;
/// The largest Kubernetes component has some 140,000.
const MAXIMUM_FUNCTIONS: u64 = 1 << 22;
/// Look-alikes of the header that are worth a closer look.
const MAXIMUM_HEADERS: usize = 16;
/// Reads of names that turn out not to be wanted; a real table needs a few.
const MAXIMUM_NAME_READS: usize = 65_536;

/// The layouts still in use, named after the first release of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layout {
    Go12,
    Go116,
    Go118,
    Go120,
}

/// The header of a function table.
#[derive(Debug)]
pub(super) struct Pclntab {
    pub(super) layout: Layout,
    /// Virtual address of the table.
    pub(super) address: u64,
    region: Region,
    function_count: u64,
    /// Position in the table of the names, to which name offsets relate.
    names: u64,
    /// Position of what function record offsets relate to.
    records: u64,
    /// Position of the table of (start, record offset) pairs.
    functions: u64,
}

/// A function of the table whose name is wanted.
pub(super) struct Match {
    /// Index of the pattern it matches.
    pub(super) pattern: usize,
    pub(super) name: String,
    index: u64,
}

/// Where a function starts and where the next one does: offsets from the
/// start of the text if [`Pclntab::needs_text_start`], addresses otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Pclntab {
    /// Whether the executable has a function table at all.
    pub(super) fn exists(image: &Image) -> bool {
        image.section(&SECTIONS).is_some()
    }

    /// Finds the table and checks its header; `None` when there is none.
    pub(super) fn open(image: &Image) -> Result<Option<Self>> {
        if let Some(section) = image.section(&SECTIONS) {
            return Self::at(image, section.address, section.region).map(Some);
        }
        // An external linker merges the section of a position-independent
        // executable into a larger one, and only the bytes can be recognised.
        let Some(section) = image.section(&[MERGED_SECTION]) else { return Ok(None) };
        for position in headers(image, section.region)? {
            let (Some(address), Some(region)) =
                (section.address.checked_add(position), section.region.from(position))
            else {
                continue;
            };
            match Self::at(image, address, region) {
                Err(error @ GoBinaryError::Read { .. }) => return Err(error),
                Err(_) => {}
                Ok(table) => return Ok(Some(table)),
            }
        }
        Ok(None)
    }

    fn at(image: &Image, address: u64, region: Region) -> Result<Self> {
        let mut window = Window::new(image, region, WHAT);
        let truncated = GoBinaryError::TruncatedPclntab { what: "its header" };
        let magic = match window.u32(0)? {
            Some(magic) => magic,
            None => return Err(truncated),
        };
        let layout = layout(magic).ok_or(GoBinaryError::UnknownPclntabMagic { magic })?;
        let quantum = quantum(image.architecture);
        match window.bytes(4, 4)? {
            Some([0, 0, found, 8]) if *found == quantum => {}
            Some(_) => return Err(GoBinaryError::MalformedPclntab { what: "its header" }),
            None => return Err(truncated),
        }
        let mut word = |index: u64| {
            window
                .u64(8 + index * POINTER_BYTES)?
                .ok_or(GoBinaryError::TruncatedPclntab { what: "its header" })
        };
        let function_count = word(0)?;
        let (names, records, functions) = match layout {
            Layout::Go12 => (0, 0, 8 + POINTER_BYTES),
            Layout::Go116 => (word(2)?, word(6)?, word(6)?),
            Layout::Go118 | Layout::Go120 => (word(3)?, word(7)?, word(7)?),
        };
        let table = Self { layout, address, region, function_count, names, records, functions };
        table.check()?;
        Ok(table)
    }

    /// The function table has to lie inside of the section.
    fn check(&self) -> Result<()> {
        if self.function_count == 0 || self.function_count > MAXIMUM_FUNCTIONS {
            return Err(GoBinaryError::MalformedPclntab { what: "its number of functions" });
        }
        let truncated = |what| GoBinaryError::TruncatedPclntab { what };
        let bytes = (self.function_count * 2 + 1) * self.field_bytes();
        let left = self.region.from(self.functions).ok_or(truncated("its function table"))?;
        if bytes > left.size {
            return Err(truncated("its function table"));
        }
        self.region.from(self.names).ok_or(truncated("its name table"))?;
        Ok(())
    }

    /// Whether the table holds offsets from the start of the text.
    pub(super) fn needs_text_start(&self) -> bool {
        self.layout >= Layout::Go118
    }

    /// Virtual address of the header field `textStart`: Go 1.18 to 1.25 fill
    /// it, later releases leave it zero, earlier ones do not have it.
    pub(super) fn text_start_field(&self) -> Option<u64> {
        self.needs_text_start().then(|| self.address.checked_add(8 + 2 * POINTER_BYTES))?
    }

    fn field_bytes(&self) -> u64 {
        if self.needs_text_start() { 4 } else { POINTER_BYTES }
    }

    /// Streams through the table and keeps the functions of wanted names.
    pub(super) fn find(&self, image: &Image, wanted: &[Pattern]) -> Result<Vec<Match>> {
        let names = self
            .region
            .from(self.names)
            .ok_or(GoBinaryError::TruncatedPclntab { what: "its name table" })?;
        // The header does not say where the names end, but the next table
        // after them starts there.
        let names = Region { size: self.names_size(image)?.min(names.size), ..names };
        let candidates = Candidates::scan(image, names, wanted, WHAT)?;
        let mut found = Vec::new();
        if candidates.is_empty() {
            return Ok(found);
        }

        let mut functions = Window::new(image, self.region, WHAT);
        let mut records = Window::new(image, self.region, WHAT);
        let mut reads = 0;
        for index in 0..self.function_count {
            let position = self.functions + (index * 2 + 1) * self.field_bytes();
            let record = if self.needs_text_start() {
                functions.u32(position)?.map(u64::from)
            } else {
                functions.u64(position)?
            };
            let record =
                record.ok_or(GoBinaryError::TruncatedPclntab { what: "its function table" })?;
            // A record begins with the function's start, in the width of the
            // table's fields, and the offset of its name follows.
            let name_field = self
                .records
                .checked_add(record)
                .and_then(|record| record.checked_add(self.field_bytes()));
            let name = match name_field {
                Some(position) => records.u32(position)?,
                None => None,
            };
            let name = name.ok_or(GoBinaryError::TruncatedPclntab { what: "a function record" })?;
            if !candidates.contains(u64::from(name)) {
                continue;
            }
            reads += 1;
            if let Some((pattern, name)) = wanted_name(image, names, u64::from(name), wanted, WHAT)?
            {
                found.push(Match { pattern, name, index });
            }
            if reads > MAXIMUM_NAME_READS || found.len() > wanted.len().saturating_mul(16) {
                return Err(GoBinaryError::MalformedPclntab { what: "many functions of one name" });
            }
        }
        Ok(found)
    }

    fn names_size(&self, image: &Image) -> Result<u64> {
        // The word after the names' offset is that of the table behind them.
        let next = match self.layout {
            Layout::Go12 => return Ok(u64::MAX),
            Layout::Go116 => 3,
            Layout::Go118 | Layout::Go120 => 4,
        };
        let next = Window::new(image, self.region, WHAT).u64(8 + next * POINTER_BYTES)?;
        let size = next.and_then(|next| next.checked_sub(self.names));
        size.ok_or(GoBinaryError::MalformedPclntab { what: "its name table" })
    }

    /// Where the matches start and end.
    pub(super) fn extents(&self, image: &Image, matches: &[Match]) -> Result<Vec<Extent>> {
        let indices = matches.iter().map(|found| found.index);
        let starts: Vec<u64> = indices.flat_map(|index| [index, index + 1]).collect();
        let starts = self.starts(image, &starts)?;
        Ok(starts.chunks_exact(2).map(|pair| Extent { start: pair[0], end: pair[1] }).collect())
    }

    /// From the start of the first function to the end of the last.
    pub(super) fn whole(&self, image: &Image) -> Result<Extent> {
        let starts = self.starts(image, &[0, self.function_count])?;
        Ok(Extent { start: starts[0], end: starts[1] })
    }

    fn starts(&self, image: &Image, indices: &[u64]) -> Result<Vec<u64>> {
        let positions = indices.iter().map(|index| self.functions + index * 2 * self.field_bytes());
        if self.needs_text_start() {
            let mut window = Window::new(image, self.region, WHAT);
            let truncated = || GoBinaryError::TruncatedPclntab { what: "its function table" };
            return positions
                .map(|position| window.u32(position)?.map(u64::from).ok_or_else(truncated))
                .collect();
        }
        let addresses: Option<Vec<u64>> =
            positions.map(|position| self.address.checked_add(position)).collect();
        let addresses = addresses.ok_or(GoBinaryError::MalformedPclntab { what: "its address" })?;
        read_pointers(image, &addresses)
    }
}

fn layout(magic: u32) -> Option<Layout> {
    match magic {
        0xffff_fffb => Some(Layout::Go12),
        0xffff_fffa => Some(Layout::Go116),
        0xffff_fff0 => Some(Layout::Go118),
        0xffff_fff1 => Some(Layout::Go120),
        _ => None,
    }
}

/// The size of the smallest instruction, which the header repeats.
fn quantum(architecture: Architecture) -> u8 {
    match architecture {
        Architecture::Amd64 => 1,
        Architecture::Arm64 => 4,
    }
}

/// Positions in a region of what looks like the start of a table.
fn headers(image: &Image, region: Region) -> Result<Vec<u64>> {
    let mut window = Window::new(image, region, WHAT);
    let mut found = Vec::new();
    let mut position = 0;
    while let Some(word) = window.u64(position)? {
        let [a, b, c, d, rest @ ..] = word.to_le_bytes();
        if rest == [0, 0, quantum(image.architecture), 8]
            && layout(u32::from_le_bytes([a, b, c, d])).is_some()
        {
            found.push(position);
            if found.len() == MAXIMUM_HEADERS {
                break;
            }
        }
        position += POINTER_BYTES;
    }
    Ok(found)
}
