//! Dropped packets against the kernel's own counters.

use std::net::UdpSocket;
use std::time::Duration;

use earthworm_wire::flow::OwnerKind;

use super::pod::{Pod, drop_at, join};
use super::probe::Probe;
use super::{alone, cannot_run};

const INTERVAL: Duration = Duration::from_millis(300);

/// A packet filter drops what is sent here.
const FILTERED: u16 = 9001;
/// Nobody listens here.
const CLOSED: u16 = 9002;
/// Nobody reads what is sent here.
const UNREAD: u16 = 9003;

const PAYLOAD: usize = 1_000;
const IP_AND_UDP_HEADERS: usize = 28;

fn send(pod: &Pod, port: u16, count: usize) {
    pod.within(move || {
        let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
        for _ in 0..count {
            socket.send_to(&[0; PAYLOAD], ("192.0.2.2", port)).unwrap();
        }
    })
    .join()
    .unwrap();
}

#[test]
fn dropped_packets_are_those_of_the_kernel() {
    if cannot_run("dropped_packets_are_those_of_the_kernel") {
        return;
    }
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    drop_at(&right, &format!("udp dport {FILTERED}"));
    let unread = right.within(|| UdpSocket::bind(("192.0.2.2", UNREAD)).unwrap()).join().unwrap();
    let before = ["NoPorts", "RcvbufErrors"].map(|name| right.counter("Udp", name));
    let probe = Probe::start(INTERVAL);
    send(&left, FILTERED, 37);
    send(&left, CLOSED, 11);
    // More than a socket's default buffer holds.
    send(&left, UNREAD, 1_000);
    probe.wait_for_next_sweep();
    let after = ["NoPorts", "RcvbufErrors"].map(|name| right.counter("Udp", name));
    drop(unread);
    let told = probe.stop();
    told.assert_nothing_lost();
    let [closed, full] = [after[0] - before[0], after[1] - before[1]];
    println!("{closed} to a closed port and {full} to a full socket, by the kernel");
    assert!(full > 0, "the socket did not fill up");
    assert_eq!(told.dropped(&right.uid, "NETFILTER_DROP", FILTERED), 37, "{:#?}", told.drops);
    assert_eq!((told.dropped(&right.uid, "NO_SOCKET", CLOSED), closed), (11, 11));
    assert_eq!(told.dropped(&right.uid, "SOCKET_RCVBUFF", UNREAD), full);
    let filtered: u64 = told
        .drops
        .iter()
        .filter(|dropped| dropped.port == FILTERED)
        .map(|dropped| dropped.bytes)
        .sum();
    assert_eq!(filtered, 37 * (PAYLOAD + IP_AND_UDP_HEADERS) as u64);
    for dropped in told.drops.iter().filter(|dropped| dropped.port == FILTERED) {
        assert_eq!(dropped.source, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(dropped.destination, Some("192.0.2.2".parse().unwrap()));
        assert_eq!(dropped.protocol, 17);
        let pod = OwnerKind::Pod { pod_uid: right.uid.clone() };
        assert_eq!(told.owner(dropped.owner), &pod);
    }
}

#[test]
fn crowds_of_kinds_are_counted_together() {
    if cannot_run("crowds_of_kinds_are_counted_together") {
        return;
    }
    const PORTS: u16 = 6_000;
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    drop_at(&right, "udp dport 10000-20000");
    let probe = Probe::start(INTERVAL);
    left.within(|| {
        let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
        for port in 0..PORTS {
            socket.send_to(b"x", ("192.0.2.2", 10_000 + port)).unwrap();
        }
    })
    .join()
    .unwrap();
    probe.wait_for_next_sweep();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let dropped = |crowd: bool| -> u64 {
        let wanted = told.drops.iter().filter(|dropped| {
            dropped.reason == "NETFILTER_DROP"
                && told.pod(dropped.owner) == Some(right.uid.as_str())
                && (dropped.port == 0) == crowd
        });
        wanted.map(|dropped| dropped.packets).sum()
    };
    println!("{} by port, {} in the crowd, lost {:?}", dropped(false), dropped(true), told.lost);
    assert_eq!(dropped(false) + dropped(true), u64::from(PORTS));
    assert!(dropped(false) > 3_000 && dropped(true) > 0);
    told.assert_nothing_lost();
}
