//! The ELF side: headers, sections, and where addresses are in the file.
//!
//! Everything is read by position, header by header, because a kubelet has
//! 80 MB and more and the probe is allowed 20 MB in total.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::os::unix::fs::FileExt;

use object::LittleEndian as LE;
use object::elf::{
    self, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, PF_X, PT_LOAD, ProgramHeader64,
    SectionHeader64, SectionType,
};
use object::pod::{Pod, from_bytes, slice_from_bytes};

use super::Architecture;
use super::error::{GoBinaryError, Result};

/// Go's own linker writes about 30 sections, an external one about 60.
const MAXIMUM_SECTIONS: usize = 4096;
/// Go writes about 10 program headers.
const MAXIMUM_SEGMENTS: usize = 256;
const MAXIMUM_SECTION_NAMES_BYTES: u64 = 1 << 16;

/// A range of bytes of the file, known to lie inside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    /// File offset of the first byte.
    pub(super) offset: u64,
    /// Number of bytes.
    pub(super) size: u64,
}

impl Region {
    /// The rest of this region from `start` on; `None` when `start` lies behind its end.
    pub(super) fn from(self, start: u64) -> Option<Self> {
        let size = self.size.checked_sub(start)?;
        Some(Self { offset: self.offset.checked_add(start)?, size })
    }
}

/// One section that has bytes in the file.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) kind: SectionType,
    /// Virtual address, zero for sections that are not loaded.
    pub(super) address: u64,
    pub(super) region: Region,
    /// Index of the section this one refers to, such as a string table.
    pub(super) link: u32,
}

#[derive(Debug)]
struct Segment {
    address: u64,
    region: Region,
    executable: bool,
}

/// An open executable and its headers.
#[derive(Debug)]
pub(super) struct Image {
    file: File,
    pub(super) size_bytes: u64,
    pub(super) architecture: Architecture,
    pub(super) pie: bool,
    /// Indexed as in the file; sections without bytes (`.bss`) and those that
    /// reach past the end of the file are `None`.
    sections: Vec<Option<Section>>,
    segments: Vec<Segment>,
    /// Digest of all headers: tells two builds with one build id apart.
    pub(super) fingerprint: u64,
}

/// Reads a whole buffer at a file offset.
pub(super) fn read_at(
    file: &File,
    offset: u64,
    buffer: &mut [u8],
    what: &'static str,
) -> Result<()> {
    file.read_exact_at(buffer, offset).map_err(|source| match source.kind() {
        io::ErrorKind::UnexpectedEof => GoBinaryError::TruncatedElf { what },
        _ => GoBinaryError::Read { what, source },
    })
}

impl Image {
    /// Reads the ELF, program and section headers.
    pub(super) fn open(file: &File) -> Result<Self> {
        let what = "the ELF header";
        let file = file.try_clone().map_err(|source| GoBinaryError::Read { what, source })?;
        let size_bytes =
            file.metadata().map_err(|source| GoBinaryError::Read { what, source })?.len();

        let mut magic = [0; 4];
        match read_at(&file, 0, &mut magic, what) {
            Err(GoBinaryError::TruncatedElf { .. }) => return Err(GoBinaryError::NotElf),
            other => other?,
        }
        if magic != elf::ELFMAG {
            return Err(GoBinaryError::NotElf);
        }
        let mut bytes = [0; size_of::<FileHeader64<LE>>()];
        read_at(&file, 0, &mut bytes, what)?;
        let header: &FileHeader64<LE> = cast(&bytes)?;
        let architecture = architecture(header)?;
        let pie = match header.e_type.get(LE) {
            ET_DYN => true,
            ET_EXEC => false,
            _ => return Err(GoBinaryError::MalformedElf { what: "not an executable" }),
        };

        let mut fingerprint = DefaultHasher::new();
        fingerprint.write(&bytes);
        let mut image = Self {
            file,
            size_bytes,
            architecture,
            pie,
            sections: Vec::new(),
            segments: Vec::new(),
            fingerprint: 0,
        };
        image.read_segments(header, &mut fingerprint)?;
        image.read_sections(header, &mut fingerprint)?;
        image.fingerprint = fingerprint.finish();
        Ok(image)
    }

    fn read_segments(
        &mut self,
        header: &FileHeader64<LE>,
        digest: &mut DefaultHasher,
    ) -> Result<()> {
        let count = usize::from(header.e_phnum.get(LE));
        if count > MAXIMUM_SEGMENTS
            || usize::from(header.e_phentsize.get(LE)) != size_of::<ProgramHeader64<LE>>()
        {
            return Err(GoBinaryError::MalformedElf { what: "the program header table" });
        }
        let bytes = self.read_table::<ProgramHeader64<LE>>(
            header.e_phoff.get(LE),
            count,
            "the program header table",
        )?;
        digest.write(&bytes);
        for segment in cast_slice::<ProgramHeader64<LE>>(&bytes, count)? {
            if segment.p_type.get(LE) != PT_LOAD {
                continue;
            }
            // A segment may be cut off by a truncated file; what is behind
            // the end then simply has no file offset.
            let offset = segment.p_offset.get(LE).min(self.size_bytes);
            let size = segment.p_filesz.get(LE).min(self.size_bytes - offset);
            self.segments.push(Segment {
                address: segment.p_vaddr.get(LE),
                region: Region { offset, size },
                executable: segment.p_flags.get(LE).0 & PF_X.0 != 0,
            });
        }
        Ok(())
    }

