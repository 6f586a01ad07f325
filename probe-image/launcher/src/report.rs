//! The one line that tells what went wrong.

use core::ffi::CStr;

use crate::system::{self, Errno};

/// Where the kubelet looks for a container's last words; they become
/// `status.containerStatuses[].state.terminated.message` of the pod.
const TERMINATION_LOG: &CStr = c"/dev/termination-log";

/// The end of every line: a longer one is cut.
const LINE_BYTES: usize = 512;

/// A line of text on its way to a human.
pub struct Failure {
    line: [u8; LINE_BYTES],
    length: usize,
}

impl Failure {
    /// Begins a line: `launcher: <text>`.
    pub fn new(text: &str) -> Self {
        Self { line: [0; LINE_BYTES], length: 0 }.text("launcher: ").text(text)
    }

    /// Adds text.
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a path, as it is.
    pub fn path(self, path: &CStr) -> Self {
        self.bytes(path.to_bytes())
    }

    /// Adds a number in decimal.
    pub fn number(self, mut number: u32) -> Self {
        let mut digits = [0; 10];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return self.bytes(&digits[start..]);
            }
        }
    }

    /// Adds the cause: `: errno 2 (ENOENT)`.
    pub fn errno(self, errno: Errno) -> Self {
        let line = self.text(": errno ").number(u32::from(errno.0));
        match errno.name() {
            Some(name) => line.text(" (").text(name).text(")"),
            None => line,
        }
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        // One byte stays free for the newline.
        let room = &mut self.line[self.length..LINE_BYTES - 1];
        let size = bytes.len().min(room.len());
        room[..size].copy_from_slice(&bytes[..size]);
        self.length += size;
        self
    }

    fn finish(&mut self) -> &[u8] {
        self.line[self.length] = b'\n';
        &self.line[..=self.length]
    }

    /// Writes the line to stderr and goes on.
    pub fn note(mut self) {
        system::write_to_stderr(self.finish());
    }

    /// Writes the line to stderr and, in a container, to the termination log, and
    /// ends the process with 1.
    pub fn report_and_exit(mut self) -> ! {
        let line = self.finish();
        system::write_to_stderr(line);
        // Not created: outside a container it is nobody's.
        if let Ok(log) = system::open_to_overwrite(TERMINATION_LOG) {
            let _ = log.write_all(line);
        }
        system::exit(1)
    }
}
