use super::*;

const POD_A: u32 = 1;
const POD_B: u32 = 2;
const STRANGER: u32 = 99;

/// The only one that has the port 40000, in the first pod.
const PROCESS: u32 = 7;

fn owner(place: &Place, port: Option<u16>) -> Option<u32> {
    match (place.network, port) {
        (POD_A, Some(40_000)) => Some(PROCESS),
        (POD_A | POD_B, _) => Some(place.network),
        _ => None,
    }
}

fn place(network: u32, direction: Direction, local: &str, remote: &str) -> Place {
    let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
    Place { network, direction, local, remote, port: 53 }
}

fn asking(network: u32, local: &str, remote: &str) -> Place {
    place(network, Direction::Outgoing, local, remote)
}

fn serving(network: u32, local: &str, remote: &str) -> Place {
    place(network, Direction::Incoming, local, remote)
}

/// So many datagrams of ten bytes.
fn counted(sent: u64, received: u64) -> Counted {
    let amount = |packets| Amount { bytes: 10 * packets, packets };
    Counted { sent: amount(sent), received: amount(received), own_port: None }
}

fn read(ledger: &mut Ledger, counters: &[(Place, Counted)]) {
    ledger.begin();
    for (place, counted) in counters {
        ledger.see(*place, *counted);
    }
}

fn take(ledger: &mut Ledger, counters: &[(Place, Counted)]) -> Vec<Flow> {
    read(ledger, counters);
    ledger.take(100, false, &mut owner)
}

fn packets(flow: &Flow) -> (u64, u64) {
    (flow.traffic.sent.packets, flow.traffic.received.packets)
}

#[test]
fn only_what_was_added_is_told() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "192.0.2.9");
    let [flow] = take(&mut ledger, &[(client, counted(3, 2))]).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer, packets(&flow)), (POD_A, None, (3, 2)));
    assert_eq!((flow.transport, flow.direction), (Transport::Udp, Direction::Outgoing));
    assert_eq!((flow.port, flow.traffic.sent.bytes), (53, 30));
    assert_eq!(take(&mut ledger, &[(client, counted(3, 2))]), []);
    let [flow] = take(&mut ledger, &[(client, counted(4, 2))]).try_into().unwrap();
    assert_eq!(packets(&flow), (1, 0));
}

#[test]
fn a_port_of_one_process_is_its_own() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "192.0.2.9");
    let one = Counted { own_port: Some(40_000), ..counted(1, 0) };
    assert_eq!(take(&mut ledger, &[(client, one)])[0].owner, PROCESS);
    // From here on other sockets have sent as well.
    assert_eq!(take(&mut ledger, &[(client, counted(2, 0))])[0].owner, POD_A);
}

#[test]
fn strangers_are_not_told_until_they_are_known() {
    let mut ledger = Ledger::default();
    let stranger = asking(STRANGER, "10.0.0.1", "192.0.2.9");
    assert_eq!(take(&mut ledger, &[(stranger, counted(3, 2))]), []);
    let [flow] = ledger.take(1, false, &mut |_, _| Some(5)).try_into().unwrap();
    assert_eq!((flow.owner, packets(&flow)), (5, (3, 2)));
}

#[test]
fn both_ends_here_are_told_by_the_client() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "10.0.0.2");
    let server = serving(POD_B, "10.0.0.2", "10.0.0.1");
    // One datagram is on its way.
    let counters = [(server, counted(4, 4)), (client, counted(5, 4))];
    let [flow] = take(&mut ledger, &counters).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer, packets(&flow)), (POD_A, Some(POD_B), (5, 4)));
    let later = [(server, counted(5, 5)), (client, counted(5, 5))];
    let [flow] = take(&mut ledger, &later).try_into().unwrap();
    assert_eq!((flow.owner, packets(&flow)), (POD_A, (0, 1)));
}

#[test]
fn a_server_that_is_read_before_its_client_does_not_count_twice() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "10.0.0.2");
    let server = serving(POD_B, "10.0.0.2", "10.0.0.1");
    read(&mut ledger, &[(server, counted(0, 1))]);
    assert!(ledger.is_unsure());
    assert_eq!(ledger.take(100, false, &mut owner), []);
    read(&mut ledger, &[(client, counted(1, 0)), (server, counted(0, 1))]);
    assert!(!ledger.is_unsure());
    let [flow] = ledger.take(100, false, &mut owner).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer), (POD_A, Some(POD_B)));
}

