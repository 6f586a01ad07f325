//! The network of the sandbox: one bridge on the machine's side, one network
//! namespace per node, a virtual cable between, and routes to the pods.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::firewall;
use super::options::{
    BRIDGE, HOST_ADDRESS, NODE_NETWORK, NodeSpec, POD_AND_SERVICE_NETWORK, PREFIX, ports,
};

/// Refuses when a port of the sandbox is taken on this machine.
///
/// # Errors
/// Names the port and the component that wants it.
pub fn refuse_taken_ports() -> Result<()> {
    for (port, component) in ports::ALL {
        refuse_taken_port(port, component)?;
    }
    Ok(())
}

fn refuse_taken_port(port: u16, component: &str) -> Result<()> {
    // Binding to all addresses fails when any one of them is taken.
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(error).with_context(|| {
            format!("port {port} of this machine is taken, the sandbox needs it for {component}")
        }),
    }
}

/// Refuses when this machine reaches something else at the addresses of the
/// sandbox.
///
/// # Errors
/// Shows the route that is in the way.
pub fn refuse_taken_networks() -> Result<()> {
    for network in [NODE_NETWORK, POD_AND_SERVICE_NETWORK] {
        let routes = ip(&["-4", "route", "show", "root", network])?;
        if let Some(route) = routes.lines().next() {
            bail!(
                "the sandbox needs the addresses {network}, but this machine has the route {route:?}"
            );
        }
    }
    Ok(())
}

/// Makes bridge, namespaces, cables and routes.
///
/// # Errors
/// When `ip` refuses a step; the message holds its words.
pub fn create(nodes: &[NodeSpec]) -> Result<()> {
    let prefix = prefix_length(NODE_NETWORK)?;
    ip(&["link", "add", BRIDGE, "type", "bridge"])?;
    ip(&["addr", "add", &format!("{HOST_ADDRESS}/{prefix}"), "dev", BRIDGE])?;
    ip(&["link", "set", BRIDGE, "up"])?;
    firewall::let_nodes_talk()?;
    for node in nodes {
        create_node(node, prefix)?;
    }
    for node in nodes {
        let gateway = node.address.to_string();
        ip(&["route", "add", &node.pod_network, "via", &gateway, "dev", BRIDGE])?;
        for other in nodes.iter().filter(|other| other.name != node.name) {
            let gateway = other.address.to_string();
            ip(&["-n", &node.namespace, "route", "add", &other.pod_network, "via", &gateway])?;
        }
    }
    Ok(())
}

fn create_node(node: &NodeSpec, prefix: &str) -> Result<()> {
    let namespace = node.namespace.as_str();
    let link = node.host_link.as_str();
    ip(&["netns", "add", namespace])?;
    ip(&["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace])?;
    ip(&["link", "set", link, "master", BRIDGE, "up"])?;
    ip(&["-n", namespace, "link", "set", "lo", "up"])?;
    ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
    let address = format!("{}/{prefix}", node.address);
    ip(&["-n", namespace, "addr", "add", &address, "dev", "eth0"])?;
    let host = HOST_ADDRESS.to_string();
    ip(&["-n", namespace, "route", "add", "default", "via", &host])?;
    // Settings below net/ belong to the namespace in which they are written.
    run(
        "nsenter",
        &[
            &format!("--net={}", node.namespace_path()),
            "sh",
            "-c",
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
        ],
    )?;
    Ok(())
}

fn prefix_length(network: &str) -> Result<&str> {
    let (_, length) = network.split_once('/').context("a network without a length")?;
    Ok(length)
}

/// The links of the sandbox on the machine's side.
///
/// # Errors
/// When `ip` fails.
pub fn links() -> Result<Vec<String>> {
    Ok(parse_links(&ip(&["-brief", "link", "show"])?))
}

/// One line per link; a cable's name is followed by `@` and its other end.
fn parse_links(listing: &str) -> Vec<String> {
    listing
        .lines()
        .filter_map(|line| line.split([' ', '@']).next())
        .filter(|name| name.starts_with(PREFIX))
        .map(str::to_owned)
        .collect()
}

/// The network namespaces of the sandbox.
///
/// # Errors
/// When `/run/netns` is there but cannot be read.
pub fn namespaces() -> Result<Vec<String>> {
    let folder = "/run/netns";
    if !fs::exists(folder).unwrap_or(false) {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {folder}"))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    names.sort();
    Ok(names)
}

/// Removes links and namespaces of the sandbox. Routes go with their links.
///
/// # Errors
/// When one of them cannot be removed.
pub fn remove() -> Result<()> {
    firewall::restore()?;
    for link in links()? {
        // Removing the machine's end of a cable removes the other end as well.
        ip(&["link", "del", &link])?;
    }
    for namespace in namespaces()? {
        ip(&["netns", "del", &namespace])?;
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<String> {
    run("ip", arguments)
}

pub(super) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!(
            "`{program} {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = refuse_taken_port(port, "etcd").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("port {port} of this machine is taken, the sandbox needs it for etcd")
        );
    }

    #[test]
    fn only_links_of_the_sandbox_are_listed() {
        let listing = "lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \n\
                       earthworm0       UP             5e:1b:00:00:00:01 <BROADCAST,UP> \n\
                       earthworm-a@if2  UP             5e:1b:00:00:00:02 <BROADCAST,UP> \n\
                       earth            UP             5e:1b:00:00:00:03 <BROADCAST,UP> \n";
        assert_eq!(parse_links(listing), ["earthworm0", "earthworm-a"]);
        assert_eq!(parse_links(""), Vec::<String>::new());
    }

    #[test]
    fn a_failing_command_is_told_with_its_words() {
        let error = run("sh", &["-c", "echo no such thing >&2; exit 3"]).unwrap_err();
        assert!(error.to_string().ends_with("failed: no such thing"), "{error}");
        assert_eq!(prefix_length(NODE_NETWORK).unwrap(), "24");
    }
}
