//! Makes text from outside harmless on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters that move the cursor, change the terminal's state, or change how
/// the text around them is read: controls (C0, DEL, C1), line and paragraph
/// separators, bidirectional controls, invisible joiners and tags.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Nearly all text is this, which is faster to see than every character is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Writes every harmful character as `\u{..}`, so that one line stays one line
/// and nothing in it is obeyed.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_harmful(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The same inside of a JSON text, where the value stays what it was: harmful
/// characters only ever stand in strings there. With `keep_lines` the line
/// feeds between the lines of a YAML text stay.
pub(super) fn escape_encoded(text: &str, keep_lines: bool) -> Cow<'_, str> {
    let harmful = |character| is_harmful(character) && !(keep_lines && character == '\n');
    if is_plain(text) || !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    let mut units = [0; 2];
    for character in text.chars() {
        if harmful(character) {
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        let cases = [
            ("kubelet[42]", "kubelet[42]"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("one\ntwo\r\t", "one\\u{a}two\\u{d}\\u{9}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{202e}txt.exe\u{2066}", "\\u{202e}txt.exe\\u{2066}"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
            ("Größe 心", "Größe 心"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn json_keeps_its_value() {
        let text = "a\u{1b}\u{9b}\u{202e}\u{e0041}\"\\ 心";
        let json = serde_json::to_string(text).unwrap();
        let safe = escape_encoded(&json, false);
        assert!(!safe.contains(is_harmful), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}
