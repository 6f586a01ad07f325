use super::super::socket::{Counters, RoundTripMicros, State};
use super::*;
use earthworm_wire::flow::{Amount, Connections, Traffic};
use std::num::NonZeroU64;

const POD_A: u32 = 1;
const POD_B: u32 = 2;
const HOST: u32 = 3;

/// Addresses of a service, and of a server of it on another node.
const TRANSLATED: &str = "10.96.0.80:80";
const ANSWERING: &str = "10.0.1.7:8080";

/// Owners by network namespace; whoever has a port below 1024 listens on it.
struct Networks;

impl Whose for Networks {
    fn owner(&mut self, socket: &Socket) -> Option<u32> {
        [POD_A, POD_B, HOST].into_iter().find(|owner| *owner == socket.network)
    }

    fn is_listened_to(&self, socket: &Socket) -> bool {
        socket.local.port() < 1024
    }

    fn backend(&mut self, _: SocketAddr, server: SocketAddr) -> Option<SocketAddr> {
        (server == address(TRANSLATED)).then(|| address(ANSWERING))
    }
}

fn name(id: u64) -> SocketId {
    SocketId(NonZeroU64::new(id + 1).unwrap())
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn socket(id: u64, network: u32, local: &str, remote: &str) -> Socket {
    let (local, remote) = (address(local), address(remote));
    let connected = remote.port() < 1024;
    Socket {
        id: name(id),
        network,
        process: None,
        creator_name: [0; 16],
        local,
        remote,
        counters: Counters::default(),
        round_trip: None,
        state: State::Open,
        origin: Some(if connected { Origin::Connected } else { Origin::Accepted }),
        opened: true,
    }
}

trait Carrying {
    fn carrying(self, sent: u64, received: u64) -> Self;
    fn repeating(self, retransmits: u32) -> Self;
    fn older(self) -> Self;
    fn with_round_trip(self, micros: u32) -> Self;
}

impl Carrying for Socket {
    fn carrying(mut self, sent: u64, received: u64) -> Self {
        self.counters.bytes_sent = sent;
        self.counters.bytes_received = received;
        self.counters.packets_sent = u32::try_from(sent.div_ceil(1000) + 1).unwrap();
        self.counters.packets_received = u32::try_from(received.div_ceil(1000) + 1).unwrap();
        self
    }

    fn repeating(mut self, retransmits: u32) -> Self {
        self.counters.retransmits = retransmits;
        self
    }

    fn older(mut self) -> Self {
        (self.origin, self.opened) = (None, false);
        self
    }

    fn with_round_trip(mut self, micros: u32) -> Self {
        self.round_trip = Some(RoundTripMicros { smoothed: micros, minimum: micros / 2 });
        self
    }
}

fn window(ledger: &mut Ledger, open: &[Socket], ended: &[(Socket, End)]) -> Vec<Flow> {
    ledger.begin();
    for socket in open {
        ledger.open(socket, &mut Networks);
    }
    for (socket, end) in ended {
        ledger.ended(socket, *end, &mut Networks);
    }
    ledger.finish(&mut Networks);
    ledger.take(100)
}

fn bytes(flow: &Flow) -> (u64, u64) {
    (flow.traffic.sent.bytes, flow.traffic.received.bytes)
}

#[test]
fn an_older_connection_counts_from_now_and_is_marked() {
    let mut ledger = Ledger::default();
    let before = socket(1, POD_A, "10.0.0.1:40000", "192.0.2.9:443").older();
    assert_eq!(window(&mut ledger, &[before.carrying(5000, 70)], &[]), []);
    let [flow] = window(&mut ledger, &[before.carrying(5100, 80)], &[]).try_into().unwrap();
    assert_eq!(bytes(&flow), (100, 10));
    assert_eq!(flow.direction, Direction::Outgoing);
    assert_eq!(flow.port, 443);
    let connections = Connections { open: 1, older: 1, ..Connections::default() };
    assert_eq!(flow.traffic.connections, connections);
    // Nothing new, nothing told; seen by two processes, counted once.
    assert_eq!(window(&mut ledger, &[before.carrying(5100, 80)], &[]), []);
    let twice = [before.carrying(5200, 80), before.carrying(5200, 80)];
    let [flow] = window(&mut ledger, &twice, &[]).try_into().unwrap();
    assert_eq!((bytes(&flow), ledger.counts()), ((100, 0), (1, 0)));
}

#[test]
fn who_listens_has_not_connected() {
    let mut ledger = Ledger::default();
    let before = socket(1, POD_B, "10.0.0.2:80", "192.0.2.9:50000").older();
    window(&mut ledger, &[before], &[]);
    let [flow] = window(&mut ledger, &[before.carrying(3, 4)], &[]).try_into().unwrap();
    assert_eq!((flow.direction, flow.port), (Direction::Incoming, 80));
}

#[test]
fn a_connection_between_two_sweeps_is_counted() {
    let mut ledger = Ledger::default();
    let short = socket(1, POD_A, "10.0.0.1:40000", "192.0.2.9:443").carrying(123, 4567);
    let ended = [(short.with_round_trip(900), End::Closed)];
    let [flow] = window(&mut ledger, &[], &ended).try_into().unwrap();
    assert_eq!(
        flow.traffic,
        Traffic {
            sent: Amount { bytes: 123, packets: 2 },
            received: Amount { bytes: 4567, packets: 6 },
            connections: Connections { opened: 1, closed: 1, ..Connections::default() },
            round_trip: Some(earthworm_wire::flow::RoundTrip::of_one(900, 450)),
            ..Traffic::default()
        }
    );
    assert_eq!(window(&mut ledger, &[], &[]), []);
}

#[test]
fn what_came_after_the_last_sweep_is_told_with_the_end() {
    let mut ledger = Ledger::default();
    let long = socket(1, POD_A, "10.0.0.1:40000", "192.0.2.9:443");
    let [flow] = window(&mut ledger, &[long.carrying(100, 200)], &[]).try_into().unwrap();
    assert_eq!((bytes(&flow), flow.traffic.connections.open), ((100, 200), 1));
    let ended = [(long.carrying(150, 200), End::Reset)];
    let [flow] = window(&mut ledger, &[], &ended).try_into().unwrap();
    assert_eq!(bytes(&flow), (50, 0));
    let connections = Connections { closed: 1, reset: 1, ..Connections::default() };
    assert_eq!(flow.traffic.connections, connections);
}

#[test]
fn connections_that_never_came_up() {
    let mut ledger = Ledger::default();
    let mut refused = socket(1, POD_A, "10.0.0.1:40000", "192.0.2.9:81");
    refused.opened = false;
    let mut failed = socket(2, POD_A, "10.0.0.1:40001", "192.0.2.9:81");
    failed.opened = false;
    let ended = [(refused, End::Refused), (failed, End::Failed)];
    let [flow] = window(&mut ledger, &[], &ended).try_into().unwrap();
    let connections = Connections { refused: 1, failed: 1, ..Connections::default() };
    assert_eq!(flow.traffic.connections, connections);
}

#[test]
fn an_orphan_older_is_not_counted() {
    let mut ledger = Ledger::default();
    let orphan = socket(1, POD_A, "10.0.0.1:40000", "192.0.2.9:443").older();
    assert_eq!(window(&mut ledger, &[], &[(orphan.carrying(9, 9), End::Closed)]), []);
}

#[test]
fn sockets_of_others_are_not_counted() {
    let mut ledger = Ledger::default();
    let other = socket(1, 99, "10.0.0.1:40000", "192.0.2.9:443").carrying(1, 1);
    assert_eq!(window(&mut ledger, &[other], &[(other, End::Closed)]), []);
    assert_eq!(ledger.counts(), (0, 0));
}

#[test]
fn both_ends_here_are_one_flow() {
    let mut ledger = Ledger::default();
    let client = socket(1, POD_A, "10.0.0.1:40000", "10.0.0.2:80").carrying(10, 2000);
    let server = socket(2, POD_B, "10.0.0.2:80", "10.0.0.1:40000").carrying(2000, 10);
    let [flow] =
        window(&mut ledger, &[server.repeating(3), client.repeating(1)], &[]).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer), (POD_A, Some(POD_B)));
    assert_eq!(
        (flow.direction, flow.backend, bytes(&flow)),
        (Direction::Outgoing, None, (10, 2000))
    );
    assert_eq!((flow.traffic.retransmits, flow.traffic.peer_retransmits), (1, Some(3)));
    assert_eq!(
        flow.traffic.connections,
        Connections { open: 1, opened: 1, ..Connections::default() }
    );
}

