//! What one node tells of other things than flows, kind by kind.

use super::entry::is_same;
use super::who::{PROVISIONAL_TRIES, Who, is_provisional};
use crate::naming::Endpoint;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

/// A thing that is counted kind by kind.
pub(in crate::traffic) trait Counted: Debug {
    /// What a probe tells kinds apart by.
    type Wire: Clone + Eq + Hash + Debug;
    /// Who took part.
    type Ends: Debug;
    /// How much.
    type Counts: Default + Debug;

    /// The names of a kind, as of a moment, and whether all are known.
    fn ends(who: &Who<'_>, wire: &Self::Wire, at: Timestamp) -> (Self::Ends, bool);
    /// All who took part, in the same order for the same kind.
    fn all(ends: &Self::Ends) -> impl Iterator<Item = &Arc<Endpoint>>;
    /// Adds.
    fn add(counts: &mut Self::Counts, more: &Self::Counts);
}

/// One kind.
#[derive(Debug)]
pub(in crate::traffic) struct Kind<T: Counted> {
    pub(in crate::traffic) wire: T::Wire,
    pub(in crate::traffic) ends: T::Ends,
    pub(in crate::traffic) total: T::Counts,
    /// All names are known.
    named: bool,
    /// What was added in the latest interval that has any, and in the one
    /// before, by their numbers.
    recent: (u64, T::Counts),
    earlier: (u64, T::Counts),
    /// When it was told first.
    first: Timestamp,
    /// How often its names were asked for again.
    tries: u8,
    /// Nothing can be added any more: its names, or its probe, are gone.
    ended: bool,
}

/// All kinds of one node. Its memory is bounded: those for which there is no
/// room are counted together.
#[derive(Debug)]
pub(in crate::traffic) struct Kept<T: Counted> {
    pub(in crate::traffic) entries: Vec<Kind<T>>,
    /// What is in no entry for want of room.
    pub(in crate::traffic) unplaced: T::Counts,
    current: HashMap<T::Wire, usize>,
    limit: usize,
}

impl<T: Counted> Kept<T> {
    /// With room for so many kinds.
    pub(super) fn with_room_for(limit: usize) -> Self {
        let unplaced = T::Counts::default();
        Self { entries: Vec::new(), unplaced, current: HashMap::new(), limit }
    }

    /// Adds what was told in an interval.
    pub(super) fn add(
        &mut self,
        interval: u64,
        wire: T::Wire,
        counts: &T::Counts,
        at: Timestamp,
        who: &Who<'_>,
    ) {
        let (ends, named) = T::ends(who, &wire, at);
        let known = self.current.get(&wire).copied();
        let place = match known {
            Some(place) if self.fits(place, &ends, who) => {
                let entry = &mut self.entries[place];
                (entry.ends, entry.named) = (ends, named);
                place
            }
            _ => {
                if let Some(place) = known {
                    // An address has got another owner.
                    self.entries[place].ended = true;
                    self.current.remove(&wire);
                }
                if self.entries.len() >= self.limit {
                    T::add(&mut self.unplaced, counts);
                    return;
                }
                let place = self.entries.len();
                self.current.insert(wire.clone(), place);
                self.entries.push(Kind::new(wire, ends, named, at));
                place
            }
        };
        self.entries[place].add(interval, counts);
    }

    /// Whether what was told of these ends belongs to an entry, whose own names
    /// may have become known since.
    fn fits(&mut self, place: usize, ends: &T::Ends, who: &Who<'_>) -> bool {
        let entry = &mut self.entries[place];
        if entry.is_of(ends) {
            return true;
        }
        entry.name(who);
        entry.is_of(ends)
    }

    /// Asks again for names that were not known.
    pub(super) fn name_again(&mut self, who: &Who<'_>) {
        for entry in self.entries.iter_mut().filter(|entry| entry.waits_for_names()) {
            entry.tries = entry.tries.saturating_add(1);
            entry.name(who);
        }
    }

    /// The probe is gone; another one has owners of its own.
    pub(super) fn gone(&mut self) {
        self.current.clear();
        self.entries.iter_mut().for_each(|entry| entry.ended = true);
    }
}

impl<T: Counted> Kind<T> {
    fn new(wire: T::Wire, ends: T::Ends, named: bool, first: Timestamp) -> Self {
        Self {
            wire,
            ends,
            total: T::Counts::default(),
            named,
            recent: Default::default(),
            earlier: Default::default(),
            first,
            tries: 0,
            ended: false,
        }
    }

    fn add(&mut self, interval: u64, counts: &T::Counts) {
        T::add(&mut self.total, counts);
        if self.recent.0 != interval {
            self.earlier = std::mem::replace(&mut self.recent, (interval, T::Counts::default()));
        }
        T::add(&mut self.recent.1, counts);
    }

    /// What was added in an interval; `None` when nothing was told.
    pub(in crate::traffic) fn in_interval(&self, interval: u64) -> Option<&T::Counts> {
        let parts = [&self.recent, &self.earlier];
        let part = parts.into_iter().find(|(number, _)| *number == interval && interval > 0);
        part.map(|(_, counts)| counts)
    }

    fn is_of(&self, ends: &T::Ends) -> bool {
        T::all(&self.ends).zip(T::all(ends)).all(|(one, other)| is_same(one, other))
    }

    fn name(&mut self, who: &Who<'_>) {
        (self.ends, self.named) = T::ends(who, &self.wire, self.first);
    }

    fn waits_for_names(&self) -> bool {
        let nobody =
            || self.tries < PROVISIONAL_TRIES && T::all(&self.ends).any(|end| is_provisional(end));
        !self.ended && (!self.named || nobody())
    }
}
