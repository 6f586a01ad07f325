//! What the benchmarks found, as tables that are read in a terminal and in
//! `docs/benchmarks.md` alike.

use std::fmt::Write as _;
use std::time::Duration;

/// One benchmark's answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// What is measured and how, in one paragraph.
    pub(super) about: String,
    /// The tables, or why there are none.
    pub(super) findings: Result<Findings, String>,
}

/// What was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Findings {
    pub(super) tables: Vec<Table>,
    pub(super) goals: Vec<Goal>,
    /// What a reader must know to judge the figures.
    pub(super) notes: Vec<String>,
}

/// Rows below a line of headers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A figure that the project wants to keep.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Goal {
    what: String,
    limit: f64,
    is_upper: bool,
    measured: Option<f64>,
    unit: &'static str,
    digits: usize,
}

impl Goal {
    /// The figure shall not exceed `limit`.
    pub(super) fn at_most(
        what: &str,
        limit: f64,
        measured: Option<f64>,
        unit: &'static str,
        digits: usize,
    ) -> Self {
        Goal { what: what.to_owned(), limit, is_upper: true, measured, unit, digits }
    }

    /// The figure shall reach `limit`.
    pub(super) fn at_least(
        what: &str,
        limit: f64,
        measured: Option<f64>,
        unit: &'static str,
        digits: usize,
    ) -> Self {
        Goal { is_upper: false, ..Goal::at_most(what, limit, measured, unit, digits) }
    }

    fn row(&self) -> Vec<String> {
        let verdict = match self.measured {
            None => "not measured",
            Some(measured) if self.is_upper && measured <= self.limit => "met",
            Some(measured) if !self.is_upper && measured >= self.limit => "met",
            Some(_) => "missed",
        };
        let sign = if self.is_upper { "<=" } else { ">=" };
        let digits = self.digits;
        vec![
            self.what.clone(),
            format!("{sign} {}", number(Some(self.limit), digits, self.unit)),
            number(self.measured, digits, self.unit),
            verdict.to_owned(),
        ]
    }
}

impl Table {
    pub(super) fn new<const N: usize>(headers: [&str; N]) -> Self {
        Table { headers: headers.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Aligned, the first column to the left and figures to the right.
    fn render(&self) -> String {
        let lines = || std::iter::once(&self.headers).chain(&self.rows);
        let widths: Vec<usize> = (0..self.headers.len())
            .map(|column| {
                let cell = |row: &Vec<String>| row.get(column).map_or(0, |it| it.chars().count());
                lines().map(cell).max().unwrap_or(0).max(3)
            })
            .collect();
        let mut text = String::new();
        for (number, row) in lines().enumerate() {
            text.push('|');
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                // Writing to a String cannot fail.
                let _ = match column {
                    0 => write!(text, " {cell:<width$} |"),
                    _ => write!(text, " {cell:>width$} |"),
                };
            }
            text.push('\n');
            if number == 0 {
                text.push('|');
                for (column, width) in widths.iter().enumerate() {
                    let colon = if column == 0 { '-' } else { ':' };
                    let _ = write!(text, " {}{colon} |", "-".repeat(width - 1));
                }
                text.push('\n');
            }
        }
        text
    }
}

impl Section {
    /// As Markdown, which a terminal shows well enough.
    pub(super) fn render(&self) -> String {
        let mut text = format!("## {}\n\n{}\n", self.name, self.about.trim());
        match &self.findings {
            Err(reason) => {
                let _ = write!(text, "\n**NOT MEASURED: {}**\n", reason.trim());
            }
            Ok(findings) => {
                for table in &findings.tables {
                    let _ = write!(text, "\n{}", table.render());
                }
                if !findings.goals.is_empty() {
                    let mut goals = Table::new(["goal", "limit", "measured", ""]);
                    goals.rows = findings.goals.iter().map(Goal::row).collect();
                    let _ = write!(text, "\n{}", goals.render());
                }
                if !findings.notes.is_empty() {
                    text.push('\n');
                }
                for note in &findings.notes {
                    let _ = writeln!(text, "- {}", note.trim());
                }
            }
        }
        text
    }
}

/// The whole of `docs/benchmarks.md`.
pub(super) fn document(machine: &Table, sections: &[Section], took: Duration) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --write`; do not edit. Every figure was measured in this run,\n\
         with its peer or plain variant taking turns. N is the number of runs; p50 and p95 are\n\
         percentiles by nearest rank, so each is one of the measurements.\n\n\
         {}\nThe run took {:.0} s.\n",
        machine.render(),
        took.as_secs_f64()
    );
    for section in sections {
        let _ = write!(text, "\n{}", section.render());
    }
    text
}

/// A figure with its unit; what was not measured is no figure.
pub(super) fn number(value: Option<f64>, digits: usize, unit: &str) -> String {
    let Some(value) = value else { return "not measured".to_owned() };
    let text = group(&format!("{value:.digits$}"));
    if unit.is_empty() { text } else { format!("{text} {unit}") }
}

/// Thousands apart, so that large figures can be read.
fn group(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
    let digits = whole.trim_start_matches('-');
    let mut grouped = whole[..whole.len() - digits.len()].to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_can_be_read() {
        assert_eq!(number(Some(1_234_567.0), 0, "records/s"), "1,234,567 records/s");
        assert_eq!(number(Some(-1234.5), 1, ""), "-1,234.5");
        assert_eq!(number(Some(0.05), 3, "%"), "0.050 %");
        assert_eq!(number(None, 3, "s"), "not measured");
    }

    #[test]
    fn a_section_has_tables_goals_and_notes() {
        let mut table = Table::new(["step", "p50"]);
        table.row(["to the pod".to_owned(), "0.91 s".to_owned()]);
        let section = Section {
            name: "start",
            about: "About.".to_owned(),
            findings: Ok(Findings {
                tables: vec![table],
                goals: vec![
                    Goal::at_most("p50", 2.0, Some(1.5), "s", 2),
                    Goal::at_least("rate", 10.0, Some(9.0), "", 0),
                    Goal::at_least("rest", 10.0, None, "", 0),
                ],
                notes: vec!["A note.".to_owned()],
            }),
        };
        assert_eq!(
            section.render(),
            "## start\n\nAbout.\n\n\
             | step       |    p50 |\n\
             | ---------- | -----: |\n\
             | to the pod | 0.91 s |\n\n\
             | goal |     limit |     measured |              |\n\
             | ---- | --------: | -----------: | -----------: |\n\
             | p50  | <= 2.00 s |       1.50 s |          met |\n\
             | rate |     >= 10 |            9 |       missed |\n\
             | rest |     >= 10 | not measured | not measured |\n\n\
             - A note.\n"
        );
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let findings = Err("needs root".to_owned());
        let section = Section { name: "uprobe", about: "About.".to_owned(), findings };
        assert_eq!(section.render(), "## uprobe\n\nAbout.\n\n**NOT MEASURED: needs root**\n");
    }
}
