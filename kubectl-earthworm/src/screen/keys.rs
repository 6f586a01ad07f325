//! What the keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave the screen.
    Quit,
    /// Hold the picture, or let it go on.
    Pause,
    /// The node above.
    Up,
    /// The node below.
    Down,
    /// The selected node alone, or all of them.
    Zoom,
    /// Show or hide what the picture means.
    Help,
    /// Close what lies on top.
    Back,
}

/// What a key means here, if anything.
pub(super) fn action(key: KeyEvent) -> Option<Action> {
    // Some terminals report the release of a key too.
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') if control => Some(Action::Quit),
        _ if control => None,
        KeyCode::Char('q' | 'Q') => Some(Action::Quit),
        KeyCode::Char('p' | ' ') => Some(Action::Pause),
        KeyCode::Char('k') | KeyCode::Up => Some(Action::Up),
        KeyCode::Char('j') | KeyCode::Down => Some(Action::Down),
        KeyCode::Enter => Some(Action::Zoom),
        KeyCode::Char('?' | 'h') => Some(Action::Help),
        KeyCode::Esc => Some(Action::Back),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_c_quits_because_raw_mode_makes_it_a_key() {
        let press = |code, modifiers| action(KeyEvent::new(code, modifiers));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), Some(Action::Quit));
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::CONTROL), None);
        assert_eq!(press(KeyCode::Char('j'), KeyModifiers::NONE), Some(Action::Down));
    }

    #[test]
    fn a_released_key_does_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(action(key), None);
    }
}
