//! The payload's parts, read as one stream.

use core::ffi::CStr;
use core::ops::Range;

use alloc::boxed::Box;
use ruzstd::io::{Error, ErrorKind, Read};

use crate::report::Failure;
use crate::system::{self, Errno, FileDescriptor};

/// Long enough for any folder a pod mounts.
const PATH_BYTES: usize = 1024;

/// The decoder asks for three bytes at a time; the kernel is asked for this many.
const BUFFER_BYTES: usize = 16 * 1024;

/// Three digits.
const PARTS_MAX: u32 = 1000;

/// `<folder>/probe.zst.NNN`, with the place of the digits.
struct PartPath {
    bytes: [u8; PATH_BYTES],
    digits_at: usize,
}

impl PartPath {
    fn new(folder: &CStr) -> Option<Self> {
        const NAME: &[u8] = b"/probe.zst.000\0";
        let folder = folder.to_bytes();
        let mut bytes = [0; PATH_BYTES];
        let end = folder.len() + NAME.len();
        bytes.get_mut(..folder.len())?.copy_from_slice(folder);
        bytes.get_mut(folder.len()..end)?.copy_from_slice(NAME);
        Some(Self { bytes, digits_at: end - 4 })
    }

    fn set_number(&mut self, number: u32) {
        for (place, divisor) in [100, 10, 1].into_iter().enumerate() {
            self.bytes[self.digits_at + place] = b'0' + (number / divisor % 10) as u8;
        }
    }

    fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

/// What stopped the reading, apart from the end.
struct ReadFailure {
    what: &'static str,
    errno: Errno,
}

/// All parts, one behind the other.
pub struct Parts {
    path: PartPath,
    current: Option<FileDescriptor>,
    next_number: u32,
    buffer: Box<[u8]>,
    /// The unread bytes of `buffer`.
    unread: Range<usize>,
    /// Whether a reader wanted more than there is.
    ended: bool,
    failure: Option<ReadFailure>,
}

impl Parts {
    /// Opens the first part.
    ///
    /// # Errors
    /// When it is missing or unreadable.
    pub fn open(folder: &CStr) -> Result<Self, Failure> {
        let Some(path) = PartPath::new(folder) else {
            return Err(Failure::new("the payload folder's name is too long"));
        };
        let mut parts = Self {
            path,
            current: None,
            next_number: 0,
            buffer: alloc::vec![0; BUFFER_BYTES].into_boxed_slice(),
            unread: 0..0,
            ended: false,
            failure: None,
        };
        match parts.open_next() {
            Ok(()) => Ok(parts),
            Err(errno) => {
                Err(Failure::new("cannot open ").path(parts.path.as_c_str()).errno(errno))
            }
        }
    }

    fn open_next(&mut self) -> Result<(), Errno> {
        self.current = None;
        if self.next_number == PARTS_MAX {
            return Err(Errno::NOENT);
        }
        self.path.set_number(self.next_number);
        self.current = Some(system::open_to_read(self.path.as_c_str())?);
        self.next_number += 1;
        Ok(())
    }

    /// Fills the empty buffer from the current or a following part; leaves it
    /// empty at the end of the last one.
    fn fill(&mut self) -> Result<(), ReadFailure> {
        while let Some(file) = &self.current {
            match file.read(&mut self.buffer) {
                Ok(0) => match self.open_next() {
                    Ok(()) => {}
                    Err(Errno::NOENT) => self.current = None,
                    Err(errno) => return Err(ReadFailure { what: "cannot open ", errno }),
                },
                Ok(size) => {
                    self.unread = 0..size;
                    break;
                }
                Err(errno) => return Err(ReadFailure { what: "cannot read ", errno }),
            }
        }
        Ok(())
    }

    /// Whether everything has been read. A failure to find out counts as an end.
    pub fn is_at_end(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.read(&mut byte), Ok(0))
    }

    /// Says why the decoder came to no good end with this stream.
    pub fn explain(&self, folder: &CStr) -> Failure {
        match &self.failure {
            Some(ReadFailure { what, errno }) => {
                Failure::new(what).path(self.path.as_c_str()).errno(*errno)
            }
            None if self.ended => Failure::new("the probe in ")
                .path(folder)
                .text(" is truncated: it ends within part ")
                .number(self.next_number - 1),
            None => Failure::new("the probe in ")
                .path(folder)
                .text(" is corrupt: not a valid zstd frame in part ")
                .number(self.next_number - 1),
        }
    }
}

impl Read for Parts {
    fn read(&mut self, target: &mut [u8]) -> Result<usize, Error> {
        if self.unread.is_empty()
            && let Err(failure) = self.fill()
        {
            self.failure = Some(failure);
            return Err(Error::from(ErrorKind::Other));
        }
        let size = self.unread.len().min(target.len());
        let bytes = &self.buffer[self.unread.start..self.unread.start + size];
        target[..size].copy_from_slice(bytes);
        self.unread.start += size;
        self.ended = size == 0;
        Ok(size)
    }
}
