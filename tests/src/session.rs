//! One run of the plugin, with every line it says stamped on arrival.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::timestamp;

/// Longest wait for the end of a run that has been told to end.
const END_PATIENCE: Duration = Duration::from_secs(40);

/// One line, and when it arrived here.
#[derive(Debug, Clone)]
pub struct Line {
    /// By the machine's wall clock, which is also the nodes' clock.
    pub at: Timestamp,
    /// The text without its end.
    pub text: String,
    /// The same as JSON, null when it is none.
    pub json: Value,
}

impl Line {
    /// `kind` of the object.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.json["kind"].as_str().unwrap_or_default()
    }

    /// Whether this is an Event with this reason.
    #[must_use]
    pub fn is_event(&self, reason: &str) -> bool {
        self.kind() == "Event" && self.json["reason"] == reason
    }

    /// Whether this is a Beat of this node that was seen on the node itself.
    #[must_use]
    pub fn is_beat_on(&self, node: &str) -> bool {
        self.kind() == "Beat" && self.json["node"] == node && self.json["lead"] != "api"
    }

    /// The object's own time.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        timestamp(&self.json["time"])
    }
}

#[derive(Debug, Default)]
struct Heard {
    lines: Mutex<Vec<Line>>,
    more: Condvar,
}

impl Heard {
    /// Collects lines until the other side closes.
    fn collect(self: &Arc<Self>, from: impl Read + Send + 'static) -> JoinHandle<()> {
        let heard = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                let at = Timestamp::now();
                let text = String::from_utf8_lossy(&line).into_owned();
                let json = serde_json::from_str(&text).unwrap_or(Value::Null);
                heard.lines.lock().unwrap().push(Line { at, text, json });
                heard.more.notify_all();
            }
        })
    }

    fn wait_for<T>(
        &self,
        patience: Duration,
        pick: impl Fn(&Line) -> Option<T>,
    ) -> Result<T, Vec<Line>> {
        let deadline = Instant::now() + patience;
        let mut lines = self.lines.lock().unwrap();
        let mut looked_at = 0;
        loop {
            if let Some(found) = lines[looked_at..].iter().find_map(&pick) {
                return Ok(found);
            }
            looked_at = lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(lines.clone());
            }
            lines = self.more.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// A run of the plugin. Dropping it ends it the hard way.
#[derive(Debug)]
pub struct Session {
    child: Child,
    out: Arc<Heard>,
    errors: Arc<Heard>,
    readers: Vec<JoinHandle<()>>,
    started: Instant,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code, none after a signal.
    pub code: Option<i32>,
    /// Everything on stdout.
    pub lines: Vec<Line>,
    /// Everything on stderr.
    pub errors: Vec<Line>,
    /// From start to end.
    pub took: Duration,
    /// When the process was gone.
    pub at: Instant,
}

impl Session {
    /// Starts a command line.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (out, errors) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
        let readers = vec![
            out.collect(child.stdout.take().unwrap()),
            errors.collect(child.stderr.take().unwrap()),
        ];
        Self { child, out, errors, readers, started: Instant::now() }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the first line on stdout that `pick` takes; lines that are
    /// there already count.
    ///
    /// # Panics
    /// When none comes within `patience`.
    pub fn wait_for<T>(
        &self,
        what: &str,
        patience: Duration,
        pick: impl Fn(&Line) -> Option<T>,
    ) -> T {
        self.out.wait_for(patience, pick).unwrap_or_else(|lines| {
            panic!(
                "no {what} within {patience:?}; stdout:\n{}\nstderr:\n{}",
                texts(&lines),
                texts(&self.errors())
            )
        })
    }

    /// The same on stderr.
    ///
    /// # Panics
    /// When none comes within `patience`.
    pub fn wait_for_words(&self, words: &str, patience: Duration) -> Line {
        self.errors
            .wait_for(patience, |line| line.text.contains(words).then(|| line.clone()))
            .unwrap_or_else(|lines| {
                panic!("{words:?} not said within {patience:?}; stderr:\n{}", texts(&lines))
            })
    }

    /// The line of this Event.
    ///
    /// # Panics
    /// When it does not come within `patience`.
    pub fn event(&self, reason: &str, patience: Duration) -> Line {
        let pick = |line: &Line| line.is_event(reason).then(|| line.clone());
        self.wait_for(&format!("event {reason}"), patience, pick)
    }

    /// Waits until the probes of these nodes listen.
    ///
    /// # Panics
    /// When one of them does not within half a minute.
    pub fn listens_on(&self, nodes: &[&str]) -> Vec<Line> {
        let one = |node: &&str| {
            self.wait_for(&format!("probe on {node}"), Duration::from_secs(30), |line| {
                let here = line.is_event("probe-attached") && line.json["node"] == *node;
                here.then(|| line.clone())
            })
        };
        nodes.iter().map(one).collect()
    }

    /// Everything on stdout so far.
    ///
    /// # Panics
    /// Never in practice: only when a reader panicked.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.out.lines.lock().unwrap().clone()
    }

    /// Everything on stderr so far.
    ///
    /// # Panics
    /// Never in practice: only when a reader panicked.
    #[must_use]
    pub fn errors(&self) -> Vec<Line> {
        self.errors.lines.lock().unwrap().clone()
    }

    /// Sends a signal to it, such as [`libc::SIGINT`], and says when.
    ///
    /// # Panics
    /// When the process has ended already.
    pub fn signal(&mut self, signal: i32) -> Timestamp {
        assert!(
            self.child.try_wait().unwrap().is_none(),
            "the plugin has ended already; stdout:\n{}\nstderr:\n{}",
            texts(&self.lines()),
            texts(&self.errors())
        );
        let pid = i32::try_from(self.pid()).unwrap();
        let at = Timestamp::now();
        // SAFETY: the child has not been waited for, so the id is still its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
        at
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn end(self) -> Ended {
        self.end_within(END_PATIENCE)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within `patience`.
    pub fn end_within(mut self, patience: Duration) -> Ended {
        let deadline = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "the plugin does not end within {patience:?}; stdout:\n{}\nstderr:\n{}",
                texts(&self.lines()),
                texts(&self.errors())
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        let at = Instant::now();
        for reader in std::mem::take(&mut self.readers) {
            let _ = reader.join();
        }
        Ended {
            code: status.code(),
            lines: self.lines(),
            errors: self.errors(),
            took: self.started.elapsed(),
            at,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Ended already in every test that passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// stdout as one text.
    #[must_use]
    pub fn out_text(&self) -> String {
        texts(&self.lines)
    }

    /// stderr as one text.
    #[must_use]
    pub fn error_text(&self) -> String {
        texts(&self.errors)
    }

    /// The Summary of a node.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    pub fn summary(&self, node: &str) -> Value {
        let of_node = |line: &&Line| line.kind() == "Summary" && line.json["node"] == node;
        let found: Vec<&Line> = self.lines.iter().filter(of_node).collect();
        assert_eq!(found.len(), 1, "summaries of {node} in\n{}", self.out_text());
        found[0].json.clone()
    }

    /// Fails unless every line of stdout fits the published schema.
    ///
    /// # Panics
    /// With the first line that does not.
    pub fn assert_contract(&self) {
        for line in &self.lines {
            assert!(line.json.is_object(), "not JSON: {}", line.text);
            crate::contract::assert_fits_schema(&line.json);
        }
    }
}

fn texts(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("    {} {}\n", line.at, line.text)).collect()
}
