//! Flags of every command that puts probes on nodes.

use clap::{Args, ValueEnum};
use std::time::Duration;

/// Which nodes.
#[derive(Debug, Clone, Default, Args)]
pub struct NodeArgs {
    /// Nodes to listen to; in a terminal, none opens a list to choose from
    #[arg(value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Listen to all nodes with these labels
    #[arg(short = 'l', long, value_name = "QUERY", conflicts_with_all = ["nodes", "all_nodes"])]
    pub selector: Option<String>,
    /// Listen to every node
    #[arg(long, conflicts_with = "nodes")]
    pub all_nodes: bool,
}

/// How the probes run there.
#[derive(Debug, Clone, Default, Args)]
pub struct ProbeArgs {
    /// Do not fail when a node cannot be measured
    #[arg(long)]
    pub allow_missing_nodes: bool,
    /// Namespace for the probe's objects, instead of the context's; it must exist
    #[arg(long, value_name = "NAME")]
    pub probe_namespace: Option<String>,
    /// Start the probe from this image instead of one that the node already has
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Privileges of the probe; `auto` takes the weakest that gives the full result
    #[arg(long, value_enum, default_value_t, value_name = "PROFILE")]
    pub profile: ProfileChoice,
    /// The probe listens on the node's loopback address alone: news of a kubelet
    /// that stops come when it runs again
    #[arg(long)]
    pub no_bypass: bool,
    /// Print the objects that would be created, and create nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `--profile`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProfileChoice {
    /// The weakest that gives the full result on the node's kernel.
    #[default]
    Auto,
    /// Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE.
    Bpf,
    /// The same and SYS_ADMIN.
    Sysadmin,
    /// A privileged container.
    Privileged,
}

/// Reads `90s`, `5m`, `1h30m`, from a second to a day.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = parse_time(text)?;
    if duration < Duration::from_secs(1) {
        return Err("at least 1s".into());
    }
    if duration > MAX_DURATION {
        return Err("at most 24h".into());
    }
    Ok(duration)
}

/// Reads a time of any length, such as `500ms`.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a time such as 60s, 5m or 1h30m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a time cannot be negative".to_owned())
}

/// Longest `--for`: a stethoscope is not a monitoring system.
const MAX_DURATION: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        for text in ["", "60", "soon", "-5s", "0s", "25h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
