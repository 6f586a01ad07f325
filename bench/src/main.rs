//! `earthworm-bench`: a probe at work, and what came of it as one JSON object.
//!
//! Two ways are for made-up records, counted one by one.
//! `forwarded` takes them as `pulse` takes its own: through the plugin's session
//! engine, from a pod, through the API server's port-forward. `direct` takes
//! them from a probe on the same loopback device, with nothing in between.
//! `flows` lets a probe look at a crowd of real connections.

mod crowd;
mod direct;
mod flows;
mod forwarded;
mod tally;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Lets a probe work, and prints what came of it as one JSON object.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many records to ask for
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    #[command(subcommand)]
    way: Way,
}

#[derive(Debug, Subcommand)]
enum Way {
    /// Through the API server, from a pod on a node
    Forwarded {
        /// The cluster's kubeconfig
        #[arg(long, value_name = "FILE")]
        kubeconfig: PathBuf,
        /// The node
        #[arg(long, value_name = "NAME")]
        node: String,
    },
    /// What it costs to look at a crowd of connections (root)
    Flows {
        /// The probe's program
        #[arg(long, value_name = "FILE")]
        probe: PathBuf,
        /// Connections that are open all the time
        #[arg(long)]
        connections: usize,
        /// New connections per second, each of which ends at once
        #[arg(long, default_value_t = 0)]
        new_per_second: u32,
        /// The open connections carry something every second
        #[arg(long)]
        busy: bool,
        /// How long
        #[arg(long)]
        seconds: u64,
    },
    /// Holds connections open until standard input ends; `flows` starts these
    #[command(hide = true)]
    Hold(crowd::Hold),
    /// From a probe that is started on this machine's loopback device
    Direct {
        /// The probe's program
        #[arg(long, value_name = "FILE")]
        probe: PathBuf,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Way::Hold(hold) = arguments.way {
        return hold.run();
    }
    if matches!(arguments.way, Way::Flows { .. }) {
        // Before there are threads: they shall all be in there.
        crowd::enter_own_network()?;
    }
    // As many threads as the plugin has.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(async {
        Ok::<_, anyhow::Error>(match arguments.way {
            Way::Forwarded { kubeconfig, node } => {
                serde_json::to_string(&forwarded::run(kubeconfig, node, arguments.records).await?)?
            }
            Way::Direct { probe } => {
                serde_json::to_string(&direct::run(&probe, arguments.records).await?)?
            }
            Way::Flows { probe, connections, new_per_second, busy, seconds } => {
                let load = flows::Load { connections, new_per_second, busy, seconds };
                serde_json::to_string(&flows::run(&probe, load).await?)?
            }
            Way::Hold(_) => String::new(),
        })
    })?;
    #[expect(clippy::print_stdout, reason = "the answer")]
    {
        println!("{report}");
    }
    Ok(())
}
