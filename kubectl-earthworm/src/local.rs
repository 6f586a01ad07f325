//! The probe on this machine, without a cluster.
//!
//! [`Machine::here`] says whether that is possible; [`run`] keeps a probe at
//! work until the command ends. The probe is a child of this process: it is
//! unpacked into memory, listens on the loopback device, and does not outlive
//! its parent.

mod child;
mod program;
mod session;

pub use session::run;

use crate::payload::Payload;
use crate::signal::{NodeId, Problem};

/// Stands where the name of a kubeconfig context would.
pub const CLUSTER: &str = "local";

/// This machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its host name is the node's.
    pub node: NodeId,
    payload: &'static Payload,
}

impl Machine {
    /// Looks whether a probe can be started here.
    ///
    /// # Errors
    /// A [`Problem`] for a user who is not root, and for a build that carries no
    /// probe for this machine.
    pub fn here() -> Result<Self, Problem> {
        if !rustix::process::geteuid().is_root() {
            return Err(Problem {
                reason: "not-root",
                message: "--local needs root: the probe loads programs into this machine's kernel"
                    .into(),
                hint: Some("run the same command with sudo".into()),
            });
        }
        let architecture = architecture();
        let payload = Payload::for_architecture(architecture).ok_or_else(|| Problem {
            reason: "no-probe",
            message: format!(
                "this build of kubectl-earthworm carries no probe for {architecture}, which this \
                 machine is"
            ),
            hint: Some("use a build that was made on Linux for this architecture".into()),
        })?;
        let system = rustix::system::uname();
        let node = system.nodename().to_string_lossy().into_owned();
        Ok(Self { node: NodeId { cluster: CLUSTER.into(), node: node.into() }, payload })
    }
}

/// This machine's architecture as Kubernetes calls it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
