//! From what probes report of traffic to the rows of a table.
//!
//! [`Observer`] takes in every [`Signal`](crate::signal::Signal) about any of
//! the nodes and says what is worth telling at once; its [`Ledger`] adds up
//! what the probes report, and gives the rows of a [`View`]. At the end there
//! is a [`Summary`] of each node.
//!
//! Nothing here does I/O or reads a clock, and names come through [`Names`]: the
//! same signals and names always give the same rows.
//!
//! # Each flow once
//!
//! Of two ends on one node the probe tells once, from the side that connected.
//! Of two ends on two observed nodes both probes tell; then the side that
//! connected wins, since it knows which service was dialled. What the side that
//! listens told is left out
//!
//! * when it comes from a pod on a node that is observed at that moment, or
//! * when a flow between the very same addresses, through the same port, is told
//!   from the side that connected on another node (so it is between processes in
//!   the networks of their nodes, which share an address).
//!
//! What comes from the address of an observed node is kept for up to two
//! intervals of that node, until it has told of it too or has not
//! (`ledger/waiting.rs`).
//!
//! Its retransmitted segments are taken over, which only the sender can count,
//! and its pods as those who answered for a service. A source that was
//! translated to another address on its way keeps its two sides apart, and both
//! are shown.

mod amounts;
mod dns;
mod ledger;
mod names;
mod node;
mod observer;
mod row;
mod sort;
#[cfg(test)]
pub(crate) mod tests;
mod view;

pub use amounts::{Amounts, Changes};
pub use dns::{DnsCounts, NOERROR, NXDOMAIN, SERVFAIL};
pub use ledger::{Interval, Ledger, Other};
pub use names::Names;
pub use node::Summary;
pub use observer::{News, Observer};
pub use row::{DnsRow, DropRow, End, FlowRow, Row, Several, Subject};
pub use sort::SortBy;
pub use view::{Filter, Listing, Query, View};
