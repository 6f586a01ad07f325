//! Rows of dropped packets.

use super::group::Same;
use super::{Filter, Listing, Query};
use crate::traffic::amounts::Amounts;
use crate::traffic::ledger::{DropEntry, Ledger};
use crate::traffic::row::{DropRow, End, Row, Subject};
use earthworm_wire::flow::Amount;
use std::collections::HashMap;
use std::sync::Arc;

/// What a person takes for the same kind of drops, whatever addresses took part.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    node: Arc<str>,
    place: Same,
    reason: Arc<str>,
    protocol: u8,
    source: Option<Same>,
    destination: Option<Same>,
    port: u16,
}

impl Filter {
    /// An end, or the network that dropped, is wanted.
    fn wants_drop(&self, entry: &DropEntry) -> bool {
        self.port.is_none_or(|port| entry.wire.port == port)
            && self.transport.is_none_or(|wanted| entry.wire.transport() == Some(wanted))
            && entry.ends.all().any(|end| self.wants_end(end))
    }
}

impl Ledger {
    /// Rows of dropped packets.
    pub(super) fn drops(&self, query: &Query) -> Listing {
        let mut rows: HashMap<Key, Row> = HashMap::new();
        let mut unplaced = Amount::default();
        let books = self.nodes.iter().enumerate();
        for (_, book) in books.filter(|(node, _)| query.node.is_none_or(|wanted| wanted == *node)) {
            unplaced.add(book.drops.unplaced);
            let seconds = book.last.map_or(0.0, |last| last.seconds);
            for entry in &book.drops.entries {
                let interval = entry.in_interval(book.intervals);
                if !query.filter.wants_drop(entry) || (query.moved_only && interval.is_none()) {
                    continue;
                }
                let row = rows
                    .entry(Key::of(&book.name, entry))
                    .or_insert_with(|| Row::new(subject(entry), Some(book.name.clone())));
                grow(row, entry, interval, seconds);
            }
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        let matching = rows.len();
        rows.sort_by(|one, other| query.sort.compare(one, other));
        rows.truncate(query.rows.unwrap_or(usize::MAX));
        Listing { rows, matching, unplaced, ..Listing::default() }
    }
}

impl Key {
    fn of(node: &Arc<str>, entry: &DropEntry) -> Self {
        let (wire, ends) = (&entry.wire, &entry.ends);
        Self {
            node: node.clone(),
            place: Same::of(&ends.place),
            reason: wire.reason.clone(),
            protocol: wire.protocol,
            source: ends.source.as_deref().map(Same::of),
            destination: ends.destination.as_deref().map(Same::of),
            port: wire.port,
        }
    }
}

fn subject(entry: &DropEntry) -> Subject {
    let (wire, ends) = (&entry.wire, &entry.ends);
    Subject::Drop(Box::new(DropRow {
        place: ends.place.clone(),
        reason: wire.reason.clone(),
        source: ends.source.clone().map(End::new),
        destination: ends.destination.clone().map(End::new),
        port: wire.port,
        protocol: wire.protocol,
    }))
}

fn grow(row: &mut Row, entry: &DropEntry, interval: Option<Amount>, seconds: f64) {
    let amounts = |sent| Amounts { sent, ..Amounts::default() };
    row.total.add(&amounts(entry.total));
    if let Some(amount) = interval {
        row.interval.get_or_insert_default().add(&amounts(amount));
        if seconds > 0.0 {
            #[expect(clippy::cast_precision_loss)]
            let packets = amount.packets as f64;
            row.rate += packets / seconds;
        }
    }
    let Subject::Drop(drop) = &mut row.subject else { return };
    let (wire, ends) = (&entry.wire, &entry.ends);
    let both = [
        (&mut drop.source, &ends.source, wire.source),
        (&mut drop.destination, &ends.destination, wire.destination),
    ];
    for (end, endpoint, address) in both {
        if let (Some(end), Some(endpoint), Some(address)) = (end, endpoint, address) {
            end.add(endpoint, address);
        }
    }
}
