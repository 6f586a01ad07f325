//! `size`: what is installed, and what travels to a node.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Bench;
use super::report::{Findings, Goal, Table, number};
use super::statistics::ratio;

pub(super) const ABOUT: &str = "The binary as `cargo install` makes it: optimised, stripped, with \
    launcher and probe for this machine's architecture inside. A session sends launcher and \
    compressed probe in one ConfigMap, which may hold 1 MiB.";

const GOAL_BYTES: f64 = 12_000_000.0;

/// What an API server accepts as content of one ConfigMap.
const CONFIG_MAP_BYTES: f64 = 1_048_576.0;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    let plugin = bytes(&bench.plugin()?)?;
    let folder = bench.payload_folder()?;
    let launcher = bytes(&folder.join("launcher"))?;
    let probe = bytes(&folder.join("probe.zst"))?;
    let unpacked = bytes(&bench.probe()?)?;
    let kubectl = bench.kubectl_program().ok().and_then(|program| bytes(&program).ok());

    let mut table = Table::new(["file", "bytes", "of the binary"]);
    for (name, size) in [
        ("kubectl-earthworm", Some(plugin)),
        ("launcher", Some(launcher)),
        ("probe, compressed", Some(probe)),
        ("probe, on the node", Some(unpacked)),
        ("kubectl, of the sandbox", kubectl),
    ] {
        let share = ratio(size, Some(plugin)).map(|share| share * 100.0);
        table.row([name.to_owned(), number(size, 0, ""), number(share, 1, "%")]);
    }
    Ok(Findings {
        tables: vec![table],
        goals: vec![
            Goal::at_most("installed binary", GOAL_BYTES, Some(plugin), "bytes", 0),
            Goal::at_most("payload", CONFIG_MAP_BYTES, Some(launcher + probe), "bytes", 0),
        ],
        notes: Vec::new(),
    })
}

fn bytes(path: &Path) -> Result<f64> {
    let metadata =
        fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(metadata.len() as f64)
}
