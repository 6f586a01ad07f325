//! Flags and help text, and nothing else: what they mean is decided once,
//! where a command turns them into checked values.

pub mod probe;
pub mod pulse;
pub mod top;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-earthworm",
    bin_name = "kubectl earthworm",
    version,
    about = "A stethoscope for Kubernetes nodes",
    long_about = "A stethoscope for Kubernetes nodes.\n\n\
        One command puts a short-lived probe on the nodes you name, listens with eBPF, \
        streams what it hears through the API server's port-forward, and leaves nothing behind.",
    after_help = "Examples:\n  \
        # Listen to the heartbeat of a node for a minute\n  \
        kubectl earthworm pulse node-a --for 60s\n\n  \
        # See who talks to whom at a node\n  \
        kubectl earthworm top flows node-a\n\n  \
        # All nodes of another context, without a probe\n  \
        kubectl earthworm pulse --all-nodes --no-probe --context prod\n\n\
        Exit codes: 0 healthy or done, 1 measured and unhealthy, 2 could not measure, 130 interrupted.",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    propagate_version = true
)]
pub struct Cli {
    /// Flags that every command has.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command has; kubectl's own names and meanings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Path to the kubeconfig file to use
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// Name of the kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace for the objects of a session; with `top`, the one to show
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate, can be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// When to use colours; NO_COLOR is obeyed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: which profile, which image, why a better lead failed
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Listen to the heartbeats of nodes
    #[command(long_about = "Listen to the heartbeats of nodes.\n\n\
            A kubelet renews its Lease every ten seconds; that is how the control plane knows that \
            the node lives. This command intercepts the renewal on the node, before it is encrypted, \
            and compares it with what the API server sees.")]
    Pulse(pulse::PulseArgs),
    /// Show the traffic of nodes: who talks to whom, how much, how fast
    #[command(long_about = "Show the traffic of nodes: who talks to whom, how much, how fast.\n\n\
            A probe on each node looks at all sockets of the node and of its pods, and hears of every \
            connection that ends in between; datagrams are counted one by one. Bytes are those of the \
            applications, each counted once. The side that connected is the SOURCE, the side that \
            listens the DESTINATION; SENT and RECEIVED are the source's and count from the moment the \
            probe came.\n\n\
            -n limits what is shown to a namespace and never says where the probe's objects go: \
            that is the context's namespace, or --probe-namespace.")]
    Top(top::TopArgs),
    /// Print or install shell completions
    Completion(CompletionArgs),
}

/// Arguments of `completion`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    # Complete `kubectl earthworm` through kubectl's own completion (1.26 and newer)\n  \
    kubectl earthworm completion install\n\n  \
    # Completion for the bare binary in this shell\n  \
    source <(kubectl-earthworm completion bash)")]
pub struct CompletionArgs {
    /// A shell, or `install` to put `kubectl_complete-earthworm` beside this binary
    #[arg(value_enum)]
    pub target: CompletionTarget,
}

/// What `completion` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompletionTarget {
    /// A script for bash.
    Bash,
    /// A script for zsh.
    Zsh,
    /// A script for fish.
    Fish,
    /// A script for PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// Create `kubectl_complete-earthworm`.
    Install,
}
