//! A list at the terminal to choose one line from.

use crate::commands::terminate::Terminate;
use crate::ui::Ui;
use dialoguer::FuzzySelect;
use dialoguer::console::{Term, measure_text_width, style, truncate_str};
use dialoguer::theme::Theme;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that the prompt and the cursor below the list take.
const PROMPT_ROWS: usize = 2;

/// What stands in front of a line.
const MARKER: &str = "> ";

const HELP: &str = "type to search, Enter to choose, Esc to leave";

/// What a person did with the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Chose the line with this index.
    Line(usize),
    /// Left with Esc, or the terminal is gone.
    Nothing,
    /// Ctrl-C, or SIGTERM.
    Interrupted,
}

/// Shows the lines on stderr and waits for a choice. However that ends, the
/// terminal is as it was before.
pub(super) async fn pick(
    prompt: &'static str,
    lines: Vec<String>,
    ui: Ui,
    terminate: &mut Terminate,
) -> Choice {
    let terminal = Term::stderr();
    let _restored = Restored::remember(&terminal);
    let (rows, columns) = terminal.size();
    // A line that wraps cannot be taken back.
    let width = usize::from(columns).saturating_sub(1);
    let space = width.saturating_sub(MARKER.len());
    let lines: Vec<String> =
        lines.iter().map(|line| truncate_str(line, space, "…").into_owned()).collect();
    let drawn = Arc::new(AtomicUsize::new(0));
    let rows = usize::from(rows).max(3) - PROMPT_ROWS;
    let color = ui.colors(true);
    let theme = List { lines: lines.clone(), rows, width, color, drawn: drawn.clone() };
    let asked = tokio::task::spawn_blocking(move || {
        let list = FuzzySelect::with_theme(&theme).with_prompt(prompt).items(&lines).default(0);
        let list = list.max_length(rows).highlight_matches(theme.color).report(false);
        list.interact_opt()
    });
    let chosen = tokio::select! {
        biased;
        () = terminate.wait() => None,
        asked = asked => match asked {
            Ok(Ok(chosen)) => Some(chosen),
            Ok(Err(dialoguer::Error::IO(error)))
                if error.kind() == std::io::ErrorKind::Interrupted => None,
            _ => Some(None),
        }
    };
    match chosen {
        Some(Some(index)) => Choice::Line(index),
        Some(None) => Choice::Nothing,
        None => {
            let _ = terminal.clear_last_lines(drawn.load(Ordering::Relaxed));
            Choice::Interrupted
        }
    }
}

/// How the list looks, and how many lines of it are on the screen.
struct List {
    lines: Vec<String>,
    /// How many of them fit.
    rows: usize,
    /// Columns of the terminal.
    width: usize,
    color: bool,
    drawn: Arc<AtomicUsize>,
}

impl Theme for List {
    fn format_fuzzy_select_prompt(
        &self,
        out: &mut dyn fmt::Write,
        prompt: &str,
        typed: &str,
        cursor: usize,
    ) -> fmt::Result {
        let fitting = self.lines.iter().filter(|line| is_within(typed, line)).count();
        self.drawn.store(1 + fitting.min(self.rows), Ordering::Relaxed);
        let (head, tail) = typed.split_at(cursor);
        write!(out, "{prompt} {head}|{tail}")?;
        let remark = match (typed, fitting) {
            ("", _) => HELP,
            (_, 0) => "nothing matches",
            _ => return Ok(()),
        };
        let taken = prompt.len() + " ".len() + measure_text_width(typed) + "|  ".len();
        if taken + remark.len() > self.width {
            return Ok(());
        }
        write!(out, "  {}", style(remark).force_styling(self.color).dim())
    }
}

/// Whether the letters typed are in the line in this order, which is what the
/// list goes by. A capital letter means itself.
fn is_within(typed: &str, line: &str) -> bool {
    let exact = typed.chars().any(char::is_uppercase);
    let line = if exact { line.to_owned() } else { line.to_lowercase() };
    let mut letters = line.chars();
    typed.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// Puts the terminal back when dropped: the thread that waits for a key has
/// changed it, and may be left behind while it waits.
struct Restored {
    terminal: Term,
    #[cfg(unix)]
    attributes: Option<rustix::termios::Termios>,
}

impl Restored {
    fn remember(terminal: &Term) -> Self {
        Self {
            terminal: terminal.clone(),
            #[cfg(unix)]
            attributes: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(attributes) = &self.attributes {
            use rustix::termios::{OptionalActions, tcsetattr};
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, attributes);
        }
        let _ = self.terminal.show_cursor();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_looked_for_in_order() {
        for (typed, line, expected) in [
            ("", "node-a", true),
            ("nb", "node-b  Ready", true),
            ("ready", "node-b  Ready", true),
            ("Ready", "node-b  Ready", true),
            ("READY", "node-b  Ready", false),
            ("bn", "node-b", false),
        ] {
            assert_eq!(is_within(typed, line), expected, "{typed:?} in {line:?}");
        }
    }

    #[test]
    fn the_prompt_says_what_to_do_and_when_nothing_is_left() {
        let drawn = Arc::new(AtomicUsize::new(0));
        let list = List {
            lines: vec!["node-a".into()],
            rows: 9,
            width: 60,
            color: false,
            drawn: drawn.clone(),
        };
        for (typed, expected) in [
            ("", format!("Which node? |  {HELP}")),
            ("no", "Which node? n|o".to_owned()),
            ("zz", "Which node? z|z  nothing matches".to_owned()),
        ] {
            let mut text = String::new();
            list.format_fuzzy_select_prompt(&mut text, "Which node?", typed, typed.len().min(1))
                .unwrap();
            assert_eq!(text, expected);
        }
        assert_eq!(drawn.load(Ordering::Relaxed), 1);
    }
}
