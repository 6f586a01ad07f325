//! A small shop in the sandbox: a web server and a redis behind services, and a
//! gentle client of each on another node. What it says over the network is
//! real, and never more than a few requests per second.

pub mod image;
pub mod objects;

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::sandbox::Sandbox;
use crate::progress::Progress;

/// From the objects to pods that are ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at something that is awaited.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Starts the workload and waits until all of it is ready. One that runs stays
/// as it is.
///
/// # Errors
/// When no sandbox runs, the image cannot be made, or a pod does not get ready.
pub fn up(progress: &mut Progress) -> Result<()> {
    let sandbox = Sandbox::attach()?;
    let nodes = sandbox.nodes()?;
    let first = nodes.first().context("the sandbox has no node")?;
    let second = nodes.get(1).unwrap_or(first);
    progress.step("making the workload's image of Debian packages");
    let archive = image::ensure()?;
    for node in BTreeSet::from([&first.name, &second.name]) {
        super::image::import(&sandbox.containerd_socket(node)?, &archive)?;
    }
    progress.step("starting the workload");
    sandbox.apply(&objects::namespace())?;
    await_service_account(&sandbox)?;
    let objects = objects::all(&first.name, &second.name);
    sandbox.apply(&objects)?;
    for deployment in objects::deployments(&objects) {
        let deployment = format!("deployment/{deployment}");
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        let namespace = format!("--namespace={}", objects::NAMESPACE);
        run(&sandbox, &["rollout", "status", &deployment, &patience, &namespace])?;
    }
    progress.finish(&format!(
        "the workload runs in namespace {}; its web server: http://{}:{}",
        objects::NAMESPACE,
        first.address,
        objects::NODE_PORT,
    ));
    Ok(())
}

/// No pod is admitted before its service account exists, and a Deployment that
/// was refused waits long before it tries again.
fn await_service_account(sandbox: &Sandbox) -> Result<()> {
    let namespace = format!("--namespace={}", objects::NAMESPACE);
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = run(sandbox, &["get", "serviceaccount", "default", &namespace]) {
        if Instant::now() > deadline {
            return Err(error);
        }
        sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// Removes the workload with its images.
///
/// # Errors
/// When no sandbox runs, or something does not go.
pub fn down(progress: &mut Progress) -> Result<()> {
    let sandbox = Sandbox::attach()?;
    progress.step("removing the workload");
    let patience = format!("--timeout={}s", PATIENCE.as_secs());
    let arguments = ["delete", "namespace", objects::NAMESPACE, "--ignore-not-found", &patience];
    run(&sandbox, &arguments)?;
    for node in sandbox.nodes()? {
        super::image::remove_named(&sandbox.containerd_socket(&node.name)?, image::NAME)?;
    }
    progress.finish("the workload is gone");
    Ok(())
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let output = sandbox.kubectl(arguments)?.output().context("cannot start kubectl")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("kubectl {}: {}", arguments.join(" "), words.trim());
    }
    Ok(())
}
