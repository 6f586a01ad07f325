//! From the payload's parts to an executable file, a block at a time.

use core::ffi::CStr;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::{Error, ErrorKind, Write};

use crate::parts::Parts;
use crate::report::Failure;
use crate::system::{Errno, FileDescriptor};

/// The largest zstd window the bundler uses; what the decoder must keep in memory.
const WINDOW_MAX_BYTES: u64 = 2 * 1024 * 1024;

/// No probe is larger. A damaged frame must not fill the node's memory.
const PROBE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// A file that the decoder writes to.
struct Sink<'a> {
    file: &'a FileDescriptor,
    failure: Option<Errno>,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match self.file.write_all(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(errno) => {
                self.failure = Some(errno);
                Err(Error::from(ErrorKind::Other))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Decompresses the payload of `folder` into `file`.
///
/// # Errors
/// When a part cannot be read, the frame is damaged or cut off, or `file` (called
/// `file_name` in the message) takes no more bytes.
pub fn unpack(folder: &CStr, file: &FileDescriptor, file_name: &CStr) -> Result<(), Failure> {
    let mut parts = Parts::open(folder)?;
    let mut sink = Sink { file, failure: None };

    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW_MAX_BYTES);
    if decoder.init(&mut parts).is_err() {
        return Err(parts.explain(folder));
    }

    let mut size_bytes = 0;
    loop {
        let one_block = BlockDecodingStrategy::UptoBlocks(1);
        let Ok(finished) = decoder.decode_blocks(&mut parts, one_block) else {
            return Err(parts.explain(folder));
        };
        match decoder.collect_to_writer(&mut sink) {
            Ok(written) => size_bytes += written,
            Err(_) => {
                let errno = sink.failure.unwrap_or(Errno(5));
                return Err(Failure::new("cannot write ").path(file_name).errno(errno));
            }
        }
        if size_bytes > PROBE_MAX_BYTES {
            return Err(Failure::new("the probe in ").path(folder).text(" is too large"));
        }
        if finished {
            break;
        }
    }

    // The bundler always adds a checksum: a frame without one is not ours.
    let expected = decoder.get_checksum_from_data();
    if expected.is_none() || expected != decoder.get_calculated_checksum() {
        return Err(Failure::new("the probe in ").path(folder).text(" is corrupt: wrong checksum"));
    }
    if !parts.is_at_end() {
        return Err(Failure::new("the probe in ")
            .path(folder)
            .text(" is corrupt: bytes after the end of the zstd frame"));
    }
    Ok(())
}
