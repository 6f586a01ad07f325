//! `-o table` and `-o wide`: a table per interval.

use super::columns::{Column, columns};
use super::{Told, TrafficSink, dns, size};
use crate::output::people::People;
use crate::rhythm::{Finding, FindingKind};
use crate::traffic::{DnsCounts, Listing, Summary, View};
use std::io::{self, Write};

/// What is in no other row.
const OTHER: &str = "<other>";

/// Writes a table per interval to the first writer, with one header, and lines
/// for people to the second.
#[derive(Debug)]
pub(super) struct TrafficTable<W, E> {
    out: W,
    people: People<E>,
    several_nodes: bool,
    wide: bool,
    header_due: bool,
    /// A table was written.
    begun: bool,
    /// Of each column: never smaller than before, so that what follows stands
    /// under the one header.
    widths: Vec<usize>,
    /// Rows shown last, and how many there were.
    shown: (usize, usize),
}

impl<W: Write, E: Write> TrafficTable<W, E> {
    pub(super) fn new(
        out: W,
        people: People<E>,
        several_nodes: bool,
        wide: bool,
        headers: bool,
    ) -> Self {
        Self {
            out,
            people,
            several_nodes,
            wide,
            header_due: headers,
            begun: false,
            widths: Vec::new(),
            shown: (0, 0),
        }
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&self.widths) {
            line += &format!("{cell:<width$}  ");
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    /// For people; on a terminal both are one text, which keeps its order.
    fn people(&mut self) -> io::Result<&mut People<E>> {
        self.out.flush()?;
        Ok(&mut self.people)
    }
}

impl<W: Write, E: Write> TrafficSink for TrafficTable<W, E> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let node = &finding.node;
        match &finding.kind {
            FindingKind::Event(event) => self.people()?.event(node, event),
            FindingKind::Problem(problem) => self.people()?.problem(node, problem),
            FindingKind::Beat(_) | FindingKind::Rhythm(_) | FindingKind::Probe(_) => Ok(()),
        }
    }

    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        let columns = columns(told.view, self.wide, self.several_nodes);
        let Listing { rows, matching, other, unplaced, unplaced_dns } = told.listing;
        self.shown = (rows.len(), *matching);
        let titles: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
        let mut lines: Vec<Vec<String>> =
            rows.iter().map(|row| columns.iter().map(|column| column.of(row)).collect()).collect();
        let unplaced = unplaced.packets > 0 || *unplaced_dns != DnsCounts::default();
        if other.flows > 0 || unplaced {
            lines.push(other_line(&columns, told.view, told.listing));
        }
        self.widths.resize(columns.len(), 0);
        for cells in lines.iter().chain([&titles]) {
            for (width, cell) in self.widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        // An empty line tells one interval from the next.
        if std::mem::replace(&mut self.begun, true) {
            writeln!(self.out)?;
        }
        if std::mem::take(&mut self.header_due) {
            self.line(&titles)?;
        }
        for cells in &lines {
            self.line(cells)?;
        }
        self.out.flush()
    }

    fn is_per_node(&self) -> bool {
        false
    }

    fn finish(&mut self, summaries: &[Summary]) -> io::Result<()> {
        self.out.flush()?;
        let (shown, matching) = self.shown;
        if self.begun && matching == 0 {
            self.people.text("Nothing that was asked for has been seen.")?;
        } else if matching > shown {
            self.people.text(&format!("{shown} of {matching} rows; see more with --top."))?;
        }
        summaries.iter().try_for_each(|summary| self.people.traffic(summary))
    }
}

/// What was forgotten, or never had room, under the columns that it has values for.
fn other_line(columns: &[Column], view: View, listing: &Listing) -> Vec<String> {
    let amounts = &listing.other.amounts;
    let name = match view {
        View::Flows | View::Latency | View::Retransmits => "SOURCE",
        View::Pods | View::Services | View::Namespaces => "NAME",
        View::Ports => "PORT",
        View::Drops => "WHERE",
        View::Dns => "CLIENT",
    };
    let value = |column: &Column| match column.title {
        title if title == name => OTHER.to_owned(),
        title if view == View::Dns => {
            dns::value(&listing.unplaced_dns, title).unwrap_or_else(|| "<none>".to_owned())
        }
        "PACKETS" => listing.unplaced.packets.to_string(),
        "BYTES" => size::bytes(listing.unplaced.bytes),
        "SENT" => size::bytes(amounts.sent.bytes),
        "RECEIVED" => size::bytes(amounts.received.bytes),
        "PACKETS-SENT" => amounts.sent.packets.to_string(),
        "PACKETS-RECEIVED" => amounts.received.packets.to_string(),
        "RETRANSMITS" => amounts.retransmits().unwrap_or(0).to_string(),
        _ => "<none>".to_owned(),
    };
    columns.iter().map(value).collect()
}
