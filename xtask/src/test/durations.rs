//! How long single tests took, as they say themselves: the time that cargo
//! gives for a test includes its wait for a free node.

/// `==== TOOK 12.3 s on node-a after 4.5 s of waiting: name ====`
const MARK: &str = "==== TOOK ";

/// How many are shown.
const SHOWN: usize = 10;

/// One line per test.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Durations(Vec<(f64, String)>);

impl Durations {
    /// Takes in what a line says, if it is such a line.
    pub(super) fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix(MARK) else { return };
        let Some((seconds, rest)) = rest.split_once(" s ") else { return };
        let Ok(seconds) = seconds.parse() else { return };
        self.0.push((seconds, rest.trim_end_matches([' ', '=']).to_owned()));
    }

    /// The slowest, and the sum of all; `None` when no test has said anything.
    pub(super) fn slowest(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut sorted = self.0.clone();
        sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
        let sum: f64 = sorted.iter().map(|(seconds, _)| seconds).sum();
        let mut lines = vec![format!("slowest of {} tests, {sum:.0} s together:", sorted.len())];
        let shown = sorted.iter().take(SHOWN);
        lines.extend(shown.map(|(seconds, rest)| format!("{seconds:>7.1} s {rest}")));
        Some(lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_come_first() {
        let mut durations = Durations::default();
        assert_eq!(durations.slowest(), None);
        for line in [
            "==== TOOK 3.5 s on node-a after 0.0 s of waiting: quick ====",
            "test it ... ok",
            "==== TOOK nonsense ====",
            "==== TOOK 62.0 s on node-a, node-b after 7.5 s of waiting: healthy minute ====",
        ] {
            durations.add(line);
        }
        assert_eq!(
            durations.slowest().unwrap(),
            "slowest of 2 tests, 66 s together:\n\
             \x20  62.0 s on node-a, node-b after 7.5 s of waiting: healthy minute\n\
             \x20   3.5 s on node-a after 0.0 s of waiting: quick"
        );
    }
}
