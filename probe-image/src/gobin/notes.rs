//! The build id: the GNU note, or else the Go note.

use super::elf::{Image, Region};
use super::error::Result;
use object::elf::SHT_NOTE;

const MAXIMUM_NOTE_BYTES: u64 = 4096;
const MAXIMUM_NOTES: usize = 16;
const GNU_BUILD_ID: u32 = 3;
const GO_BUILD_ID: u32 = 4;

/// Reads the build id: lowercase hexadecimal digits from the GNU note, the
/// printable text of the Go note otherwise.
pub(super) fn build_id(image: &Image) -> Result<Option<String>> {
    let mut go = None;
    let sections = image.sections().filter(|section| section.kind == SHT_NOTE);
    for section in sections.take(MAXIMUM_NOTES) {
        let size = section.region.size.min(MAXIMUM_NOTE_BYTES);
        let bytes = image.read(Region { size, ..section.region }, "the notes")?;
        for (owner, kind, description) in notes(&bytes) {
            match (owner, kind) {
                (b"GNU\0", GNU_BUILD_ID) if !description.is_empty() => {
                    return Ok(Some(hexadecimal(description)));
                }
                (b"Go\0\0", GO_BUILD_ID) => go = printable(description),
                _ => {}
            }
        }
    }
    Ok(go)
}

/// Owner with its padding, type and description of each complete note.
fn notes(bytes: &[u8]) -> impl Iterator<Item = (&[u8], u32, &[u8])> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        let word = |at: usize| {
            left.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes)
        };
        let (owner, description, kind) = (word(0)?, word(4)?, word(8)?);
        let owner_end = 12_usize.checked_add(aligned(owner)?)?;
        let end = owner_end.checked_add(usize::try_from(description).ok()?)?;
        let note = (left.get(12..owner_end)?, kind, left.get(owner_end..end)?);
        left = left.get(owner_end.checked_add(aligned(description)?)?..).unwrap_or_default();
        Some(note)
    })
}

fn aligned(size: u32) -> Option<usize> {
    usize::try_from(size).ok()?.checked_next_multiple_of(4)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn printable(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\0');
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_end_where_the_bytes_do() {
        let mut bytes = Vec::new();
        for word in [4_u32, 3, 3] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(b"GNU\0\x01\x02\x03\x00");
        let one = bytes.clone();
        bytes.extend([0xff; 40]);
        let found: Vec<_> = notes(&bytes).collect();
        assert_eq!(found, [(&b"GNU\0"[..], 3, &[1, 2, 3][..])]);
        for length in 0..19 {
            assert_eq!(notes(&one[..length]).count(), 0, "{length}");
        }
        assert_eq!(hexadecimal(&[0xab, 0x01]), "ab01");
        assert_eq!(printable(b"a/b\0"), Some("a/b".to_owned()));
        assert_eq!(printable(b"a\x1b"), None);
    }
}
