//! `help`: how long a person waits for the first word.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Bench;
use super::report::{Findings, Goal, Table, number};
use super::statistics::{Samples, ratio};

pub(super) const ABOUT: &str = "From `fork` to the end of the process, output to nowhere. \
    `true` is the price of a process on this machine, `kubectl --help` what people are used to. \
    The three take turns.";

/// A median of fewer runs moves.
const LEAST_RUNS: u32 = 50;

const GOAL_MILLISECONDS: f64 = 10.0;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    let plugin = bench.plugin()?;
    let kubectl = bench.kubectl_program();
    let runs = bench.arguments.runs.max(LEAST_RUNS);
    let mut programs = vec![
        ("kubectl-earthworm --help", plugin, Some("--help"), Vec::new()),
        ("true", "true".into(), None, Vec::new()),
    ];
    let mut notes = Vec::new();
    match kubectl {
        Ok(kubectl) => programs.push(("kubectl --help", kubectl, Some("--help"), Vec::new())),
        Err(error) => notes.push(format!("**NOT MEASURED: kubectl --help: {error:#}**")),
    }
    for _ in 0..runs {
        for (_, program, argument, times) in &mut programs {
            times.push(once(Command::new(program).args(*argument))?);
        }
    }
    let results: Vec<(&str, Samples)> =
        programs.into_iter().map(|(name, _, _, times)| (name, Samples::from_iter(times))).collect();
    let ours = results.first().and_then(|(_, samples)| samples.median());
    let mut table = Table::new(["command", "N", "p50", "p95", "ours / this"]);
    for (name, samples) in &results {
        let milliseconds = |seconds: Option<f64>| number(seconds.map(|it| it * 1e3), 1, "ms");
        table.row([
            (*name).to_owned(),
            samples.count().to_string(),
            milliseconds(samples.median()),
            milliseconds(samples.percentile(95.0)),
            number(ratio(ours, samples.median()), 2, ""),
        ]);
    }
    let goal = Goal::at_most("--help, p50", GOAL_MILLISECONDS, ours.map(|it| it * 1e3), "ms", 1);
    Ok(Findings { tables: vec![table], goals: vec![goal], notes })
}

fn once(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let took = started.elapsed();
    if !status.success() {
        bail!("{} ended with {status}", command.get_program().display());
    }
    Ok(took)
}
