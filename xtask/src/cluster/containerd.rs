//! One containerd per node, with roots, sockets and a CNI network of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::layout::{Layout, NodeLayout};
use super::options::{NodeSpec, PREFIX};
use super::pause_image::PAUSE_IMAGE;

/// The program's name.
pub const NAME: &str = "containerd";

/// What it starts for each pod. These outlive it, so `down` looks for them.
pub const SHIM: &str = "containerd-shim-runc-v2";

/// Where distributions put the CNI plugins.
const PLUGIN_FOLDERS: [&str; 3] = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];

/// The command line, inside of the node's network namespace.
#[must_use]
pub fn argv(layout: &Layout, node: &NodeSpec) -> Vec<String> {
    vec![
        "nsenter".to_owned(),
        format!("--net={}", node.namespace_path()),
        NAME.to_owned(),
        format!("--config={}", layout.node(&node.name).containerd_config().display()),
    ]
}

/// Writes configuration and CNI network of a node.
///
/// # Errors
/// When the plugins are missing or a file cannot be written.
pub fn configure(layout: &Layout, node: &NodeSpec) -> Result<()> {
    let node_layout = layout.node(&node.name);
    for folder in ["root", "state", "runc", "opt"] {
        make(&node_layout.containerd(folder))?;
    }
    let cni = node_layout.cni_configuration();
    make(&cni)?;
    let plugins = plugin_folder().context("the CNI plugins are not installed")?;
    write(&node_layout.containerd_config(), &configuration(&node_layout, &plugins))?;
    write(&cni.join("10-sandbox.conflist"), &cni_network(&node_layout, node))
}

/// The folder that has the CNI plugins, or `None`.
#[must_use]
pub fn plugin_folder() -> Option<PathBuf> {
    PLUGIN_FOLDERS.iter().map(PathBuf::from).find(|folder| {
        ["ptp", "host-local", "loopback"].iter().all(|plugin| folder.join(plugin).is_file())
    })
}

/// The containerd configuration, version 2. The keys in quotes are paths of
/// ours, which hold neither quotes nor backslashes.
fn configuration(node: &NodeLayout, plugins: &Path) -> String {
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{opt}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Inside of another container the score may not be lowered.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{runc}"
        SystemdCgroup = false
"#,
        root = node.containerd("root").display(),
        state = node.containerd("state").display(),
        runc = node.containerd("runc").display(),
        opt = node.containerd("opt").display(),
        socket = node.containerd_socket().display(),
        cni = node.cni_configuration().display(),
        plugins = plugins.display(),
    )
}

/// A cable per pod and no bridge: every packet between two pods passes the
/// node's own rules, so that a service on the pods' node needs no module that
/// sends what crosses a bridge through them.
fn cni_network(layout: &NodeLayout, node: &NodeSpec) -> String {
    let network = json!({
        "cniVersion": "0.4.0",
        "name": format!("{PREFIX}-{}", node.name),
        "plugins": [{
            "type": "ptp",
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "dataDir": layout.cni_data(),
                "ranges": [[{ "subnet": node.pod_network, "gateway": node.pod_gateway }]],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        }],
    });
    format!("{network:#}\n")
}

/// The sockets of the shims of all nodes. They lie outside of the state folder
/// and stay there when a shim is killed; each pod's folder has the address.
#[must_use]
pub fn shim_sockets(layout: &Layout, nodes: &[String]) -> Vec<PathBuf> {
    let mut sockets = Vec::new();
    for node in nodes {
        let tasks =
            layout.node(node).containerd("state").join("io.containerd.runtime.v2.task/k8s.io");
        for entry in fs::read_dir(tasks).into_iter().flatten().flatten() {
            let address = fs::read_to_string(entry.path().join("address")).unwrap_or_default();
            if let Some(path) = address.trim().strip_prefix("unix://") {
                sockets.push(PathBuf::from(path));
            }
        }
    }
    sockets.sort();
    sockets.dedup();
    sockets
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_share_no_path_and_no_subnet() {
        let layout = Layout::new("/s");
        let text = |index| {
            let node = NodeSpec::new(index);
            let layout = layout.node(&node.name);
            configuration(&layout, Path::new("/plugins")) + &cni_network(&layout, &node)
        };
        let (first, second) = (text(0), text(1));
        assert!(first.contains("state = \"/s/nodes/node-a/containerd/state\""));
        assert!(first.contains("\"subnet\": \"198.18.0.0/24\""));
        assert!(!second.contains("node-a"));
        assert!(!second.contains("198.18.0."));
    }

    #[test]
    fn sockets_of_shims_are_read_from_the_pods() {
        let root = std::env::temp_dir().join(format!("xtask-shims-{}", std::process::id()));
        let layout = Layout::new(&root);
        let task = layout
            .node("node-a")
            .containerd("state")
            .join("io.containerd.runtime.v2.task/k8s.io/abc");
        fs::create_dir_all(&task).unwrap();
        fs::write(task.join("address"), "unix:///run/containerd/s/1").unwrap();
        let nodes = ["node-a".to_owned(), "node-b".to_owned()];
        assert_eq!(shim_sockets(&layout, &nodes), [PathBuf::from("/run/containerd/s/1")]);
        fs::remove_dir_all(&root).unwrap();
    }
}
