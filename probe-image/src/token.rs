//! The session's token, as the pod mounts it from its Secret.

use earthworm_wire::greeting::TOKEN_BYTES;
use std::path::Path;

/// Why a token cannot be used. The token itself is never part of a message.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read token file {path}: {source}")]
    Unreadable {
        /// Where it should be.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The content is not 64 hexadecimal digits.
    #[error("token file {0} does not hold 64 hexadecimal digits")]
    Malformed(String),
}

/// Reads the token at `path`.
///
/// # Errors
/// [`TokenError`], with the path but never the content.
pub fn read(path: &Path) -> Result<[u8; TOKEN_BYTES], TokenError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|source| TokenError::Unreadable { path: shown.clone(), source })?;
    decode(text.trim()).ok_or(TokenError::Malformed(shown))
}

/// The token that these 64 hexadecimal digits are.
#[must_use]
pub fn decode(text: &str) -> Option<[u8; TOKEN_BYTES]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 2 * TOKEN_BYTES { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_hexadecimal_digits_are_a_token() {
        assert_eq!(decode(&"a5".repeat(32)), Some([0xa5; 32]));
        assert_eq!(decode(&"a5".repeat(31)), None);
        assert_eq!(decode(&"a".repeat(65)), None);
        assert_eq!(decode(&"zz".repeat(32)), None);
        assert_eq!(decode(&"ä".repeat(64)), None);
    }
}
