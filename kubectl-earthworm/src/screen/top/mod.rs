//! The live screen of `top`: a table that is new with every interval.
//!
//! Driven like that of `pulse`: [`run`] blocks until the user leaves or until
//! nobody sends any more, on a thread of its own, and nothing that counts ever
//! waits for it.

mod draw;
mod state;

#[cfg(test)]
mod tests;

pub use draw::draw;
pub use state::{NodeFacts, Setup, State, Update};

use super::{Ending, terminal};
use crate::rhythm::ProbeState;
use crate::signal::Stamp;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// Pause between two pictures: a key is answered within this time.
const FRAME: Duration = Duration::from_millis(100);
/// Updates that are taken in between two pictures at most.
const UPDATES_PER_FRAME: usize = 1000;

/// Shows the screen on stdout's terminal until the user leaves or every
/// sender is gone. The terminal is as it was before when this returns or panics.
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
        if let Some(key) = terminal.next_key(FRAME)?
            && state.press(key)
        {
            return Ok(Ending::Quit);
        }
    }
}

/// What a person is told of a session's progress; `None` when nothing.
#[must_use]
pub fn progress(state: &ProbeState) -> Option<String> {
    Some(match state {
        ProbeState::Creating => "creating the probe".to_owned(),
        ProbeState::Starting(what) => format!("waiting for {what}"),
        ProbeState::Streaming(_) => "counting".to_owned(),
        _ => return None,
    })
}
