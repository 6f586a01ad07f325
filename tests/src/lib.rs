//! Shared helpers of the tests on a real cluster: find the sandbox, run the
//! plugin in it, collect the truth beside it, and look for what is left.
//!
//! Everything here fails by a panic with the reason in words: in a test that is
//! the report.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "helpers of tests may fail and speak like tests"
)]

pub mod contract;
pub mod image;
pub mod kubelet;
pub mod lab;
pub mod leases;
pub mod network;
pub mod other_probe;
pub mod pods;
pub mod policy;
pub mod pty;
pub mod residue;
pub mod rights;
pub mod session;
pub mod throttle;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

/// Reads a time as Kubernetes and the plugin write it.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn timestamp(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    text.parse().unwrap_or_else(|error| panic!("{text:?} is no time: {error}"))
}

/// Seconds from `earlier` to `later`, negative when it is the other way round.
#[must_use]
pub fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

/// Waits until `happened` says yes, and gives how long that took.
///
/// # Panics
/// When it does not within `patience`.
pub fn eventually(what: &str, patience: Duration, mut happened: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
    started.elapsed()
}
