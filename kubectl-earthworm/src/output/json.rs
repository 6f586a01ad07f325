//! `-o json`: one object per line.

use super::Sink;
use super::contract::{self, Object};
use super::escape::escape_encoded;
use crate::rhythm::{Finding, Summary};
use std::io::{self, Write};

/// Writes one object per line.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    pub(super) fn line(&mut self, object: &Object) -> io::Result<()> {
        let line = serde_json::to_string(object)?;
        writeln!(self.out, "{}", escape_encoded(&line, false))
    }
}

impl<W: Write> Sink for Json<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        contract::finding(finding).map_or(Ok(()), |object| self.line(&object))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()> {
        summaries.iter().try_for_each(|summary| self.line(&contract::summary(summary)))?;
        self.flush()
    }
}
