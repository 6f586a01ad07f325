//! Frames: `length: u32 | kind: u8 | flags: u8 | payload`, little endian,
//! where `length` counts the payload alone.

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Read;

/// Bytes in front of every payload.
pub const HEADER_BYTES: usize = 6;

/// Largest payload that either side accepts, as sent and after decompression.
/// A larger length is garbage on the stream, not a frame worth waiting for.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// Payloads from this size on are worth the processor time of compression.
const COMPRESS_FROM_BYTES: usize = 16 << 10;

const FLAG_ZSTD: u8 = 1;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`crate::greeting::Authentication`], plugin to probe, first frame of a connection.
    Authentication,
    /// [`crate::greeting::Hello`], the probe's answer to a right token.
    Hello,
    /// [`crate::greeting::Refusal`], the probe's last frame on this connection.
    Refusal,
    /// [`crate::message::ToProbe`].
    ToProbe,
    /// [`crate::message::ToPlugin`].
    ToPlugin,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Authentication => 1,
            Self::Hello => 2,
            Self::Refusal => 3,
            Self::ToProbe => 4,
            Self::ToPlugin => 5,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Authentication,
            2 => Self::Hello,
            3 => Self::Refusal,
            4 => Self::ToProbe,
            5 => Self::ToPlugin,
            _ => return None,
        })
    }
}

/// Why bytes are not a frame. Each of these ends the connection.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The length exceeds [`MAX_PAYLOAD_BYTES`].
    #[error("frame of {0} bytes exceeds the limit of {MAX_PAYLOAD_BYTES}")]
    TooLong(usize),
    /// The kind byte is none of [`Kind`].
    #[error("unknown frame kind {0}")]
    UnknownKind(u8),
    /// Flag bits that this version does not know.
    #[error("unknown frame flags {0:#04x}")]
    UnknownFlags(u8),
    /// The payload says it is zstd and is not, or is larger than allowed.
    #[error("payload does not decompress: {0}")]
    Corrupt(String),
    /// The payload is not the postcard form of what the kind announces.
    #[error("payload does not decode: {0}")]
    Undecodable(String),
}

/// One frame, decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: Kind,
    /// The payload itself.
    pub payload: Vec<u8>,
}

/// Appends one frame to `out`, compressed when that pays.
///
/// # Errors
/// [`FrameError::TooLong`] when the payload exceeds [`MAX_PAYLOAD_BYTES`].
pub fn encode(kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(FrameError::TooLong(payload.len()));
    }
    if payload.len() >= COMPRESS_FROM_BYTES {
        let packed = compress_to_vec(payload, CompressionLevel::Fastest);
        if packed.len() < payload.len() {
            append(kind, FLAG_ZSTD, &packed, out);
            return Ok(());
        }
    }
    append(kind, 0, payload, out);
    Ok(())
}

fn append(kind: Kind, flags: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(HEADER_BYTES + payload.len());
    // `encode` has held the length against a limit far below 2^32.
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.push(kind.code());
    out.push(flags);
    out.extend_from_slice(payload);
}

/// Puts frames together from bytes as they arrive, in whatever pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    consumed: usize,
}

impl Decoder {
    /// An empty decoder, for the start of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they came from the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete frame, or `None` until more bytes have come.
    ///
    /// # Errors
    /// Any [`FrameError`]; the stream cannot be used after one.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = &self.buffer[self.consumed..];
        let Some((header, body)) = rest.split_at_checked(HEADER_BYTES) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        // Judge the header before the body is there: garbage must not make
        // us wait for a gigabyte that never comes.
        if length > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLong(length));
        }
        let kind = Kind::from_code(header[4]).ok_or(FrameError::UnknownKind(header[4]))?;
        if header[5] & !FLAG_ZSTD != 0 {
            return Err(FrameError::UnknownFlags(header[5]));
        }
        let Some(body) = body.get(..length) else {
            return Ok(None);
        };
        let payload = if header[5] & FLAG_ZSTD == 0 { body.to_vec() } else { decompress(body)? };
        self.consumed += HEADER_BYTES + length;
        Ok(Some(Frame { kind, payload }))
    }
}

fn decompress(packed: &[u8]) -> Result<Vec<u8>, FrameError> {
    let corrupt = |error: &dyn std::fmt::Display| FrameError::Corrupt(error.to_string());
    let decoder =
        ruzstd::decoding::StreamingDecoder::new(packed).map_err(|error| corrupt(&error))?;
    let mut payload = Vec::new();
    // One byte more than allowed tells "just fits" from "a bomb".
    decoder
        .take(MAX_PAYLOAD_BYTES as u64 + 1)
        .read_to_end(&mut payload)
        .map_err(|error| corrupt(&error))?;
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(FrameError::TooLong(payload.len()));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(kind: Kind, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(kind, payload, &mut out).unwrap();
        out
    }

    #[test]
    fn frames_survive_any_fragmentation() {
        let mut stream = framed(Kind::Hello, b"");
        stream.extend(framed(Kind::ToPlugin, b"beat"));
        stream.extend(framed(Kind::ToProbe, &vec![7; 40_000]));
        for piece in [1, 2, 5, 7, 4096] {
            let mut decoder = Decoder::new();
            let mut frames = Vec::new();
            for bytes in stream.chunks(piece) {
                decoder.feed(bytes);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frames.push((frame.kind, frame.payload.len()));
                }
            }
            assert_eq!(frames, [(Kind::Hello, 0), (Kind::ToPlugin, 4), (Kind::ToProbe, 40_000)]);
        }
    }

    #[test]
    fn large_payloads_travel_compressed() {
        let payload = b"kube-node-lease ".repeat(4000);
        let stream = framed(Kind::ToPlugin, &payload);
        assert!(stream.len() < payload.len() / 4, "{} bytes", stream.len());
        let mut decoder = Decoder::new();
        decoder.feed(&stream);
        assert_eq!(decoder.next_frame().unwrap().unwrap().payload, payload);
    }

    #[test]
    fn garbage_is_refused_from_the_header_alone() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], FrameError::TooLong(0x2054_4547)),
            (&[1, 0, 0, 0, 99, 0][..], FrameError::UnknownKind(99)),
            (&[1, 0, 0, 0, 4, 0x80][..], FrameError::UnknownFlags(0x80)),
        ] {
            let mut decoder = Decoder::new();
            decoder.feed(bytes);
            assert_eq!(decoder.next_frame(), Err(expected));
        }
    }

    #[test]
    fn a_zstd_flag_over_other_bytes_is_an_error_and_no_panic() {
        let mut decoder = Decoder::new();
        decoder.feed(&[4, 0, 0, 0, 5, FLAG_ZSTD, 1, 2, 3, 4]);
        assert!(matches!(decoder.next_frame(), Err(FrameError::Corrupt(_))));
    }

    #[test]
    fn a_decompression_bomb_is_refused() {
        let packed = compress_to_vec(&vec![0_u8; 4 << 20][..], CompressionLevel::Fastest);
        assert!(packed.len() < MAX_PAYLOAD_BYTES);
        let mut stream = Vec::new();
        append(Kind::ToPlugin, FLAG_ZSTD, &packed, &mut stream);
        let mut decoder = Decoder::new();
        decoder.feed(&stream);
        assert!(matches!(decoder.next_frame(), Err(FrameError::TooLong(_))));
    }
}
