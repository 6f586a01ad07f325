//! Whose a socket is: containers, their pods, and nobody of this node.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use earthworm_wire::flow::{Direction, OwnerKind};

use super::pod::{Pod, connect, join};
use super::probe::{Probe, sum};
use super::traffic::{Exchange, PORT, ask, serve};
use super::{alone, cannot_run};

const INTERVAL: Duration = Duration::from_millis(300);

/// As runtimes make them.
pub(crate) const CONTAINER: &str =
    "5f0c6e7d8192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c";

/// A shell that joins the container, sends, and stays for a moment.
pub(crate) fn send_from_container(pod: &Pod, protocol: &str, to: SocketAddr, bytes: usize) {
    let script = format!(
        "echo $$ > {}/cgroup.procs && exec 3<>/dev/{protocol}/{}/{} && head -c {bytes} /dev/zero >&3 && sleep 1",
        pod.container(CONTAINER).display(),
        to.ip(),
        to.port(),
    );
    let network = format!("--net={}", pod.network());
    let output = Command::new("nsenter").args([&network, "bash", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_container_of_a_pod_is_known() {
    if cannot_run("the_container_of_a_pod_is_known") {
        return;
    }
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let server = SocketAddr::new("192.0.2.2".parse().unwrap(), PORT);
    let probe = Probe::start(INTERVAL);
    let serving = serve(&right, server, 1, |_| 0);
    send_from_container(&left, "tcp", server, 4321);
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let flows = told.of(&left.uid, Direction::Outgoing, PORT);
    assert_eq!(sum(&flows).sent.bytes, 4321);
    for flow in flows {
        let expected =
            OwnerKind::Container { pod_uid: left.uid.clone(), container_id: CONTAINER.to_owned() };
        assert_eq!(told.owner(flow.owner), &expected);
    }
}

#[test]
fn networks_of_nobody_are_not_told() {
    if cannot_run("networks_of_nobody_are_not_told") {
        return;
    }
    let _alone = alone();
    let probe = Probe::start(INTERVAL);
    let stranger = std::thread::spawn(|| {
        // SAFETY: one system call that concerns this thread alone.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0);
        let output = Command::new("ip").args(["link", "set", "lo", "up"]).output().unwrap();
        assert!(output.status.success());
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        (address.port(), (client, listener.accept().unwrap(), listener))
    });
    let (port, kept) = stranger.join().unwrap();
    probe.wait_for_next_sweep();
    probe.wait_for_next_sweep();
    drop(kept);
    let told = probe.stop();
    let there: Vec<_> = told.flows.iter().filter(|flow| flow.port == port).collect();
    assert!(there.is_empty(), "{there:#?}");
}

#[test]
fn who_answers_behind_a_translated_address_is_known() {
    if cannot_run("who_answers_behind_a_translated_address_is_known") {
        return;
    }
    let _alone = alone();
    // Somebody on another node serves; only the address translation of this
    // node knows who it is.
    let (node, pod, elsewhere) = (Pod::outside(), Pod::start(), Pod::outside());
    connect((&node, "pod", "192.0.2.1/30"), (&pod, "eth0", "192.0.2.2/30"));
    connect((&node, "uplink", "198.51.100.1/30"), (&elsewhere, "eth0", "198.51.100.2/30"));
    pod.run("ip", &["route", "add", "default", "via", "192.0.2.1"]);
    elsewhere.run("ip", &["route", "add", "default", "via", "198.51.100.1"]);
    node.run("sh", &["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    let rules = format!(
        "table ip services {{
            chain prerouting {{
                type nat hook prerouting priority -100; policy accept;
                ip daddr 203.0.113.10 tcp dport 80 dnat to 198.51.100.2:{PORT}
            }}
        }}"
    );
    node.run("nft", &[&rules]);
    let probe = Probe::start_on(&node, INTERVAL);
    let backend = SocketAddr::new("198.51.100.2".parse().unwrap(), PORT);
    let serving = serve(&elsewhere, backend, 3, |_| 500);
    let service = SocketAddr::new("203.0.113.10".parse().unwrap(), 80);
    ask(&pod, service, vec![Exchange { request: 100, answer: 500 }; 3]).join().unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let flows = told.of(&pod.uid, Direction::Outgoing, 80);
    let traffic = sum(&flows);
    assert_eq!((traffic.sent.bytes, traffic.received.bytes), (300, 1500));
    for flow in flows {
        assert_eq!((flow.remote, flow.peer), (service.ip(), None), "{flow:?}");
        assert_eq!(flow.backend, Some(backend), "{flow:?}");
    }
}
