//! What a session delivers to a node: the launcher and the compressed probe.
//!
//! The build script puts both into this binary, for the architecture of the machine
//! that built it or for those named by `EARTHWORM_PROBES`.

#[cfg(test)]
mod hash;

use std::fmt;

/// What fits into one ConfigMap: the API server takes 1 MiB of keys and values,
/// and the object's labels and owner want to be stored as well.
pub const PART_MAX_BYTES: usize = 1000 * 1024;

/// The launcher's file name on the node.
pub const LAUNCHER_FILE: &str = "launcher";

/// The files that one kind of node needs.
#[derive(Clone, Copy)]
pub struct Payload {
    /// As in a Node's `status.nodeInfo.architecture`: `amd64` or `arm64`.
    pub architecture: &'static str,
    /// A static ELF program that unpacks the probe and becomes it.
    pub launcher: &'static [u8],
    /// The probe, a static ELF program, as one zstd frame with a checksum and a
    /// window of at most 2 MiB.
    pub probe: &'static [u8],
    /// The size of the probe when unpacked, in bytes.
    pub probe_unpacked_bytes: u64,
    /// Sixteen hexadecimal digits of a SHA-256 over launcher and probe: a name for
    /// this content.
    pub hash: &'static str,
}

// `static PAYLOADS: &[Payload]`, with the bytes.
include!(concat!(env!("OUT_DIR"), "/payloads.rs"));

/// A piece of a payload that fits into one ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// File names, unique over all parts, and what the files hold. All parts
    /// belong into one folder.
    pub files: Vec<(String, &'a [u8])>,
}

impl Payload {
    /// All payloads that this build carries.
    pub fn all() -> &'static [Self] {
        PAYLOADS
    }

    /// The payload for a node, by its `status.nodeInfo.architecture`.
    pub fn for_architecture(architecture: &str) -> Option<&'static Self> {
        PAYLOADS.iter().find(|payload| payload.architecture == architecture)
    }

    /// Splits the payload into pieces of at most [`PART_MAX_BYTES`]: the launcher
    /// as `launcher`, the probe as `probe.zst.000`, `probe.zst.001`, ...
    pub fn parts(&self) -> Vec<Part<'static>> {
        split(self.launcher, self.probe)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Payload")
            .field("architecture", &self.architecture)
            .field("launcher_bytes", &self.launcher.len())
            .field("probe_bytes", &self.probe.len())
            .field("probe_unpacked_bytes", &self.probe_unpacked_bytes)
            .field("hash", &self.hash)
            .finish()
    }
}

impl Part<'_> {
    /// What the API server counts: the bytes of all names and files.
    pub fn size_bytes(&self) -> usize {
        self.files.iter().map(|(name, bytes)| name.len() + bytes.len()).sum()
    }
}

/// The length of `probe.zst.000`.
const CHUNK_NAME_BYTES: usize = 13;

/// Lays the launcher and then the probe into parts, each filled to the limit.
fn split<'a>(launcher: &'a [u8], probe: &'a [u8]) -> Vec<Part<'a>> {
    let mut parts = vec![Part { files: vec![(LAUNCHER_FILE.to_owned(), launcher)] }];
    let mut room = PART_MAX_BYTES.saturating_sub(parts[0].size_bytes() + CHUNK_NAME_BYTES);
    let mut rest = probe;
    // At least one chunk, even of an empty probe: the launcher looks for it.
    for number in 0.. {
        let (chunk, behind) = rest.split_at(rest.len().min(room));
        let file = (format!("probe.zst.{number:03}"), chunk);
        match parts.last_mut() {
            Some(first) if number == 0 => first.files.push(file),
            _ => parts.push(Part { files: vec![file] }),
        }
        if behind.is_empty() {
            break;
        }
        rest = behind;
        room = PART_MAX_BYTES - CHUNK_NAME_BYTES;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::hash::content_hash;
    use super::*;

    /// Bytes in which every chunk looks different.
    fn bytes(size_bytes: usize) -> Vec<u8> {
        (0..size_bytes).map(|index| (index ^ (index >> 8) ^ (index >> 16)) as u8).collect()
    }

    #[test]
    fn parts_hold_everything_in_order_and_fit() {
        let launcher = bytes(55_000);
        let first_room = PART_MAX_BYTES - LAUNCHER_FILE.len() - launcher.len() - CHUNK_NAME_BYTES;
        let sizes = [0, 1, 10_000, 600_000, first_room, first_room + 1, 2_000_000, 5_000_000];
        for size_bytes in sizes {
            let probe = bytes(size_bytes);
            let parts = split(&launcher, &probe);

            let files: Vec<_> = parts.iter().flat_map(|part| &part.files).collect();
            assert_eq!(*files[0], (LAUNCHER_FILE.to_owned(), &launcher[..]));
            let mut joined = Vec::new();
            for (number, (name, chunk)) in files[1..].iter().enumerate() {
                assert_eq!(*name, format!("probe.zst.{number:03}"));
                joined.extend_from_slice(chunk);
            }
            assert!(joined == probe, "{size_bytes} bytes come back");

            for part in &parts {
                assert!(part.size_bytes() <= PART_MAX_BYTES, "{size_bytes}: part fits");
            }
            for part in &parts[..parts.len() - 1] {
                assert_eq!(part.size_bytes(), PART_MAX_BYTES, "{size_bytes}: no part is wasted");
            }
        }
    }

    #[test]
    fn small_payloads_are_one_part() {
        assert_eq!(split(&bytes(55_000), &bytes(700_000)).len(), 1);
        assert_eq!(split(&bytes(55_000), &[]).len(), 1);
    }

    #[test]
    fn hash_follows_the_content() {
        let hash = content_hash(b"launcher", b"probe");
        assert_eq!(hash.len(), 16);
        assert!(hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_eq!(hash, content_hash(b"launcher", b"probe"));
        assert_ne!(hash, content_hash(b"launcher", b"probf"));
        assert_ne!(hash, content_hash(b"launches", b"probe"));
        assert_ne!(hash, content_hash(b"launche", b"rprobe"));
    }

    #[test]
    fn embedded_payloads_are_what_they_say() {
        for payload in Payload::all() {
            assert_eq!(payload.hash, content_hash(payload.launcher, payload.probe));
            assert_eq!(Payload::for_architecture(payload.architecture).unwrap().hash, payload.hash);
            // Offset 18 of an ELF header: the machine.
            let machine = u16::from_le_bytes([payload.launcher[18], payload.launcher[19]]);
            assert_eq!(machine, if payload.architecture == "amd64" { 62 } else { 183 });
            assert!(payload.launcher.len() <= 64 * 1024, "{payload:?}");
            assert_eq!(payload.probe[..4], [0x28, 0xb5, 0x2f, 0xfd], "a zstd frame");
        }
    }

    #[test]
    fn unknown_architecture_has_no_payload() {
        assert!(Payload::for_architecture("s390x").is_none());
        // The name is Kubernetes' own, not the one of a target triple.
        assert!(Payload::for_architecture("x86_64").is_none());
    }
}
