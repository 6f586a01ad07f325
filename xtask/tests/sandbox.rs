//! The sandbox itself, for real: needs root and some minutes when Kubernetes is
//! not built yet. Run it with
//! `cargo test --package xtask --test sandbox -- --ignored`.
//!
//! A sandbox that runs already is used and left running.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xtask::cluster::pause_image::PAUSE_IMAGE;
use xtask::cluster::workload::image::{NAME as WORKLOAD_IMAGE, PAGE};
use xtask::cluster::workload::objects::{NAMESPACE, NODE_PORT};
use xtask::cluster::{Options, Sandbox, down, image, layout::Layout, workload};
use xtask::progress::Progress;

/// How long anything may take that the cluster does on its own.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "needs root and starts a Kubernetes on this machine"]
fn a_sandbox_comes_up_works_and_goes() {
    let found = Sandbox::attach().ok();
    let is_own = found.is_none();
    let sandbox = found.unwrap_or_else(|| Sandbox::up(&Options::default()).unwrap());

    nodes_are_what_they_say(&sandbox);
    users_without_rights_have_none(&sandbox);
    pods_run_on_every_node(&sandbox);
    a_finished_job_vanishes(&sandbox);
    the_workload_talks(&sandbox);
    a_killed_kubelet_stops_its_lease(&sandbox);
    the_api_server_can_be_away(&sandbox);

    if is_own {
        sandbox.down().unwrap();
        assert_eq!(down::leftovers(&Layout::default()).unwrap(), Vec::<String>::new());
        assert!(Sandbox::attach().is_err());
    }
}

fn nodes_are_what_they_say(sandbox: &Sandbox) {
    for node in sandbox.nodes().unwrap() {
        let namespace = sandbox.node_namespace(&node.name).unwrap();
        let path = format!("/run/netns/{namespace}");
        // A kubelet lives in its node's namespace and in no other.
        let kubelet = sandbox.kubelet_pid(&node.name).unwrap();
        let same = Command::new("sh")
            .args(["-c", &format!("[ {path} -ef /proc/{kubelet}/ns/net ]")])
            .status()
            .unwrap();
        assert!(same.success(), "{} is not in {namespace}", node.name);
        assert!(sandbox.containerd_socket(&node.name).unwrap().exists());
        let object = get(sandbox, &["node", &node.name]);
        let addresses = object["status"]["addresses"].as_array().unwrap();
        let internal = json!({ "type": "InternalIP", "address": node.address });
        assert!(addresses.contains(&internal), "{addresses:?}");
        let images = object["status"]["images"].to_string();
        assert!(images.contains(PAUSE_IMAGE), "{images}");
    }
    assert!(sandbox.node_namespace("node-q").is_err());
    assert!(sandbox.kubeconfig_for("mallory").is_err());
}

fn users_without_rights_have_none(sandbox: &Sandbox) {
    for user in ["alice", "bob", "carol", "dave"] {
        let output = sandbox
            .kubectl(["auth", "can-i", "list", "pods"])
            .unwrap()
            .env("KUBECONFIG", sandbox.kubeconfig_for(user).unwrap())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "no", "{user}");
    }
}

fn pods_run_on_every_node(sandbox: &Sandbox) {
    for node in sandbox.nodes().unwrap() {
        for host_network in [false, true] {
            let name = format!("sandbox-test-{}-{host_network}", node.name);
            apply(sandbox, &pod(&name, &node.name, host_network));
            await_phase(sandbox, &name, "Running");
            // Logs take the way from the API server to the kubelet.
            run(sandbox, &["logs", &name]);
            let address = get(sandbox, &["pod", &name])["status"]["podIP"].clone();
            assert_eq!(address == json!(node.address), host_network, "{name} has {address}");
            run(sandbox, &["delete", "pod", &name, "--grace-period=0", "--force"]);
        }
    }
}

