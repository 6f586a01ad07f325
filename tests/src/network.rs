//! The network of a node: looked at and cut off from inside its namespace.

use std::process::{Command, Output};

use xtask::cluster::options::{HOST_ADDRESS, NodeSpec, ports};

/// The name of our table of rules, which goes as a whole.
const TABLE: &str = "earthworm_test";

/// Runs a program in the node's network namespace.
///
/// # Panics
/// When `nsenter` cannot be started.
#[must_use]
pub fn inside(node: &NodeSpec, program: &str, arguments: &[&str]) -> Output {
    Command::new("nsenter")
        .arg(format!("--net={}", node.namespace_path()))
        .arg(program)
        .args(arguments)
        .output()
        .unwrap()
}

/// Drops everything between the node and the API server's port, both ways and
/// without a word to either side. The API server's own connections to the
/// kubelet, which use other ports, go on.
///
/// # Panics
/// When the rules cannot be set.
pub fn block_api_server(node: &NodeSpec) {
    let port = ports::API_SERVER;
    let rules = format!(
        "table ip {TABLE} {{
            chain out {{
                type filter hook output priority 0; policy accept;
                ip daddr {HOST_ADDRESS} tcp dport {port} drop
            }}
            chain in {{
                type filter hook input priority 0; policy accept;
                ip saddr {HOST_ADDRESS} tcp sport {port} drop
            }}
        }}"
    );
    let output = inside(node, "nft", &[&rules]);
    assert!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr));
}

/// Lets everything through again. Nothing blocked is no error.
pub fn unblock(node: &NodeSpec) {
    let _ = inside(node, "nft", &["delete", "table", "ip", TABLE]);
}

/// The port on which the probe of a node listens, from the sockets of the
/// node's own namespace.
///
/// # Panics
/// When there is none or more than one.
#[must_use]
pub fn probe_ports(node: &NodeSpec) -> Vec<u16> {
    let output = inside(node, "ss", &["--listening", "--tcp", "--numeric", "--processes"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter(|line| line.contains("\"memfd:earthworm"))
        .filter_map(|line| line.split_whitespace().nth(3)?.rsplit_once(':')?.1.parse().ok())
        .collect()
}