#[test]
fn a_translated_address_shows_who_answered() {
    let mut ledger = Ledger::default();
    let client = socket(1, POD_A, "10.0.0.1:40000", "10.96.0.10:53").carrying(10, 20);
    let server = socket(2, POD_B, "10.0.0.2:853", "10.0.0.1:40000").carrying(20, 10);
    let [flow] = window(&mut ledger, &[client, server], &[]).try_into().unwrap();
    assert_eq!((flow.remote, flow.port), (address("10.96.0.10:53").ip(), 53));
    assert_eq!((flow.peer, flow.backend), (Some(POD_B), Some(address("10.0.0.2:853"))));
}

#[test]
fn a_server_on_another_node_is_known_to_the_address_translation() {
    let mut ledger = Ledger::default();
    let client = socket(1, POD_A, "10.0.0.1:40000", TRANSLATED).carrying(10, 20);
    let [flow] = window(&mut ledger, &[client], &[]).try_into().unwrap();
    assert_eq!((flow.peer, flow.backend), (None, Some(address(ANSWERING))));
    assert_eq!(flow.remote, address(TRANSLATED).ip());
}

#[test]
fn one_port_of_a_client_for_two_servers() {
    let mut ledger = Ledger::default();
    let ends = [
        socket(1, POD_A, "10.0.0.1:40000", "10.0.0.2:80").carrying(1, 0),
        socket(2, POD_A, "10.0.0.1:40000", "10.0.0.3:81").carrying(2, 0),
        socket(3, HOST, "10.0.0.3:81", "10.0.0.1:40000").carrying(0, 2),
        socket(4, POD_B, "10.0.0.2:80", "10.0.0.1:40000").carrying(0, 1),
    ];
    let mut flows = window(&mut ledger, &ends, &[]);
    flows.sort_by_key(|flow| flow.port);
    let peers: Vec<_> = flows.iter().map(|flow| (flow.port, flow.peer, bytes(flow).0)).collect();
    assert_eq!(peers, [(80, Some(POD_B), 1), (81, Some(HOST), 2)]);
}

