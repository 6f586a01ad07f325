//! Who serves and whose a socket is.

use std::net::{IpAddr, SocketAddr};

use earthworm_wire::flow::OwnerKind;

use super::super::owners::{CONTAINER, send_from_container};
use super::super::pod::connect;
use super::*;

#[test]
fn containers_and_processes_are_known_by_their_ports() {
    if cannot_run("containers_and_processes_are_known_by_their_ports") {
        return;
    }
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let server = SocketAddr::new("192.0.2.2".parse().unwrap(), PORT);
    let serving = serve(&right, server, 1, |_| 0);
    // In the network of the node itself.
    let own = socket_at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let own_server = socket_at(SocketAddr::from(([127, 0, 0, 1], PORT)));
    let probe = Probe::start(INTERVAL);
    send_from_container(&left, "udp", server, 321);
    serving.join().unwrap();
    own.send_to(&[0; 55], own_server.local_addr().unwrap()).unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let flows = of(&told, &left, Direction::Outgoing, PORT);
    assert_eq!(sum(&flows).sent.bytes, 321);
    for flow in flows {
        let expected =
            OwnerKind::Container { pod_uid: left.uid.clone(), container_id: CONTAINER.to_owned() };
        assert_eq!(told.owner(flow.owner), &expected);
    }
    let name = std::fs::read_to_string("/proc/self/comm").unwrap().trim_end().to_owned();
    let process = OwnerKind::Process { name };
    let own: Vec<_> = told
        .flows
        .iter()
        .filter(|flow| flow.transport == Transport::Udp && told.owner(flow.owner) == &process)
        .filter(|flow| flow.port == PORT)
        .collect();
    assert_eq!(sum(&own).sent.bytes, 55, "{own:#?}");
    for flow in own {
        assert_eq!(flow.direction, Direction::Outgoing);
        assert_eq!(told.owner(flow.peer.unwrap()), &process);
    }
    drop(own_server);
}

#[test]
fn of_like_ports_whoever_sent_first_is_the_client() {
    if cannot_run("of_like_ports_whoever_sent_first_is_the_client") {
        return;
    }
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let probe = Probe::start(INTERVAL);
    // One port at both ends, as with NTP; then both where clients are.
    for (from, to) in [(PORT, PORT), (50_001, 50_000)] {
        let server = SocketAddr::new("192.0.2.2".parse().unwrap(), to);
        let serving = serve(&right, server, 10, |_| 5);
        let client = SocketAddr::new("192.0.2.1".parse().unwrap(), from);
        left.within(move || ask(&socket_at(client), server, &[7; 10])).join().unwrap();
        serving.join().unwrap();
    }
    probe.wait_for_next_sweep();
    let told = probe.stop();
    for port in [PORT, 50_000] {
        let traffic = sum(&of(&told, &left, Direction::Outgoing, port));
        assert_eq!((traffic.sent.bytes, traffic.received.bytes), (70, 50), "{port}");
        assert_eq!(of(&told, &right, Direction::Incoming, port), Vec::<&_>::new());
    }
    let of_server = |flow: &&Flow| told.pod(flow.owner) == Some(right.uid.as_str());
    assert_eq!(told.flows.iter().filter(of_server).count(), 0, "{:#?}", told.flows);
}

#[test]
fn a_connected_socket_tells_whom_it_has_dialled() {
    if cannot_run("a_connected_socket_tells_whom_it_has_dialled") {
        return;
    }
    let _alone = alone();
    // The node's own network translates the address of a service.
    let (node, elsewhere) = (Pod::outside(), Pod::outside());
    connect((&node, "uplink", "198.51.100.1/30"), (&elsewhere, "eth0", "198.51.100.2/30"));
    node.run("ip", &["route", "add", "203.0.113.0/24", "via", "198.51.100.2"]);
    let rules = format!(
        "table ip services {{
            chain output {{
                type nat hook output priority -100; policy accept;
                ip daddr 203.0.113.10 udp dport 53 dnat to 198.51.100.2:{PORT}
            }}
        }}"
    );
    node.run("nft", &[&rules]);
    let probe = Probe::start_on(&node, INTERVAL);
    let serving =
        serve(&elsewhere, SocketAddr::new("198.51.100.2".parse().unwrap(), PORT), 4, |_| 9);
    let own: IpAddr = "198.51.100.1".parse().unwrap();
    let service = SocketAddr::new("203.0.113.10".parse().unwrap(), 53);
    node.within(move || {
        let socket = socket_at(SocketAddr::new(own, 0));
        socket.connect(service).unwrap();
        for _ in 0..4 {
            socket.send(&[0; 30]).unwrap();
            assert_eq!(socket.recv(&mut [0; 100]).unwrap(), 9);
        }
    })
    .join()
    .unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let of_socket = |flow: &&Flow| flow.transport == Transport::Udp && flow.local == own;
    let flows: Vec<_> = told.flows.iter().filter(of_socket).collect();
    let traffic = sum(&flows);
    assert_eq!((traffic.sent.bytes, traffic.received.bytes), (120, 36), "{flows:#?}");
    for flow in flows {
        assert_eq!((flow.remote, flow.port), (service.ip(), 53), "{flow:?}");
    }
}
