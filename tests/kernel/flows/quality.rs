//! Retransmits, resets and connections that never came up, against the
//! kernel's own counters.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use earthworm_wire::flow::Direction;

use super::pod::{Pod, drop_at, join};
use super::probe::{Probe, sum};
use super::traffic::{Exchange, PORT, ask, serve};
use super::{alone, cannot_run};

const INTERVAL: Duration = Duration::from_millis(300);

/// Nobody listens here.
const CLOSED_PORT: u16 = 8081;

/// What is sent here vanishes.
const BLACK_HOLE: u16 = 8082;

#[test]
fn retransmits_are_those_of_the_kernel() {
    if cannot_run("retransmits_are_those_of_the_kernel") {
        return;
    }
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    drop_at(&right, &format!("tcp dport {PORT} numgen inc mod 50 7"));
    let server = SocketAddr::new("192.0.2.2".parse().unwrap(), PORT);
    let before = left.counter("Tcp", "RetransSegs");
    let probe = Probe::start(INTERVAL);
    let serving = serve(&right, server, 4, |_| 1);
    let exchange = Exchange { request: 3_000_000, answer: 1 };
    ask(&left, server, vec![exchange; 4]).join().unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let kernel = left.counter("Tcp", "RetransSegs") - before;
    let traffic = sum(&told.of(&left.uid, Direction::Outgoing, PORT));
    println!("{} retransmits, {kernel} by the kernel", traffic.retransmits);
    assert!(kernel > 0, "nothing was lost");
    assert_eq!(traffic.retransmits, kernel);
    // Repeated bytes are not counted again.
    assert_eq!((traffic.sent.bytes, traffic.received.bytes), (12_000_000, 4));
}

#[test]
fn connections_that_fail_are_told_apart() {
    if cannot_run("connections_that_fail_are_told_apart") {
        return;
    }
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    drop_at(&right, &format!("tcp dport {BLACK_HOLE}"));
    let before = [left.counter("Tcp", "AttemptFails"), left.counter("Tcp", "EstabResets")];
    let probe = Probe::start(INTERVAL);
    let resetting = {
        let (ready, listening) = std::sync::mpsc::channel();
        let thread = right.within(move || {
            let listener = TcpListener::bind(("192.0.2.2", PORT)).unwrap();
            ready.send(()).unwrap();
            for _ in 0..3 {
                reset(listener.accept().unwrap().0);
            }
        });
        listening.recv().unwrap();
        thread
    };
    left.within(|| {
        let to = |port: u16| SocketAddr::new("192.0.2.2".parse().unwrap(), port);
        for _ in 0..5 {
            TcpStream::connect(to(CLOSED_PORT)).unwrap_err();
        }
        for _ in 0..2 {
            TcpStream::connect_timeout(&to(BLACK_HOLE), Duration::from_millis(100)).unwrap_err();
        }
        for _ in 0..3 {
            use std::io::Read;
            let mut stream = TcpStream::connect(to(PORT)).unwrap();
            stream.read(&mut [0; 1]).unwrap_err();
        }
    })
    .join()
    .unwrap();
    resetting.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let after = [left.counter("Tcp", "AttemptFails"), left.counter("Tcp", "EstabResets")];
    let of = |port| sum(&told.of(&left.uid, Direction::Outgoing, port)).connections;
    let (refused, failed, reset) = (of(CLOSED_PORT), of(BLACK_HOLE), of(PORT));
    assert_eq!((refused.refused, refused.failed, refused.opened), (5, 0, 0));
    assert_eq!((failed.refused, failed.failed, failed.opened), (0, 2, 0));
    assert_eq!((reset.opened, reset.closed, reset.reset), (3, 3, 3));
    // The kernel does not count one that its process gave up.
    assert_eq!(after[0] - before[0], refused.refused);
    assert_eq!(after[1] - before[1], reset.reset);
}

/// Closes a connection the hard way.
fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the option is a complete `linger` that outlives the call.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            libc::socklen_t::try_from(size_of_val(&linger)).unwrap(),
        )
    };
    assert_eq!(result, 0);
}
