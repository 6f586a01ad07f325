//! A program that is watched: each line it says is stamped when it arrives.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::process::ProcessId;

/// Between two looks whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    /// When it arrived.
    pub(super) at: Instant,
    pub(super) text: String,
    /// Whether it is data, and not a word to people.
    pub(super) is_data: bool,
}

impl Line {
    /// The object in it, if it is data in JSON.
    pub(super) fn json(&self) -> Option<Value> {
        if self.is_data { serde_json::from_str(&self.text).ok() } else { None }
    }
}

/// A running program; dropping it ends it the hard way.
#[derive(Debug)]
pub(super) struct Watched {
    child: Child,
    lines: Receiver<Line>,
    /// The last words to people, for an error.
    said: Vec<String>,
    /// The moment before it was started.
    pub(super) started: Instant,
}

impl Watched {
    /// Starts a program that is asked nothing.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let (sender, lines) = channel();
        let out = child.stdout.take().context("the program has no output")?;
        let errors = child.stderr.take().context("the program has no error output")?;
        collect(out, true, sender.clone());
        collect(errors, false, sender);
        Ok(Watched { child, lines, said: Vec::new(), started })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line; none when the program has closed its output.
    pub(super) fn next(&mut self, deadline: Instant) -> Result<Option<Line>> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                if !line.is_data {
                    self.said.push(line.text.clone());
                }
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!("it takes too long: {}", self.last_words()),
        }
    }

    /// Asks the program to end, as Ctrl-C does.
    pub(super) fn interrupt(&self) -> Result<()> {
        let process = ProcessId::of(self.pid()).context("the program has ended already")?;
        process.signal(Signal::INT)
    }

    /// Waits for the end, and reads whatever it says until then.
    pub(super) fn end(mut self, patience: Duration) -> Result<Ended> {
        let deadline = Instant::now() + patience;
        let mut lines = Vec::new();
        while let Some(line) = self.next(deadline)? {
            lines.push(line);
        }
        loop {
            if let Some(status) = self.child.try_wait().context("cannot wait for the program")? {
                let words = self.last_words();
                return Ok(Ended { status, at: Instant::now(), lines, words });
            }
            if Instant::now() > deadline {
                bail!("it does not end: {}", self.last_words());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// What it said last to people.
    pub(super) fn last_words(&self) -> String {
        let from = self.said.len().saturating_sub(3);
        let words = self.said[from..].join("; ");
        if words.is_empty() { "it said nothing".to_owned() } else { words }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It has ended already, unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) at: Instant,
    /// What had not been read before.
    pub(super) lines: Vec<Line>,
    words: String,
}

impl Ended {
    /// Fails unless the exit code is this one.
    pub(super) fn expect(&self, code: i32) -> Result<()> {
        if self.status.code() != Some(code) {
            bail!("it ended with {} instead of {code}: {}", self.status, self.words);
        }
        Ok(())
    }
}

fn collect(from: impl Read + Send + 'static, is_data: bool, to: Sender<Line>) {
    thread::spawn(move || {
        // Not `lines()`: what a program says need not be UTF-8.
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let at = Instant::now();
            let text = String::from_utf8_lossy(&line).into_owned();
            if to.send(Line { at, text, is_data }).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_of_both_outputs_arrive_with_their_time() {
        let mut watched =
            Watched::start(shell("echo '{\"a\":1}'; echo words >&2; exit 3")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut seen = Vec::new();
        while let Some(line) = watched.next(deadline).unwrap() {
            assert!(line.at >= watched.started);
            seen.push((line.is_data, line.json().is_some()));
        }
        seen.sort_unstable();
        assert_eq!(seen, [(false, false), (true, true)]);
        let ended = watched.end(Duration::from_secs(30)).unwrap();
        assert!(ended.expect(3).is_ok());
        let error = ended.expect(0).unwrap_err().to_string();
        assert_eq!(error, "it ended with exit status: 3 instead of 0: words");
    }

    #[test]
    fn an_interrupt_arrives() {
        let script = "trap 'exit 130' INT; echo ready; while :; do sleep 0.01; done";
        let mut watched = Watched::start(shell(script)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        assert_eq!(watched.next(deadline).unwrap().unwrap().text, "ready");
        watched.interrupt().unwrap();
        watched.end(Duration::from_secs(30)).unwrap().expect(130).unwrap();
    }
}
