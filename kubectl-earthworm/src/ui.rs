//! What people see on stderr: problems, progress, questions. Data goes to
//! stdout, and only through [`crate::output`] and [`crate::screen`].

use crate::cli::{ColorChoice, GlobalArgs};
use crate::signal::Problem;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

/// How to talk to the person at the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// `-q`.
    pub quiet: bool,
    /// `-v`.
    pub verbose: bool,
    color: ColorChoice,
    no_color: bool,
}

impl Ui {
    /// From flags and environment.
    #[must_use]
    pub fn new(arguments: &GlobalArgs) -> Self {
        Self {
            quiet: arguments.quiet,
            verbose: arguments.verbose,
            color: arguments.color,
            // https://no-color.org: present and not empty.
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }

    /// Whether to colour what goes to a stream.
    #[must_use]
    pub fn colors(&self, is_terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !self.no_color,
        }
    }

    /// A line for people, unless `-q`.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            line(&text.to_string());
        }
    }

    /// A line that only `-v` shows.
    pub fn detail(&self, text: impl Display) {
        if self.verbose {
            line(&text.to_string());
        }
    }

    /// An error with its hint, always shown.
    pub fn problem(&self, problem: &Problem) {
        let color = self.colors(std::io::stderr().is_terminal());
        let (red, cyan, plain) =
            if color { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
        line(&format!("{red}error:{plain} {}", clean(&problem.message)));
        if let Some(hint) = &problem.hint {
            line(&format!("{cyan}hint:{plain} {}", clean(hint)));
        }
    }

    /// A writer of lines for people, unless `-q`.
    #[must_use]
    pub fn voice(self) -> Voice {
        Voice(self)
    }

    /// A spinner on a terminal; nothing elsewhere or with `-q`.
    #[must_use]
    pub fn spinner(&self) -> Spinner {
        let shown = !self.quiet && std::io::stderr().is_terminal();
        let bar = if shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let template =
            if self.colors(shown) { "{spinner:.green} {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Spinner(bar)
    }
}

/// Lines for people on stderr, unless `-q`.
#[derive(Debug)]
pub struct Voice(Ui);

impl std::io::Write for Voice {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.quiet { Ok(bytes.len()) } else { std::io::stderr().write(bytes) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Shows what is being waited for; gone when dropped.
pub struct Spinner(ProgressBar);

impl Spinner {
    /// What is being waited for now.
    pub fn set(&self, text: &str) {
        self.0.set_message(clean(text));
    }

    /// Takes the spinner away while something else is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Text from a cluster may hold anything; a terminal must see none of it act.
fn clean(text: &str) -> String {
    crate::output::escape(text).into_owned()
}

fn line(text: &str) {
    // A closed stderr is nobody's loss.
    let _ = writeln!(std::io::stderr(), "{text}");
}
