//! `stream-rate`: made-up records from a probe, counted one by one.
//!
//! `forwarded` takes them as `pulse` takes its own: through the plugin's session
//! engine, from a pod, through the API server's port-forward. `direct` takes
//! them from a probe on the same loopback device, with nothing in between.

mod direct;
mod forwarded;
mod tally;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Counts made-up records, and prints what came as one JSON object.
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
    /// From a probe that is started on this machine's loopback device
    Direct {
        /// The probe's program
        #[arg(long, value_name = "FILE")]
        probe: PathBuf,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // As many threads as the plugin has.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(async {
        match arguments.way {
            Way::Forwarded { kubeconfig, node } => {
                forwarded::run(kubeconfig, node, arguments.records).await
            }
            Way::Direct { probe } => direct::run(&probe, arguments.records).await,
        }
    })?;
    #[expect(clippy::print_stdout, reason = "the answer")]
    {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}
