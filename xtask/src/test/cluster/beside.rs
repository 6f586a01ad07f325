//! The Kubernetes of the next sandbox, built while the tests in this one wait
//! for heartbeats.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::cli::Class;
use crate::cluster::build;
use crate::progress::{Progress, print};
use crate::test::report::{Outcome, Report, Row};

/// The lowest priority that there is: the tests measure.
const NICE: i32 = 19;

/// A build in the background.
#[derive(Debug)]
pub(in crate::test) struct Beside {
    version: String,
    thread: JoinHandle<(Result<()>, Duration)>,
}

impl Beside {
    /// Begins to build a version; `None` when the cache has it.
    pub(super) fn start(version: &str) -> Option<Beside> {
        if build::is_cached(version).unwrap_or(false) {
            return None;
        }
        print(&format!("Kubernetes {version} is built beside the tests"));
        let version = version.to_owned();
        let name = version.clone();
        let thread = thread::spawn(move || {
            let started = Instant::now();
            // Of this thread alone, and of what it starts. A refusal costs
            // nothing but time.
            let _ = rustix::process::setpriority_process(None, NICE);
            // What the compiler said last is in the error.
            let built = build::ensure(&name, &mut Progress::silent()).map(drop);
            (built, started.elapsed())
        });
        Some(Beside { version, thread })
    }

    /// Waits for the end, and reports how long it took by itself.
    pub(super) fn finish(self, report: &mut Report) {
        let waiting = Instant::now();
        print(&format!("\n---- cluster: waiting for Kubernetes {} ----", self.version));
        let panicked = |_| (Err(anyhow!("the build panicked")), waiting.elapsed());
        let (built, elapsed) = self.thread.join().unwrap_or_else(panicked);
        let mut row =
            Row::new(Class::Cluster, &format!("{} built beside the tests", self.version), elapsed);
        match built {
            Ok(()) => {
                row.reason = format!("{:.0} s of waiting", waiting.elapsed().as_secs_f64());
            }
            Err(error) => {
                row.outcome = Outcome::Failed;
                row.reason = format!("{error:#}");
                print(&format!("FAILED cluster: {}: {}", row.step, row.reason));
            }
        }
        report.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_fails_is_in_the_report() {
        let mut report = Report::default();
        Beside::start("1.1.1").unwrap().finish(&mut report);
        assert!(report.failed());
        let row = &report.rows[0];
        assert_eq!(row.step, "1.1.1 built beside the tests");
        assert!(row.reason.starts_with("no such version here: 1.1.1 "), "{}", row.reason);
    }
}
