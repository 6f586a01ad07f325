//! `flows`: what it costs to look at the connections of a node.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use serde_json::Value;

use super::Bench;
use super::report::{Findings, Goal, Table, number};
use super::statistics::{Samples, ratio};
use super::watched::{Line, Watched};

pub(super) const ABOUT: &str = "A probe counts the traffic of real connections over the loopback \
    device of a network namespace of its own, and looks at all of them once per second. Both ends of \
    a connection are there, so that each is two sockets. `ss` is `ss --tcp --info --numeric` for the \
    same sockets, its output thrown away.";

const PATIENCE: Duration = Duration::from_secs(300);

/// Connections, whether each carries something every second, new ones per
/// second, and seconds.
const LOADS: [(u64, bool, u64, u64); 3] =
    [(500, true, 0, 20), (9_000, false, 0, 10), (50_000, true, 3_500, 60)];

const GOAL_FIRST_SECONDS: f64 = 0.5;
const GOAL_CPU_PERCENT: f64 = 0.3;
const GOAL_TIMES_FASTER: f64 = 10.0;
const GOAL_MEGABYTES: f64 = 40.0;

const MEGABYTE: f64 = 1024.0 * 1024.0;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    if !geteuid().is_root() {
        bail!("needs root to load programs into the kernel");
    }
    let program = bench.programs.plugin()?.bench.clone();
    let probe = bench.probe()?;
    let mut table = Table::new([
        "connections",
        "new/s",
        "sockets",
        "counts after",
        "a look, p50",
        "ss, p50",
        "ss / look",
        "probe CPU",
        "probe RSS",
        "short ones made",
        "told",
        "lost",
    ]);
    let mut reports = Vec::new();
    for (connections, busy, new_per_second, seconds) in LOADS {
        let mut command = Command::new(&program);
        command.arg("flows").arg("--probe").arg(&probe);
        command.args(["--connections", &connections.to_string()]);
        command.args(["--new-per-second", &new_per_second.to_string()]);
        command.args(["--seconds", &seconds.to_string()]);
        if busy {
            command.arg("--busy");
        }
        let report = Report(once(command)?);
        let kind = if busy { "busy" } else { "idle" };
        table.row([
            format!("{connections} {kind}"),
            new_per_second.to_string(),
            number(report.field("sockets"), 0, ""),
            number(report.field("first_sweep_seconds"), 2, "s"),
            number(report.look().map(|seconds| seconds * 1e3), 1, "ms"),
            number(report.ss().map(|seconds| seconds * 1e3), 1, "ms"),
            number(ratio(report.ss(), report.look()), 1, ""),
            number(report.field("cpu_per_second").map(|cpu| cpu * 100.0), 2, "%"),
            number(report.field("peak_rss_bytes").map(|bytes| bytes / MEGABYTE), 1, "MiB"),
            number(report.field("made"), 0, ""),
            number(report.field("told"), 0, ""),
            number(report.lost(), 0, ""),
        ]);
        reports.push(report);
    }
    let [few, many, crowd] = &reports[..] else { bail!("not every load was run") };
    let uncounted = crowd.field("made").zip(crowd.field("told")).zip(crowd.lost());
    Ok(Findings {
        tables: vec![table],
        goals: vec![
            Goal::at_most(
                "start of the probe -> it counts",
                GOAL_FIRST_SECONDS,
                few.field("first_sweep_seconds"),
                "s",
                2,
            ),
            Goal::at_most(
                "probe CPU, 500 busy connections",
                GOAL_CPU_PERCENT,
                few.field("cpu_per_second").map(|cpu| cpu * 100.0),
                "%",
                2,
            ),
            Goal::at_least(
                "18,000 sockets, times faster than ss",
                GOAL_TIMES_FASTER,
                ratio(many.ss(), many.look()),
                "",
                1,
            ),
            Goal::at_most(
                "peak RSS, 50,000 flows",
                GOAL_MEGABYTES,
                crowd.field("peak_rss_bytes").map(|bytes| bytes / MEGABYTE),
                "MiB",
                1,
            ),
            Goal::at_most(
                "connections neither told nor counted as lost",
                0.0,
                uncounted.map(|((made, told), lost)| (made - told - lost).max(0.0)),
                "",
                0,
            ),
        ],
        notes: vec![
            "A connection that ends is heard of twice, from both of its ends: a lost one may be one \
             end of a connection that was told."
                .to_owned(),
            "RSS has the kernel's type information in it, which is read at the start (38 MiB at \
             its peak) and given back."
                .to_owned(),
        ],
    })
}

/// What the program prints.
struct Report(Value);

impl Report {
    fn field(&self, name: &str) -> Option<f64> {
        self.0[name].as_f64()
    }

    fn median(&self, name: &str) -> Option<f64> {
        let values = self.0[name].as_array()?;
        Samples::new(values.iter().filter_map(Value::as_f64).collect()).median()
    }

    fn look(&self) -> Option<f64> {
        self.median("sweep_seconds")
    }

    fn ss(&self) -> Option<f64> {
        self.median("ss_seconds")
    }

    fn lost(&self) -> Option<f64> {
        let hops = ["lost_kernel", "lost_probe", "lost_tunnel"];
        hops.into_iter().map(|name| self.field(name)).sum()
    }
}

fn once(command: Command) -> Result<Value> {
    let ended = Watched::start(command)?.end(PATIENCE)?;
    ended.expect(0)?;
    ended.lines.iter().find_map(Line::json).context("the run gives no figures")
}
