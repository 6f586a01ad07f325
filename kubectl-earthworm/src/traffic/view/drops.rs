//! Rows of dropped packets.

use super::group::Same;
use super::{Filter, Listing, Query};
use crate::traffic::amounts::Amounts;
use crate::traffic::ledger::{Counted as _, DropEntry, Drops, Ledger};
use crate::traffic::row::{DropRow, End, Row, Subject};
use earthworm_wire::flow::Amount;
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
            && Drops::all(&entry.ends).any(|end| self.wants_end(end))
    }
}

impl Ledger {
    /// Rows of dropped packets.
    pub(super) fn drops(&self, query: &Query) -> Listing {
        let rows = self.rows_of_kinds(
            query,
            |book| &book.drops.entries,
            |entry| query.filter.wants_drop(entry),
            Key::of,
            subject,
            grow,
        );
        let mut listing = Listing::of(rows, query);
        for book in self.books(query) {
            listing.unplaced.add(book.drops.unplaced);
        }
        listing
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

fn grow(row: &mut Row, entry: &DropEntry, interval: Option<&Amount>, seconds: f64) {
    let amounts = |sent| Amounts { sent, ..Amounts::default() };
    row.total.add(&amounts(entry.total));
    if let Some(&amount) = interval {
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
