//! One kubelet per node. How often it reports, and for how long its lease
//! holds, stays at the defaults: those are what the project measures.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::cgroups;
use super::credentials::files;
use super::layout::Layout;
use super::options::{CLUSTER_DOMAIN, DNS_ADDRESS, NodeSpec};

/// The program's name.
pub const NAME: &str = "kubelet";

/// From this minor version on the kubelet refuses version 1 control groups
/// unless `failCgroupV1` is false. Older ones do not know the field.
const FAIL_CGROUP_V1_SINCE: u32 = 31;

/// The command line, inside of the node's network namespace. `nsenter` and not
/// `ip netns exec`: the latter mounts a fresh /sys without control groups.
#[must_use]
pub fn argv(layout: &Layout, binaries: &Path, node: &NodeSpec) -> Vec<String> {
    let node_layout = layout.node(&node.name);
    vec![
        "nsenter".to_owned(),
        format!("--net={}", node.namespace_path()),
        binaries.join(NAME).display().to_string(),
        format!("--config={}", node_layout.kubelet_config().display()),
        format!("--kubeconfig={}", node_layout.kubelet_kubeconfig().display()),
        format!("--root-dir={}", node_layout.kubelet("root").display()),
        format!("--cert-dir={}", node_layout.kubelet("certificates").display()),
        format!("--hostname-override={}", node.name),
        format!("--node-ip={}", node.address),
    ]
}

/// Writes the configuration of a node's kubelet.
///
/// # Errors
/// When a file cannot be written.
pub fn configure(layout: &Layout, node: &NodeSpec, minor_version: u32) -> Result<()> {
    let node_layout = layout.node(&node.name);
    for folder in ["root", "certificates", "pod-logs", "volume-plugins"] {
        let folder = node_layout.kubelet(folder);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let path = node_layout.kubelet_config();
    let text = format!("{:#}\n", configuration(layout, node, minor_version));
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn configuration(layout: &Layout, node: &NodeSpec, minor_version: u32) -> Value {
    let node_layout = layout.node(&node.name);
    let mut configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", node_layout.containerd_socket().display()),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups::kubelet_root(&node.name),
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        // A developer's disk is often nearly full; that is no reason to refuse pods.
        "evictionHard": {
            "memory.available": "10Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        // Nothing could bring a collected image back.
        "imageGCHighThresholdPercent": 100,
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "podLogsDir": node_layout.kubelet("pod-logs"),
        "volumePluginDir": node_layout.kubelet("volume-plugins"),
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": layout.credential(files::AUTHORITY) },
        },
        "authorization": { "mode": "Webhook" },
    });
    if minor_version >= FAIL_CGROUP_V1_SINCE {
        configuration["failCgroupV1"] = json!(false);
    }
    configuration
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rhythm_stays_at_its_defaults() {
        let value = configuration(&Layout::new("/s"), &NodeSpec::new(0), 36);
        for field in
            ["nodeLeaseDurationSeconds", "nodeStatusUpdateFrequency", "nodeStatusReportFrequency"]
        {
            assert!(value.get(field).is_none(), "{field}");
        }
    }

    #[test]
    fn fields_follow_the_version() {
        let layout = Layout::new("/s");
        let node = NodeSpec::new(1);
        let new = configuration(&layout, &node, 36);
        assert_eq!(new["failCgroupV1"], json!(false));
        assert_eq!(new["cgroupRoot"], json!("/earthworm-sandbox/node-b"));
        assert!(configuration(&layout, &node, 30).get("failCgroupV1").is_none());
    }

    #[test]
    fn each_kubelet_has_its_own_namespace_and_address() {
        let argv = argv(&Layout::new("/s"), Path::new("/cache"), &NodeSpec::new(1));
        assert_eq!(argv[1], "--net=/run/netns/earthworm-node-b");
        assert_eq!(argv[2], "/cache/kubelet");
        assert!(argv.contains(&"--node-ip=198.51.100.12".to_owned()));
    }
}
