//! Where everything of a sandbox lies. All of it is below one folder, so that
//! removing the folder removes it, and so that a process, mount or socket can
//! be told to be ours by its path.

use std::path::{Path, PathBuf};

/// The folder of the one sandbox a machine can have.
pub const STATE_FOLDER: &str = "/var/lib/earthworm-sandbox";

/// The paths below the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Default for Layout {
    fn default() -> Self {
        Layout::new(STATE_FOLDER)
    }
}

impl Layout {
    /// A layout below another folder than [`STATE_FOLDER`].
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Layout { root: root.into() }
    }

    /// The state folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What runs, as JSON: see [`crate::cluster::state::State`].
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.root.join("state.json")
    }

    /// Held by `up` and `down`, so that two of them never work at once.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.root.join("kubeconfig")
    }

    /// The kubeconfig of any user: `admin` or one of the plain users.
    #[must_use]
    pub fn kubeconfig_for(&self, user: &str) -> PathBuf {
        if user == "admin" {
            self.kubeconfig()
        } else {
            self.root.join("users").join(format!("{user}.kubeconfig"))
        }
    }

    /// The log of a component, for example `kubelet-node-a`.
    #[must_use]
    pub fn log(&self, component: &str) -> PathBuf {
        self.root.join("logs").join(format!("{component}.log"))
    }

    /// A certificate, key or token file.
    #[must_use]
    pub fn credential(&self, file: &str) -> PathBuf {
        self.root.join("credentials").join(file)
    }

    /// A file or folder of a component on the machine's side, for example
    /// `etcd/data`.
    #[must_use]
    pub fn control_plane(&self, path: &str) -> PathBuf {
        self.root.join("control-plane").join(path)
    }

    /// The pause image as it is imported.
    #[must_use]
    pub fn pause_image(&self) -> PathBuf {
        self.root.join("pause.tar")
    }

    /// The image of CoreDNS as it is imported.
    #[must_use]
    pub fn dns_image(&self) -> PathBuf {
        self.root.join("coredns.tar")
    }

    /// What one node has.
    #[must_use]
    pub fn node(&self, node: &str) -> NodeLayout {
        NodeLayout { root: self.root.join("nodes").join(node) }
    }
}

/// The paths of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLayout {
    root: PathBuf,
}

impl NodeLayout {
    /// The containerd configuration.
    #[must_use]
    pub fn containerd_config(&self) -> PathBuf {
        self.root.join("containerd.toml")
    }

    /// A folder of containerd: `root`, `state`, `runc` or `opt`.
    #[must_use]
    pub fn containerd(&self, folder: &str) -> PathBuf {
        self.root.join("containerd").join(folder)
    }

    /// The socket on which containerd serves CRI and its own API.
    #[must_use]
    pub fn containerd_socket(&self) -> PathBuf {
        self.root.join("containerd.sock")
    }

    /// The folder from which containerd reads its CNI network.
    #[must_use]
    pub fn cni_configuration(&self) -> PathBuf {
        self.root.join("cni")
    }

    /// Where the host-local plugin keeps the addresses it gave away.
    #[must_use]
    pub fn cni_data(&self) -> PathBuf {
        self.root.join("cni-data")
    }

    /// The kubelet's configuration.
    #[must_use]
    pub fn kubelet_config(&self) -> PathBuf {
        self.root.join("kubelet.json")
    }

    /// The kubelet's own kubeconfig.
    #[must_use]
    pub fn kubelet_kubeconfig(&self) -> PathBuf {
        self.root.join("kubelet.kubeconfig")
    }

    /// The configuration of kube-proxy.
    #[must_use]
    pub fn kube_proxy_config(&self) -> PathBuf {
        self.root.join("kube-proxy.json")
    }

    /// A folder of the kubelet: `root`, `certificates`, `pod-logs` or
    /// `volume-plugins`.
    #[must_use]
    pub fn kubelet(&self, folder: &str) -> PathBuf {
        self.root.join("kubelet").join(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_fit_into_an_address() {
        // sockaddr_un holds 107 characters, and containerd adds `.ttrpc`.
        let socket = Layout::default().node("node-z").containerd_socket();
        assert!(socket.as_os_str().len() + ".ttrpc".len() <= 107);
    }

    #[test]
    fn only_the_administrator_is_at_the_top() {
        let layout = Layout::new("/x");
        assert_eq!(layout.kubeconfig_for("admin"), Path::new("/x/kubeconfig"));
        assert_eq!(layout.kubeconfig_for("bob"), Path::new("/x/users/bob.kubeconfig"));
    }
}
