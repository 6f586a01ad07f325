//! Arguments of `top`.

use super::probe::{NodeArgs, ProbeArgs, parse_duration, parse_time};
use clap::{Args, Subcommand, ValueEnum};
use std::time::Duration;

/// Arguments of `top`.
#[derive(Debug, Clone, Args)]
pub struct TopArgs {
    /// What a row is.
    #[command(subcommand)]
    pub view: ViewCommand,
}

/// What a row of the table is.
#[derive(Debug, Clone, Subcommand)]
pub enum ViewCommand {
    /// Who talks to whom: a row per source, destination and port
    #[command(after_help = "Examples:\n  \
        # What goes on at a node, live\n  \
        kubectl earthworm top flows node-a\n\n  \
        # One second of all nodes, the pods of one namespace, for a script\n  \
        kubectl earthworm top flows --all-nodes -n shop --once -o json\n\n  \
        # Who talks to the database, and how far away is it\n  \
        kubectl earthworm top flows node-a --port 5432 --sort-by rtt\n\n  \
        # This machine, without a cluster\n  \
        sudo kubectl earthworm top flows --local")]
    Flows(ViewArgs),
    /// Traffic of each pod
    Pods(ViewArgs),
    /// Traffic of each service
    Services(ViewArgs),
    /// Traffic of each namespace
    Namespaces(ViewArgs),
    /// Traffic through each port that somebody listens on
    Ports(ViewArgs),
    /// Flows with a round trip, the longest first
    Latency(ViewArgs),
    /// Flows that had to send something again, the worst first
    Retransmits(ViewArgs),
    /// Packets that the nodes' kernels threw away, and why
    #[command(after_help = "Examples:\n  \
        # What is thrown away in the networks of all nodes and their pods\n  \
        kubectl earthworm top drops --all-nodes --for 30s\n\n  \
        # Why a service gets no answers: WHERE is the pod or node that dropped,\n  \
        # REASON the kernel's word, -o wide says what it means\n  \
        kubectl earthworm top drops node-a --port 5432 -o wide\n\n\
        --port is the packets' destination port. They are sorted by packets; --sort-by\n\
        takes packets and bytes.")]
    Drops(ViewArgs),
    /// Questions to DNS servers, their answers, and how long these took
    #[command(after_help = "Examples:\n  \
        # What the pods of all nodes ask, and whether they get answers\n  \
        kubectl earthworm top dns --all-nodes --for 30s\n\n  \
        # How one pod fares: its longest and shortest waits, rare codes\n  \
        kubectl earthworm top dns node-a -n shop --pod web-1 -o wide\n\n\
        Only DNS over UDP is seen, from the side that asks; -n and --pod are about that\n\
        side. Rows are sorted by queries; --sort-by takes queries, timeouts and latency.")]
    Dns(ViewArgs),
}

impl ViewCommand {
    /// The arguments, whatever the view.
    #[must_use]
    pub fn arguments(&self) -> &ViewArgs {
        match self {
            Self::Flows(arguments)
            | Self::Pods(arguments)
            | Self::Services(arguments)
            | Self::Namespaces(arguments)
            | Self::Ports(arguments)
            | Self::Latency(arguments)
            | Self::Retransmits(arguments)
            | Self::Drops(arguments)
            | Self::Dns(arguments) => arguments,
        }
    }
}

/// Arguments of every view.
#[derive(Debug, Clone, Args)]
pub struct ViewArgs {
    /// Which nodes.
    #[command(flatten)]
    pub nodes: NodeArgs,
    /// This machine instead of nodes: no cluster, no kubeconfig; Linux, as root
    #[arg(long)]
    pub local: bool,
    /// Show what goes on in every namespace, and outside of them; so it is without -n
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Only traffic of this pod
    #[arg(long, value_name = "NAME")]
    pub pod: Option<String>,
    /// Only traffic through this port of the side that listens
    #[arg(long, value_name = "NUMBER", value_parser = parse_port)]
    pub port: Option<u16>,
    /// Only traffic over this protocol
    #[arg(long, value_enum, value_name = "PROTOCOL", ignore_case = true)]
    pub protocol: Option<Protocol>,
    /// What comes first; by default what the view is about, else what moved the most
    /// bytes in the last interval
    #[arg(long, value_enum, value_name = "KEY")]
    pub sort_by: Option<SortKey>,
    /// How many rows; 20 in a table, all of them in data
    #[arg(long, value_name = "NUMBER", value_parser = parse_top)]
    pub top: Option<usize>,
    /// One table of the first whole interval, then the end
    #[arg(long, conflicts_with = "duration")]
    pub once: bool,
    /// Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s
    #[arg(long, value_name = "DURATION", value_parser = parse_interval)]
    pub interval: Option<Duration>,
    /// Stop after this time, such as 60s, 5m or 1h30m, counted from the moment
    /// the probes listen
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Output format; without it a terminal gets the live screen
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<TableFormat>,
    /// No header line in tables
    #[arg(long)]
    pub no_headers: bool,
    /// How the probes run.
    #[command(flatten)]
    pub probe: ProbeArgs,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// A table per interval.
    Table,
    /// The same with more columns.
    Wide,
    /// One JSON object per node and interval.
    Json,
    /// One YAML document per node and interval.
    Yaml,
}

/// `--protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
}

/// `--sort-by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortKey {
    /// Bytes of both directions.
    Bytes,
    /// Packets of both directions.
    Packets,
    /// Mean round trip.
    Rtt,
    /// Segments that were sent again.
    Retransmits,
    /// Connections that are open or were opened.
    Connections,
    /// Questions to DNS servers.
    Queries,
    /// Questions without an answer.
    Timeouts,
    /// Mean time to an answer.
    Latency,
}

/// Shortest and longest `--interval`.
const INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(500)..=Duration::from_secs(60);

fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_time(text)?;
    if INTERVALS.contains(&interval) {
        Ok(interval)
    } else {
        Err("expected a time from 500ms to 60s".into())
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|&port| port != 0);
    port.ok_or_else(|| "expected a port number from 1 to 65535".into())
}

fn parse_top(text: &str) -> Result<usize, String> {
    let rows = text.parse().ok().filter(|&rows| rows != 0);
    rows.ok_or_else(|| "expected a number of rows from 1 on".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert_eq!(parse_interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_interval("1m"), Ok(Duration::from_secs(60)));
        for text in ["499ms", "61s", "2", "-2s", ""] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports_and_rows() {
        assert_eq!(parse_port("443"), Ok(443));
        assert_eq!(parse_top("1"), Ok(1));
        for text in ["0", "65536", "abc", "-1", ""] {
            assert!(parse_port(text).is_err(), "{text}");
        }
        for text in ["0", "all", "-1", ""] {
            assert!(parse_top(text).is_err(), "{text}");
        }
    }
}
