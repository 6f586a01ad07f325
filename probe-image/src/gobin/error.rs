use std::io;

/// Why an executable could not be used for probes.
///
/// Every variant means "fall back to a weaker lead", never "probe anyway": a
/// probe at a wrong offset overwrites an instruction of a running process.
#[derive(Debug, thiserror::Error)]
pub enum GoBinaryError {
    /// The operating system refused a read of the file.
    #[error("cannot read {what} of the executable: {source}")]
    Read {
        /// Which part was being read.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file does not begin with the ELF magic.
    #[error("not an ELF file")]
    NotElf,
    /// The file is an ELF file whose headers contradict each other.
    #[error("malformed ELF file: {what}")]
    MalformedElf {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Some table of the ELF file reaches past the end of the file.
    #[error("truncated ELF file: {what} reaches past the end")]
    TruncatedElf {
        /// Which part is cut off.
        what: &'static str,
    },
    /// An ELF file for a processor this reader knows no instructions of.
    #[error("unsupported architecture: ELF machine {machine}, neither amd64 nor arm64")]
    UnsupportedArchitecture {
        /// The `e_machine` number.
        machine: u16,
    },
    /// An ELF file without the sections every Go linker writes.
    #[error("not a Go program: neither .go.buildinfo nor .gopclntab is there")]
    NotGo,
    /// A Go program whose function table was removed.
    #[error("no function table: the executable has no .gopclntab section")]
    NoPclntab,
    /// The function table refers to bytes behind its own end.
    #[error("truncated pclntab: {what} reaches past the end")]
    TruncatedPclntab {
        /// Which part is cut off.
        what: &'static str,
    },
    /// The function table is of a Go release this reader does not know.
    #[error("unknown pclntab magic {magic:#010x}")]
    UnknownPclntabMagic {
        /// The first four bytes, little endian.
        magic: u32,
    },
    /// The function table contradicts itself.
    #[error("malformed pclntab: {what}")]
    MalformedPclntab {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The table holds offsets, and nothing says reliably from where.
    #[error("no trusted text start: function addresses would be guesses")]
    NoTrustedTextStart,
    /// The executable has no such function, or only inlined copies of it.
    #[error("function {name} not found")]
    FunctionNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// More functions of one name than any real program has.
    #[error("too many functions named {name}")]
    TooManyMatches {
        /// The name that was asked for.
        name: String,
    },
    /// The tables place the function outside of the executable segments.
    #[error("function {name} at address {address:#x} is not inside the code of the executable")]
    OutsideCode {
        /// Name of the function.
        name: String,
        /// Virtual address the tables gave.
        address: u64,
    },
    /// What is at the entry is not the start of a compiled Go function.
    #[error("not a Go prologue at file offset {file_offset:#x}, where {name} should start")]
    NotAPrologue {
        /// Name of the function.
        name: String,
        /// File offset of the supposed entry.
        file_offset: u64,
    },
    /// The prologue belongs to the other calling convention than the Go
    /// version says: arguments would be read from the wrong places.
    #[error("the prologue of {name} contradicts the calling convention of its Go version")]
    AbiContradiction {
        /// Name of the function.
        name: String,
    },
    /// The bytes of the function are not instructions all the way through.
    #[error("undecodable instruction at file offset {file_offset:#x} in {name}")]
    UndecodableInstruction {
        /// Name of the function.
        name: String,
        /// File offset of the instruction.
        file_offset: u64,
    },
    /// The function is too large to be decoded in bounded memory.
    #[error("function {name} has {size_bytes} bytes, too many to decode")]
    FunctionTooLarge {
        /// Name of the function.
        name: String,
        /// Its size.
        size_bytes: u64,
    },
}

/// Shorthand inside this module.
pub(super) type Result<T> = std::result::Result<T, GoBinaryError>;
