//! What a person would do without the plugin: start a pod and wait for it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::cluster::Sandbox;

/// Starts a pod of this image on this node, and takes it away again. Gives the
/// time from the command until the pod was Running.
pub(super) fn run(sandbox: &Sandbox, node: &str, image: &str, number: u32) -> Result<Duration> {
    // A run that was killed may have left its pod: names of another are other.
    let name = format!("earthworm-bench-{}-{number}", std::process::id());
    let overrides = json!({
        "spec": {
            "nodeName": node,
            "hostNetwork": true,
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "tolerations": [{ "operator": "Exists" }],
        }
    });
    let started = Instant::now();
    let result = kubectl(
        sandbox,
        &[
            "run",
            &name,
            &format!("--image={image}"),
            "--image-pull-policy=Never",
            "--restart=Never",
            &format!("--overrides={overrides}"),
        ],
    )
    .and_then(|()| {
        let pod = format!("pod/{name}");
        kubectl(sandbox, &["wait", &pod, "--for=jsonpath={.status.phase}=Running", "--timeout=60s"])
    });
    let took = started.elapsed();
    // It goes whatever has happened.
    kubectl(sandbox, &["delete", "pod", &name, "--ignore-not-found", "--now", "--timeout=60s"])?;
    result.map(|()| took)
}

fn kubectl(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let output = sandbox
        .kubectl(arguments)?
        .stdin(Stdio::null())
        .output()
        .context("cannot start kubectl")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("kubectl {} failed: {}", arguments[0], words.trim());
    }
    Ok(())
}
