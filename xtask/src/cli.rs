//! The command line of `cargo xtask`: flags and help texts only.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cluster::options::{DEFAULT_KUBERNETES, Options};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub chore: Chore,
}

/// One chore.
#[derive(Debug, Subcommand)]
pub enum Chore {
    /// From a fresh machine to the heartbeats of two nodes (needs root)
    Demo,
    /// Run all tests in rising cost; what cannot run here is skipped, loudly
    Test(TestArguments),
    /// Measure what is promised in figures, each beside a peer
    Bench(BenchArguments),
    /// Build the plugin with its probe; print its path and size
    Build {
        /// Optimised, as it is installed
        #[arg(long)]
        release: bool,
    },
    /// Write the completion scripts in completions/
    Completions {
        /// Write nothing, and fail when a script is stale
        #[arg(long)]
        check: bool,
    },
    /// A real Kubernetes on this machine (needs root)
    #[command(subcommand)]
    Cluster(ClusterCommand),
}

/// What `test` runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    # Everything; as root it installs what Debian has and is missing\n  \
    cargo xtask test\n\n  \
    # What needs no root\n  \
    cargo xtask test --only lint --only unit\n\n  \
    # One old Kubernetes\n  \
    cargo xtask test --only cluster --kubernetes 1.30.14")]
pub struct TestArguments {
    /// One Kubernetes version, and no tool that must be compiled first
    #[arg(long)]
    pub fast: bool,
    /// Only this class, can be repeated
    #[arg(long, value_enum, value_name = "CLASS")]
    pub only: Vec<Class>,
    /// Only this version of Kubernetes, can be repeated
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Vec<String>,
}

/// What `bench` measures.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    # Everything, in about eight minutes after the build; needs root\n  \
    cargo xtask bench\n\n  \
    # What needs neither root nor a sandbox\n  \
    cargo xtask bench --only help --only size\n\n  \
    # On a quiet machine, before a release\n  \
    cargo xtask bench --write")]
pub struct BenchArguments {
    /// Only this benchmark, can be repeated
    #[arg(long, value_enum, value_name = "NAME")]
    pub only: Vec<Benchmark>,
    /// How often to measure what is measured one by one
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// The sandbox's node to measure on, instead of its first one
    #[arg(long, value_name = "NODE")]
    pub node: Option<String>,
    /// Write docs/benchmarks.md anew
    #[arg(long, conflicts_with = "only")]
    pub write: bool,
}

/// One benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Benchmark {
    /// From the command to the first line of data (root)
    Start,
    /// How long `--help` takes
    Help,
    /// Bytes of the binary and of what travels to a node
    Size,
    /// What listening costs a node (root)
    Idle,
    /// What a hit of a user probe costs the kubelet (root)
    Uprobe,
    /// Records per second through one port-forward (root)
    Stream,
    /// Watching the Leases of 15,000 nodes
    Leases,
    /// Looking at the connections of a node, beside `ss` (root)
    Flows,
}

impl Benchmark {
    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Benchmark::Start => "start",
            Benchmark::Help => "help",
            Benchmark::Size => "size",
            Benchmark::Idle => "idle",
            Benchmark::Uprobe => "uprobe",
            Benchmark::Stream => "stream",
            Benchmark::Leases => "leases",
            Benchmark::Flows => "flows",
        }
    }
}

/// Classes of tests, the cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// What is found without running anything: format, clippy, licenses
    Lint,
    /// Needs no root and touches nothing
    Unit,
    /// Loads programs into this machine's kernel (root)
    Kernel,
    /// Starts a Kubernetes on this machine (root)
    Cluster,
}

impl Class {
    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Lint => "lint",
            Class::Unit => "unit",
            Class::Kernel => "kernel",
            Class::Cluster => "cluster",
        }
    }
}

/// What can be done with the sandbox.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Start a sandbox and wait until all nodes are Ready
    Up(UpArguments),
    /// Stop it and remove every trace
    Down,
    /// Show what runs; exit code 1 when nothing does or a part is dead
    Status {
        /// How to show it
        #[arg(short, long, value_enum, default_value_t = Format::Text)]
        output: Format,
    },
    /// Services with real traffic between two nodes, in the running sandbox
    #[command(subcommand)]
    Workload(WorkloadCommand),
    /// Build the Kubernetes programs without starting them
    Build {
        /// The version to build
        #[arg(long, value_name = "VERSION", default_value = DEFAULT_KUBERNETES)]
        kubernetes: String,
    },
    /// Print the path of a kubeconfig of the running sandbox
    Kubeconfig {
        /// admin, or one of the users without rights: alice, bob, carol, dave
        #[arg(default_value = "admin")]
        user: String,
    },
}

/// What can be done with the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum WorkloadCommand {
    /// Start a web server, a redis and a client of each; wait until they are ready
    Up,
    /// Remove them
    Down,
}

/// What `up` starts.
#[derive(Debug, Args)]
pub struct UpArguments {
    /// How many nodes, called node-a, node-b and so on
    #[arg(long, default_value_t = 2)]
    pub nodes: u8,
    /// The version, one of the folders in tests/cluster/kubernetes
    #[arg(long, value_name = "VERSION", default_value = DEFAULT_KUBERNETES)]
    pub kubernetes: String,
}

impl From<UpArguments> for Options {
    fn from(arguments: UpArguments) -> Self {
        Options { nodes: arguments.nodes, kubernetes: arguments.kubernetes }
    }
}

/// How `status` shows the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn classes_are_called_as_they_are_typed() {
        for class in Class::value_variants() {
            let value = class.to_possible_value().unwrap();
            assert_eq!(value.get_name(), class.name());
        }
    }

    #[test]
    fn benchmarks_are_called_as_they_are_typed() {
        for benchmark in Benchmark::value_variants() {
            let value = benchmark.to_possible_value().unwrap();
            assert_eq!(value.get_name(), benchmark.name());
        }
    }

    #[test]
    fn up_without_flags_is_the_default() {
        let arguments = Arguments::parse_from(["xtask", "cluster", "up"]);
        let Chore::Cluster(ClusterCommand::Up(up)) = arguments.chore else {
            panic!("not `up`");
        };
        assert_eq!(Options::from(up), Options::default());
    }
}
