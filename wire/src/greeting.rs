//! The first words on a connection. Their layout is fixed for ever: a version
//! that cannot read anything else can still read these.

use crate::PROTOCOL;
use crate::frame::FrameError;

/// Bytes of a session's token.
pub const TOKEN_BYTES: usize = 32;

/// First frame of every connection: `protocol: u16 | token | resume_after: u64`.
///
/// `resume_after` is the highest sequence number that the plugin has handled;
/// 0 for a first connection, since sequence numbers start at 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The plugin's [`PROTOCOL`].
    pub protocol: u16,
    /// The session's token, from the Secret that only this session's pod mounts.
    pub token: [u8; TOKEN_BYTES],
    /// Highest sequence number handled so far.
    pub resume_after: u64,
}

/// A token has no place in a log line.
impl std::fmt::Debug for Authentication {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Authentication")
            .field("protocol", &self.protocol)
            .field("resume_after", &self.resume_after)
            .finish_non_exhaustive()
    }
}

impl Authentication {
    /// For this version of the protocol.
    #[must_use]
    pub fn new(token: [u8; TOKEN_BYTES], resume_after: u64) -> Self {
        Self { protocol: PROTOCOL, token, resume_after }
    }

    /// The payload of an [`crate::frame::Kind::Authentication`] frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.protocol.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.token);
        bytes.extend_from_slice(&self.resume_after.to_le_bytes());
        bytes
    }

    /// Reads a payload of any protocol version: later ones may append fields.
    ///
    /// # Errors
    /// [`FrameError::Undecodable`] when bytes are missing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader(bytes);
        Ok(Self {
            protocol: u16::from_le_bytes(reader.take()?),
            token: reader.take()?,
            resume_after: u64::from_le_bytes(reader.take()?),
        })
    }

    /// Whether the tokens are equal, in a time that does not tell how far they are.
    #[must_use]
    pub fn has_token(&self, token: &[u8; TOKEN_BYTES]) -> bool {
        is_same_token(&self.token, token)
    }
}

/// Whether two tokens are equal, in a time that does not tell how far they are.
#[must_use]
pub fn is_same_token(left: &[u8; TOKEN_BYTES], right: &[u8; TOKEN_BYTES]) -> bool {
    let difference = left.iter().zip(right).fold(0_u8, |all, (left, right)| all | (left ^ right));
    std::hint::black_box(difference) == 0
}

/// The probe's answer to a right token: `protocol: u16 | next_sequence: u64 | version (UTF-8)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The probe's [`PROTOCOL`].
    pub protocol: u16,
    /// Sequence number of the next record that will be sent on this
    /// connection. Larger than `resume_after + 1` means records were lost
    /// between two connections; 1 means the session has just begun.
    pub next_sequence: u64,
    /// The probe's release, for people.
    pub version: String,
}

impl Hello {
    /// The payload of an [`crate::frame::Kind::Hello`] frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.protocol.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.next_sequence.to_le_bytes());
        bytes.extend_from_slice(self.version.as_bytes());
        bytes
    }

    /// Reads a payload of any protocol version.
    ///
    /// # Errors
    /// [`FrameError::Undecodable`] when bytes are missing or the version is not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader(bytes);
        Ok(Self {
            protocol: u16::from_le_bytes(reader.take()?),
            next_sequence: u64::from_le_bytes(reader.take()?),
            version: reader.text()?,
        })
    }
}

/// Why a probe ends a connection: `protocol: u16 | reason: u16 | text (UTF-8)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The probe's [`PROTOCOL`].
    pub protocol: u16,
    /// The stable reason.
    pub reason: RefusalReason,
    /// The same for people, with the versions in it where they matter.
    pub text: String,
}

/// Stable reasons of a [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// Token right, protocol version another one.
    Version,
    /// Token right, payload unreadable.
    Garbage,
    /// A reason of a later version.
    Unknown(u16),
}

impl RefusalReason {
    fn code(self) -> u16 {
        match self {
            Self::Version => 1,
            Self::Garbage => 2,
            Self::Unknown(code) => code,
        }
    }

    fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Version,
            2 => Self::Garbage,
            other => Self::Unknown(other),
        }
    }
}

impl Refusal {
    /// The payload of an [`crate::frame::Kind::Refusal`] frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.protocol.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.reason.code().to_le_bytes());
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }

    /// Reads a payload of any protocol version.
    ///
    /// # Errors
    /// [`FrameError::Undecodable`] when bytes are missing or the text is not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader(bytes);
        Ok(Self {
            protocol: u16::from_le_bytes(reader.take()?),
            reason: RefusalReason::from_code(u16::from_le_bytes(reader.take()?)),
            text: reader.text()?,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or_else(|| FrameError::Undecodable("greeting is too short".into()))?;
        self.0 = rest;
        Ok(*head)
    }

    fn text(self) -> Result<String, FrameError> {
        String::from_utf8(self.0.to_vec())
            .map_err(|_| FrameError::Undecodable("greeting is not UTF-8".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_survive_the_stream() {
        let authentication = Authentication::new([7; TOKEN_BYTES], 42);
        assert_eq!(Authentication::from_bytes(&authentication.to_bytes()), Ok(authentication));
        let hello = Hello { protocol: 9, next_sequence: 43, version: "0.1.0".into() };
        assert_eq!(Hello::from_bytes(&hello.to_bytes()), Ok(hello));
        let refusal = Refusal { protocol: 1, reason: RefusalReason::Garbage, text: "what".into() };
        assert_eq!(Refusal::from_bytes(&refusal.to_bytes()), Ok(refusal));
    }

    #[test]
    fn a_short_greeting_is_an_error() {
        for length in 0..42 {
            assert!(Authentication::from_bytes(&vec![0; length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn only_the_whole_token_opens() {
        let token = [3; TOKEN_BYTES];
        assert!(Authentication::new(token, 0).has_token(&token));
        for position in 0..TOKEN_BYTES {
            let mut other = token;
            other[position] ^= 0x80;
            assert!(!Authentication::new(other, 0).has_token(&token));
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let shown = format!("{:?}", Authentication::new([0xAB; TOKEN_BYTES], 5));
        assert!(!shown.to_lowercase().contains("ab, ab") && !shown.contains("171"), "{shown}");
    }
}
