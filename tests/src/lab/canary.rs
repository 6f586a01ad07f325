//! Pods start again after the API server was away.
//!
//! Everybody who has lost it looks for it with a growing pause: the job
//! controller, kubelets. A test that begins meanwhile would wait for them, and
//! take that for a fault of what it tests.

use std::time::Duration;

use serde_json::json;
use xtask::cluster::Sandbox;
use xtask::cluster::pause_image::PAUSE_IMAGE;

use crate::eventually;

/// The longest of the pauses is half a minute, and two may follow each other.
const PATIENCE: Duration = Duration::from_secs(180);

/// Names the canaries.
const APP: &str = "canary-after-outage";

/// Waits until a Job gets its pod on every one of the nodes, and the pod runs.
pub(super) fn wait_until_pods_start(sandbox: &Sandbox, nodes: &[String]) {
    let jobs: Vec<_> = nodes.iter().map(|node| job(node)).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": jobs });
    sandbox.apply(&list).unwrap();
    let selector = format!("--selector=app={APP}");
    let phases = "jsonpath={.items[*].status.phase}";
    let took = eventually("a pod starts on every node", PATIENCE, || {
        let arguments = ["get", "pods", &selector, "--output", phases];
        let output = sandbox.kubectl(arguments).unwrap().output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().filter(|phase| *phase == "Running").count() == nodes.len()
    });
    println!("pods start again on {} after {:.1} s", nodes.join(", "), took.as_secs_f64());
    let gone = ["delete", "jobs", &selector, "--cascade=foreground", "--timeout=60s"];
    let output = sandbox.kubectl(gone).unwrap().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn job(node: &str) -> serde_json::Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": format!("{APP}-{node}"),
            "namespace": "default",
            "labels": { "app": APP },
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": PATIENCE.as_secs(),
            "template": {
                "metadata": { "labels": { "app": APP } },
                "spec": {
                    "nodeName": node,
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": false,
                    "containers": [{
                        "name": "canary",
                        "image": PAUSE_IMAGE,
                        "imagePullPolicy": "Never",
                    }],
                },
            },
        },
    })
}
