//! Which Go release built the executable: `.go.buildinfo`, in both layouts
//! (`debug/buildinfo/buildinfo.go`).

use std::fmt;

use super::elf::{Image, Region};
use super::error::{GoBinaryError, Result};
use super::pclntab::Layout;
use super::relocations::read_pointers;
use super::{Abi, Architecture};

const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const HEADER_BYTES: u64 = 32;
const FLAG_INLINE: u8 = 2;
const MAXIMUM_VERSION_BYTES: u64 = 128;

/// A Go release.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GoVersion {
    /// The 1 of `go1.26.8`.
    pub major: u32,
    /// The 26 of `go1.26.8`.
    pub minor: u32,
    /// The 8 of `go1.26.8`; zero for release candidates and development builds.
    pub patch: u32,
    /// What the linker wrote, with vendor and experiment notes; printable
    /// ASCII only.
    pub text: String,
}

impl GoVersion {
    /// Reads `go1.26.8`, `go1.22.9 (Red Hat 1.22.9-2.el9) X:strictfipsruntime`,
    /// `go1.27rc1` or `devel go1.27-0123abc`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let word = text.split_whitespace().find_map(|word| word.strip_prefix("go"))?;
        let mut parts = word.splitn(3, '.');
        let major = leading_number(parts.next()?)?;
        let minor = leading_number(parts.next()?)?;
        let patch = parts.next().and_then(leading_number).unwrap_or(0);
        let text = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        Some(Self { major, minor, patch, text })
    }

    /// The calling convention of this release.
    #[must_use]
    pub fn abi(&self, architecture: Architecture) -> Abi {
        let first_with_registers = match architecture {
            Architecture::Amd64 => (1, 17),
            Architecture::Arm64 => (1, 18),
        };
        if (self.major, self.minor) >= first_with_registers { Abi::Register } else { Abi::Stack }
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The calling convention a function table layout implies, where it does:
/// Go 1.16 and 1.17 share one, and amd64 changed in between.
pub(super) fn abi_of_layout(layout: Layout, architecture: Architecture) -> Option<Abi> {
    match (layout, architecture) {
        (Layout::Go12, _) | (Layout::Go116, Architecture::Arm64) => Some(Abi::Stack),
        (Layout::Go116, Architecture::Amd64) => None,
        (Layout::Go118 | Layout::Go120, _) => Some(Abi::Register),
    }
}

/// Whether the section is there, whatever it says.
pub(super) fn exists(image: &Image) -> bool {
    image.section(&[".go.buildinfo"]).is_some()
}

/// Reads the version; `None` when the section is missing or says nothing that
/// makes sense, because the probes work without it.
pub(super) fn read(image: &Image) -> Result<Option<GoVersion>> {
    match read_text(image) {
        Ok(text) => Ok(text.as_deref().and_then(GoVersion::parse)),
        Err(error @ GoBinaryError::Read { .. }) => Err(error),
        Err(_) => Ok(None),
    }
}

fn read_text(image: &Image) -> Result<Option<String>> {
    let Some(section) = image.section(&[".go.buildinfo"]) else { return Ok(None) };
    let what = "the build information";
    let size = section.region.size.min(HEADER_BYTES + MAXIMUM_VERSION_BYTES + 2);
    let bytes = image.read(Region { size, ..section.region }, what)?;
    let Some(header) = bytes.get(..HEADER_BYTES as usize) else { return Ok(None) };
    if !header.starts_with(MAGIC) {
        return Ok(None);
    }
    let [pointer_bytes, flags] = [header[14], header[15]];
    if flags & FLAG_INLINE != 0 {
        // A length of two bytes would already be longer than any version.
        let Some((length, text)) = bytes[HEADER_BYTES as usize..].split_first() else {
            return Ok(None);
        };
        let text = text.get(..usize::from(*length)).filter(|_| *length < 128);
        return Ok(text.map(|text| String::from_utf8_lossy(text).into_owned()));
    }

    // Before Go 1.18: a pointer to a string header, which is a pointer to the
    // bytes and their number. A low flag bit means big endian.
    if pointer_bytes != 8 || flags & 1 != 0 {
        return Ok(None);
    }
    let string = read_pointers(image, &[section.address.saturating_add(16)])?[0];
    let parts = read_pointers(image, &[string, string.saturating_add(8)])?;
    let size = parts[1].min(MAXIMUM_VERSION_BYTES);
    let Some(region) = image.loaded(parts[0], size) else { return Ok(None) };
    let text = image.read(region, what)?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_releases_vendors_and_development() {
        for (text, expected) in [
            ("go1.26.8", Some((1, 26, 8))),
            ("go1.22.9 (Red Hat 1.22.9-2.el9) X:strictfipsruntime", Some((1, 22, 9))),
            ("go1.15", Some((1, 15, 0))),
            ("go1.27rc1", Some((1, 27, 0))),
            ("devel go1.27-0123abc Mon", Some((1, 27, 0))),
            ("devel +a1b2c3", None),
            ("go99999999999.1", None),
            ("", None),
        ] {
            let version = GoVersion::parse(text);
            let numbers = version.map(|version| (version.major, version.minor, version.patch));
            assert_eq!(numbers, expected, "{text}");
        }
        let hostile = GoVersion::parse("go1.26.8\u{1b}[2J").expect("the number is readable");
        assert_eq!(hostile.to_string(), "go1.26.8[2J");
    }

    #[test]
    fn registers_from_1_17_on_amd64_and_1_18_on_arm64() {
        let abi = |text, architecture| GoVersion::parse(text).map(|v| v.abi(architecture));
        assert_eq!(abi("go1.16.15", Architecture::Amd64), Some(Abi::Stack));
        assert_eq!(abi("go1.17", Architecture::Amd64), Some(Abi::Register));
        assert_eq!(abi("go1.17.13", Architecture::Arm64), Some(Abi::Stack));
        assert_eq!(abi("go1.18", Architecture::Arm64), Some(Abi::Register));
    }
}
