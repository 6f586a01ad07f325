//! Colour, when the caller wants it.

use crate::rhythm::{Class, Grade};

/// Whether to colour. The caller decides, from `--color`, `NO_COLOR` and what
/// the output is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Write colours.
    pub color: bool,
}

impl Style {
    /// Without colours.
    pub const PLAIN: Self = Self { color: false };
    /// With colours.
    pub const COLOR: Self = Self { color: true };

    /// `text`, already padded, in the colour of a rhythm.
    pub(super) fn rhythm(self, class: Class, text: &str) -> String {
        let code = match class.grade() {
            Grade::Unknown => "2",
            Grade::Healthy => "32",
            Grade::Notable => "33",
            Grade::Unhealthy => "31;1",
        };
        self.paint(code, text)
    }

    /// `text` set apart, such as a node's name.
    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
