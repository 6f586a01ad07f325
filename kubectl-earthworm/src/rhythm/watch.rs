//! Bookkeeping about the watch of one node's Lease.

use super::clock::seconds_between;
use std::time::Duration;

/// After the watch has come back it delivers what waited; for this long
/// afterwards silence proves nothing and an arrival is no measure of time.
const SETTLE: Duration = Duration::from_secs(2);

/// The watch of one Lease.
#[derive(Debug, Default)]
pub(super) struct Watch {
    state: State,
    /// Counts interruptions: between beats of different epochs some may be missing.
    pub(super) epoch: u32,
    /// The newest renewTime that was shown, in microseconds.
    newest_renew: Option<i64>,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// No Lease was shown yet.
    #[default]
    New,
    Up {
        settled: Duration,
    },
    Interrupted {
        since: Duration,
    },
}

/// How a renewTime relates to the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Newer than all: the control plane counts it.
    Forward,
    /// Older than one before: the control plane ignores it.
    Back,
    /// It carries none, so nothing can be said.
    Unknown,
}

/// Compares `renew` with the newest so far and keeps the newer one.
pub(super) fn progress(newest: &mut Option<i64>, renew: Option<i64>) -> Progress {
    match (*newest, renew) {
        (_, None) => Progress::Unknown,
        (Some(before), Some(renew)) if renew <= before => Progress::Back,
        (_, Some(renew)) => {
            *newest = Some(renew);
            Progress::Forward
        }
    }
}

impl Watch {
    /// True when silence means that no Lease was renewed.
    pub(super) fn is_settled(&self, now: Duration) -> bool {
        matches!(self.state, State::Up { settled } if now >= settled)
    }

    /// True while the API server answers.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// True when the API server did answer and does not any more.
    pub(super) fn is_interrupted(&self) -> bool {
        matches!(self.state, State::Interrupted { .. })
    }

    /// A Lease was shown. The first one starts the observation.
    pub(super) fn shown(&mut self, now: Duration) {
        if matches!(self.state, State::New) {
            self.state = State::Up { settled: now };
        }
    }

    /// The watch broke. Returns false when it was broken already.
    pub(super) fn broke(&mut self, now: Duration) -> bool {
        if self.is_interrupted() {
            return false;
        }
        self.state = State::Interrupted { since: now };
        self.epoch += 1;
        true
    }

    /// The watch is back. Returns for how many seconds it was away.
    pub(super) fn recovered(&mut self, now: Duration) -> Option<f64> {
        let State::Interrupted { since } = self.state else { return None };
        self.state = State::Up { settled: now + SETTLE };
        self.epoch += 1;
        Some(seconds_between(since, now))
    }

    /// The plugin stood still: what waited arrives now, all at once.
    pub(super) fn stalled(&mut self, now: Duration) {
        self.epoch += 1;
        if self.is_up() {
            self.state = State::Up { settled: now + SETTLE };
        }
    }

    /// Takes in the renewTime of a Lease event.
    pub(super) fn renewed(&mut self, renew: Option<i64>) -> Progress {
        progress(&mut self.newest_renew, renew)
    }

    /// The newest renewTime that was shown, in microseconds.
    pub(super) fn newest_renew(&self) -> Option<i64> {
        self.newest_renew
    }

    /// Takes in a state that a list showed: it may be older than what an
    /// event has shown before, when another API server answers from its cache.
    pub(super) fn listed(&mut self, renew: Option<i64>) {
        self.newest_renew = self.newest_renew.max(renew);
    }
}
