//! The real program, what it says, and the probe that it has started.

use super::leftovers::{self, Object};
use super::network::Network;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for an object or an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// `top flows --local` in a network, with a kubeconfig that is not there.
pub(crate) fn command(network: &Network, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-earthworm"));
    command.args(["top", "flows", "--local"]).args(arguments);
    command.env_clear().env("KUBECONFIG", "/nonexistent/kubeconfig").stdin(Stdio::null());
    network.enter(&mut command);
    command
}

/// One that runs and writes JSON.
pub(crate) struct Plugin {
    child: Child,
    objects: Receiver<Value>,
}

impl Plugin {
    pub(crate) fn start(network: &Network, arguments: &[&str]) -> Self {
        let mut command = command(network, arguments);
        let mut child = command.args(["-o", "json"]).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, objects) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::<ChildStdout>::lines(stdout) {
                let object = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(object).is_err() {
                    break;
                }
            }
        });
        Self { child, objects }
    }

    /// The next object of a kind for which this is true.
    pub(crate) fn next_object(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.objects.recv_timeout(left) {
                Ok(object) if object["kind"] == kind && wanted(&object) => return object,
                Ok(object) => last = object,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no {kind} as wanted came; the last object: {last:#}")
                }
            }
        }
    }

    /// The probe that it has started.
    pub(crate) fn probe(&self) -> Probe {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let children = tasks.map(|task| {
            fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
        });
        let children: String = children.collect();
        let probes: Vec<u32> =
            children.split_whitespace().map(|child| child.parse().unwrap()).collect();
        let [id] = probes[..] else { panic!("one probe and no other child: {probes:?}") };
        Probe { id }
    }

    /// As Ctrl-C does it.
    pub(crate) fn interrupt(&self) {
        signal(self.child.id(), libc::SIGINT);
    }

    /// Kills it, so that it cannot do anything about it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn ended_with(mut self, code: i32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(code));
                return;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The probe's process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    id: u32,
}

impl Probe {
    pub(crate) fn kernel_objects(&self) -> BTreeSet<Object> {
        leftovers::held_by(&self.id.to_string())
    }

    /// What it runs from.
    pub(crate) fn executable(&self) -> String {
        fs::read_link(format!("/proc/{}/exe", self.id)).unwrap().display().to_string()
    }

    pub(crate) fn kill(&self) {
        signal(self.id, libc::SIGKILL);
    }

    /// Waits for its end. An orphan that nobody has reaped yet has ended too.
    pub(crate) fn is_gone_within(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while let Ok(status) = fs::read_to_string(format!("/proc/{}/status", self.id)) {
            if status.contains("State:\tZ") {
                return;
            }
            assert!(Instant::now() < deadline, "the probe lives on: {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn signal(process: u32, signal: i32) {
    let process = i32::try_from(process).unwrap();
    // SAFETY: the call only sends a signal to a process of this test.
    assert_eq!(unsafe { libc::kill(process, signal) }, 0);
}
