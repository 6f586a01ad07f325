//! Puts right what a test has stopped or blocked: on its own nodes, and the
//! control plane only by a test that has all of it.

use std::time::Duration;

use xtask::cluster::Sandbox;
use xtask::cluster::process::ProcessId;

use super::signal;
use crate::{eventually, network};

/// A node is Ready again within this time after its kubelet was started.
const READY_PATIENCE: Duration = Duration::from_secs(60);

/// Which part of the sandbox.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) nodes: Vec<String>,
    pub(super) control_plane: bool,
}

/// Puts everything back that a test may have stopped or blocked in this part,
/// and waits until its nodes are Ready.
pub(super) fn heal(sandbox: &Sandbox, part: &Part) {
    let state = sandbox.state().unwrap();
    for component in &state.components {
        let is_here = match &component.node {
            Some(node) => part.nodes.contains(node),
            None => part.control_plane,
        };
        if is_here && component.process.is_alive() {
            let _ = signal(component.process, libc::SIGCONT);
        }
    }
    for node in state.nodes.iter().filter(|node| part.nodes.contains(&node.name)) {
        network::unblock(node);
    }
    if part.control_plane && !state.component("kube-apiserver", None).unwrap().process.is_alive() {
        sandbox.start_api_server().unwrap();
    }
    for (node, kubelet) in kubelets(sandbox, &part.nodes) {
        if !kubelet.is_alive() {
            sandbox.start_kubelet(&node).unwrap();
        }
    }
    let ready = r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#;
    let nodes: Vec<&str> = part.nodes.iter().map(String::as_str).collect();
    // Of a single name kubectl makes no list.
    let one = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
    let format = if nodes.len() == 1 { one } else { ready };
    eventually(&format!("Ready: {}", nodes.join(", ")), READY_PATIENCE, || {
        let arguments = [&["get", "nodes", "-o", format], &nodes[..]].concat();
        let output = sandbox.kubectl(arguments).unwrap().output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let states: Vec<&str> = text.split_whitespace().collect();
        states.len() == nodes.len() && states.iter().all(|state| *state == "True")
    });
}

/// The kubelets of these nodes, as they are recorded now.
pub(super) fn kubelets(sandbox: &Sandbox, nodes: &[String]) -> Vec<(String, ProcessId)> {
    let state = sandbox.state().unwrap();
    let of = |name: &str| state.component("kubelet", Some(name)).unwrap().process;
    nodes.iter().map(|node| (node.clone(), of(node))).collect()
}
