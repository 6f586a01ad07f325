//! The network of a node: looked at and cut off from inside its namespace.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;
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

/// Where probes of a node listen, from the sockets of the node's own namespace.
///
/// # Panics
/// When `nsenter` cannot be started.
#[must_use]
pub fn probe_listeners(node: &NodeSpec) -> Vec<SocketAddr> {
    let output = inside(node, "ss", &["--listening", "--tcp", "--numeric", "--processes"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter(|line| line.contains("earthworm"))
        .filter_map(|line| line.split_whitespace().nth(3)?.parse().ok())
        .collect()
}

/// Opens connections from the node's own network, all at once.
///
/// # Panics
/// When one is refused.
#[must_use]
pub fn connect_inside(node: &NodeSpec, to: SocketAddr, count: usize) -> Vec<TcpStream> {
    within(node, move || {
        let connect = |_| TcpStream::connect(to).unwrap();
        (0..count).map(connect).collect()
    })
}

/// Listens on every free port of a range of the node's own loopback address.
#[must_use]
pub fn occupy_inside(node: &NodeSpec, range: RangeInclusive<u16>) -> Vec<TcpListener> {
    allow_many_files();
    within(node, move || {
        range.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).collect()
    })
}

/// Does something in the node's network namespace. A socket stays where it was
/// made, a thread can change places without the others.
fn within<T: Send + 'static>(node: &NodeSpec, work: impl FnOnce() -> T + Send + 'static) -> T {
    let path = node.namespace_path();
    let inside = std::thread::spawn(move || {
        let namespace = std::fs::File::open(&path).unwrap();
        // SAFETY: the descriptor is open; this thread has no sockets yet.
        let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
        assert_eq!(result, 0, "{path}: {}", std::io::Error::last_os_error());
        work()
    });
    inside.join().unwrap()
}

/// Raises the limit of open files as far as this process may.
fn allow_many_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a complete structure that outlives them.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}