#[test]
fn loopback_is_of_its_namespace() {
    let mut ledger = Ledger::default();
    let ends = [
        socket(1, POD_A, "127.0.0.1:40000", "127.0.0.1:80").carrying(1, 0),
        socket(2, POD_B, "127.0.0.1:80", "127.0.0.1:40000").carrying(0, 5),
    ];
    // Neither is the other's end: both wait for theirs, and are told without.
    assert_eq!(window(&mut ledger, &ends, &[]), []);
    let flows = window(&mut ledger, &ends, &[]);
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|flow| flow.peer.is_none()));
}

#[test]
fn an_end_that_is_seen_later_does_not_count_twice() {
    let mut ledger = Ledger::default();
    // The address is known to be of this node.
    let other = socket(9, POD_A, "10.0.0.1:41000", "192.0.2.9:443");
    window(&mut ledger, &[other], &[]);
    let client = socket(1, POD_A, "10.0.0.1:40000", "10.0.0.2:80");
    let server = socket(2, POD_B, "10.0.0.2:80", "10.0.0.1:40000");
    assert_eq!(window(&mut ledger, &[other, server.carrying(500, 5)], &[]), []);
    let ends = [other, client.carrying(5, 500), server.carrying(500, 5)];
    let [flow] = window(&mut ledger, &ends, &[]).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer, bytes(&flow)), (POD_A, Some(POD_B), (5, 500)));
}

#[test]
fn ends_that_come_in_different_windows() {
    let mut ledger = Ledger::default();
    let client = socket(1, POD_A, "10.0.0.1:40000", "10.0.0.2:80").carrying(5, 500);
    let server = socket(2, POD_B, "10.0.0.2:80", "10.0.0.1:40000").carrying(500, 5);
    assert_eq!(window(&mut ledger, &[client, server], &[]).len(), 1);
    let ended = [(client.carrying(6, 600), End::Closed)];
    let [flow] = window(&mut ledger, &[server.carrying(600, 6)], &ended).try_into().unwrap();
    assert_eq!(bytes(&flow), (1, 100));
    let last = [(server.carrying(600, 6).repeating(2), End::Closed)];
    let [flow] = window(&mut ledger, &[], &last).try_into().unwrap();
    assert_eq!((bytes(&flow), flow.traffic.peer_retransmits), ((0, 0), Some(2)));
    for _ in 0..3 {
        assert_eq!(window(&mut ledger, &[], &[]), []);
    }
    assert!(ledger.connections.is_empty());
}

#[test]
fn what_finds_no_room_is_told_later() {
    let mut ledger = Ledger::default();
    let many: Vec<Socket> = (0..10)
        .map(|id| {
            socket(id, POD_A, &format!("10.0.0.1:{}", 40_000 + id), &format!("192.0.2.{id}:443"))
        })
        .collect();
    let (mut told, mut sent) = (0, 0);
    for round in 1..=5_u64 {
        ledger.begin();
        for socket in &many {
            ledger.open(&socket.carrying(round.min(3) * 7, 0), &mut Networks);
        }
        ledger.finish(&mut Networks);
        let flows = ledger.take(4);
        assert!(flows.len() <= 4);
        told += flows.len() as u64;
        sent += flows.iter().map(|flow| flow.traffic.sent.bytes).sum::<u64>();
    }
    while ledger.waiting() > 0 {
        sent += ledger.take(4).iter().map(|flow| flow.traffic.sent.bytes).sum::<u64>();
    }
    assert_eq!(sent, 10 * 3 * 7);
    assert!(told <= 20);
}

#[test]
fn a_full_table_is_counted() {
    let mut ledger = Ledger::default();
    ledger.begin();
    let template = socket(0, POD_A, "10.0.0.1:40000", "192.0.2.9:443").carrying(1, 1);
    let most = u64::try_from(MOST_CONNECTIONS).unwrap();
    for id in 0..most + 5 {
        ledger.open(&Socket { id: name(id), ..template }, &mut Networks);
    }
    ledger.finish(&mut Networks);
    assert_eq!((ledger.overflowed(), ledger.counts().0), (5, most));
}
