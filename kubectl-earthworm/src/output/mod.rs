//! What reaches stdout and stderr: one file per format.
//!
//! A [`Sink`] takes findings and writes them to the writers that the caller
//! gives. Data goes to the first, lines for people to the second. Everything
//! that came from outside is escaped on the way.

mod contract;
mod escape;
mod json;
mod name;
mod overview;
mod people;
mod raw;
mod sentence;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod traffic;
mod yaml;

pub use contract::API_VERSION;
pub use escape::escape;
pub use json::Json;
pub use name::Name;
pub use overview::table as overview;
pub use people::{People, clock_time};
pub use raw::raw;
pub use style::Style;
pub use table::{Layout, Table};
pub use traffic::{Column, Told, TrafficSink, columns, detail as traffic_detail, traffic_sink};
pub use yaml::Yaml;

use crate::rhythm::{Finding, Summary};
use crate::signal::NodeId;
use std::io::{self, Write};

/// Where findings go.
pub trait Sink {
    /// Takes one finding; what it says is written by [`Self::flush`] at the latest.
    ///
    /// # Errors
    ///
    /// What the writer says; a closed pipe among it.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// Writes what was kept so far: to be called before waiting, so that the
    /// reader of a pipe sees a beat when it happens.
    ///
    /// # Errors
    ///
    /// What the writer says; a closed pipe among it.
    fn flush(&mut self) -> io::Result<()>;

    /// Takes the last word about every node, and writes it.
    ///
    /// # Errors
    ///
    /// What the writer says.
    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()>;
}

/// The formats of `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines under a header.
    Table,
    /// The same with more columns.
    Wide,
    /// One object per line.
    Json,
    /// One document per object.
    Yaml,
    /// `node/NAME`.
    Name,
}

/// How the output looks, beyond its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Write the header of a table.
    pub headers: bool,
    /// Colours on the first writer.
    pub out: Style,
    /// Colours on the second.
    pub err: Style,
}

/// The sink of a format: data to `out`, lines for people to `err`. `nodes`
/// are all nodes that findings will be about.
pub fn sink<'a>(
    format: Format,
    out: impl Write + 'a,
    err: impl Write + 'a,
    nodes: &[NodeId],
    options: Options,
) -> Box<dyn Sink + 'a> {
    let people = People::new(err, options.err, table::spans_clusters(nodes));
    let layout =
        Layout { wide: format == Format::Wide, headers: options.headers, style: options.out };
    match format {
        Format::Table | Format::Wide => Box::new(Table::new(out, people, nodes, layout)),
        Format::Json => Box::new(Json::new(out)),
        Format::Yaml => Box::new(Yaml::new(out)),
        Format::Name => Box::new(Name::new(out, people)),
    }
}
