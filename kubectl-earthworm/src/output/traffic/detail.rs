//! One row in words.

use super::columns::title;
use super::{dns, drops, size};
use crate::output::escape;
use crate::output::sentence::count;
use crate::output::table::duration;
use crate::traffic::{Amounts, Row, Subject};

/// Everything that is known of a row, in three lines, escaped: who, what moved
/// and how far away it is, what became of connections; or who, how much, and why
/// it was dropped; or who asked whom, what came of it, and how soon.
#[must_use]
pub fn detail(row: &Row) -> [String; 3] {
    let lines = match &row.subject {
        Subject::Drop(drop) => [title(row), drops::amounts(row), drops::why(drop)],
        Subject::Dns(asked) => [title(row), dns::amounts(asked), dns::latency(asked)],
        _ => [title(row), moved(row), connections(row)],
    };
    lines.map(|line| escape(&line).into_owned())
}

fn moved(row: &Row) -> String {
    let amounts = |amounts: &Amounts| {
        format!(
            "sent {} in {}, received {} in {}",
            size::bytes(amounts.sent.bytes),
            count(amounts.sent.packets, "packet"),
            size::bytes(amounts.received.bytes),
            count(amounts.received.packets, "packet"),
        )
    };
    let mut text = amounts(&row.total);
    if let Some(interval) = &row.interval {
        text += &format!("; in the last interval {}", amounts(interval));
    }
    text
}

fn connections(row: &Row) -> String {
    let mut parts = Vec::new();
    if let Some(trip) = row.round_trip {
        let micros = |micros: u32| duration(f64::from(micros) / 1e6);
        parts.push(format!(
            "round trip {} to {}, mean {} over {}, quickest packet {}",
            micros(trip.lowest_micros),
            micros(trip.highest_micros),
            duration(trip.mean_seconds()),
            count(u64::from(trip.connections), "connection"),
            micros(trip.minimum_micros),
        ));
    }
    if row.total.retransmits().is_some() {
        let by = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
        let (source, destination) =
            (by(row.total.source_retransmits), by(row.total.destination_retransmits));
        parts.push(format!("sent again {source} there, {destination} back"));
    }
    let changes = &row.total.changes;
    let counted = [
        ("open", row.open),
        ("older", row.older),
        ("opened", changes.opened),
        ("closed", changes.closed),
        ("reset", changes.reset),
        ("refused", changes.refused),
        ("failed", changes.failed),
    ];
    let some = counted.iter().filter(|(_, count)| *count > 0);
    let some: Vec<String> = some.map(|(what, count)| format!("{count} {what}")).collect();
    if !some.is_empty() {
        parts.push(format!("connections: {}", some.join(", ")));
    }
    parts.join("; ")
}
