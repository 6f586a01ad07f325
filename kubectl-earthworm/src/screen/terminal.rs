//! The terminal: entered once, left on every way out.

use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyEvent};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, IsTerminal, Stdout, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether the alternate screen is up: leaving twice would scroll the user's own lines.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode, on its alternate screen.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn enter() -> io::Result<Self> {
        if !stdout().is_terminal() {
            return Err(io::Error::other("stdout is not a terminal"));
        }
        restore_on_panic();
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        // From here on an error must leave the terminal as it was, too.
        // Cleared by hand: ratatui's own way asks the terminal for its cursor,
        // and some never answer.
        let entered = execute!(stdout(), EnterAlternateScreen, Clear(ClearType::All))
            .and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(stdout())))
            .map(|inner| Self { inner });
        entered.inspect_err(|_| leave())
    }

    /// Draws one picture; a changed size is noticed here.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.inner.draw(picture).map(|_| ())
    }

    /// Waits for the next key, `limit` at most.
    pub(super) fn next_key(&self, limit: Duration) -> io::Result<Option<KeyEvent>> {
        if !event::poll(limit)? {
            return Ok(None);
        }
        match event::read()? {
            Event::Key(key) => Ok(Some(key)),
            _ => Ok(None),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back. Errors are of no use here: there is nowhere to
/// tell them, and the next step must be tried all the same.
fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// A panic's message must appear on the user's own screen. It is also the only
/// way out where a panic ends the process without unwinding.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
    });
}
