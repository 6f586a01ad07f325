//! `uprobe`: what a hit of a user probe costs the process it sits in.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use serde_json::Value;

use super::Bench;
use super::report::{Findings, Goal, Table, number};
use super::statistics::{Samples, ratio};
use super::watched::{Line, Watched};
use crate::{build, packages};

pub(super) const ABOUT: &str = "A Go program calls the function that a kubelet sends every request \
    through, `tls.(*Conn).Write`, first free, then with a program of two instructions at the very \
    place where the probe's own program sits, then with the probe. It is the kernel test \
    `a_hit_that_is_no_lease_stays_cheap`: the content is no Lease, as with nearly every hit.";

/// Compiling the test included.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// How the test announces its figures.
const MARK: &str = "price: ";

/// What of a hit is the kernel's, and what the probe's own program.
const ROUNDS: u32 = 3;

pub(super) fn run(_bench: &mut Bench<'_>) -> Result<Findings> {
    if !geteuid().is_root() {
        bail!("needs root to load programs into the kernel");
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        bail!("needs a kernel with BTF (/sys/kernel/btf/vmlinux)");
    }
    if packages::find("go").is_none() {
        bail!("needs Go (https://go.dev/dl) for the program that is probed");
    }
    let mut prices = Vec::new();
    for _ in 0..ROUNDS {
        prices.push(once()?);
    }
    let median = |name: &str| {
        Samples::new(prices.iter().filter_map(|price| price[name].as_f64()).collect()).median()
    };
    let (free, empty, probed) = (median("freeNs"), median("emptyNs"), median("probedNs"));
    let price = |value: Option<f64>| Some(value? - free?);
    let nanoseconds = |value| number(value, 0, "ns");
    let mut table = Table::new(["one call", "N", "p50", "price of the hit", "/ empty program"]);
    for (name, value) in [
        ("free", free),
        ("with an empty program", empty),
        ("with the probe", probed),
        ("after the probe has gone", median("afterNs")),
    ] {
        let hit = if name.starts_with("with") { price(value) } else { None };
        let relative = ratio(hit, price(empty));
        table.row([
            name.to_owned(),
            prices.len().to_string(),
            nanoseconds(value),
            hit.map_or(String::new(), |hit| nanoseconds(Some(hit))),
            relative.map_or(String::new(), |relative| number(Some(relative), 2, "")),
        ]);
    }
    let calls = prices.first().and_then(|price| price["calls"].as_f64());
    Ok(Findings {
        tables: vec![table],
        goals: Vec::<Goal>::new(),
        notes: vec![
            format!("Each figure is the mean of {} calls.", number(calls, 0, "")),
            format!(
                "The probe's program itself takes {}, by its own clock; the rest of a hit is the \
                 kernel's breakpoint, which any user probe costs.",
                nanoseconds(median("programNs"))
            ),
        ],
    })
}

fn once() -> Result<Value> {
    let mut command = build::cargo();
    command
        .args(["test", "--workspace", "--test", "kernel_pulse", "--", "--exact", "--nocapture"])
        .arg("price::a_hit_that_is_no_lease_stays_cheap");
    let ended = Watched::start(command)?.end(PATIENCE)?;
    ended.expect(0)?;
    ended.lines.iter().find_map(price).context("the test gives no figures: has it been skipped?")
}

fn price(line: &Line) -> Option<Value> {
    serde_json::from_str(line.text.strip_prefix(MARK)?).ok()
}
