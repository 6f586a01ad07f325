//! One kube-proxy per node: services are rules in the node's own network
//! namespace, and go with it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::credentials::files;
use super::layout::Layout;
use super::options::{NodeSpec, POD_NETWORK};

/// The program's name.
pub const NAME: &str = "kube-proxy";

/// Says whether it is healthy, on the node's loopback (usually 10256).
const HEALTH_PORT: u16 = 20256;

/// Serves its metrics, on the node's loopback (usually 10249).
const METRICS_PORT: u16 = 20249;

/// The command line, inside of the node's network namespace.
#[must_use]
pub fn argv(layout: &Layout, binaries: &Path, node: &NodeSpec) -> Vec<String> {
    vec![
        "nsenter".to_owned(),
        format!("--net={}", node.namespace_path()),
        binaries.join(NAME).display().to_string(),
        format!("--config={}", layout.node(&node.name).kube_proxy_config().display()),
    ]
}

/// Writes the configuration of a node's kube-proxy.
///
/// # Errors
/// When the file cannot be written.
pub fn configure(layout: &Layout, node: &NodeSpec) -> Result<()> {
    let path = layout.node(&node.name).kube_proxy_config();
    let text = format!("{:#}\n", configuration(layout, node));
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn configuration(layout: &Layout, node: &NodeSpec) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": { "kubeconfig": layout.credential(files::KUBE_PROXY) },
        "hostnameOverride": node.name,
        "mode": "iptables",
        // Pods keep their own address on the way to a service.
        "clusterCIDR": POD_NETWORK,
        "healthzBindAddress": format!("127.0.0.1:{HEALTH_PORT}"),
        "metricsBindAddress": format!("127.0.0.1:{METRICS_PORT}"),
        // The limits on connections are the whole machine's.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_the_machine_stay_as_they_are() {
        let value = configuration(&Layout::new("/s"), &NodeSpec::new(1));
        for field in ["maxPerCore", "min"] {
            assert_eq!(value["conntrack"][field], json!(0), "{field}");
        }
        assert_eq!(value["hostnameOverride"], json!("node-b"));
    }

    #[test]
    fn down_knows_it_by_its_arguments() {
        let argv = argv(&Layout::new("/s"), Path::new("/cache"), &NodeSpec::new(1));
        assert_eq!(argv[1], "--net=/run/netns/earthworm-node-b");
        assert_eq!(argv[2], "/cache/kube-proxy");
        assert_eq!(argv[3], "--config=/s/nodes/node-b/kube-proxy.json");
    }
}
