//! kube-apiserver: RBAC and node authorization, all default admission plugins.

use std::path::Path;

use super::credentials::files;
use super::layout::Layout;
use super::options::{HOST_ADDRESS, SERVICE_NETWORK, ports};

/// The program's name.
pub const NAME: &str = "kube-apiserver";

/// The command line.
#[must_use]
pub fn argv(layout: &Layout, binaries: &Path) -> Vec<String> {
    let credential = |file| layout.credential(file).display().to_string();
    vec![
        binaries.join(NAME).display().to_string(),
        format!("--etcd-servers=http://127.0.0.1:{}", ports::ETCD_CLIENT),
        // The nodes come through the bridge, the user through loopback.
        "--bind-address=0.0.0.0".to_owned(),
        format!("--secure-port={}", ports::API_SERVER),
        format!("--advertise-address={HOST_ADDRESS}"),
        format!("--service-cluster-ip-range={SERVICE_NETWORK}"),
        format!("--cert-dir={}", layout.control_plane("api-server").display()),
        format!("--tls-cert-file={}", credential(files::API_SERVER)),
        format!("--tls-private-key-file={}", credential(files::API_SERVER_KEY)),
        format!("--client-ca-file={}", credential(files::AUTHORITY)),
        format!("--token-auth-file={}", credential(files::TOKENS)),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-key-file={}", credential(files::SERVICE_ACCOUNT_PUBLIC)),
        format!("--service-account-signing-key-file={}", credential(files::SERVICE_ACCOUNT_KEY)),
        format!("--kubelet-client-certificate={}", credential(files::KUBELET_CLIENT)),
        format!("--kubelet-client-key={}", credential(files::KUBELET_CLIENT_KEY)),
        // Else logs and port-forward look the node's name up in DNS.
        "--kubelet-preferred-address-types=InternalIP,Hostname".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admission_and_authorization_stay_on() {
        let argv = argv(&Layout::new("/s"), Path::new("/cache"));
        assert_eq!(argv[0], "/cache/kube-apiserver");
        assert!(argv.contains(&"--authorization-mode=Node,RBAC".to_owned()));
        assert!(argv.contains(&"--tls-cert-file=/s/credentials/api-server.crt".to_owned()));
        assert!(!argv.iter().any(|argument| argument.starts_with("--disable-admission")));
    }
}