#[test]
fn a_client_waits_for_its_server_once() {
    let mut ledger = Ledger::default();
    let other = serving(POD_B, "10.0.0.2", "192.0.2.9");
    let client = asking(POD_A, "10.0.0.1", "10.0.0.2");
    let counters = [(other, counted(1, 1)), (client, counted(1, 0))];
    read(&mut ledger, &counters);
    assert_eq!(take(&mut ledger, &counters).len(), 1);
    let [flow] = take(&mut ledger, &counters).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer), (POD_A, None));
    // At the end nothing waits.
    let mut last = Ledger::default();
    read(&mut last, &counters);
    assert_eq!(last.take(100, true, &mut owner).len(), 2);
}

#[test]
fn a_server_of_somebody_elses_client_is_told() {
    let mut ledger = Ledger::default();
    let server = serving(POD_B, "10.0.0.2", "192.0.2.9");
    read(&mut ledger, &[(server, counted(1, 1))]);
    let [flow] = take(&mut ledger, &[(server, counted(1, 1))]).try_into().unwrap();
    assert_eq!((flow.owner, flow.direction, flow.peer), (POD_B, Direction::Incoming, None));
    // A client of another node on the same kernel is not this node's.
    let stranger = asking(STRANGER, "192.0.2.9", "10.0.0.2");
    let counters = [(server, counted(2, 1)), (stranger, counted(2, 1))];
    assert_eq!(take(&mut ledger, &counters).len(), 1);
}

#[test]
fn a_translated_address_is_told_from_both_ends() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "10.96.0.10");
    let server = serving(POD_B, "10.0.0.2", "10.0.0.1");
    let counters = [(client, counted(1, 1)), (server, counted(1, 1))];
    read(&mut ledger, &counters);
    let flows = take(&mut ledger, &counters);
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|flow| flow.peer.is_none()));
}

#[test]
fn loopback_is_of_its_network() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "127.0.0.1", "127.0.0.1");
    let others = serving(POD_B, "127.0.0.1", "127.0.0.1");
    let counters = [(client, counted(2, 0)), (others, counted(0, 2))];
    read(&mut ledger, &counters);
    let flows = ledger.take(100, true, &mut owner);
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|flow| flow.peer.is_none()), "{flows:#?}");
    let mut ledger = Ledger::default();
    let own = serving(POD_A, "127.0.0.1", "127.0.0.1");
    let counters = [(client, counted(2, 0)), (own, counted(0, 1))];
    let [flow] = take(&mut ledger, &counters).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer, packets(&flow)), (POD_A, Some(POD_A), (2, 0)));
}

#[test]
fn of_two_networks_with_one_address_none_is_taken() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "10.0.0.9");
    let servers = [POD_B, STRANGER].map(|network| serving(network, "10.0.0.9", "10.0.0.1"));
    let counters =
        [(client, counted(1, 0)), (servers[0], counted(0, 1)), (servers[1], counted(0, 1))];
    read(&mut ledger, &counters);
    // The client told everything, to whichever of them it went.
    let [flow] = ledger.take(100, true, &mut owner).try_into().unwrap();
    assert_eq!((flow.owner, flow.peer), (POD_A, None));
}

#[test]
fn what_finds_no_room_is_told_later() {
    let mut ledger = Ledger::default();
    let counters: Vec<_> = (0..10)
        .map(|number| (asking(POD_A, "10.0.0.1", &format!("192.0.2.{number}")), counted(7, 0)))
        .collect();
    let mut sent = 0;
    for round in 0..3 {
        read(&mut ledger, &counters);
        let flows = ledger.take(4, false, &mut owner);
        assert_eq!((flows.len(), ledger.waiting()), ([4, 4, 2][round], [6, 2, 0][round]));
        sent += flows.iter().map(|flow| flow.traffic.sent.packets).sum::<u64>();
    }
    assert_eq!(sent, 70);
}

#[test]
fn a_counter_that_begins_anew_loses_nothing() {
    let mut ledger = Ledger::default();
    let client = asking(POD_A, "10.0.0.1", "192.0.2.9");
    take(&mut ledger, &[(client, counted(3, 3))]);
    for _ in 0..=IDLE_READINGS {
        assert_eq!(ledger.idle(9), []);
        take(&mut ledger, &[(client, counted(3, 3))]);
    }
    assert_eq!(ledger.idle(9), [client]);
    // In the moment of its removal it has counted one more.
    ledger.removed(&client, counted(4, 3));
    let [flow] = take(&mut ledger, &[(client, counted(2, 0))]).try_into().unwrap();
    assert_eq!(packets(&flow), (3, 0));
    for _ in 0..=IDLE_READINGS {
        take(&mut ledger, &[(client, counted(2, 0))]);
    }
    ledger.removed(&client, counted(2, 0));
    assert_eq!(ledger.len(), 0);
    let [flow] = take(&mut ledger, &[(client, counted(1, 0))]).try_into().unwrap();
    assert_eq!(packets(&flow), (1, 0));
}
