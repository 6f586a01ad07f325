//! `stream`: how many records a port-forward carries.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Bench;
use super::report::{Findings, Goal, Table, number};
use super::statistics::{Samples, ratio};
use super::watched::{Line, Watched};

pub(super) const ABOUT: &str = "A probe makes up numbered records as fast as they are taken; each is \
    counted when it comes out of the plugin's session engine. `forwarded` is a session as any other: \
    Job, pod, port-forward of API server, kubelet and container runtime, which share this machine's \
    processors with both ends. `direct` is the same probe read over the loopback device of the same \
    node, with nothing in between. The two take turns.";

/// Sessions of each kind; one takes some seconds.
const RUNS: u32 = 3;

const RECORDS: u64 = 5_000_000;

const PATIENCE: Duration = Duration::from_secs(200);

const GOAL_PER_SECOND: f64 = 200_000.0;

/// What came of some runs of one kind.
#[derive(Default)]
struct Runs {
    per_second: Vec<f64>,
    bytes_per_record: Vec<f64>,
    cpu_micros_per_record: Vec<f64>,
    missing: f64,
    repeated: f64,
    interruptions: f64,
}

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    bench.plugin()?;
    let program = bench.programs.plugin()?.bench.clone();
    let probe = bench.probe()?;
    let node = bench.node()?;
    let sandbox = bench.sandbox()?.clone();
    let namespace = sandbox.state()?.node(&node)?.namespace_path();

    let (mut forwarded, mut direct) = (Runs::default(), Runs::default());
    for _ in 0..RUNS {
        let mut command = Command::new(&program);
        command.arg("--records").arg(RECORDS.to_string());
        command.args(["forwarded", "--node", &node, "--kubeconfig"]).arg(sandbox.kubeconfig());
        forwarded.add(&once(command).context("through the API server")?)?;

        let mut command = Command::new("nsenter");
        command.arg(format!("--net={namespace}")).arg(&program);
        command.arg("--records").arg(RECORDS.to_string());
        command.args(["direct", "--probe"]).arg(&probe);
        direct.add(&once(command).context("without the API server")?)?;
    }

    let rate = |runs: &Runs| Samples::new(runs.per_second.clone()).median();
    let mut table = Table::new([
        "",
        "N",
        "records/s, p50",
        "lowest",
        "highest",
        "missing",
        "repeated",
        "reader",
    ]);
    for (name, runs) in [("forwarded", &forwarded), ("direct", &direct)] {
        let samples = Samples::new(runs.per_second.clone());
        let reader = Samples::new(runs.cpu_micros_per_record.clone()).median();
        table.row([
            name.to_owned(),
            samples.count().to_string(),
            number(samples.median(), 0, ""),
            number(samples.percentile(0.0), 0, ""),
            number(samples.percentile(100.0), 0, ""),
            number(Some(runs.missing), 0, ""),
            number(Some(runs.repeated), 0, ""),
            number(reader, 2, "us/record"),
        ]);
    }
    table.row([
        "forwarded / direct".to_owned(),
        String::new(),
        number(ratio(rate(&forwarded), rate(&direct)), 3, ""),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
    ]);
    let bytes = Samples::new(direct.bytes_per_record).median();
    Ok(Findings {
        tables: vec![table],
        goals: vec![
            Goal::at_least(
                "records through one port-forward",
                GOAL_PER_SECOND,
                rate(&forwarded),
                "/s",
                0,
            ),
            Goal::at_most("records lost", 0.0, Some(forwarded.missing), "", 0),
        ],
        notes: vec![
            format!(
                "{} records each run; one has {} on the wire, headers and all. A beat has about 100.",
                number(Some(RECORDS as f64), 0, ""),
                number(bytes, 1, "bytes"),
            ),
            format!(
                "Interruptions of the stream: {}. A record is missing when its number never came, \
                 wherever it was lost.",
                number(Some(forwarded.interruptions), 0, "")
            ),
            "`reader` is the processor time of the program that counts, both its threads."
                .to_owned(),
        ],
    })
}

impl Runs {
    fn add(&mut self, report: &Value) -> Result<()> {
        let field =
            |name: &str| report[name].as_f64().with_context(|| format!("the run gives no {name}"));
        let received = field("received")?.max(1.0);
        self.per_second.push(received / field("seconds")?);
        self.missing += field("missing")?;
        self.repeated += field("repeated")?;
        self.interruptions += field("interruptions")?;
        self.bytes_per_record.extend(report["bytes"].as_f64().map(|bytes| bytes / received));
        self.cpu_micros_per_record
            .extend(report["cpu_seconds"].as_f64().map(|seconds| seconds * 1e6 / received));
        Ok(())
    }
}

fn once(command: Command) -> Result<Value> {
    let ended = Watched::start(command)?.end(PATIENCE)?;
    ended.expect(0)?;
    ended.lines.iter().find_map(Line::json).context("the run gives no figures")
}
