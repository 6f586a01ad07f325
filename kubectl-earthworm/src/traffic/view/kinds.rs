//! Rows of what is counted kind by kind.

use super::Query;
use crate::traffic::ledger::{Book, Counted, Kind, Ledger};
use crate::traffic::row::{Row, Subject};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

impl Ledger {
    /// What is known of the nodes that are asked about.
    pub(super) fn books(&self, query: &Query) -> impl Iterator<Item = &Book> {
        let wanted = query.node;
        let books = self.nodes.iter().enumerate();
        books
            .filter(move |(node, _)| wanted.is_none_or(|wanted| wanted == *node))
            .map(|(_, book)| book)
    }

    /// A row for everything that has one key. `grow` adds a kind to its row: with
    /// what the last interval added, and the seconds of that.
    pub(super) fn rows_of_kinds<T: Counted, K: Eq + Hash>(
        &self,
        query: &Query,
        entries: impl Fn(&Book) -> &[Kind<T>],
        wants: impl Fn(&Kind<T>) -> bool,
        key: impl Fn(&Arc<str>, &Kind<T>) -> K,
        subject: impl Fn(&Kind<T>) -> Subject,
        grow: impl Fn(&mut Row, &Kind<T>, Option<&T::Counts>, f64),
    ) -> Vec<Row> {
        let mut rows: HashMap<K, Row> = HashMap::new();
        for book in self.books(query) {
            let seconds = book.last.map_or(0.0, |last| last.seconds);
            for entry in entries(book) {
                let interval = entry.in_interval(book.intervals);
                if !wants(entry) || (query.moved_only && interval.is_none()) {
                    continue;
                }
                let row = rows
                    .entry(key(&book.name, entry))
                    .or_insert_with(|| Row::new(subject(entry), Some(book.name.clone())));
                grow(row, entry, interval, seconds);
            }
        }
        rows.into_values().collect()
    }
}
