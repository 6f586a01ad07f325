//! The name of a payload's content. This file is the build script's: it writes the
//! hashes that the plugin finds beside the bytes. Here it only serves the tests.

use sha2::{Digest, Sha256};

/// As many hexadecimal digits as an object's name has room for; 64 bits are plenty
/// to tell the payloads of one cluster apart.
const DIGITS: usize = 16;

/// The first 16 hexadecimal digits of a SHA-256 over the launcher and the
/// compressed probe.
pub(crate) fn content_hash(launcher: &[u8], probe: &[u8]) -> String {
    let mut hasher = Sha256::new();
    // With the length in front, no byte can move from one file to the other
    // without changing the hash.
    hasher.update((launcher.len() as u64).to_le_bytes());
    hasher.update(launcher);
    hasher.update(probe);
    hasher.finalize().iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}