    fn read_sections(
        &mut self,
        header: &FileHeader64<LE>,
        digest: &mut DefaultHasher,
    ) -> Result<()> {
        let count = usize::from(header.e_shnum.get(LE));
        if count == 0 {
            // Packed executables have no section headers, and nothing of Go
            // can be found in them.
            return Ok(());
        }
        if count > MAXIMUM_SECTIONS
            || usize::from(header.e_shentsize.get(LE)) != size_of::<SectionHeader64<LE>>()
        {
            return Err(GoBinaryError::MalformedElf { what: "the section header table" });
        }
        let bytes = self.read_table::<SectionHeader64<LE>>(
            header.e_shoff.get(LE),
            count,
            "the section header table",
        )?;
        digest.write(&bytes);
        let headers = cast_slice::<SectionHeader64<LE>>(&bytes, count)?;

        let names = headers
            .get(usize::from(header.e_shstrndx.get(LE).0))
            .and_then(|section| self.section_region(section))
            .ok_or(GoBinaryError::MalformedElf { what: "no section names" })?;
        let names = self.read(
            Region { size: names.size.min(MAXIMUM_SECTION_NAMES_BYTES), ..names },
            "the section names",
        )?;
        self.sections = headers
            .iter()
            .map(|section| {
                Some(Section {
                    name: section_name(&names, section.sh_name.get(LE)),
                    kind: section.sh_type.get(LE),
                    address: section.sh_addr.get(LE),
                    region: self.section_region(section)?,
                    link: section.sh_link.get(LE),
                })
            })
            .collect();
        Ok(())
    }

    fn section_region(&self, section: &SectionHeader64<LE>) -> Option<Region> {
        if matches!(section.sh_type.get(LE), elf::SHT_NOBITS | elf::SHT_NULL) {
            return None;
        }
        self.region(section.sh_offset.get(LE), section.sh_size.get(LE))
    }

    fn read_table<T: Pod>(&self, offset: u64, count: usize, what: &'static str) -> Result<Vec<u8>> {
        let size = (count as u64).saturating_mul(size_of::<T>() as u64);
        let region = self.region(offset, size).ok_or(GoBinaryError::TruncatedElf { what })?;
        self.read(region, what)
    }

    /// The region of `size` bytes at a file offset, if the file is that long.
    fn region(&self, offset: u64, size: u64) -> Option<Region> {
        let end = offset.checked_add(size)?;
        (end <= self.size_bytes).then_some(Region { offset, size })
    }

    /// Reads a region whole. Callers bound its size first.
    pub(super) fn read(&self, region: Region, what: &'static str) -> Result<Vec<u8>> {
        let size = usize::try_from(region.size)
            .map_err(|_| GoBinaryError::MalformedElf { what: "a size beyond all memory" })?;
        let mut bytes = vec![0; size];
        self.read_at(region.offset, &mut bytes, what)?;
        Ok(bytes)
    }

    /// Reads a whole buffer at a file offset.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8], what: &'static str) -> Result<()> {
        read_at(&self.file, offset, buffer, what)
    }

    /// The first section of one of these names.
    pub(super) fn section(&self, names: &[&str]) -> Option<&Section> {
        self.sections().find(|section| names.contains(&section.name.as_str()))
    }

    /// All sections that have bytes.
    pub(super) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().flatten()
    }

    /// The section another one refers to by index.
    pub(super) fn linked(&self, section: &Section) -> Option<&Section> {
        self.sections.get(usize::try_from(section.link).ok()?)?.as_ref()
    }

    /// File region of `size` loaded bytes at a virtual address, from the
    /// segment that holds all of them: `vaddr - p_vaddr + p_offset`.
    pub(super) fn loaded(&self, address: u64, size: u64) -> Option<Region> {
        self.segments.iter().find_map(|segment| segment.part(address, size))
    }

    /// The same for bytes that a processor may execute.
    pub(super) fn code(&self, address: u64, size: u64) -> Option<Region> {
        let mut segments = self.segments.iter().filter(|segment| segment.executable);
        segments.find_map(|segment| segment.part(address, size))
    }
}

impl Segment {
    fn part(&self, address: u64, size: u64) -> Option<Region> {
        let start = address.checked_sub(self.address)?;
        let end = start.checked_add(size)?;
        (start < self.region.size && end <= self.region.size)
            .then_some(Region { offset: self.region.offset + start, size })
    }
}

fn architecture(header: &FileHeader64<LE>) -> Result<Architecture> {
    let ident = header.e_ident;
    let machine = header.e_machine.get(LE);
    let unsupported = GoBinaryError::UnsupportedArchitecture { machine: machine.0 };
    if ident.data != elf::ELFDATA2LSB || ident.class != elf::ELFCLASS64 {
        return Err(unsupported);
    }
    match machine {
        EM_X86_64 => Ok(Architecture::Amd64),
        EM_AARCH64 => Ok(Architecture::Arm64),
        _ => Err(unsupported),
    }
}

fn section_name(names: &[u8], offset: u32) -> String {
    let name = usize::try_from(offset).ok().and_then(|offset| names.get(offset..));
    let name = name.and_then(|name| name.split(|byte| *byte == 0).next()).unwrap_or_default();
    // Real names are short; a long one matches nothing anyway.
    String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned()
}

/// Views the head of `bytes` as a structure of the ELF format.
pub(super) fn cast<T: Pod>(bytes: &[u8]) -> Result<&T> {
    let short = GoBinaryError::MalformedElf { what: "a short structure" };
    from_bytes(bytes).map(|(value, _)| value).map_err(|()| short)
}

/// Views the head of `bytes` as `count` structures of the ELF format.
pub(super) fn cast_slice<T: Pod>(bytes: &[u8], count: usize) -> Result<&[T]> {
    let short = GoBinaryError::MalformedElf { what: "a short table" };
    slice_from_bytes(bytes, count).map(|(values, _)| values).map_err(|()| short)
}
