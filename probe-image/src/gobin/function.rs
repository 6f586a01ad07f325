use std::fs::File;

use super::elf::read_at;
use super::error::{GoBinaryError, Result};
use super::instructions::{PROLOGUE_BYTES, prologue, returns};
use super::{Abi, Architecture, Pattern, TextStart};

/// Functions are decoded in memory. The largest ones of a kubelet that are
/// worth a probe have a few kilobytes.
const MAXIMUM_DECODED_BYTES: u64 = 1 << 20;

/// A function of an executable, by what its tables say.
///
/// Nothing of it may be probed before [`Function::entry`] has looked at the
/// code itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name as in the executable, with a vendor prefix where it has one;
    /// printable.
    pub name: String,
    /// Virtual address in the file; a position-independent executable is
    /// loaded at another one.
    pub address: u64,
    /// Size of the code, with the padding behind it when it came from the
    /// function table.
    pub size_bytes: u64,
    /// Where the code is in the file, which is what an uprobe is attached to.
    pub file_offset: u64,
    /// Which source told the address.
    pub trusted_by: TextStart,
    /// Processor the code is for.
    pub architecture: Architecture,
    /// Calling convention by the Go release, `None` when that is not known.
    pub abi: Option<Abi>,
}

/// The entry of a function, after a look at its first instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// File offset of the first instruction.
    pub file_offset: u64,
    /// Where the arguments are, by what the prologue does.
    pub abi: Abi,
}

impl Function {
    /// Checks that a compiled Go function begins here and says how it is called.
    ///
    /// # Errors
    /// [`NotAPrologue`](GoBinaryError::NotAPrologue) for anything else, which
    /// includes functions too small to check their stack;
    /// [`AbiContradiction`](GoBinaryError::AbiContradiction) when the prologue
    /// and the Go release disagree.
    pub fn entry(&self, file: &File) -> Result<Entry> {
        let mut bytes = [0; PROLOGUE_BYTES];
        let length = self.size_bytes.min(PROLOGUE_BYTES as u64) as usize;
        read_at(file, self.file_offset, &mut bytes[..length], "the entry of a function")?;
        let Some(abi) = prologue(self.architecture, &bytes[..length]) else {
            let (name, file_offset) = (self.name.clone(), self.file_offset);
            return Err(GoBinaryError::NotAPrologue { name, file_offset });
        };
        if self.abi.is_some_and(|expected| expected != abi) {
            return Err(GoBinaryError::AbiContradiction { name: self.name.clone() });
        }
        Ok(Entry { file_offset: self.file_offset, abi })
    }

    /// File offsets of all return instructions, in order; empty for a
    /// function that never returns. The entry is checked first.
    ///
    /// These stand in for return probes, which change the return address on
    /// the stack and thereby crash Go when it next walks or moves that stack.
    ///
    /// # Errors
    /// Those of [`Function::entry`], and
    /// [`UndecodableInstruction`](GoBinaryError::UndecodableInstruction) or
    /// [`FunctionTooLarge`](GoBinaryError::FunctionTooLarge).
    pub fn returns(&self, file: &File) -> Result<Vec<u64>> {
        self.entry(file)?;
        if self.size_bytes > MAXIMUM_DECODED_BYTES {
            let (name, size_bytes) = (self.name.clone(), self.size_bytes);
            return Err(GoBinaryError::FunctionTooLarge { name, size_bytes });
        }
        let mut code = vec![0; self.size_bytes as usize];
        read_at(file, self.file_offset, &mut code, "the code of a function")?;
        match returns(self.architecture, &code) {
            Ok(found) => Ok(found.into_iter().map(|at| self.file_offset + at).collect()),
            Err(at) => Err(GoBinaryError::UndecodableInstruction {
                name: self.name.clone(),
                file_offset: self.file_offset + at,
            }),
        }
    }
}

/// What a search found, by wanted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Functions {
    /// In the order of the patterns.
    pub(super) by_pattern: Vec<(Pattern, Vec<Function>)>,
}

impl Functions {
    /// All functions of a wanted name, at least one. There are more when the
    /// executable has both a plain and a vendored copy.
    ///
    /// # Errors
    /// [`FunctionNotFound`](GoBinaryError::FunctionNotFound) when there is
    /// none, or when this name was not among the patterns.
    pub fn named(&self, name: &str) -> Result<&[Function]> {
        let found = self.by_pattern.iter().find(|(pattern, _)| pattern.name() == name);
        match found {
            Some((_, functions)) if !functions.is_empty() => Ok(functions),
            _ => Err(GoBinaryError::FunctionNotFound { name: name.to_owned() }),
        }
    }

    /// All functions found.
    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        self.by_pattern.iter().flat_map(|(_, functions)| functions)
    }

    /// The wanted names that nothing was found for.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let empty = self.by_pattern.iter().filter(|(_, functions)| functions.is_empty());
        empty.map(|(pattern, _)| pattern.name())
    }
}
