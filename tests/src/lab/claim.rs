//! Which test has which nodes: all tests of a process share one sandbox, and
//! each waits here for its turn.
//!
//! Large claims come first, then long ones. So the nodes are not left idle
//! until there are enough for a large claim, nor for one long test at the end;
//! and as the number of tests has an end, nobody waits for ever.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use xtask::cluster::options::PLAIN_USERS;

/// What a test needs for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// `None` for the whole cluster.
    nodes: Option<usize>,
    user: bool,
    seconds: u16,
}

impl Claim {
    /// One node, and nothing of the others.
    pub const NODE: Claim = Claim::nodes(1);

    /// Everything: for tests that stop or slow the control plane, or act on
    /// every node there is.
    pub const CLUSTER: Claim = Claim { nodes: None, user: false, seconds: 30 };

    /// So many nodes, whichever are free.
    #[must_use]
    pub const fn nodes(count: usize) -> Claim {
        Claim { nodes: Some(count), user: false, seconds: 15 }
    }

    /// Also a user without rights, to give some to: see [`super::Lab::user`].
    #[must_use]
    pub const fn and_user(self) -> Claim {
        Claim { user: true, ..self }
    }

    /// About how long the test takes, when that is far from the usual quarter
    /// of a minute. Decides about the order alone.
    #[must_use]
    pub const fn taking(self, seconds: u16) -> Claim {
        Claim { seconds, ..self }
    }

    /// How many nodes there must be.
    pub(super) fn wanted(self) -> usize {
        self.nodes.unwrap_or(1)
    }

    /// Whether it is for the whole cluster.
    pub(super) fn is_exclusive(self) -> bool {
        self.nodes.is_none()
    }

    /// The smaller, the sooner; of equals, whoever came first.
    fn rank(self) -> (Reverse<usize>, Reverse<u16>) {
        (Reverse(self.nodes.unwrap_or(usize::MAX)), Reverse(self.seconds))
    }
}

/// The tests of a program arrive within this time of the first; only then is it
/// known which is the largest.
const GATHERING: Duration = Duration::from_millis(300);

/// Who waits and what is free.
#[derive(Debug)]
struct Board {
    opened: Instant,
    nodes: usize,
    /// A node that has been used goes to the end, and rests the longest.
    free: VecDeque<String>,
    users: VecDeque<&'static str>,
    waiting: Vec<(u64, Claim)>,
    arrived: u64,
}

impl Board {
    fn new(nodes: VecDeque<String>) -> Self {
        let (nodes, free) = (nodes.len(), nodes);
        let users = PLAIN_USERS.into();
        let opened = Instant::now();
        Self { opened, nodes, free, users, waiting: Vec::new(), arrived: 0 }
    }

    /// Whether it is the turn of whoever has this number.
    fn is_turn_of(&self, number: u64) -> bool {
        let mut order = self.waiting.clone();
        order.sort_by_key(|&(number, claim)| (claim.rank(), number));
        let mut free = self.free.len();
        for (other, claim) in order {
            let wanted = claim.nodes.unwrap_or(self.nodes);
            if wanted > free {
                // Nobody passes it: it would wait for as long as there are others.
                return false;
            }
            if claim.user && self.users.is_empty() {
                continue;
            }
            if other == number {
                return true;
            }
            free -= wanted;
        }
        false
    }

    fn hand_out(&mut self, number: u64, claim: Claim) -> (Vec<String>, Option<&'static str>) {
        self.waiting.retain(|(other, _)| *other != number);
        let wanted = claim.nodes.unwrap_or(self.nodes);
        let mut nodes: Vec<String> = self.free.drain(..wanted).collect();
        nodes.sort();
        (nodes, if claim.user { self.users.pop_front() } else { None })
    }
}

/// The nodes of a sandbox, and the tests that want them.
#[derive(Debug)]
pub(super) struct Lanes {
    board: Mutex<Board>,
    changed: Condvar,
}

impl Lanes {
    pub(super) fn new(nodes: impl IntoIterator<Item = String>) -> Self {
        let board = Board::new(nodes.into_iter().collect());
        Self { board: Mutex::new(board), changed: Condvar::new() }
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.board().nodes
    }

    /// Waits for the turn of a claim.
    ///
    /// # Panics
    /// When there are not enough nodes.
    pub(super) fn take(&'static self, claim: Claim) -> Turn {
        let mut board = self.board();
        let wanted = claim.wanted();
        assert!((1..=board.nodes).contains(&wanted), "{wanted} of {} nodes wanted", board.nodes);
        board.arrived += 1;
        let number = board.arrived;
        board.waiting.push((number, claim));
        loop {
            let early = GATHERING.saturating_sub(board.opened.elapsed());
            if early.is_zero() && board.is_turn_of(number) {
                let (nodes, user) = board.hand_out(number, claim);
                self.changed.notify_all();
                return Turn { lanes: self, nodes, user };
            }
            board = if early.is_zero() {
                self.changed.wait(board).unwrap_or_else(PoisonError::into_inner)
            } else {
                let waited = self.changed.wait_timeout(board, early);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // A test that panics has not done so in here.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a test has got; it goes back when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    lanes: &'static Lanes,
    pub(super) nodes: Vec<String>,
    pub(super) user: Option<&'static str>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut board = self.lanes.board();
        board.free.extend(self.nodes.drain(..));
        board.users.extend(self.user);
        drop(board);
        self.lanes.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
