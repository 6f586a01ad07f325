//! Runs one command: shows its output, counts its tests, and ends it when it
//! hangs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::durations::Durations;
use crate::cluster::process::ProcessId;
use crate::progress::print;

/// Between two looks at the command.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How deep a tree of processes is followed when it has to be ended.
const MAX_DEPTH: u32 = 16;

/// How tests say that they have passed without having tested: `==== SKIPPED
/// name: reason ====`.
const SKIP_MARK: &str = "==== SKIPPED ";

/// What the test program says about each test that waits for its turn; which
/// those are is no news.
const WAITING: &str = " has been running for over 60 seconds";

/// What cargo's `test result:` lines add up to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
}

impl Counts {
    /// For the table; empty for a step that is no test.
    pub(super) fn summary(self) -> String {
        let named = [(self.passed, "passed"), (self.failed, "failed"), (self.ignored, "ignored")];
        let parts: Vec<String> = named
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        parts.join(", ")
    }

    /// Adds what a line says, if it is such a line.
    fn add(&mut self, line: &str) {
        let Some((_, numbers)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.split("; ") {
            let Some((number, word)) = part.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Tests that said that they did not really run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Skips(Vec<String>);

impl Skips {
    fn add(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix(SKIP_MARK) {
            let text = rest.trim_end_matches([' ', '=']).to_owned();
            if !self.0.contains(&text) {
                self.0.push(text);
            }
        }
    }

    /// How many, and the first of them.
    pub(super) fn summary(&self) -> Option<String> {
        let first = self.0.first()?;
        Some(format!("{} of the tests skipped themselves, such as {first}", self.0.len()))
    }
}

/// What became of a command.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// Why it failed, none when it passed.
    pub(super) failure: Option<String>,
    pub(super) tests: Counts,
    pub(super) tests_that_skipped: Skips,
    pub(super) durations: Durations,
}

/// Runs a command for at most `patience`. Its standard output is shown line by
/// line as it comes; its standard error goes where ours goes.
///
/// # Errors
/// When it cannot be started. That it failed is no error here.
pub(super) fn run(mut command: Command, patience: Duration) -> Result<Ran> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let output = child.stdout.take().context("the command has no output")?;
    let reader = thread::spawn(move || {
        let (mut tests, mut skips) = (Counts::default(), Skips::default());
        let mut durations = Durations::default();
        // Not `lines()`: what tests print need not be UTF-8.
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if line.ends_with(WAITING) {
                continue;
            }
            print(&line);
            tests.add(&line);
            skips.add(&line);
            durations.add(&line);
        }
        (tests, skips, durations)
    });
    let failure = wait(&mut child, patience)?;
    let (tests, tests_that_skipped, durations) = reader.join().unwrap_or_default();
    Ok(Ran { failure, tests, tests_that_skipped, durations })
}

/// Waits for the end, and brings it about when it takes too long.
fn wait(child: &mut Child, patience: Duration) -> Result<Option<String>> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the command")? {
            let failure = format!("ended with {status}");
            return Ok((!status.success()).then_some(failure));
        }
        if Instant::now() >= deadline {
            end(child);
            return Ok(Some(format!("did not end within {} s", patience.as_secs())));
        }
        sleep(POLL_INTERVAL);
    }
}

/// Ends the command and everything it has started: cargo alone would leave the
/// test program behind, and with it our end of the pipe.
fn end(child: &mut Child) {
    for process in descendants(child.id(), MAX_DEPTH) {
        // It may have ended on its own meanwhile.
        let _ = process.signal(Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The processes below one, the deepest last.
fn descendants(pid: u32, depth: u32) -> Vec<ProcessId> {
    if depth == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    // Each thread has children of its own.
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            found.extend(ProcessId::of(child));
            found.extend(descendants(child, depth - 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn results_add_up_over_all_programs() {
        let mut counts = Counts::default();
        for line in [
            "running 2 tests",
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 5 filtered out; finished in 7.23s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: nonsense",
        ] {
            counts.add(line);
        }
        assert_eq!(counts, Counts { passed: 13, failed: 2, ignored: 3 });
        assert_eq!(counts.summary(), "13 passed, 2 failed, 3 ignored");
        assert_eq!(Counts::default().summary(), "");
    }

    #[test]
    fn a_test_that_skips_itself_is_counted_once() {
        let script =
            "echo '==== SKIPPED a: needs root ===='; echo '==== SKIPPED a: needs root ===='";
        let ran = run(shell(script), PATIENCE).unwrap();
        assert_eq!(ran.failure, None);
        assert_eq!(
            ran.tests_that_skipped.summary().unwrap(),
            "1 of the tests skipped themselves, such as a: needs root"
        );
    }

    #[test]
    fn a_failure_names_the_exit_code() {
        let ran = run(shell("exit 3"), PATIENCE).unwrap();
        assert_eq!(ran.failure.unwrap(), "ended with exit status: 3");
        assert!(run(Command::new("/no/such/program"), PATIENCE).is_err());
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let started = Instant::now();
        let ran = run(shell("sleep 600 & wait"), Duration::from_millis(300)).unwrap();
        assert_eq!(ran.failure.unwrap(), "did not end within 0 s");
        // The child holds the pipe: had it stayed, this would have taken as long.
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
