//! Starts a sandbox.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::build::Programs;
use super::host::{self, HostSnapshot};
use super::layout::Layout;
use super::lock::Lock;
use super::options::{NodeSpec, Options, minor_version};
use super::sandbox::Sandbox;
use super::starter::{self, Awaited};
use super::state::State;
use super::{
    apiserver, build, cgroups, containerd, controller_manager, credentials, dns, down, etcd, image,
    kube_proxy, kubelet, network, pause_image,
};
use crate::packages;
use crate::progress::Progress;

/// What the sandbox needs of the system, as program and Debian package.
const PACKAGES: [(&str, &str); 13] = [
    ("etcd", "etcd-server"),
    ("containerd", "containerd"),
    (containerd::SHIM, "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("conntrack", "conntrack"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("openssl", "openssl"),
    ("gcc", "gcc"),
    ("/usr/include/signal.h", "libc6-dev"),
];

/// How long all nodes may need from start to Ready.
const NODES_PATIENCE: Duration = Duration::from_secs(120);

/// Starts a sandbox, or finds the one that runs already and looks the same.
/// What a crash left behind is removed first; what a failure leaves behind is
/// removed as well, after its log was read.
///
/// # Errors
/// When another sandbox runs, the machine lacks something, or a component
/// fails; the message then holds the last lines of its log.
pub fn up(options: &Options) -> Result<Sandbox> {
    let mut progress = Progress::new();
    let nodes = options.node_specs()?;
    let minor = minor_version(&options.kubernetes)?;
    let layout = Layout::default();
    let _lock = Lock::take(&layout)?;
    if let Some(running) = running(&layout, options)? {
        progress.finish("a sandbox like this runs already");
        return Ok(running);
    }
    if down::anything_left(&layout)? {
        progress.step("removing what an earlier sandbox left");
        down::clean(&layout, &mut progress).context("an earlier sandbox cannot be removed")?;
    }
    let result = check(options, &mut progress).and_then(|programs| {
        let binaries = programs.kubernetes;
        let mut state = prepare(&layout, options, &nodes, binaries, &mut progress)?;
        start_all(&layout, &mut state, &nodes, minor, &mut progress)?;
        progress.step("starting CoreDNS");
        if let Some(node) = nodes.first() {
            dns::start(&layout, &state, node, &programs.coredns)?;
        }
        state.complete = true;
        state.store(&layout)
    });
    if let Err(error) = result {
        if down::anything_left(&layout)? {
            progress.step("removing what was started");
            if let Err(second) = down::clean(&layout, &mut progress) {
                return Err(error.context(format!("cleaning up failed as well ({second:#})")));
            }
        }
        down::remove_root(&layout)?;
        return Err(error);
    }
    progress.finish(&format!(
        "Kubernetes {} with {} Ready; KUBECONFIG={}",
        options.kubernetes,
        nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", "),
        layout.kubeconfig().display()
    ));
    Ok(Sandbox::new(layout))
}

fn running(layout: &Layout, options: &Options) -> Result<Option<Sandbox>> {
    // A state that cannot be understood is one that is to be removed.
    let Ok(Some(state)) = State::load(layout) else {
        return Ok(None);
    };
    if !state.complete || !state.components.iter().all(|one| one.process.is_alive()) {
        return Ok(None);
    }
    if state.options != *options {
        bail!(
            "a sandbox with Kubernetes {} and {} nodes runs already (`cargo xtask cluster down` removes it)",
            state.options.kubernetes,
            state.options.nodes
        );
    }
    Ok(Some(Sandbox::new(layout.clone())))
}

/// Everything that can fail before this machine is changed. Gives the programs
/// that it built or found.
fn check(options: &Options, progress: &mut Progress) -> Result<Programs> {
    packages::ensure(&PACKAGES, progress)?;
    if containerd::plugin_folder().is_none() {
        let plugin = ("/usr/lib/cni/ptp", "containernetworking-plugins");
        packages::ensure(&[plugin], progress)?;
    }
    let programs = build::ensure(&options.kubernetes, progress)?;
    progress.step("looking at ports and addresses");
    network::refuse_taken_ports()?;
    network::refuse_taken_networks()?;
    host::refuse_beside_a_kubelet()?;
    Ok(programs)
}

/// Everything between the checks and the first process: files, network, groups.
fn prepare(
    layout: &Layout,
    options: &Options,
    nodes: &[NodeSpec],
    binaries: PathBuf,
    progress: &mut Progress,
) -> Result<State> {
    let state = State {
        schema: State::SCHEMA,
        options: options.clone(),
        nodes: nodes.to_vec(),
        binaries,
        complete: false,
        host: HostSnapshot::take()?,
        components: Vec::new(),
    };
    // From here on a crash is cleaned up by what this file says.
    state.store(layout)?;
    progress.step("making certificates, network and control groups");
    credentials::create(layout, nodes)?;
    network::create(nodes)?;
    for node in nodes {
        cgroups::create(&node.name)?;
    }
    Ok(state)
}

