//! Lines for people, on the second writer: events, problems, what changed
//! between beats, and the last word about each node.

use super::escape::escape;
use super::sentence;
use super::style::Style;
use crate::rhythm::{Event, EventKind, Problem, Rhythm, Summary};
use crate::signal::NodeId;
use crate::traffic;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write};

/// Writes lines for people. Text from outside is escaped here.
#[derive(Debug)]
pub struct People<E> {
    err: E,
    style: Style,
    /// More than one cluster: names alone would not tell nodes apart.
    with_cluster: bool,
}

impl<E: Write> People<E> {
    /// Writes to `err`. `with_cluster` puts the cluster's name before the node's.
    pub fn new(err: E, style: Style, with_cluster: bool) -> Self {
        Self { err, style, with_cluster }
    }

    /// Something happened.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn event(&mut self, node: &NodeId, event: &Event) -> io::Result<()> {
        let message = event.kind.message();
        let at = match event.kind {
            EventKind::Incident { .. } => " at",
            // These end in a number or in a reason: a comma keeps the time apart.
            _ => ", at",
        };
        self.line(node, &format!("{}{at} {}", escape(&message), clock_time(event.time)))
    }

    /// A node cannot be measured as asked.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn problem(&mut self, node: &NodeId, problem: &Problem) -> io::Result<()> {
        self.line(node, &escape(&problem.message))?;
        if let Some(hint) = &problem.hint {
            writeln!(self.err, "  hint: {}", escape(hint))?;
        }
        Ok(())
    }

    /// The rhythm changed.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn rhythm(&mut self, node: &NodeId, rhythm: &Rhythm) -> io::Result<()> {
        let title = self.style.rhythm(rhythm.class, rhythm.class.title());
        let since = clock_time(rhythm.since);
        let evidence = rhythm.evidence.join("; ");
        let why = if evidence.is_empty() { String::new() } else { format!(": {evidence}") };
        self.line(node, &format!("{title} since {since}{}", escape(&why)))
    }

    /// The last word about a node.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.line(&summary.node, &escape(&sentence::summary(summary)))
    }

    /// The last word about a node whose traffic was counted.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn traffic(&mut self, summary: &traffic::Summary) -> io::Result<()> {
        self.line(&summary.node, &escape(&sentence::traffic(summary)))
    }

    /// Lines that are made up already.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    fn line(&mut self, node: &NodeId, text: &str) -> io::Result<()> {
        let name = node_name(node, self.with_cluster);
        writeln!(self.err, "{}: {text}", self.style.bold(&name))?;
        self.err.flush()
    }
}

/// A node's name, escaped, with its cluster where that is needed.
pub(super) fn node_name(node: &NodeId, with_cluster: bool) -> String {
    if with_cluster {
        format!("{}/{}", escape(&node.cluster), escape(&node.node))
    } else {
        escape(&node.node).into_owned()
    }
}

/// Time of day in UTC, to the millisecond.
#[must_use]
pub fn clock_time(timestamp: Timestamp) -> String {
    timestamp.to_zoned(TimeZone::UTC).strftime("%H:%M:%S%.3f").to_string()
}
