//! Traffic on stdout: a table per interval, or an object per node and interval.

mod columns;
mod detail;
mod dns;
mod drops;
mod reasons;
mod size;
mod table;
#[cfg(test)]
mod tests;

pub use columns::{Column, columns};
pub use detail::detail;

use super::contract;
use super::people::People;
use super::table::spans_clusters;
use super::{Format, Json, Options, Sink, Yaml};
use crate::rhythm::Finding;
use crate::signal::NodeId;
use crate::traffic::{Interval, Listing, Summary, View};
use std::io::{self, Write};
use table::TrafficTable;

/// What is told of an interval.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What a row is.
    pub view: View,
    /// The rows.
    pub listing: &'a Listing,
    /// Whose interval it is; `None` for rows of all nodes together.
    pub of: Option<(&'a NodeId, &'a Interval)>,
}

/// Where traffic goes.
pub trait TrafficSink {
    /// Takes an event or a problem.
    ///
    /// # Errors
    /// What the writer says; a closed pipe among it.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// Takes an interval and writes it.
    ///
    /// # Errors
    /// What the writer says; a closed pipe among it.
    fn told(&mut self, told: &Told<'_>) -> io::Result<()>;

    /// True when each node's interval is an object of its own.
    fn is_per_node(&self) -> bool;

    /// Takes the last word about every node, and writes it.
    ///
    /// # Errors
    /// What the writer says.
    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()>;
}

/// The sink of a format: data to `out`, lines for people to `err`. `nodes` are
/// all nodes that will be spoken of.
pub fn traffic_sink<'a>(
    format: Format,
    out: impl Write + 'a,
    err: impl Write + 'a,
    nodes: &[NodeId],
    options: Options,
) -> Box<dyn TrafficSink + 'a> {
    match format {
        Format::Json => Box::new(Json::new(out)),
        Format::Yaml => Box::new(Yaml::new(out)),
        Format::Table | Format::Wide | Format::Name => {
            let people = People::new(err, options.err, spans_clusters(nodes));
            let wide = format == Format::Wide;
            Box::new(TrafficTable::new(out, people, nodes.len() > 1, wide, options.headers))
        }
    }
}

impl<W: Write> TrafficSink for Json<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        Sink::finding(self, finding)?;
        self.flush()
    }

    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        let Some((node, interval)) = told.of else { return Ok(()) };
        self.line(&contract::list(told, node, interval))?;
        self.flush()
    }

    fn is_per_node(&self) -> bool {
        true
    }

    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()> {
        for summary in summaries {
            self.line(&contract::flow_summary(summary))?;
        }
        self.flush()
    }
}

impl<W: Write> TrafficSink for Yaml<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        Sink::finding(self, finding)?;
        self.flush()
    }

    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        let Some((node, interval)) = told.of else { return Ok(()) };
        self.document(&contract::list(told, node, interval))?;
        self.flush()
    }

    fn is_per_node(&self) -> bool {
        true
    }

    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()> {
        for summary in summaries {
            self.document(&contract::flow_summary(summary))?;
        }
        self.flush()
    }
}
