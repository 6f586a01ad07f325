//! A site's security policy: pods of one node that do not ask for `SYS_ADMIN`
//! run under a seccomp filter in which the kernel refuses bpf(2). Container
//! runtimes shipped just this as their default before they knew `CAP_BPF`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::cluster::layout::Layout;

use crate::eventually;
use crate::lab::Lab;

/// Policy, binding and the filter's file are called so, with the node's name.
const NAME: &str = "earthworm-test-no-bpf";
/// The API server takes new policies up after a moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// The policy is in force until this is dropped.
#[derive(Debug)]
pub struct NoBpf<'a> {
    lab: &'a Lab,
    name: String,
    filter: PathBuf,
}

impl<'a> NoBpf<'a> {
    /// Puts the policy in force on one node.
    ///
    /// # Panics
    /// When the API server does not take it, or does not apply it.
    #[must_use]
    pub fn on(lab: &'a Lab, node: &str) -> Self {
        // Where the kubelet looks for filters of its pods.
        let folder = Layout::default().node(node).kubelet("root").join("seccomp");
        fs::create_dir_all(&folder).unwrap();
        let name = format!("{NAME}-{node}");
        let filter = folder.join(format!("{name}.json"));
        let refuse =
            json!({ "names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EPERM });
        let content = json!({ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refuse] });
        fs::write(&filter, content.to_string()).unwrap();
        let policy = Self { lab, name, filter };
        for object in [definition(&policy.name, node), binding(&policy.name)] {
            policy.send(&["apply", "--filename=-"], &object);
        }
        eventually("the policy is applied", PATIENCE, || {
            let arguments = ["create", "--filename=-", "--dry-run=server", "--output=json"];
            let pod = policy.send(&arguments, &pod(&policy.name, node));
            pod["spec"]["containers"][0]["securityContext"]["seccompProfile"]["type"] == "Localhost"
        });
        policy
    }

    fn send(&self, arguments: &[&str], object: &Value) -> Value {
        let mut command = self.lab.sandbox.kubectl(arguments).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

impl Drop for NoBpf<'_> {
    fn drop(&mut self) {
        let kinds = "mutatingadmissionpolicybindings,mutatingadmissionpolicies";
        let _ = self.lab.try_kubectl(&["delete", kinds, &self.name, "--ignore-not-found"]);
        let _ = fs::remove_file(&self.filter);
        // Only when it was made for this.
        let _ = self.filter.parent().map(fs::remove_dir);
    }
}

fn definition(name: &str, node: &str) -> Value {
    let asks = "has(c.securityContext) && (c.securityContext.?privileged.orValue(false) || \
                'SYS_ADMIN' in c.securityContext.?capabilities.add.orValue([]))";
    let filtered = format!(
        "Object{{spec: Object.spec{{containers: object.spec.containers.map(c, \
         Object.spec.containers{{name: c.name, securityContext: \
         Object.spec.containers.securityContext{{seccompProfile: \
         Object.spec.containers.securityContext.seccompProfile{{\
         type: \"Localhost\", localhostProfile: \"{name}.json\"}}}}}})}}}}"
    );
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": { "name": name },
        "spec": {
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["pods"],
            }]},
            "matchConditions": [
                { "name": "node", "expression": format!("object.spec.?nodeName.orValue('') == '{node}'") },
                { "name": "weak", "expression": format!("!object.spec.containers.exists(c, {asks})") },
            ],
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": { "expression": filtered },
            }],
        },
    })
}

fn binding(name: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": { "name": name },
        "spec": { "policyName": name },
    })
}

/// A pod that the policy is about.
fn pod(name: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "namespace": "default" },
        "spec": {
            "nodeName": node,
            "automountServiceAccountToken": false,
            "containers": [{ "name": "any", "image": "registry.k8s.io/pause:3.10" }],
        },
    })
}
