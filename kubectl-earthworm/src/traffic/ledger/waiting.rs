//! What a node tells of a client on another observed node, until that one has
//! had its say.
//!
//! Behind a node's address may be a process there, which that node's probe
//! tells of too, or anybody whose source was translated to it, of whom only the
//! side that listens knows. The two probes do not tell at the same moment.

use super::entry::Path;
use earthworm_wire::flow::Flow;
use jiff::Timestamp;
use std::collections::HashSet;

/// More than this is not kept waiting.
const MOST_WAITING: usize = 8_192;

/// Intervals of the other node until what it has to say has been told: the one
/// that was under way, and one more, since the words of two nodes may overtake
/// each other.
const PATIENCE_INTERVALS: u64 = 2;

/// A flow that was told, and of which it is not known yet whether another node
/// tells it too.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) node: usize,
    pub(super) flow: Flow,
    pub(super) at: Timestamp,
    /// The node of the client.
    pub(super) other: usize,
    /// When that one has told so many intervals, it has told this too.
    until: u64,
}

/// Flows that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Vec<Waiting>,
    /// What was told by the side that connected.
    told: HashSet<Path>,
}

impl Queue {
    /// The side that connected tells of this path.
    pub(super) fn told(&mut self, path: Path) {
        self.told.insert(path);
    }

    /// Begins anew with these paths.
    pub(super) fn told_only(&mut self, paths: impl Iterator<Item = Path>) {
        self.told = paths.collect();
    }

    /// Keeps a flow of which it has to be seen whether node `other`, which has
    /// told `intervals`, tells it too. False when there is nothing to wait
    /// for.
    pub(super) fn keep(
        &mut self,
        node: usize,
        flow: &Flow,
        at: Timestamp,
        path: Path,
        (other, intervals): (usize, u64),
    ) -> bool {
        if self.told.contains(&path) || self.waiting.len() >= MOST_WAITING {
            return false;
        }
        let until = intervals + PATIENCE_INTERVALS;
        self.waiting.push(Waiting { node, flow: flow.clone(), at, other, until });
        true
    }

    /// Those that need not wait any longer, by what is known of a node:
    /// intervals that it has told, none when it tells nothing any more.
    pub(super) fn release(&mut self, intervals: impl Fn(usize) -> Option<u64>) -> Vec<Waiting> {
        let over = |one: &mut Waiting| intervals(one.other).is_none_or(|told| told >= one.until);
        self.waiting.extract_if(.., over).collect()
    }
}
