//! Bytes, packets and connections against what was sent and what the kernel counts.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::time::Duration;

use earthworm_wire::flow::{Connections, Direction};

use super::pod::{Pod, join};
use super::probe::{Probe, sum};
use super::traffic::{Exchange, PORT, ask, read_to_end, serve};
use super::{alone, cannot_run};

/// Between two tellings.
const INTERVAL: Duration = Duration::from_millis(300);

/// How far packets may be from the kernel's own count.
const PACKETS_TOLERANCE: f64 = 0.002;

fn assert_near(what: &str, counted: u64, kernel: u64) {
    let difference = (counted as f64 - kernel as f64).abs() / kernel as f64;
    println!("{what}: {counted} counted, {kernel} by the kernel");
    assert!(difference <= PACKETS_TOLERANCE, "{what}: {counted} counted, {kernel} by the kernel");
}

fn exchanges() -> Vec<Exchange> {
    let sizes = [0, 1, 100, 1_448, 1_449, 65_536, 1_000_003];
    let mut exchanges = Vec::new();
    for request in sizes {
        for answer in sizes {
            exchanges.push(Exchange { request, answer });
        }
    }
    exchanges
}

fn amounts_are_exact(client: SocketAddr, server: SocketAddr, offload: bool) {
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    if !offload {
        // Without it every packet of the wire passes the stack alone.
        for pod in [&left, &right] {
            pod.run("ip", &["link", "set", "eth0", "gso_max_segs", "1"]);
        }
    }
    let probe = Probe::start(INTERVAL);
    // What one has sent is what the other receives: its own count of that is
    // one of packets that were put together on the way (GRO).
    // Segments that were sent again have a counter of their own.
    let sent = |pod: &Pod| pod.counter("Tcp", "OutSegs") + pod.counter("Tcp", "RetransSegs");
    let out_segments = || [sent(&left), sent(&right)];
    let exchanges = exchanges();
    let before = out_segments();
    let answers: Vec<usize> = exchanges.iter().map(|exchange| exchange.answer).collect();
    let serving = serve(&right, server, exchanges.len(), move |number| answers[number]);
    ask(&left, server, exchanges.clone()).join().unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let after = out_segments();
    let told = probe.stop();
    told.assert_nothing_lost();

    let flows = told.of(&left.uid, Direction::Outgoing, PORT);
    for flow in &flows {
        assert_eq!((flow.local, flow.remote), (client.ip(), server.ip()), "{flow:?}");
        let peer = flow.peer.and_then(|peer| told.pod(peer));
        assert_eq!(peer, Some(right.uid.as_str()), "{flow:?}");
    }
    assert_eq!(
        told.of(&right.uid, Direction::Incoming, PORT),
        Vec::<&_>::new(),
        "told from both ends"
    );
    let traffic = sum(&flows);
    let requests: usize = exchanges.iter().map(|exchange| exchange.request).sum();
    let answers: usize = exchanges.iter().map(|exchange| exchange.answer).sum();
    assert_eq!(traffic.sent.bytes, requests as u64);
    assert_eq!(traffic.received.bytes, answers as u64);
    let count = exchanges.len() as u64;
    let connections = Connections { opened: count, closed: count, ..Connections::default() };
    assert_eq!(traffic.connections, connections);
    assert_near("packets out", traffic.sent.packets, after[0] - before[0]);
    assert_near("packets in", traffic.received.packets, after[1] - before[1]);
}

#[test]
fn amounts_over_ipv4_are_exact() {
    if cannot_run("amounts_over_ipv4_are_exact") {
        return;
    }
    let _alone = alone();
    amounts_are_exact(
        "192.0.2.1:0".parse().unwrap(),
        SocketAddr::new("192.0.2.2".parse().unwrap(), PORT),
        true,
    );
}

#[test]
fn amounts_over_ipv6_are_exact() {
    if cannot_run("amounts_over_ipv6_are_exact") {
        return;
    }
    let _alone = alone();
    amounts_are_exact(
        "[2001:db8::1]:0".parse().unwrap(),
        SocketAddr::new("2001:db8::2".parse().unwrap(), PORT),
        true,
    );
}

#[test]
fn amounts_without_segmentation_offload_are_exact() {
    if cannot_run("amounts_without_segmentation_offload_are_exact") {
        return;
    }
    let _alone = alone();
    amounts_are_exact(
        "192.0.2.1:0".parse().unwrap(),
        SocketAddr::new("192.0.2.2".parse().unwrap(), PORT),
        false,
    );
}

