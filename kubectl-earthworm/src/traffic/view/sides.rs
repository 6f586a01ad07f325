//! Flows that were told from both of their sides, on two nodes.

use crate::naming::ServiceName;
use crate::traffic::ledger::{Entry, Ledger, Path};
use earthworm_wire::flow::{Direction, Transport};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::net::IpAddr;

/// A client and the service that it talks to, when it is not told who answers.
type Dialled = (IpAddr, ServiceName, Transport);

/// Which entries are about the same.
#[derive(Default)]
pub(super) struct BothSides<'a> {
    /// From the side that connected: the first of a path stands for all.
    told: HashMap<Path, &'a Entry>,
    /// The same by service; `None` where it was dialled through several ports,
    /// which the side that listens cannot tell apart.
    dialled: HashMap<Dialled, Option<&'a Entry>>,
    /// From the side that listens.
    heard: HashMap<Path, Vec<&'a Entry>>,
    answered: HashMap<Dialled, Vec<&'a Entry>>,
}

impl<'a> BothSides<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        let mut sides = Self::default();
        if ledger.nodes.len() < 2 {
            return sides;
        }
        for entry in &ledger.entries {
            let Some(path) = entry.wire.path() else { continue };
            match entry.wire.direction {
                Direction::Outgoing => {
                    sides.told.entry(path).or_insert(entry);
                    if let Some(dialled) = dialled(entry) {
                        sides.note(dialled, entry);
                    }
                }
                Direction::Incoming => {
                    sides.heard.entry(path).or_default().push(entry);
                    if let Some(dialled) = dialled(entry).filter(|_| entry.covered) {
                        sides.answered.entry(dialled).or_default().push(entry);
                    }
                }
            }
        }
        sides
    }

    fn note(&mut self, dialled: Dialled, entry: &'a Entry) {
        match self.dialled.entry(dialled) {
            Slot::Vacant(slot) => {
                slot.insert(Some(entry));
            }
            Slot::Occupied(mut slot) => {
                if slot.get().is_some_and(|known| known.wire.port != entry.wire.port) {
                    slot.insert(None);
                }
            }
        }
    }

    /// Whether the same is told by the side that connected.
    pub(super) fn is_told_elsewhere(&self, entry: &Entry) -> bool {
        if entry.covered {
            return true;
        }
        let incoming = entry.wire.direction == Direction::Incoming;
        let path = entry.wire.path().filter(|_| incoming);
        let told = path.and_then(|path| self.told.get(&path));
        told.is_some_and(|told| told.wire.node != entry.wire.node)
    }

    /// What the side that listens told, on another node, of what this entry
    /// tells; once where several entries tell of it.
    pub(super) fn other_side(&self, entry: &Entry) -> Vec<&'a Entry> {
        if entry.wire.direction != Direction::Outgoing {
            return Vec::new();
        }
        let Some(path) = entry.wire.path() else { return Vec::new() };
        let stands_for = |first: &&Entry| std::ptr::eq(*first, entry);
        let by_path =
            self.heard.get(&path).filter(|_| self.told.get(&path).is_some_and(stands_for));
        let by_service = || {
            let dialled = dialled(entry)?;
            let first = self.dialled.get(&dialled)?.as_ref()?;
            self.answered.get(&dialled).filter(|_| stands_for(first))
        };
        let heard = by_path.or_else(by_service).into_iter().flatten();
        heard.filter(|other| other.wire.node != entry.wire.node).copied().collect()
    }
}

/// The service at the other end: dialled without a word of who answered, or
/// that of the pod which did.
fn dialled(entry: &Entry) -> Option<Dialled> {
    let service = entry.ends.destination.service.clone()?;
    let blind = entry.wire.direction == Direction::Incoming || entry.ends.backend.is_none();
    blind.then(|| (entry.wire.source().to_canonical(), service, entry.wire.transport))
}
