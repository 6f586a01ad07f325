//! The DNS of the cluster: CoreDNS in a pod of `kube-system`, behind the
//! service `kube-dns`, as in other clusters. It knows the cluster's own names;
//! all others do not exist, and nothing is asked outside.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::coredns::{NAME, VERSION};
use super::image::{self, Image};
use super::layout::Layout;
use super::options::{CLUSTER_DOMAIN, DNS_ADDRESS, NodeSpec};
use super::sandbox::Sandbox;
use super::starter::{self, Awaited};
use super::state::State;
use super::{apiserver, controller_manager, kube_proxy, kubelet};

/// From the Deployment to an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts CoreDNS, which is this program, on a node and waits until it is ready.
///
/// # Errors
/// When the image cannot be made, Kubernetes refuses an object, or CoreDNS does
/// not become ready.
pub fn start(layout: &Layout, state: &State, node: &NodeSpec, program: &Path) -> Result<()> {
    let image = image_name();
    let content =
        fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    Image::of_program(&image, NAME, &content, None)?.save(&layout.dns_image())?;
    image::import(&layout.node(&node.name).containerd_socket(), &layout.dns_image())?;
    Sandbox::new(layout.clone()).apply(&manifest(&node.name, &image))?;
    Awaited {
        failure: "CoreDNS is not ready",
        patience: PATIENCE,
        depends_on: &[
            (apiserver::NAME, None),
            (controller_manager::NAME, None),
            (kubelet::NAME, Some(&node.name)),
            (kube_proxy::NAME, Some(&node.name)),
        ],
    }
    .wait(state, || {
        let output = starter::kubectl(layout, &state.binaries, &layout.kubeconfig())
            .args(["get", "deployment", NAME, "--namespace=kube-system", "--request-timeout=5s"])
            .arg("--output=jsonpath={.status.availableReplicas}")
            .output()
            .context("cannot start kubectl")?;
        Ok(output.stdout == b"1")
    })
}

/// The name that real clusters use.
fn image_name() -> String {
    format!("registry.k8s.io/coredns/coredns:v{VERSION}")
}

fn configuration() -> String {
    format!(
        ".:53 {{
    errors
    health
    ready
    cache 30
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"
    )
}

/// Labels and names are those of kubeadm's clusters.
fn manifest(node: &str, image: &str) -> Value {
    let metadata = |name: &str| json!({ "name": name, "namespace": "kube-system" });
    let labels = json!({ "k8s-app": "kube-dns" });
    let list_and_watch = |group: &str, resources: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": ["list", "watch"] });
    let items = [
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(NAME) }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": { "name": "system:coredns" },
            "rules": [
                list_and_watch("", &["endpoints", "services", "pods", "namespaces"]),
                list_and_watch("discovery.k8s.io", &["endpointslices"]),
            ],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": "system:coredns" },
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:coredns",
            },
            "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": "kube-system" }],
        }),
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(NAME),
            "data": { "Corefile": configuration() },
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": "kube-dns", "namespace": "kube-system", "labels": labels },
            "spec": {
                "clusterIP": DNS_ADDRESS,
                // Nodes are made sick here, and a pod on such a node is not
                // ready, however well it answers.
                "publishNotReadyAddresses": true,
                "selector": labels,
                "ports": [
                    { "name": "dns", "port": 53, "protocol": "UDP" },
                    { "name": "dns-tcp", "port": 53, "protocol": "TCP" },
                ],
            },
        }),
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": NAME, "namespace": "kube-system", "labels": labels },
            "spec": {
                "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": pod(node, image) },
            },
        }),
    ];
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// There is no scheduler: the pod says where it runs.
fn pod(node: &str, image: &str) -> Value {
    json!({
        "nodeName": node,
        "serviceAccountName": NAME,
        "priorityClassName": "system-cluster-critical",
        "tolerations": [{ "operator": "Exists" }],
        // The node's own, not the one that is being started.
        "dnsPolicy": "Default",
        "containers": [{
            "name": NAME,
            "image": image,
            "imagePullPolicy": "Never",
            "args": ["-conf", "/etc/coredns/Corefile"],
            "volumeMounts": [
                { "name": "configuration", "mountPath": "/etc/coredns", "readOnly": true },
            ],
            "ports": [
                { "name": "dns", "containerPort": 53, "protocol": "UDP" },
                { "name": "dns-tcp", "containerPort": 53, "protocol": "TCP" },
            ],
            "readinessProbe": {
                "httpGet": { "path": "/ready", "port": 8181 },
                "periodSeconds": 1,
                "failureThreshold": 5,
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "add": ["NET_BIND_SERVICE"], "drop": ["ALL"] },
                "readOnlyRootFilesystem": true,
            },
        }],
        "volumes": [{ "name": "configuration", "configMap": { "name": NAME } }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_outside() {
        let text = configuration();
        assert!(!text.contains("forward"), "{text}");
        assert!(text.contains("\n    kubernetes cluster.local "), "{text}");
    }

    #[test]
    fn the_service_has_the_address_that_pods_are_told() {
        let manifest = manifest("node-a", "image");
        let items = manifest["items"].as_array().unwrap();
        let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).unwrap();
        assert_eq!(of("Service")["spec"]["clusterIP"], json!("198.19.0.10"));
        let template = &of("Deployment")["spec"]["template"];
        assert_eq!(template["metadata"]["labels"], of("Service")["spec"]["selector"]);
        assert_eq!(template["spec"]["nodeName"], json!("node-a"));
    }
}
