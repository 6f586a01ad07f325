//! Pods that send and answer exactly what a test tells them to, and services in
//! front of them. Their image has busybox, socat and redis.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::cluster::image;
use xtask::cluster::workload::image::{NAME as IMAGE, ensure};

use crate::eventually;
use crate::lab::Lab;

/// What a pod may take to run, and a service to have an address.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pod that only waits for commands does so for ten minutes, if its test is
/// killed.
pub const WAIT: [&str; 2] = ["sleep", "600"];

/// The label of everything that belongs to a test; its value is the test's
/// first node, which no other test has meanwhile.
const LABEL: &str = "earthworm.dev/test";

/// The pods and services of a test, in the namespace `default`, until this is
/// dropped.
#[derive(Debug)]
pub struct Pods<'a> {
    lab: &'a Lab,
    /// Nodes that did not have the image before.
    brought_to: Vec<PathBuf>,
}

/// A running pod.
#[derive(Debug, Clone)]
pub struct Pod {
    /// As Kubernetes knows it.
    pub name: String,
    /// Its own address.
    pub address: Ipv4Addr,
}

/// A service in front of one pod.
#[derive(Debug, Clone)]
pub struct Service {
    /// As Kubernetes and DNS know it.
    pub name: String,
    /// Its ClusterIP.
    pub address: Ipv4Addr,
    /// The port at which every node answers for it.
    pub node_port: u16,
}

impl<'a> Pods<'a> {
    /// Brings the image to all nodes of the test.
    ///
    /// # Panics
    /// When it cannot be made or imported.
    #[must_use]
    pub fn new(lab: &'a Lab) -> Self {
        static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
        let archive = ARCHIVE.get_or_init(|| ensure().unwrap());
        let sockets = lab.nodes().into_iter().map(|node| lab.sandbox.containerd_socket(node));
        let mut pods = Self { lab, brought_to: Vec::new() };
        for socket in sockets.map(Result::unwrap) {
            if !image::is_there(&socket, IMAGE).unwrap() {
                image::import(&socket, archive).unwrap();
                pods.brought_to.push(socket);
            }
        }
        pods
    }

    /// Starts a pod and waits until it runs. Its name gets the test's.
    ///
    /// # Panics
    /// When it does not run in time.
    #[must_use]
    pub fn start(&self, name: &str, node: &str, command: &[&str]) -> Pod {
        let name = self.name(name);
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": self.metadata(&name),
            "spec": {
                "nodeName": node,
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 1,
                "containers": [{
                    "name": "main",
                    "image": IMAGE,
                    "imagePullPolicy": "Never",
                    "command": command,
                }],
            },
        });
        self.lab.sandbox.apply(&pod).unwrap();
        let mut status = Value::Null;
        eventually(&format!("{name} runs"), PATIENCE, || {
            status = self.lab.get(&["pod", &name])["status"].take();
            status["phase"] == "Running"
        });
        Pod { address: address(&status["podIP"]), name }
    }

    /// Puts a service in front of a pod, and waits until every node of the test
    /// has heard of it. Ports are as they are in both.
    ///
    /// # Panics
    /// When Kubernetes refuses it.
    #[must_use]
    pub fn service(&self, pod: &Pod, protocol: &str, port: u16) -> Service {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(&pod.name),
            "spec": {
                "type": "NodePort",
                "selector": { "app": pod.name },
                "ports": [{ "port": port, "protocol": protocol }],
            },
        });
        self.lab.sandbox.apply(&service).unwrap();
        let spec = self.lab.get(&["service", &pod.name])["spec"].take();
        let service = Service {
            name: pod.name.clone(),
            address: address(&spec["clusterIP"]),
            node_port: spec["ports"][0]["nodePort"].as_u64().unwrap().try_into().unwrap(),
        };
        for node in self.lab.nodes() {
            let node = self.lab.sandbox.state().unwrap().node(node).unwrap().clone();
            eventually(&format!("{} knows {}", node.name, service.name), PATIENCE, || {
                let rules = crate::network::inside(&node, "iptables-save", &["-t", "nat"]);
                let rules = String::from_utf8_lossy(&rules.stdout).into_owned();
                rules.contains(&format!("--to-destination {}:{port}", pod.address))
            });
        }
        service
    }

    /// Runs a command in a pod; it must succeed.
    ///
    /// # Panics
    /// With its words when it fails.
    #[must_use]
    pub fn exec(&self, pod: &Pod, command: &[&str]) -> String {
        self.lab.exec(&pod.name, command)
    }

    fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.lab.node())
    }

    fn metadata(&self, name: &str) -> Value {
        json!({ "name": name, "labels": { "app": name, LABEL: self.lab.node() } })
    }
}

impl Drop for Pods<'_> {
    fn drop(&mut self) {
        let selector = format!("--selector={LABEL}={}", self.lab.node());
        let _ = self.lab.try_kubectl(&["delete", "pods,services", &selector, "--timeout=60s"]);
        for socket in &self.brought_to {
            if let Err(error) = image::remove_named(socket, IMAGE) {
                eprintln!("{}: {error:#}", socket.display());
            }
        }
    }
}

fn address(value: &Value) -> Ipv4Addr {
    value.as_str().unwrap_or_default().parse().unwrap_or_else(|_| panic!("{value} is no address"))
}
