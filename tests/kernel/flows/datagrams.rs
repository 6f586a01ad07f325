//! Datagrams against what was sent and what the kernel counts.

mod limits;
mod sides;

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread::JoinHandle;
use std::time::Duration;

use earthworm_wire::flow::{Direction, Flow, Transport};

use super::pod::{Pod, join};
use super::probe::{Probe, Told, sum};
use super::{alone, cannot_run};

const INTERVAL: Duration = Duration::from_millis(300);

/// Where datagrams are served.
const PORT: u16 = 9053;

/// Longest wait for a datagram.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket that does not wait forever.
fn socket_at(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Answers so many datagrams, each by as many bytes as `answer` says.
fn serve(
    pod: &Pod,
    address: SocketAddr,
    count: usize,
    answer: impl Fn(usize) -> usize + Send + 'static,
) -> JoinHandle<()> {
    let socket = pod.within(move || socket_at(address)).join().unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        for _ in 0..count {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            socket.send_to(&vec![b'a'; answer(length)], from).unwrap();
        }
    })
}

/// Sends datagrams of these sizes, each after the answer to the one before;
/// gives the bytes of all answers.
fn ask(socket: &UdpSocket, server: SocketAddr, sizes: &[usize]) -> usize {
    let mut buffer = vec![0; 65_536];
    let mut received = 0;
    for size in sizes {
        socket.send_to(&vec![b'q'; *size], server).unwrap();
        received += socket.recv(&mut buffer).unwrap();
    }
    received
}

/// UDP flows of a pod in one direction through one port.
fn of<'a>(told: &'a Told, pod: &Pod, direction: Direction, port: u16) -> Vec<&'a Flow> {
    let flows = told.of(&pod.uid, direction, port);
    flows.into_iter().filter(|flow| flow.transport == Transport::Udp).collect()
}

fn amounts_are_exact(client: SocketAddr, server: SocketAddr, counters: fn(&Pod) -> [u64; 2]) {
    // Some of them travel in fragments.
    const SIZES: [usize; 8] = [0, 1, 100, 1_452, 1_472, 1_473, 9_000, 65_000];
    const ROUNDS: usize = 25;
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let probe = Probe::start(INTERVAL);
    let before = [counters(&left), counters(&right)];
    let sizes: Vec<usize> = std::iter::repeat_n(SIZES, ROUNDS).flatten().collect();
    let serving = serve(&right, server, sizes.len(), |length| length / 2 + 3);
    let asking = {
        let sizes = sizes.clone();
        left.within(move || ask(&socket_at(client), server, &sizes))
    };
    let answers = asking.join().unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let after = [counters(&left), counters(&right)];
    let told = probe.stop();
    told.assert_nothing_lost();

    let flows = of(&told, &left, Direction::Outgoing, PORT);
    for flow in &flows {
        assert_eq!((flow.local, flow.remote), (client.ip(), server.ip()), "{flow:?}");
        let peer = flow.peer.and_then(|peer| told.pod(peer));
        assert_eq!(peer, Some(right.uid.as_str()), "{flow:?}");
    }
    assert_eq!(of(&told, &right, Direction::Incoming, PORT), Vec::<&_>::new(), "told twice");
    let traffic = sum(&flows);
    let count = sizes.len() as u64;
    println!("{count} each way, {} and {} bytes", traffic.sent.bytes, traffic.received.bytes);
    assert_eq!(traffic.sent.bytes, sizes.iter().sum::<usize>() as u64);
    assert_eq!(traffic.received.bytes, answers as u64);
    assert_eq!((traffic.sent.packets, traffic.received.packets), (count, count));
    // Out and in, by the kernel.
    for (before, after) in before.iter().zip(after) {
        assert_eq!([after[0] - before[0], after[1] - before[1]], [count, count]);
    }
}

#[test]
fn datagrams_over_ipv4_are_exact() {
    if cannot_run("datagrams_over_ipv4_are_exact") {
        return;
    }
    amounts_are_exact(
        "192.0.2.1:0".parse().unwrap(),
        SocketAddr::new("192.0.2.2".parse().unwrap(), PORT),
        |pod| ["OutDatagrams", "InDatagrams"].map(|name| pod.counter("Udp", name)),
    );
}

#[test]
fn datagrams_over_ipv6_are_exact() {
    if cannot_run("datagrams_over_ipv6_are_exact") {
        return;
    }
    amounts_are_exact(
        "[2001:db8::1]:0".parse().unwrap(),
        SocketAddr::new("2001:db8::2".parse().unwrap(), PORT),
        |pod| ["Udp6OutDatagrams", "Udp6InDatagrams"].map(|name| pod.counter_of_ipv6(name)),
    );
}

/// Sets an option of UDP (include/uapi/linux/udp.h).
fn set_option(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) {
    // SAFETY: the option is a complete integer that outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            option,
            (&raw const value).cast(),
            libc::socklen_t::try_from(size_of_val(&value)).unwrap(),
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn segments_of_one_send_are_packets_of_the_wire() {
    if cannot_run("segments_of_one_send_are_packets_of_the_wire") {
        return;
    }
    const SENDS: usize = 20;
    const SEGMENT: usize = 1_200;
    /// Ten whole segments and a short one.
    const BYTES: usize = 10 * SEGMENT + 77;
    let _alone = alone();
    for whole in [false, true] {
        let (left, right) = (Pod::start(), Pod::start());
        join(&left, &right);
        let probe = Probe::start(INTERVAL);
        let before = right.counter("Udp", "InDatagrams");
        let server: SocketAddr = SocketAddr::new("192.0.2.2".parse().unwrap(), PORT);
        let receiver = right.within(move || socket_at(server)).join().unwrap();
        if whole {
            // What belongs together is received in one piece.
            set_option(&receiver, libc::UDP_GRO, 1);
        }
        let sender = left.within(|| socket_at("192.0.2.1:0".parse().unwrap())).join().unwrap();
        sender.connect(server).unwrap();
        set_option(&sender, libc::UDP_SEGMENT, libc::c_int::try_from(SEGMENT).unwrap());
        let mut buffer = vec![0; 65_536];
        for _ in 0..SENDS {
            assert_eq!(sender.send(&[b's'; BYTES]).unwrap(), BYTES);
            let mut received = 0;
            while received < BYTES {
                received += receiver.recv(&mut buffer).unwrap();
            }
        }
        probe.wait_for_next_sweep();
        let kernel = right.counter("Udp", "InDatagrams") - before;
        // The other side's own count, before it is folded into the client's.
        let told = probe.stop();
        told.assert_nothing_lost();
        let traffic = sum(&of(&told, &left, Direction::Outgoing, PORT));
        println!("in one piece: {whole}; {} packets, {kernel} by the kernel", traffic.sent.packets);
        assert_eq!(traffic.sent.bytes, (SENDS * BYTES) as u64);
        assert_eq!(traffic.sent.packets, 11 * SENDS as u64);
        if !whole {
            assert_eq!(kernel, traffic.sent.packets);
        }
    }
}
