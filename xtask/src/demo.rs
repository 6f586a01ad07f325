//! `cargo xtask demo`: from a fresh machine to the heartbeats of two nodes.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use crate::build;
use crate::cluster::layout::Layout;
use crate::cluster::status::Status;
use crate::cluster::{Options, Sandbox, workload};
use crate::packages;
use crate::progress::{Progress, say};

/// What the plugin's build needs; the sandbox knows for itself what it needs.
const PACKAGES: [(&str, &str); 3] = [("clang", "clang"), ("llvm-strip", "llvm"), ("cc", "gcc")];

/// What is run at the end: long enough for three beats of each node.
const COMMAND: [&str; 5] = ["earthworm", "pulse", "--all-nodes", "--for", "35s"];

/// Installs, builds, starts, listens, and leaves the sandbox running.
///
/// # Errors
/// When one of the steps fails, or the command at the end does.
pub fn run() -> Result<ExitCode> {
    if !geteuid().is_root() {
        bail!("the demo starts a Kubernetes on this machine, which needs root");
    }
    let mut progress = Progress::new();
    packages::ensure(&PACKAGES, &mut progress)?;
    progress.finish("1/5 compilers are there");

    say("2/5 building the plugin and its probe (some minutes the first time)");
    let plugin = build::plugin(false)?;

    say("3/5 a Kubernetes with two nodes");
    let sandbox = sandbox()?;
    let path = search_path(&plugin, &sandbox)?;

    say("4/5 services with traffic between the nodes");
    if let Err(error) = workload::up(&mut Progress::new()) {
        // What comes next can do without.
        say(&format!("==== SKIPPED the traffic: {error:#} ===="));
    }

    say(&format!("5/5 kubectl {}\n", COMMAND.join(" ")));
    let status = sandbox
        .kubectl(COMMAND)?
        .env("PATH", &path)
        .status()
        .context("cannot start the sandbox's kubectl")?;

    let folders = path_prefix(&plugin, &sandbox)?;
    say(&format!(
        "\nThe sandbox goes on running. To use it from this shell:\n\n    \
         export KUBECONFIG={}\n    \
         export PATH={}:$PATH\n    \
         kubectl earthworm pulse\n\n\
         To remove it and every trace of it:\n\n    \
         cargo xtask cluster down",
        sandbox.kubeconfig().display(),
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":"),
    ));
    if !status.success() {
        bail!("`kubectl {}` ended with {status}", COMMAND.join(" "));
    }
    Ok(ExitCode::SUCCESS)
}

/// The sandbox that runs, whatever its version, or a new one.
fn sandbox() -> Result<Sandbox> {
    let status = Status::take(&Layout::default())?;
    match status.kubernetes {
        None => Sandbox::up(&Options::default()),
        Some(version) if status.running => {
            say(&format!("a sandbox with Kubernetes {version} runs already"));
            Sandbox::attach()
        }
        Some(_) => {
            bail!("a sandbox runs of which a part is dead (`cargo xtask cluster down` removes it)")
        }
    }
}

/// The folders of the plugin and of a kubectl.
fn path_prefix(plugin: &Path, sandbox: &Sandbox) -> Result<[PathBuf; 2]> {
    let folder = plugin.parent().context("the plugin lies in no folder")?;
    Ok([folder.to_owned(), sandbox.state()?.binaries])
}

/// A PATH on which kubectl finds this plugin before any other.
fn search_path(plugin: &Path, sandbox: &Sandbox) -> Result<OsString> {
    let folders = path_prefix(plugin, sandbox)?.into_iter().chain(packages::search_path());
    env::join_paths(folders).context("a folder of PATH has a colon in its name")
}
