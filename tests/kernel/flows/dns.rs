//! Questions and answers of DNS, against a server whose every word is known.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::Duration;

use earthworm_wire::flow::{Dns, DnsLatency, OwnerKind};

use super::pod::{Pod, join};
use super::probe::{Probe, Told};
use super::{alone, cannot_run};

const INTERVAL: Duration = Duration::from_millis(300);

/// Longest wait for a datagram.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the probe waits for an answer, and a bit more.
const EXPIRED: Duration = Duration::from_millis(5_500);

/// What the server takes for a failure.
const FAILURE: Duration = Duration::from_millis(20);

const NOERROR: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const SILENCE: u8 = 15;

const HEADER_BYTES: usize = 12;

/// A question for `example.`, whose type says how it is to be answered.
fn question(number: u16, answer: u8) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend(b"\x07example\x00");
    bytes.extend([0, answer, 0, 1]);
    bytes
}

/// A server that hears so many questions.
fn serve(pod: &Pod, address: SocketAddr, count: usize) -> JoinHandle<()> {
    let socket = pod.within(move || UdpSocket::bind(address).unwrap()).join().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        for _ in 0..count {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            assert!(length > HEADER_BYTES);
            let code = buffer[length - 3];
            if code == SERVFAIL {
                std::thread::sleep(FAILURE);
            }
            if code != SILENCE {
                buffer[2] = 0x81;
                buffer[3] = 0x80 | code;
                socket.send_to(&buffer[..length], from).unwrap();
            }
        }
    })
}

/// Asks from a socket of its own; silence is not waited for.
fn ask(server: SocketAddr, number: u16, answer: u8) {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((any, 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send(&question(number, answer)).unwrap();
    if answer != SILENCE {
        let mut buffer = [0; 512];
        socket.recv(&mut buffer).unwrap();
        assert_eq!(
            (buffer[..2].to_vec(), buffer[3] & 0xf),
            (number.to_be_bytes().to_vec(), answer)
        );
    }
}

/// What was told of a pod's questions to a server.
fn of<'a>(told: &'a Told, pod: &Pod, server: IpAddr) -> Vec<&'a Dns> {
    let owner = OwnerKind::Pod { pod_uid: pod.uid.clone() };
    let wanted = |dns: &&Dns| dns.server == server && told.owner(dns.owner) == &owner;
    told.dns.iter().filter(wanted).collect()
}

fn answers(dns: &[&Dns], code: u8) -> (u64, DnsLatency) {
    let (mut count, mut latency) = (0, DnsLatency::default());
    for answers in dns.iter().flat_map(|dns| &dns.answers).filter(|answers| answers.code == code) {
        count += answers.count;
        latency.count += answers.latency.count;
        latency.sum_micros += answers.latency.sum_micros;
        for (sum, bucket) in latency.buckets.iter_mut().zip(answers.latency.buckets) {
            *sum += bucket;
        }
    }
    assert_eq!(latency.buckets.iter().sum::<u64>(), latency.count);
    (count, latency)
}

fn counts_are_exact(server: IpAddr) {
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let wanted = [(NOERROR, 40), (NXDOMAIN, 15), (SERVFAIL, 7), (SILENCE, 5)];
    let all = wanted.iter().map(|(_, count)| count).sum::<usize>();
    let probe = Probe::start(INTERVAL);
    let address = SocketAddr::new(server, 53);
    let serving = serve(&right, address, all + 2);
    left.within(move || {
        let mut number = 7;
        for (code, count) in wanted {
            for _ in 0..count {
                number += 1;
                ask(address, number, code);
            }
        }
    })
    .join()
    .unwrap();
    // The same question again, by the same number from the same port.
    let again = left.within(move || {
        let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
        let socket = UdpSocket::bind((any, 0)).unwrap();
        socket.connect(address).unwrap();
        socket.send(&question(9, SILENCE)).unwrap();
        socket.send(&question(9, NOERROR)).unwrap();
        socket.recv(&mut [0; 512]).unwrap();
    });
    again.join().unwrap();
    serving.join().unwrap();
    std::thread::sleep(EXPIRED);
    probe.wait_for_next_sweep();
    let told = probe.stop();
    told.assert_nothing_lost();
    let dns = of(&told, &left, server);
    let questions: u64 = dns.iter().map(|dns| dns.questions).sum();
    let timeouts: u64 = dns.iter().map(|dns| dns.timeouts).sum();
    println!("{questions} questions, {timeouts} without an answer: {dns:?}");
    assert_eq!(questions, all as u64 + 2);
    assert_eq!(timeouts, 5 + 1);
    for (code, count) in [(NOERROR, 41), (NXDOMAIN, 15), (SERVFAIL, 7), (SILENCE, 0)] {
        let (counted, latency) = answers(&dns, code);
        assert_eq!((counted, latency.count), (count, count), "code {code}");
        if code == SERVFAIL {
            let least = u64::try_from(FAILURE.as_micros()).unwrap();
            assert!(latency.sum_micros >= count * least);
            // 2^14 microseconds are less than that.
            assert_eq!(latency.buckets[..14].iter().sum::<u64>(), 0);
        }
    }
    // Who answers does not tell the same again.
    assert!(told.dns.iter().all(|dns| told.pod(dns.owner) != Some(right.uid.as_str())));
}

#[test]
fn answers_and_silence_over_ipv4_are_all_counted() {
    if cannot_run("answers_and_silence_over_ipv4_are_all_counted") {
        return;
    }
    counts_are_exact("192.0.2.2".parse().unwrap());
}

#[test]
fn answers_and_silence_over_ipv6_are_all_counted() {
    if cannot_run("answers_and_silence_over_ipv6_are_all_counted") {
        return;
    }
    counts_are_exact("2001:db8::2".parse().unwrap());
}

#[test]
fn two_questions_at_once_have_their_own_answers() {
    if cannot_run("two_questions_at_once_have_their_own_answers") {
        return;
    }
    const ROUNDS: u16 = 50;
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let server = SocketAddr::new("192.0.2.2".parse().unwrap(), 53);
    let probe = Probe::start(INTERVAL);
    let serving = serve(&right, server, usize::from(ROUNDS) * 2);
    // As resolvers do for both kinds of addresses: one socket, which is not connected.
    left.within(move || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        for round in 0..ROUNDS {
            socket.send_to(&question(2 * round, NOERROR), server).unwrap();
            socket.send_to(&question(2 * round + 1, NXDOMAIN), server).unwrap();
            socket.recv(&mut [0; 512]).unwrap();
            socket.recv(&mut [0; 512]).unwrap();
        }
    })
    .join()
    .unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let dns = of(&told, &left, server.ip());
    let rounds = u64::from(ROUNDS);
    for code in [NOERROR, NXDOMAIN] {
        let (counted, latency) = answers(&dns, code);
        assert_eq!((counted, latency.count), (rounds, rounds));
    }
    assert_eq!(
        dns.iter()
            .map(|dns| (dns.questions, dns.timeouts))
            .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1)),
        (2 * rounds, 0)
    );
}
