//! Arguments of `pulse`.

use super::probe::{NodeArgs, ProbeArgs, parse_duration};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// Arguments of `pulse`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
        # One node, until Ctrl-C; in a terminal as a live cardiogram\n  \
        kubectl earthworm pulse node-a\n\n  \
        # Two nodes for a minute, as JSON lines\n  \
        kubectl earthworm pulse node-a node-b --for 60s -o json\n\n  \
        # All workers, from the Leases alone: no probe, no privilege\n  \
        kubectl earthworm pulse -l node-role.kubernetes.io/worker --no-probe\n\n  \
        # Print the objects that a session would create\n  \
        kubectl earthworm pulse node-a --dry-run")]
pub struct PulseArgs {
    /// Which nodes.
    #[command(flatten)]
    pub nodes: NodeArgs,
    /// Stop after this time, such as 60s, 5m or 1h30m, counted from the moment
    /// the probes listen
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Output format; without it a terminal gets the live screen
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<OutputFormat>,
    /// No header line in tables
    #[arg(long)]
    pub no_headers: bool,
    /// Watch the Leases only: nothing is started on any node
    #[arg(long, conflicts_with_all = [
        "image", "profile", "probe_namespace", "no_bypass", "dry_run"
    ])]
    pub no_probe: bool,
    /// How the probes run.
    #[command(flatten)]
    pub probe: ProbeArgs,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// One line per beat.
    Table,
    /// The same with more columns.
    Wide,
    /// One JSON object per line.
    Json,
    /// One YAML document per object.
    Yaml,
    /// Names of the nodes that beat.
    Name,
}
