//! Text that is the whole answer of a command, such as a completion script.

use std::io::{self, Write};

/// Writes to stdout as it is. The text is ours or encoded; nothing is escaped.
///
/// # Errors
///
/// What stdout says; a closed pipe among it.
pub fn raw(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