/// A connection from before the probe, to whoever listens.
fn older(listen: impl FnOnce() -> TcpListener + Send + 'static) {
    let pod = Pod::start();
    let (mut client, mut server) = pod
        .within(|| {
            let listener = listen();
            let client = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
            let (server, _) = listener.accept().unwrap();
            // The listening socket stays: by it one tells who connected.
            (client, (server, listener))
        })
        .join()
        .unwrap();
    let exchange = |client: &mut TcpStream, server: &mut TcpStream, bytes: usize| {
        use std::io::{Read, Write};
        client.write_all(&vec![b'q'; bytes]).unwrap();
        server.read_exact(&mut vec![0; bytes]).unwrap();
    };
    exchange(&mut client, &mut server.0, 100_000);
    let probe = Probe::start(INTERVAL);
    exchange(&mut client, &mut server.0, 777);
    probe.wait_for_next_sweep();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let flows = told.of(&pod.uid, Direction::Outgoing, PORT);
    let traffic = sum(&flows);
    assert_eq!((traffic.sent.bytes, traffic.received.bytes), (777, 0), "{:#?}", told.flows);
    let connections = Connections { open: 1, older: 1, ..Connections::default() };
    assert_eq!(traffic.connections, connections);
    assert_eq!(told.of(&pod.uid, Direction::Incoming, PORT), Vec::<&_>::new());
}

#[test]
fn an_older_connection_counts_from_now() {
    if cannot_run("an_older_connection_counts_from_now") {
        return;
    }
    let _alone = alone();
    older(|| TcpListener::bind(("127.0.0.1", PORT)).unwrap());
}

#[test]
fn who_listens_with_mptcp_has_not_connected() {
    if cannot_run("who_listens_with_mptcp_has_not_connected") {
        return;
    }
    if !std::path::Path::new("/proc/sys/net/mptcp").exists() {
        println!("==== SKIPPED who_listens_with_mptcp_has_not_connected: needs MPTCP ====");
        return;
    }
    let _alone = alone();
    older(multipath_listener);
}

/// As programs in Go listen.
fn multipath_listener() -> TcpListener {
    let address = libc::sockaddr_in {
        sin_family: libc::sa_family_t::try_from(libc::AF_INET).unwrap(),
        sin_port: PORT.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
        sin_zero: [0; 8],
    };
    let length = libc::socklen_t::try_from(size_of_val(&address)).unwrap();
    // SAFETY: plain system calls with a complete address that outlives them;
    // the descriptor is new and nobody else's.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP);
        assert!(socket >= 0, "{}", std::io::Error::last_os_error());
        assert_eq!(libc::bind(socket, (&raw const address).cast(), length), 0);
        assert_eq!(libc::listen(socket, 8), 0);
        TcpListener::from_raw_fd(socket)
    }
}

#[test]
fn thousands_of_short_connections_are_all_counted() {
    if cannot_run("thousands_of_short_connections_are_all_counted") {
        return;
    }
    const CONNECTIONS: usize = 5_000;
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let server = SocketAddr::new("192.0.2.2".parse().unwrap(), PORT);
    let probe = Probe::start(INTERVAL);
    let serving = serve(&right, server, CONNECTIONS, |_| 20);
    let exchange = Exchange { request: 10, answer: 20 };
    ask(&left, server, vec![exchange; CONNECTIONS]).join().unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    told.assert_nothing_lost();
    let traffic = sum(&told.of(&left.uid, Direction::Outgoing, PORT));
    let count = CONNECTIONS as u64;
    assert_eq!((traffic.sent.bytes, traffic.received.bytes), (10 * count, 20 * count));
    assert_eq!((traffic.connections.opened, traffic.connections.closed), (count, count));
    assert_eq!(told.of(&right.uid, Direction::Incoming, PORT), Vec::<&_>::new());
}

#[test]
fn an_idle_reader_is_no_traffic() {
    if cannot_run("an_idle_reader_is_no_traffic") {
        return;
    }
    let _alone = alone();
    let pod = Pod::start();
    let streams = pod
        .within(|| {
            let listener = TcpListener::bind(("127.0.0.1", PORT)).unwrap();
            let client = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
            (client, listener.accept().unwrap().0, listener)
        })
        .join()
        .unwrap();
    let probe = Probe::start(INTERVAL);
    probe.wait_for_sweeps(5);
    let told = probe.stop();
    assert_eq!(told.of(&pod.uid, Direction::Outgoing, PORT), Vec::<&_>::new());
    let (mut client, server, _) = streams;
    drop(server);
    assert_eq!(read_to_end(&mut client), 0);
}
