//! What a chore tells the person in front of it, on standard error: a spinner
//! or a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Plain lines of a counted step come at most this often.
const LINE_INTERVAL: Duration = Duration::from_secs(20);

/// Says what is going on.
#[derive(Debug)]
pub struct Progress {
    /// None when nobody looks at a terminal.
    bar: Option<ProgressBar>,
    silent: bool,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Starts to tell on standard error.
    #[must_use]
    pub fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(style("{spinner} {msg} {elapsed:.dim}"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let now = Instant::now();
        Progress { bar, silent: false, started: now, last_line: now }
    }

    /// Tells nothing: for what goes on beside something else that does.
    #[must_use]
    pub fn silent() -> Self {
        let now = Instant::now();
        Progress { bar: None, silent: true, started: now, last_line: now }
    }

    /// The next step begins.
    pub fn step(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{spinner} {msg} {elapsed:.dim}"));
                bar.set_message(text.to_owned());
            }
            None if self.silent => {}
            None => say(&format!("[{:5.1} s] {text}", self.started.elapsed().as_secs_f64())),
        }
    }

    /// The current step is at `done` of `total`, and deals with `item`.
    pub fn count(&mut self, text: &str, done: u64, total: u64, item: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{spinner} {bar:24} {pos}/{len} {wide_msg}"));
                bar.set_length(total);
                bar.set_position(done.min(total));
                bar.set_message(item.to_owned());
            }
            None if self.last_line.elapsed() >= LINE_INTERVAL => {
                self.last_line = Instant::now();
                self.step(&format!("{text}: {done} of {total}, {item}"));
            }
            None => {}
        }
    }

    /// All steps are over; `text` stays.
    pub fn finish(&mut self, text: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if !self.silent {
            say(&format!("{text} ({seconds:.1} s)"));
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Progress::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // An error message must not be overwritten by a spinner.
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A template of ours that is wrong shows the default style, never a panic.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// One line for people.
#[expect(clippy::print_stderr, reason = "the one place that speaks to people")]
pub fn say(text: &str) {
    eprintln!("{text}");
}

/// One line of data.
#[expect(clippy::print_stdout, reason = "the one place that writes data")]
pub fn print(text: &str) {
    println!("{text}");
}
