//! Counts records by the number that each carries.

use serde::Serialize;
use std::time::Instant;

/// What came so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The number that should come next.
    next: u64,
    received: u64,
    missing: u64,
    repeated: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// The answer, as it is printed.
#[derive(Debug, Serialize, PartialEq)]
pub(crate) struct Report {
    /// Records that came for the first time.
    pub(crate) received: u64,
    /// Numbers that never came.
    pub(crate) missing: u64,
    /// Records that came again.
    pub(crate) repeated: u64,
    /// From the first record to the last.
    pub(crate) seconds: f64,
    /// Bytes that came, where they were counted.
    pub(crate) bytes: Option<u64>,
    /// How often the stream broke and was taken up again.
    pub(crate) interruptions: u64,
    /// Processor time of this process, in seconds.
    pub(crate) cpu_seconds: Option<f64>,
}

impl Tally {
    /// One record came.
    pub(crate) fn count(&mut self, number: u64) {
        if number < self.next {
            self.repeated += 1;
            return;
        }
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.missing += number - self.next;
        self.received += 1;
        self.next = number + 1;
    }

    /// Whether the last of `records` has come.
    pub(crate) fn is_complete(&self, records: u64) -> bool {
        self.next >= records
    }

    /// What came of `records`.
    pub(crate) fn report(&self, records: u64, bytes: Option<u64>, interruptions: u64) -> Report {
        let seconds = match (self.first, self.last) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        Report {
            received: self.received,
            missing: self.missing + records.saturating_sub(self.next),
            repeated: self.repeated,
            seconds,
            bytes,
            interruptions,
            cpu_seconds: cpu_seconds(),
        }
    }
}

/// Run time of all threads so far, by the scheduler's own account.
fn cpu_seconds() -> Option<f64> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        nanoseconds += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_counted_once() {
        let mut tally = Tally::default();
        for number in [0, 1, 1, 4, 5, 2] {
            tally.count(number);
        }
        assert!(!tally.is_complete(8));
        let report = tally.report(8, None, 0);
        assert_eq!((report.received, report.missing, report.repeated), (4, 4, 2));
        tally.count(6);
        tally.count(7);
        assert!(tally.is_complete(8));
        assert_eq!(tally.report(8, Some(40), 1).missing, 2);
    }

    #[test]
    fn nothing_is_all_missing() {
        let report = Tally::default().report(3, None, 0);
        assert_eq!((report.received, report.missing, report.seconds), (0, 3, 0.0));
    }
}
