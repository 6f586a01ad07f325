//! The live screen of `pulse`: a cardiogram per node, drawn from real beats.
//!
//! # How a command drives it
//!
//! [`run`] blocks until the user leaves or until nobody sends any more, so it
//! belongs on a thread of its own (`tokio::task::spawn_blocking`); everything
//! that listens to nodes and to the API server stays where it is. Signals are
//! stamped where they arrive and fed to the [`Heart`](crate::rhythm::Heart)s
//! there; only what follows from them goes to the screen, over an unbounded
//! channel, so that nothing that measures ever waits for a terminal:
//!
//! ```no_run
//! use kubectl_earthworm::screen::{self, Ending, Setup, Update};
//! # use kubectl_earthworm::signal::Stamp;
//! # fn stamp() -> Stamp { Stamp { wall: jiff::Timestamp::now(), monotonic: std::time::Duration::ZERO } }
//! # let nodes = Vec::new();
//! let (updates, received) = std::sync::mpsc::channel();
//! let setup = Setup { nodes, color: true };
//! let screen = std::thread::spawn(move || screen::run(setup, &received, stamp));
//! // for every signal: updates.send(Update::Findings(heart.feed(&signal)))
//! // when `--for` is over or SIGTERM came: drop(updates)
//! # drop(updates);
//! match screen.join() {
//!     Ok(Ok(Ending::Quit | Ending::Closed)) => { /* say so, clean up, print the summaries */ }
//!     Ok(Err(error)) => { /* no terminal: go on with the table */ }
//!     Err(panic) => std::panic::resume_unwind(panic),
//! }
//! ```
//!
//! The terminal is in raw mode meanwhile: Ctrl-C arrives here as a key, not as
//! a signal, and ends the screen with [`Ending::Quit`] like `q` does; from
//! then on the terminal is the user's again, and a second Ctrl-C is a signal
//! for the command. A failed `send` means that the screen has ended. The
//! terminal is restored on every way out, a panic among them; what must not
//! happen is that the process is ended without dropping the sender first.
//! Nothing else may write to the terminal while the screen is up.

mod draw;
mod keys;
mod panel;
mod state;
mod terminal;
pub mod top;
mod trace;

#[cfg(test)]
mod tests;

pub use draw::draw;
pub use keys::Action;
pub use state::{Setup, State};

use crate::rhythm::Finding;
use crate::signal::Stamp;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// Pause between two pictures: the trace moves by a dot five times a second,
/// and a heart lights up within this time.
const FRAME: Duration = Duration::from_millis(50);
/// Updates that are taken in between two pictures at most.
const UPDATES_PER_FRAME: usize = 10_000;

/// What the screen is told.
#[derive(Debug, Clone)]
pub enum Update {
    /// What was found out, of any node.
    Findings(Vec<Finding>),
    /// A line about the command itself, such as what it waits for.
    Note(String),
}

/// Why the screen ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The user left it, with `q` or Ctrl-C.
    Quit,
    /// Nobody sends any more.
    Closed,
}

/// Shows the screen on stdout's terminal until the user leaves or every
/// sender is gone. `clock` gives the time of the same clocks that stamped the
/// signals. The terminal is as it was before when this returns or panics.
///
/// # Errors
///
/// When stdout is no terminal, or writing to it fails.
pub fn run(
    setup: Setup,
    updates: &Receiver<Update>,
    clock: impl Fn() -> Stamp,
) -> io::Result<Ending> {
    let mut terminal = terminal::Terminal::enter()?;
    let mut state = State::new(setup, clock());
    loop {
        state.pass_time(clock());
        for _ in 0..UPDATES_PER_FRAME {
            match updates.try_recv() {
                Ok(update) => state.update(update),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(Ending::Closed),
            }
        }
        terminal.draw(|frame| draw(frame, &state))?;
        match terminal.next_key(FRAME)?.and_then(keys::action) {
            Some(Action::Quit) => return Ok(Ending::Quit),
            Some(action) => state.act(action),
            None => {}
        }
    }
}
