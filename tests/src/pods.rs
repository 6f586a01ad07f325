//! Pods that send and answer exactly what a test tells them to, and services in
//! front of them. Their image has busybox, socat and redis.

mod wanted;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::cluster::image;
use xtask::cluster::workload::image::{NAME as IMAGE, ensure};

pub use wanted::Wanted;

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
    /// The name that was wanted, with the test's: the same, or that of its
    /// Deployment.
    pub app: String,
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

    /// Starts a pod and waits until all of it runs. Its name gets the test's.
    ///
    /// # Panics
    /// When it does not run in time.
    #[must_use]
    pub fn start(&self, wanted: &Wanted<'_>) -> Pod {
        let app = format!("{}-{}", wanted.name, self.lab.node());
        self.lab.sandbox.apply(&wanted.object(&app, &self.labels(&app))).unwrap();
        let selector = format!("--selector=app={app}");
        let mut pod = Value::Null;
        eventually(&format!("{app} runs"), PATIENCE, || {
            pod = self.lab.get(&["pods", &selector])["items"][0].take();
            let states = pod["status"]["containerStatuses"].as_array();
            let runs = |state: &Value| state["state"]["running"].is_object();
            states.is_some_and(|states| states.iter().all(runs))
        });
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        Pod { name, app, address: address(&pod["status"]["podIP"]) }
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
            "metadata": { "name": pod.app, "labels": self.labels(&pod.app) },
            "spec": {
                "type": "NodePort",
                "selector": { "app": pod.app },
                "ports": [{ "port": port, "protocol": protocol }],
            },
        });
        self.lab.sandbox.apply(&service).unwrap();
        let spec = self.lab.get(&["service", &pod.app])["spec"].take();
        let service = Service {
            name: pod.app.clone(),
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
        self.exec_in(pod, "main", command)
    }

    /// The same in another container than the first.
    ///
    /// # Panics
    /// With its words when it fails.
    #[must_use]
    pub fn exec_in(&self, pod: &Pod, container: &str, command: &[&str]) -> String {
        let arguments = ["exec", &pod.name, "--container", container, "--"];
        self.lab.kubectl(&[&arguments[..], command].concat())
    }

    fn labels(&self, app: &str) -> Value {
        json!({ "app": app, LABEL: self.lab.node() })
    }
}

impl Drop for Pods<'_> {
    fn drop(&mut self) {
        let selector = format!("--selector={LABEL}={}", self.lab.node());
        // A pod whose Deployment is there would come back.
        for kinds in ["deployments,services", "pods"] {
            let wait = ["--timeout=60s", "--cascade=foreground"];
            let arguments = [&["delete", kinds, &selector][..], &wait].concat();
            let _ = self.lab.try_kubectl(&arguments);
        }
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
