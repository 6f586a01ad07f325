//! `idle`: what listening costs a node.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Bench;
use super::process::{self, Usage};
use super::report::{Findings, Goal, Table, number};
use super::statistics::ratio;
use super::watched::{Line, Watched};

pub(super) const ABOUT: &str = "`pulse NODE --for 60s -o json`, and what its Summary says of the \
    probe: everything after set-up, from first hearing the kubelet to the end. Beside it the node's \
    kubelet in the same minute, which the probe listens to.";

const SECONDS: u64 = 60;

/// Starting and ending a session, on top of that.
const PATIENCE: Duration = Duration::from_secs(SECONDS + 90);

const GOAL_RSS_MEGABYTES: f64 = 20.0;
const GOAL_CPU_PERCENT: f64 = 0.05;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    let plugin = bench.plugin()?;
    let node = bench.node()?;
    let sandbox = bench.sandbox()?;
    let kubelet = sandbox.kubelet_pid(&node)?;

    let mut command = Command::new(plugin);
    command
        .args(["pulse", &node, "-o", "json", "--for"])
        .arg(format!("{SECONDS}s"))
        .env("KUBECONFIG", sandbox.kubeconfig());
    let mut watched = Watched::start(command)?;
    let deadline = watched.started + PATIENCE;
    wait_for(&mut watched, deadline, |json| json["reason"] == "probe-attached")?;
    let begun = Usage::of(kubelet)?;
    let summary = wait_for(&mut watched, deadline, |json| json["kind"] == "Summary")?;
    let ended = Usage::of(kubelet)?;
    let (kubelet_rss, _) = process::memory(kubelet)?;
    watched.end(PATIENCE)?.expect(0)?;

    let cost = &summary["cost"];
    let field =
        |name: &str| cost[name].as_f64().with_context(|| format!("the Summary has no cost.{name}"));
    let listening = field("elapsedSeconds")? - field("setupSeconds")?;
    let cpu = field("probeCpuSeconds")? - field("setupCpuSeconds")?;
    let programs = cost["programs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let in_kernel: f64 = programs.iter().filter_map(|program| program["runSeconds"].as_f64()).sum();
    let percent = (listening > 0.0).then(|| 100.0 * cpu / listening);
    let kubelet_percent = ended.percent_since(begun);

    let rss = field("probeRssBytes")? / 1e6;
    let cpu_cell = |value| number(value, 3, "%");
    let memory_cell = |bytes: f64| number(Some(bytes / 1e6), 1, "MB");
    let mut table = Table::new(["", "probe", "kubelet", "probe / kubelet"]);
    table.row([
        "processor, of one core".to_owned(),
        cpu_cell(percent),
        cpu_cell(kubelet_percent),
        number(ratio(percent, kubelet_percent), 4, ""),
    ]);
    table.row([
        "resident memory".to_owned(),
        memory_cell(rss * 1e6),
        memory_cell(kubelet_rss as f64),
        number(ratio(Some(rss), Some(kubelet_rss as f64 / 1e6)), 3, ""),
    ]);
    let mut more = Table::new(["of the probe", ""]);
    for (name, value) in [
        ("listened for", number(Some(listening), 1, "s")),
        ("processor time in that", number(Some(cpu * 1e3), 1, "ms")),
        (
            "set-up, processor time",
            number(field("setupCpuSeconds").ok().map(|it| it * 1e3), 1, "ms"),
        ),
        ("largest resident memory", memory_cell(field("probePeakRssBytes")?)),
        ("in the kernel's programs", number(Some(in_kernel * 1e3), 2, "ms")),
        ("beats heard", number(summary["beats"]["total"].as_f64(), 0, "")),
    ] {
        more.row([name.to_owned(), value]);
    }
    Ok(Findings {
        tables: vec![table, more],
        goals: vec![
            Goal::at_most("resident memory", GOAL_RSS_MEGABYTES, Some(rss), "MB", 1),
            Goal::at_most("processor", GOAL_CPU_PERCENT, percent, "%", 3),
        ],
        notes: vec![
            "The time in the kernel's programs is the kubelet's, which runs into them; it is not in \
             the probe's processor time."
                .to_owned(),
        ],
    })
}

fn wait_for(
    watched: &mut Watched,
    deadline: Instant,
    pick: impl Fn(&Value) -> bool,
) -> Result<Value> {
    while let Some(line) = watched.next(deadline)? {
        if let Some(json) = Line::json(&line).filter(|json| pick(json)) {
            return Ok(json);
        }
    }
    bail!("the session ended early: {}", watched.last_words())
}
