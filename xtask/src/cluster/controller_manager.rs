//! kube-controller-manager with its default controllers: jobs, their removal
//! after the end, garbage collection, service accounts, node lifecycle.

use std::path::Path;

use super::credentials::files;
use super::layout::Layout;
use super::options::ports;

/// The program's name.
pub const NAME: &str = "kube-controller-manager";

/// The command line.
#[must_use]
pub fn argv(layout: &Layout, binaries: &Path) -> Vec<String> {
    let credential = |file| layout.credential(file).display().to_string();
    let folder = |name| layout.control_plane(name).display().to_string();
    let kubeconfig = credential(files::CONTROLLER_MANAGER);
    vec![
        binaries.join(NAME).display().to_string(),
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", ports::CONTROLLER_MANAGER),
        format!("--cert-dir={}", folder("controller-manager")),
        // Else it makes one in /usr/libexec.
        format!("--flex-volume-plugin-dir={}", folder("volume-plugins")),
        // There is one, and waiting for a lease costs a start several seconds.
        "--leader-elect=false".to_owned(),
        format!("--root-ca-file={}", credential(files::AUTHORITY)),
        format!("--service-account-private-key-file={}", credential(files::SERVICE_ACCOUNT_KEY)),
        format!("--cluster-signing-cert-file={}", credential(files::AUTHORITY)),
        format!("--cluster-signing-key-file={}", credential(files::AUTHORITY_KEY)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_controller_is_switched_off() {
        let argv = argv(&Layout::new("/s"), Path::new("/cache"));
        assert!(!argv.iter().any(|argument| argument.starts_with("--controllers")));
        assert!(argv.contains(&"--secure-port=20257".to_owned()));
    }
}