fn a_finished_job_vanishes(sandbox: &Sandbox) {
    let node = sandbox.nodes().unwrap().remove(0).name;
    let mut template = pod("sandbox-test-job", &node, true);
    // `/pause` is all there is; a container that cannot start fails the job.
    template["spec"]["containers"][0]["command"] = json!(["/no-such-program"]);
    template["spec"]["restartPolicy"] = json!("Never");
    apply(
        sandbox,
        &json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": { "name": "sandbox-test-job" },
            "spec": {
                "backoffLimit": 0,
                "ttlSecondsAfterFinished": 0,
                "template": { "spec": template["spec"] },
            },
        }),
    );
    eventually("the job and its pod vanish", || {
        let arguments = ["get", "job,pod", "--output=name", "--ignore-not-found"];
        let output = run(sandbox, &arguments);
        !String::from_utf8_lossy(&output.stdout).contains("sandbox-test-job")
    });
}

fn the_workload_talks(sandbox: &Sandbox) {
    workload::up(&mut Progress::silent()).unwrap();
    let counted = |command: &[&str]| -> u64 {
        let namespace = format!("--namespace={NAMESPACE}");
        let command = [&["exec", &namespace, "deployment/cart", "--"], command].concat();
        String::from_utf8_lossy(&run(sandbox, &command).stdout).trim().parse().unwrap()
    };
    let orders = counted(&["redis-cli", "get", "orders"]);
    eventually("orders come in", || counted(&["redis-cli", "get", "orders"]) >= orders + 3);
    for node in sandbox.nodes().unwrap() {
        let mut connection = TcpStream::connect((node.address, NODE_PORT)).unwrap();
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with(PAGE), "{}: {answer}", node.name);
    }
    workload::down(&mut Progress::silent()).unwrap();
    for node in sandbox.nodes().unwrap() {
        let socket = sandbox.containerd_socket(&node.name).unwrap();
        assert!(!image::is_there(&socket, WORKLOAD_IMAGE).unwrap(), "{}", node.name);
    }
}

fn a_killed_kubelet_stops_its_lease(sandbox: &Sandbox) {
    let nodes = sandbox.nodes().unwrap();
    let node = &nodes[nodes.len() - 1].name;
    let first = sandbox.kubelet_pid(node).unwrap();
    sandbox.kill_kubelet(node).unwrap();
    let renewed = renew_time(sandbox, node);
    // The kubelet renews every 10 s, so 12 s without one are long enough.
    sleep(Duration::from_secs(12));
    assert_eq!(renew_time(sandbox, node), renewed);
    sandbox.start_kubelet(node).unwrap();
    assert!(sandbox.start_kubelet(node).is_err(), "it runs already");
    assert_ne!(sandbox.kubelet_pid(node).unwrap(), first);
    eventually("the lease is renewed again", || renew_time(sandbox, node) != renewed);
    sandbox.restart_kubelet(node).unwrap();
    eventually("the node is Ready", || {
        let output = run(
            sandbox,
            &["wait", "--for=condition=Ready", "--timeout=30s", &format!("node/{node}")],
        );
        output.status.success()
    });
}

fn the_api_server_can_be_away(sandbox: &Sandbox) {
    sandbox.stop_api_server().unwrap();
    let output = sandbox.kubectl(["get", "nodes"]).unwrap().output().unwrap();
    assert!(!output.status.success());
    sandbox.start_api_server().unwrap();
    run(sandbox, &["get", "nodes"]);
}

fn pod(name: &str, node: &str, host_network: bool) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "nodeName": node,
            "hostNetwork": host_network,
            "containers": [{ "name": "pause", "image": PAUSE_IMAGE, "imagePullPolicy": "Never" }],
        },
    })
}

fn renew_time(sandbox: &Sandbox, node: &str) -> Value {
    let lease = get(sandbox, &["lease", node, "--namespace=kube-node-lease"]);
    lease["spec"]["renewTime"].clone()
}

fn get(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let output = run(sandbox, &[&["get", "--output=json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn apply(sandbox: &Sandbox, object: &Value) {
    let path = std::env::temp_dir().join(format!("sandbox-test-{}.json", std::process::id()));
    std::fs::write(&path, object.to_string()).unwrap();
    run(sandbox, &["create", "--filename", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
}

fn await_phase(sandbox: &Sandbox, pod: &str, phase: &str) {
    eventually(phase, || get(sandbox, &["pod", pod])["status"]["phase"] == phase);
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let output = sandbox.kubectl(arguments).unwrap().output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
    output
}

fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(200));
    }
}
