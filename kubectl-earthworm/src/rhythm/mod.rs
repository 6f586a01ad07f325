//! From signals about one node to its rhythm.
//!
//! [`Heart`] takes in every [`Signal`](crate::signal::Signal) about one node
//! and gives [`Finding`]s: beats merged from the node's and the API server's
//! view, changes of rhythm, events, problems; at the end a [`Summary`].
//!
//! Nothing here does I/O or reads a clock. Time is the signal's
//! [`Stamp`](crate::signal::Stamp), and absence is noticed when a later signal
//! arrives, so the same signals always give the same findings.

mod class;
mod clock;
mod diagnose;
mod finding;
mod heart;
mod link;
mod merge;
mod statistics;
mod summary;
#[cfg(test)]
pub(crate) mod tests;
mod watch;
mod words;

pub use class::{Cause, Class, Grade};
pub use finding::{
    Beat, Event, EventKind, Finding, FindingKind, Lead, MatchedBy, ProbeState, Problem, Rhythm,
    Segments, Source,
};
pub use heart::{Config, Heart, STALL};
pub use statistics::{Intervals, Renews};
pub use summary::{Beats, ProbeOutcome, Summary};
pub use words::signal_name;
