//! The truth beside the plugin: every renew as the API server shows it, told
//! by another process.

use std::io::BufRead;
use std::io::BufReader;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use xtask::cluster::Sandbox;
use xtask::cluster::options::ports;

use crate::timestamp;

/// The Leases of the nodes.
const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// One state of a node's Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renew {
    /// The node.
    pub node: String,
    /// `spec.renewTime`.
    pub renew_time: Timestamp,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
}

/// Watches the Leases with kubectl until it is dropped, through outages of the
/// API server.
#[derive(Debug)]
pub struct LeaseWatch {
    renews: Arc<Mutex<Vec<Renew>>>,
    child: Arc<Mutex<Option<Child>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LeaseWatch {
    /// Starts, with the states that are there already.
    ///
    /// # Panics
    /// When the API server does not answer.
    #[must_use]
    pub fn start(sandbox: &Sandbox) -> Self {
        let renews = Arc::new(Mutex::new(Vec::new()));
        let child = Arc::new(Mutex::new(None));
        let over = Arc::new(AtomicBool::new(false));
        let version = list(sandbox, &renews).expect("the API server lists the leases");
        let watcher = Watcher {
            sandbox: sandbox.clone(),
            renews: Arc::clone(&renews),
            child: Arc::clone(&child),
            over: Arc::clone(&over),
        };
        let thread = Some(std::thread::spawn(move || watcher.run(version)));
        Self { renews, child, over, thread }
    }

    /// The renews of a node so far, in the order of the API server.
    ///
    /// # Panics
    /// Never in practice: only when the reader panicked.
    #[must_use]
    pub fn of(&self, node: &str) -> Vec<Renew> {
        let renews = self.renews.lock().unwrap();
        renews.iter().filter(|renew| renew.node == node).cloned().collect()
    }
}

impl Drop for LeaseWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(child) = self.child.lock().unwrap().as_mut() {
            let _ = child.kill();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watcher {
    sandbox: Sandbox,
    renews: Arc<Mutex<Vec<Renew>>>,
    child: Arc<Mutex<Option<Child>>>,
    over: Arc<AtomicBool>,
}

impl Watcher {
    fn run(&self, mut version: String) {
        while !self.over.load(Ordering::Relaxed) {
            if self.watch(&mut version).is_some() {
                continue;
            }
            // The server is away, or does not know this version any more.
            std::thread::sleep(Duration::from_millis(200));
            let there = TcpStream::connect((Ipv4Addr::LOCALHOST, ports::API_SERVER)).is_ok();
            if let Some(listed) = there.then(|| list(&self.sandbox, &self.renews)).flatten() {
                version = listed;
            }
        }
    }

    /// Follows one watch to its end; `None` when it gave nothing.
    fn watch(&self, version: &mut String) -> Option<()> {
        let path = format!("{PATH}?watch=true&resourceVersion={version}");
        let mut command = self.sandbox.kubectl(["get", "--raw", &path]).ok()?;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let out = child.stdout.take()?;
        *self.child.lock().unwrap() = Some(child);
        let mut useful = None;
        // The end may have been asked for before the child was known.
        if !self.over.load(Ordering::Relaxed) {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str::<Value>(&line) else { break };
                if event["type"] == "ERROR" {
                    break;
                }
                if let Some(renew) = renew(&event["object"]) {
                    version.clone_from(&renew.resource_version);
                    add(&self.renews, renew);
                    useful = Some(());
                }
            }
        }
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        useful
    }
}

/// Takes in the present states; gives the version from which to watch on.
fn list(sandbox: &Sandbox, renews: &Mutex<Vec<Renew>>) -> Option<String> {
    let output = sandbox.kubectl(["get", "--raw", PATH]).ok()?.output().ok()?;
    let list: Value = serde_json::from_slice(&output.stdout).ok()?;
    for lease in list["items"].as_array()? {
        if let Some(renew) = renew(lease) {
            add(renews, renew);
        }
    }
    list["metadata"]["resourceVersion"].as_str().map(str::to_owned)
}

fn renew(lease: &Value) -> Option<Renew> {
    let renew_time = &lease["spec"]["renewTime"];
    renew_time.is_string().then(|| Renew {
        node: lease["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        renew_time: timestamp(renew_time),
        resource_version: lease["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

/// A list may repeat what a watch has shown.
fn add(renews: &Mutex<Vec<Renew>>, renew: Renew) {
    let mut renews = renews.lock().unwrap();
    if !renews.contains(&renew) {
        renews.push(renew);
    }
}
