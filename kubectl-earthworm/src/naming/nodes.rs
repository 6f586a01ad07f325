//! Nodes by their addresses.

use super::facts::NodeFacts;
use super::index::Index;
use super::intern::Interner;
use super::shelf::Shelf;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Debug)]
struct Node {
    name: Arc<str>,
    addresses: Box<[IpAddr]>,
}

#[derive(Debug, Default)]
pub(super) struct Nodes {
    shelf: Shelf<Node>,
    by_address: Index<IpAddr, Arc<Node>>,
}

impl Nodes {
    pub(super) fn begin(&mut self) {
        self.shelf.begin();
    }

    /// `false` when there is no room.
    pub(super) fn apply(&mut self, facts: &NodeFacts, interner: &mut Interner) -> bool {
        if !self.shelf.has_room(&facts.name) {
            return false;
        }
        let addresses = facts.addresses.iter().map(IpAddr::to_canonical).collect();
        let node = Arc::new(Node { name: interner.get(&facts.name), addresses });
        if let Some(old) = self.shelf.put(&facts.name, node.clone()) {
            self.forget(&old);
        }
        for address in &node.addresses {
            self.by_address.add(*address, node.clone());
        }
        true
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some(old) = self.shelf.take(name) {
            self.forget(&old);
        }
    }

    pub(super) fn sweep(&mut self) {
        for old in self.shelf.sweep() {
            self.forget(&old);
        }
    }

    pub(super) fn clear(&mut self) {
        self.shelf.clear();
        self.by_address.clear();
    }

    fn forget(&mut self, old: &Arc<Node>) {
        for address in &old.addresses {
            self.by_address.remove(address, |node| Arc::ptr_eq(node, old));
        }
    }

    /// The node that has this address; of several, which can only be leftovers
    /// beside the real one, the one that was shown last.
    pub(super) fn at(&self, address: IpAddr) -> Option<&Arc<str>> {
        self.by_address.get(&address).last().map(|node| &node.name)
    }
}
