//! `cargo xtask cluster ...`: one arm per command.

use std::process::ExitCode;

use anyhow::Result;

use super::layout::Layout;
use super::sandbox::Sandbox;
use super::status::Status;
use super::{build, down, workload};
use crate::cli::{ClusterCommand, Format, WorkloadCommand};
use crate::progress::{Progress, print};

/// Runs a command.
///
/// # Errors
/// What the command could not do.
pub fn run(command: ClusterCommand) -> Result<ExitCode> {
    match command {
        ClusterCommand::Up(arguments) => {
            Sandbox::up(&arguments.into())?;
        }
        ClusterCommand::Down => down::down()?,
        ClusterCommand::Status { output } => return status(output),
        ClusterCommand::Build { kubernetes } => {
            let mut progress = Progress::new();
            let programs = build::ensure(&kubernetes, &mut progress)?;
            progress.finish(&format!("Kubernetes {kubernetes} and CoreDNS are built"));
            print(&programs.kubernetes.display().to_string());
        }
        ClusterCommand::Workload(WorkloadCommand::Up) => workload::up(&mut Progress::new())?,
        ClusterCommand::Workload(WorkloadCommand::Down) => workload::down(&mut Progress::new())?,
        ClusterCommand::Kubeconfig { user } => {
            let path = Sandbox::attach()?.kubeconfig_for(&user)?;
            print(&path.display().to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn status(format: Format) -> Result<ExitCode> {
    let status = Status::take(&Layout::default())?;
    match format {
        Format::Text => print(&status.render()),
        Format::Json => print(&serde_json::to_string_pretty(&status)?),
    }
    Ok(if status.running { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
