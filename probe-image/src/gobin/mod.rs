//! Finds the places in a Go executable where a probe may be put.
//!
//! The executable is a kubelet that somebody else built: 80 to 200 MB,
//! usually without a symbol table, and running. Three rules follow.
//!
//! * **Nothing is loaded whole.** Tables are read by position and streamed
//!   through small buffers; only matches are kept.
//! * **Nothing is believed.** Every offset, size and count in the file may be
//!   wrong. Whatever the bytes are, the answer is a result or an error, in
//!   time and memory bounded by the size of the file.
//! * **Nothing is guessed.** Function addresses come from a source that is
//!   known to be right ([`TextStart`]), and before a probe is put anywhere the
//!   code there has to begin as the Go compiler begins functions
//!   ([`Function::entry`]). Otherwise there is an error and no probe.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use earthworm_probe::gobin::{GoBinary, Pattern};
//!
//! let file = std::fs::File::open("/proc/4711/exe")?;
//! let name = "crypto/tls.(*Conn).Write";
//! let functions = GoBinary::open(&file)?.find(&[Pattern::new(name)])?;
//! for function in functions.named(name)? {
//!     println!("entry at {:#x}", function.entry(&file)?.file_offset);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Go from 1.15 on is read, for amd64 and arm64, plain, position-independent
//! and linked with C code.

mod buildinfo;
mod cache;
mod elf;
mod error;
mod function;
mod instructions;
mod notes;
mod pattern;
mod pclntab;
mod relocations;
mod stream;
mod symbols;
#[cfg(test)]
mod tests;
mod text_start;

use std::fs::File;

pub use buildinfo::GoVersion;
pub use cache::FunctionCache;
pub use error::GoBinaryError;
pub use function::{Entry, Function, Functions};
pub use pattern::Pattern;
pub use text_start::TextStart;

use elf::Image;
use error::Result;
use pclntab::Pclntab;

/// A processor Go code is probed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// AArch64, little endian.
    Arm64,
}

/// How Go functions pass arguments and results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Abi {
    /// In registers. amd64: AX BX CX DI SI R8 R9 R10 R11, `g` in R14.
    /// arm64: R0 to R15, `g` in R28.
    Register,
    /// On the stack: arguments first, then results, from 8 bytes above the
    /// stack pointer at the entry.
    Stack,
}

/// An open Go executable.
#[derive(Debug)]
pub struct GoBinary {
    image: Image,
    go_version: Option<GoVersion>,
    build_id: Option<String>,
    abi: Option<Abi>,
}

impl GoBinary {
    /// Reads the headers, the Go release and the build id: a few kilobytes.
    ///
    /// The handle is duplicated, so `file` may be closed afterwards.
    ///
    /// # Errors
    /// When the file is not an ELF executable for amd64 or arm64, or not built by Go.
    pub fn open(file: &File) -> Result<Self> {
        let image = Image::open(file)?;
        if !buildinfo::exists(&image) && !Pclntab::exists(&image) {
            return Err(GoBinaryError::NotGo);
        }
        let go_version = buildinfo::read(&image)?;
        let abi = match &go_version {
            Some(version) => Some(version.abi(image.architecture)),
            None => Pclntab::open(&image)?
                .and_then(|table| buildinfo::abi_of_layout(table.layout, image.architecture)),
        };
        let build_id = notes::build_id(&image)?;
        Ok(Self { image, go_version, build_id, abi })
    }

    /// The processor the code is for.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.image.architecture
    }

    /// The Go release, when the executable says it.
    #[must_use]
    pub fn go_version(&self) -> Option<&GoVersion> {
        self.go_version.as_ref()
    }

    /// The GNU build id in hexadecimal, or else Go's own; printable.
    #[must_use]
    pub fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// Whether the executable is position independent.
    #[must_use]
    pub fn pie(&self) -> bool {
        self.image.pie
    }

    /// The calling convention by the Go release, or by the layout of the
    /// function table where that is certain.
    #[must_use]
    pub fn abi(&self) -> Option<Abi> {
        self.abi
    }

    /// Looks for functions in the symbol table, and for those that are not in
    /// it in Go's function table.
    ///
    /// A function that is not there is no error yet: it is missing from the
    /// result ([`Functions::named`], [`Functions::missing`]).
    ///
    /// # Errors
    /// When a table is cut off or contradicts itself, and when no trusted
    /// source says where the text starts.
    pub fn find(&self, wanted: &[Pattern]) -> Result<Functions> {
        let mut by_pattern: Vec<(Pattern, Vec<Function>)> =
            wanted.iter().map(|pattern| (pattern.clone(), Vec::new())).collect();
        for symbol in symbols::find(&self.image, ".symtab", wanted)? {
            if symbol.size > 0 {
                let function = self.function(
                    symbol.name,
                    symbol.address,
                    symbol.size,
                    TextStart::SymbolTable,
                )?;
                by_pattern[symbol.pattern].1.push(function);
            }
        }
        let missing: Vec<Pattern> = by_pattern
            .iter()
            .filter(|(_, functions)| functions.is_empty())
            .map(|(pattern, _)| pattern.clone())
            .collect();
        if missing.is_empty() {
            return Ok(Functions { by_pattern });
        }
        for (pattern, function) in self.find_in_pclntab(&missing)? {
            // The same pattern may have been asked for twice.
            for (_, functions) in by_pattern.iter_mut().filter(|(other, _)| *other == pattern) {
                functions.push(function.clone());
            }
        }
        Ok(Functions { by_pattern })
    }

    fn find_in_pclntab(&self, wanted: &[Pattern]) -> Result<Vec<(Pattern, Function)>> {
        let table = Pclntab::open(&self.image)?.ok_or(GoBinaryError::NoPclntab)?;
        let matches = table.find(&self.image, wanted)?;
        if matches.is_empty() {
            return Ok(Vec::new());
        }
        let (start, trusted_by) = if table.needs_text_start() {
            text_start::find(&self.image, &table)?
        } else {
            (0, TextStart::PclntabAddresses)
        };
        let extents = table.extents(&self.image, &matches)?;
        let functions = matches.into_iter().zip(extents).map(|(found, extent)| {
            let address = start.checked_add(extent.start);
            let size = extent.end.checked_sub(extent.start).filter(|size| *size > 0);
            let (Some(address), Some(size)) = (address, size) else {
                return Err(GoBinaryError::MalformedPclntab { what: "the order of functions" });
            };
            let function = self.function(found.name, address, size, trusted_by)?;
            Ok((wanted[found.pattern].clone(), function))
        });
        functions.collect()
    }

    fn function(
        &self,
        name: String,
        address: u64,
        size_bytes: u64,
        trusted_by: TextStart,
    ) -> Result<Function> {
        let Some(code) = self.image.code(address, size_bytes) else {
            return Err(GoBinaryError::OutsideCode { name, address });
        };
        Ok(Function {
            name,
            address,
            size_bytes,
            file_offset: code.offset,
            trusted_by,
            architecture: self.image.architecture,
            abi: self.abi,
        })
    }
}
