//! Who is who in the sandbox: an authority of its own, certificates made with
//! `openssl`, and a file with one token per user.

use std::fs::{self, File};
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::kubeconfig::{Kubeconfig, write_private};
use super::layout::Layout;
use super::options::{HOST_ADDRESS, NodeSpec, PLAIN_USERS, ports};

/// Where a user on this machine finds the API server.
#[must_use]
pub fn local_server() -> String {
    format!("https://{}:{}", Ipv4Addr::LOCALHOST, ports::API_SERVER)
}

/// Where a node finds the API server.
#[must_use]
pub fn node_facing_server() -> String {
    format!("https://{HOST_ADDRESS}:{}", ports::API_SERVER)
}

/// Files in the credentials folder.
pub mod files {
    /// The authority's certificate.
    pub const AUTHORITY: &str = "authority.crt";
    /// The authority's key.
    pub const AUTHORITY_KEY: &str = "authority.key";
    /// What the API server shows.
    pub const API_SERVER: &str = "api-server.crt";
    /// The key to it.
    pub const API_SERVER_KEY: &str = "api-server.key";
    /// What the API server shows to kubelets.
    pub const KUBELET_CLIENT: &str = "kubelet-client.crt";
    /// The key to it.
    pub const KUBELET_CLIENT_KEY: &str = "kubelet-client.key";
    /// Signs the tokens of service accounts.
    pub const SERVICE_ACCOUNT_KEY: &str = "service-account.key";
    /// Checks the tokens of service accounts.
    pub const SERVICE_ACCOUNT_PUBLIC: &str = "service-account.pub";
    /// Token, user, identifier and groups, one user per line.
    pub const TOKENS: &str = "tokens.csv";
    /// The controller manager's kubeconfig.
    pub const CONTROLLER_MANAGER: &str = "controller-manager.kubeconfig";
    /// The kubeconfig of every node's kube-proxy.
    pub const KUBE_PROXY: &str = "kube-proxy.kubeconfig";
}

/// Writes every certificate, token and kubeconfig.
///
/// # Errors
/// When `openssl` fails or a file cannot be written.
pub fn create(layout: &Layout, nodes: &[NodeSpec]) -> Result<()> {
    create_certificates(layout)?;
    let authority_path = layout.credential(files::AUTHORITY);
    let authority = fs::read(&authority_path)
        .with_context(|| format!("cannot read {}", authority_path.display()))?;
    let local = local_server();
    let node_facing = node_facing_server();
    let mut lines = Vec::new();

    let mut add =
        |server: &str, user: &str, name: &str, groups: &[&str], path: &Path| -> Result<()> {
            let token = random_token()?;
            lines.push(token_line(&token, name, groups));
            let kubeconfig = Kubeconfig { server, authority: &authority, user, token: &token };
            kubeconfig.write(path)
        };
    let masters = ["system:masters"];
    add(&local, "admin", "admin", &masters, &layout.kubeconfig())?;
    add(
        &local,
        "controller-manager",
        "system:kube-controller-manager",
        &masters,
        &layout.credential(files::CONTROLLER_MANAGER),
    )?;
    // Kubernetes gives this user the rights that a kube-proxy needs.
    let kube_proxy = layout.credential(files::KUBE_PROXY);
    add(&node_facing, "kube-proxy", "system:kube-proxy", &[], &kube_proxy)?;
    for user in PLAIN_USERS {
        add(&local, user, user, &[], &layout.kubeconfig_for(user))?;
    }
    for node in nodes {
        let name = format!("system:node:{}", node.name);
        let path = layout.node(&node.name).kubelet_kubeconfig();
        add(&node_facing, &node.name, &name, &["system:nodes"], &path)?;
    }
    write_private(&layout.credential(files::TOKENS), lines.concat().as_bytes())
}

fn token_line(token: &str, name: &str, groups: &[&str]) -> String {
    if groups.is_empty() {
        format!("{token},{name},{name}\n")
    } else {
        format!("{token},{name},{name},\"{}\"\n", groups.join(","))
    }
}

fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn create_certificates(layout: &Layout) -> Result<()> {
    let folder = layout.credential("");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write_private(&layout.credential("openssl.cnf"), openssl_configuration().as_bytes())?;
    for key in [
        files::AUTHORITY_KEY,
        files::API_SERVER_KEY,
        files::KUBELET_CLIENT_KEY,
        files::SERVICE_ACCOUNT_KEY,
    ] {
        openssl(
            layout,
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key],
        )?;
    }
    let (key, public) = (files::SERVICE_ACCOUNT_KEY, files::SERVICE_ACCOUNT_PUBLIC);
    openssl(layout, &["pkey", "-in", key, "-pubout", "-out", public])?;
    openssl(
        layout,
        &[
            "req",
            "-x509",
            "-new",
            "-key",
            files::AUTHORITY_KEY,
            "-out",
            files::AUTHORITY,
            "-days",
            "30",
            "-subj",
            "/CN=earthworm-sandbox",
            "-extensions",
            "authority",
            "-config",
            "openssl.cnf",
        ],
    )?;
    sign(layout, files::API_SERVER_KEY, files::API_SERVER, "/CN=kube-apiserver", "api_server")?;
    sign(
        layout,
        files::KUBELET_CLIENT_KEY,
        files::KUBELET_CLIENT,
        "/O=system:masters/CN=kube-apiserver-kubelet-client",
        "kubelet_client",
    )
}

fn sign(layout: &Layout, key: &str, certificate: &str, subject: &str, section: &str) -> Result<()> {
    let request = format!("{certificate}.csr");
    openssl(
        layout,
        &["req", "-new", "-key", key, "-out", &request, "-subj", subject, "-config", "openssl.cnf"],
    )?;
    openssl(
        layout,
        &[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            files::AUTHORITY,
            "-CAkey",
            files::AUTHORITY_KEY,
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "openssl.cnf",
            "-extensions",
            section,
            "-out",
            certificate,
        ],
    )
}

/// Own configuration, so that the machine's has no say. The server certificate
/// is no authority: strict clients refuse a server that shows one.
fn openssl_configuration() -> String {
    format!(
        "[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier = hash
[api_server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:{local},IP:{HOST_ADDRESS},IP:198.19.0.1,DNS:localhost,DNS:kubernetes,\
DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
[kubelet_client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
",
        local = Ipv4Addr::LOCALHOST,
    )
}

fn openssl(layout: &Layout, arguments: &[&str]) -> Result<()> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(layout.credential(""))
        .output()
        .context("cannot start openssl")?;
    if !output.status.success() {
        bail!(
            "`openssl {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_without_groups_have_three_columns() {
        assert_eq!(token_line("t", "alice", &[]), "t,alice,alice\n");
        assert_eq!(token_line("t", "n", &["a", "b"]), "t,n,n,\"a,b\"\n");
    }

    #[test]
    fn tokens_differ() {
        let token = random_token().unwrap();
        assert_eq!(token.len(), 32);
        assert_ne!(token, random_token().unwrap());
    }

    #[test]
    fn the_server_certificate_names_both_addresses() {
        let text = openssl_configuration();
        assert!(text.contains("subjectAltName = IP:127.0.0.1,IP:198.51.100.1,"));
    }
}
