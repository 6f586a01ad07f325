//! `-o yaml`: one document per object, separated by `---`.

use super::Sink;
use super::contract::{self, Object};
use super::escape::escape_encoded;
use crate::rhythm::{Finding, Summary};
use std::io::{self, Write};

/// Writes a document per object.
#[derive(Debug)]
pub struct Yaml<W> {
    out: W,
}

impl<W: Write> Yaml<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    pub(super) fn document(&mut self, object: &Object) -> io::Result<()> {
        let text = serde_saphyr::to_string(object).map_err(io::Error::other)?;
        let text = escape_encoded(text.trim_end(), true);
        writeln!(self.out, "---\n{text}")
    }
}

impl<W: Write> Sink for Yaml<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        contract::finding(finding).map_or(Ok(()), |object| self.document(&object))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()> {
        summaries.iter().try_for_each(|summary| self.document(&contract::summary(summary)))?;
        self.flush()
    }
}
