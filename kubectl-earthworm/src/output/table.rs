//! `-o table` and `-o wide`: a line per beat under one header.
//!
//! Lines appear as beats happen, so the widths are fixed beforehand: from the
//! nodes' names, and from the longest value that each column can hold.

use super::people::{People, clock_time, node_name};
use super::style::Style;
use super::{Sink, overview};
use crate::rhythm::{Beat, Class, Finding, FindingKind, Summary};
use crate::signal::NodeId;
use earthworm_wire::record::Outcome;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Said once under a wide table.
const LAG_NOTE: &str = "LAG is arrival here minus renewTime: it contains the difference between the \
                        node's clock and this machine's.";
/// What a value that was not measured looks like.
const ABSENT: &str = "<none>";

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// `-o wide`: more columns.
    pub wide: bool,
    /// Write the header.
    pub headers: bool,
    /// Colours of the table.
    pub style: Style,
}

/// A column: its title, its width, and what a beat has in it.
struct Column {
    title: &'static str,
    width: usize,
    value: fn(&Beat) -> Option<String>,
}

const COLUMNS: [Column; 7] = [
    Column { title: "TIME", width: 12, value: |beat| Some(clock_time(beat.time)) },
    Column {
        title: "INTERVAL",
        width: 8,
        value: |beat| beat.interval_seconds.map(|s| format!("{s:.3}s")),
    },
    Column { title: "RENEW", width: 8, value: |beat| beat.renew_seconds.map(duration) },
    Column { title: "STATUS", width: 6, value: status },
    Column { title: "ATTEMPTS", width: 8, value: |beat| beat.attempts.map(|n| n.to_string()) },
    Column { title: "LEAD", width: 10, value: |beat| Some(beat.lead.name().to_owned()) },
    Column { title: RHYTHM, width: 22, value: |beat| Some(beat.rhythm.title().to_owned()) },
];

const WIDE_COLUMNS: [Column; 5] = [
    Column { title: "ROUND-TRIP", width: 10, value: |beat| beat.round_trip_seconds.map(duration) },
    Column { title: "LAG", width: 8, value: |beat| beat.lag_seconds.map(duration) },
    Column { title: "RESOURCEVERSION", width: 15, value: |beat| beat.resource_version.clone() },
    Column {
        title: "MARGIN",
        width: 7,
        value: |beat| beat.margin_seconds.map(|s| format!("{s:.1}s")),
    },
    Column { title: "GO", width: 8, value: |beat| beat.source.as_ref()?.go_version.clone() },
];

const RHYTHM: &str = "RHYTHM";

/// Writes beats to the first writer and lines for people to the second.
#[derive(Debug)]
pub struct Table<W, E> {
    out: W,
    people: People<E>,
    layout: Layout,
    with_cluster: bool,
    name_width: usize,
    header_due: bool,
    /// The class in each node's last line: a change that it shows needs no other line.
    shown: BTreeMap<NodeId, Class>,
}

impl<W: Write, E: Write> Table<W, E> {
    /// A table of these nodes.
    pub fn new(out: W, people: People<E>, nodes: &[NodeId], layout: Layout) -> Self {
        let with_cluster = spans_clusters(nodes);
        let names = nodes.iter().map(|node| node_name(node, with_cluster).chars().count());
        Self {
            out,
            people,
            layout,
            with_cluster,
            name_width: names.max().unwrap_or(0).max("NODE".len()),
            header_due: layout.headers,
            shown: BTreeMap::new(),
        }
    }

    fn columns(&self) -> impl Iterator<Item = &'static Column> + use<W, E> {
        let wide: &[Column] = if self.layout.wide { &WIDE_COLUMNS } else { &[] };
        COLUMNS.iter().chain(wide)
    }

    fn beat(&mut self, node: &NodeId, beat: &Beat) -> io::Result<()> {
        if std::mem::take(&mut self.header_due) {
            let mut header = format!("{:<1$}", "NODE", self.name_width);
            for column in self.columns() {
                header += &format!("  {:<1$}", column.title, column.width);
            }
            writeln!(self.out, "{}", header.trim_end())?;
        }
        let mut line = format!("{:<1$}", node_name(node, self.with_cluster), self.name_width);
        let last = self.columns().count() - 1;
        for (index, column) in self.columns().enumerate() {
            let value = (column.value)(beat);
            let value = super::escape(value.as_deref().unwrap_or(ABSENT)).into_owned();
            // The last column is not padded: no line ends in blanks.
            let width = if index == last { 0 } else { column.width };
            let padded = format!("{value:<width$}");
            line += "  ";
            if column.title == RHYTHM {
                line += &self.layout.style.rhythm(beat.rhythm, &padded);
            } else {
                line += &padded;
            }
        }
        writeln!(self.out, "{line}")
    }

    /// For people; on a terminal both are one text, which keeps its order.
    fn people(&mut self) -> io::Result<&mut People<E>> {
        self.out.flush()?;
        Ok(&mut self.people)
    }
}

impl<W: Write, E: Write> Sink for Table<W, E> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let node = &finding.node;
        match &finding.kind {
            FindingKind::Beat(beat) => {
                self.shown.insert(node.clone(), beat.rhythm);
                self.beat(node, beat)
            }
            FindingKind::Rhythm(rhythm) => {
                let shown = self.shown.insert(node.clone(), rhythm.class);
                if shown == Some(rhythm.class) {
                    return Ok(());
                }
                self.people()?.rhythm(node, rhythm)
            }
            FindingKind::Event(event) => self.people()?.event(node, event),
            FindingKind::Problem(problem) => self.people()?.problem(node, problem),
            FindingKind::Probe(_) => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()> {
        self.out.flush()?;
        if self.layout.wide && !self.shown.is_empty() {
            self.people.text(LAG_NOTE)?;
        }
        if summaries.len() > 1 {
            self.people.text(&overview::table(summaries))?;
        }
        summaries.iter().try_for_each(|summary| self.people.summary(summary))
    }
}

/// Whether nodes of more than one cluster are shown.
pub(super) fn spans_clusters(nodes: &[NodeId]) -> bool {
    nodes.windows(2).any(|pair| pair[0].cluster != pair[1].cluster)
}

fn status(beat: &Beat) -> Option<String> {
    match (beat.http_status, beat.outcome) {
        (Some(status), _) => Some(status.to_string()),
        (None, Outcome::Failed) => Some("failed".to_owned()),
        (None, Outcome::Renewed | Outcome::Unknown) => None,
    }
}

/// A duration with three or four digits that mean something.
pub(super) fn duration(seconds: f64) -> String {
    let magnitude = seconds.abs();
    if magnitude >= 0.9995 {
        format!("{seconds:.3}s")
    } else if magnitude >= 0.001 {
        format!("{:.1}ms", seconds * 1e3)
    } else {
        format!("{:.0}µs", seconds * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_keep_their_meaning_and_their_width() {
        let cases = [
            (0.000_02, "20µs"),
            (0.0041, "4.1ms"),
            (0.7512, "751.2ms"),
            (0.9996, "1.000s"),
            (10.0, "10.000s"),
            (-0.25, "-250.0ms"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
    }
}