fn start_all(
    layout: &Layout,
    state: &mut State,
    nodes: &[NodeSpec],
    minor: u32,
    progress: &mut Progress,
) -> Result<()> {
    let kubernetes = format!("v{}", state.options.kubernetes);
    progress.step("starting etcd, kube-apiserver and containerd");
    let etcd_version = starter::version_of(etcd::NAME)?;
    starter::start(layout, state, etcd::NAME, None, etcd::argv(layout), etcd_version)?;
    let argv = apiserver::argv(layout, &state.binaries);
    starter::start(layout, state, apiserver::NAME, None, argv, kubernetes.clone())?;
    let containerd_version = starter::version_of(containerd::NAME)?;
    for node in nodes {
        containerd::configure(layout, node)?;
        kubelet::configure(layout, node, minor)?;
        kube_proxy::configure(layout, node)?;
        let argv = containerd::argv(layout, node);
        let version = containerd_version.clone();
        starter::start(layout, state, containerd::NAME, Some(&node.name), argv, version)?;
    }
    pause_image::create(layout)?;
    for node in nodes {
        import_pause_image(layout, state, node)?;
    }
    progress.step("waiting for kube-apiserver");
    starter::await_api_server(layout, state)?;
    progress.step("starting kube-controller-manager and kubelet");
    for node in nodes {
        let argv = kubelet::argv(layout, &state.binaries, node);
        let name = Some(node.name.as_str());
        starter::start(layout, state, kubelet::NAME, name, argv, kubernetes.clone())?;
    }
    let argv = controller_manager::argv(layout, &state.binaries);
    starter::start(layout, state, controller_manager::NAME, None, argv, kubernetes.clone())?;
    progress.step("waiting for the nodes");
    await_nodes(layout, state, nodes)?;
    // It asks for its node, and waits for long when there is none.
    for node in nodes {
        let argv = kube_proxy::argv(layout, &state.binaries, node);
        let name = Some(node.name.as_str());
        starter::start(layout, state, kube_proxy::NAME, name, argv, kubernetes.clone())?;
    }
    await_service_account(layout, state)
}

/// Before the kubelet starts, so that its first status has the image already.
fn import_pause_image(layout: &Layout, state: &State, node: &NodeSpec) -> Result<()> {
    let mut refusal = String::new();
    Awaited {
        failure: "containerd does not serve",
        patience: Duration::from_secs(30),
        depends_on: &[(containerd::NAME, Some(&node.name))],
    }
    .wait(state, || {
        if !layout.node(&node.name).containerd_socket().exists() {
            return Ok(false);
        }
        let import =
            image::import(&layout.node(&node.name).containerd_socket(), &layout.pause_image());
        refusal = import.as_ref().err().map(ToString::to_string).unwrap_or_default();
        Ok(import.is_ok())
    })
    .with_context(|| format!("no pause image on {}: {refusal}", node.name))
}

fn await_nodes(layout: &Layout, state: &State, nodes: &[NodeSpec]) -> Result<()> {
    let mut depends_on = vec![(apiserver::NAME, None), (controller_manager::NAME, None)];
    depends_on.extend(nodes.iter().map(|node| (kubelet::NAME, Some(node.name.as_str()))));
    Awaited {
        failure: "not all nodes are Ready",
        patience: NODES_PATIENCE,
        depends_on: &depends_on,
    }
    .wait(state, || {
        let ready = ready_nodes(layout, state)?;
        Ok(nodes.iter().all(|node| ready.contains(&node.name)))
    })
}

/// The names of the nodes that Kubernetes calls Ready; none when the API server
/// does not answer.
///
/// # Errors
/// When kubectl cannot be started.
pub fn ready_nodes(layout: &Layout, state: &State) -> Result<BTreeSet<String>> {
    let output = starter::kubectl(layout, &state.binaries, &layout.kubeconfig())
        .args(["get", "nodes", "--output=json", "--request-timeout=5s"])
        .output()
        .context("cannot start kubectl")?;
    Ok(parse_ready_nodes(&output.stdout))
}

fn parse_ready_nodes(list: &[u8]) -> BTreeSet<String> {
    let list: Value = serde_json::from_slice(list).unwrap_or_default();
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter(|node| {
            let conditions = node["status"]["conditions"].as_array();
            conditions
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        })
        .filter_map(|node| node["metadata"]["name"].as_str().map(str::to_owned))
        .collect()
}

/// No pod is admitted before its service account exists.
fn await_service_account(layout: &Layout, state: &State) -> Result<()> {
    Awaited {
        failure: "the default service account does not appear",
        patience: Duration::from_secs(60),
        depends_on: &[(controller_manager::NAME, None)],
    }
    .wait(state, || {
        let output = starter::kubectl(layout, &state.binaries, &layout.kubeconfig())
            .args(["get", "serviceaccount/default", "configmap/kube-root-ca.crt"])
            .args(["--namespace=default", "--request-timeout=5s"])
            .output()
            .context("cannot start kubectl")?;
        Ok(output.status.success())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ready_nodes_count() {
        let list = br#"{"items": [
            {"metadata": {"name": "node-a"}, "status": {"conditions": [
                {"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]}},
            {"metadata": {"name": "node-b"}, "status": {"conditions": [
                {"type": "MemoryPressure", "status": "True"}, {"type": "Ready", "status": "Unknown"}]}},
            {"metadata": {"name": "node-c"}, "status": {}}
        ]}"#;
        assert_eq!(parse_ready_nodes(list), BTreeSet::from(["node-a".to_owned()]));
        assert_eq!(parse_ready_nodes(b""), BTreeSet::new());
    }
}
