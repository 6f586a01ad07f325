//! The table at the end.

use std::time::Duration;

use super::runner::Counts;
use crate::cli::Class;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    Skipped,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "SKIPPED",
        }
    }
}

/// One step of one class.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) class: Class,
    pub(super) step: String,
    pub(super) outcome: Outcome,
    pub(super) tests: Counts,
    pub(super) elapsed: Duration,
    /// Why it failed or was skipped; what a passed one left out.
    pub(super) reason: String,
}

impl Row {
    /// A row that has passed, until something else is known.
    pub(super) fn new(class: Class, step: &str, elapsed: Duration) -> Row {
        Row {
            class,
            step: step.to_owned(),
            outcome: Outcome::Passed,
            tests: Counts::default(),
            elapsed,
            reason: String::new(),
        }
    }
}

/// All steps in their order.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
}

const HEADERS: [&str; 6] = ["CLASS", "STEP", "RESULT", "TESTS", "SECONDS", "REASON"];

impl Report {
    /// Whether anything failed.
    pub(super) fn failed(&self) -> bool {
        self.rows.iter().any(|row| row.outcome == Outcome::Failed)
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    /// The table, and a last line with the sum.
    pub(super) fn render(&self, elapsed: Duration) -> String {
        let cells: Vec<[String; 6]> = std::iter::once(HEADERS.map(str::to_owned))
            .chain(self.rows.iter().map(|row| {
                [
                    row.class.name().to_owned(),
                    row.step.clone(),
                    row.outcome.name().to_owned(),
                    row.tests.summary(),
                    format!("{:.1}", row.elapsed.as_secs_f64()),
                    // The table has one line per step; the whole text was
                    // printed where it happened.
                    row.reason.lines().next().unwrap_or_default().to_owned(),
                ]
            }))
            .collect();
        let widths: [usize; 6] = std::array::from_fn(|column| {
            cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        });
        let mut lines: Vec<String> = cells
            .iter()
            .map(|row| {
                let line: Vec<String> =
                    row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
                line.join("  ").trim_end().to_owned()
            })
            .collect();
        lines.push(format!(
            "\n{} steps passed, {} failed, {} skipped; {} tests passed, {} failed; {:.0} s",
            self.count(Outcome::Passed),
            self.count(Outcome::Failed),
            self.count(Outcome::Skipped),
            self.rows.iter().map(|row| row.tests.passed).sum::<u64>(),
            self.rows.iter().map(|row| row.tests.failed).sum::<u64>(),
            elapsed.as_secs_f64(),
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_step_and_a_sum() {
        let mut unit = Row::new(Class::Unit, "tests", Duration::from_millis(12_340));
        unit.tests = Counts { passed: 7, failed: 0, ignored: 1 };
        let mut cluster = Row::new(Class::Cluster, "1.36.3", Duration::ZERO);
        cluster.outcome = Outcome::Skipped;
        cluster.reason = "needs root\nand more".to_owned();
        let report = Report { rows: vec![unit, cluster] };
        assert!(!report.failed());
        assert_eq!(
            report.render(Duration::from_secs(13)),
            "CLASS    STEP    RESULT   TESTS                SECONDS  REASON\n\
             unit     tests   passed   7 passed, 1 ignored  12.3\n\
             cluster  1.36.3  SKIPPED                       0.0      needs root\n\
             \n1 steps passed, 0 failed, 1 skipped; 7 tests passed, 0 failed; 13 s"
        );
    }

    #[test]
    fn one_failure_is_a_failure() {
        let mut row = Row::new(Class::Lint, "format", Duration::ZERO);
        row.outcome = Outcome::Failed;
        let report = Report { rows: vec![Row::new(Class::Lint, "clippy", Duration::ZERO), row] };
        assert!(report.failed());
    }
}
