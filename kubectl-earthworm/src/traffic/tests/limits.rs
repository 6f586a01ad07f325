//! More flows than there is room for.

use super::notation::{Book, query};
use crate::traffic::{Ledger, View};
use earthworm_wire::flow::{
    Amount, Connections, Direction, Dns, Dropped, Flow, OwnerKind, Sweep, Traffic, Transport,
};
use jiff::Timestamp;
use std::net::{IpAddr, Ipv4Addr};

fn flow(address: u8, bytes: u64, open: u64) -> Flow {
    Flow {
        owner: 1,
        peer: None,
        transport: Transport::Tcp,
        direction: Direction::Outgoing,
        local: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        remote: IpAddr::V4(Ipv4Addr::new(203, 0, 113, address)),
        port: 443,
        backend: None,
        traffic: Traffic {
            sent: Amount { bytes, packets: 1 },
            connections: Connections { open, ..Connections::default() },
            ..Traffic::default()
        },
    }
}

fn sweep(number: u64) -> Sweep {
    Sweep {
        number,
        time: 0,
        seconds: 1.0,
        sweep_seconds: 0.0,
        sockets: 0,
        ended: 0,
        held_back: 0,
        missing: Vec::new(),
    }
}

#[test]
fn what_falls_out_is_counted_as_other_and_nothing_is_lost() {
    let names = Book::default();
    let mut ledger = Ledger::with_room_for([std::sync::Arc::from("node-a")], 16, 16, 8);
    ledger.owner(0, 1, &OwnerKind::Process { name: "curl".into() });
    ledger.sweep(0, &sweep(0), &names);
    // The first is open and so outlives those that are not.
    ledger.flow(0, &flow(0, 1000, 1), Timestamp::UNIX_EPOCH, &names);
    ledger.sweep(0, &sweep(1), &names);
    let mut number = 1;
    for address in 1..=100 {
        ledger.flow(0, &flow(address, 10, 0), Timestamp::UNIX_EPOCH, &names);
        number += 1;
        ledger.sweep(0, &sweep(number), &names);
    }
    let listing = ledger.listing(&query(View::Flows));
    assert!(listing.rows.len() <= 16, "{}", listing.rows.len());
    let kept: u64 = listing.rows.iter().map(|row| row.total.sent.bytes).sum();
    assert_eq!(kept + listing.other.amounts.sent.bytes, 2000);
    let other = listing.other.flows;
    assert_eq!(listing.rows.len() as u64 + other, 101);
    assert!(listing.rows.iter().any(|row| row.open == 1), "the open one was forgotten");
    // One that comes back is a flow of its own again.
    ledger.flow(0, &flow(1, 5, 0), Timestamp::UNIX_EPOCH, &names);
    ledger.sweep(0, &sweep(number + 1), &names);
    let listing = ledger.listing(&query(View::Flows));
    let sum: u64 = listing.rows.iter().map(|row| row.total.sent.bytes).sum();
    assert_eq!(sum + listing.other.amounts.sent.bytes, 2005);
}

#[test]
fn kinds_of_drops_without_room_are_counted_together() {
    let names = Book::default();
    let mut ledger = Ledger::with_room_for([std::sync::Arc::from("node-a")], 16, 8, 8);
    ledger.owner(0, 1, &OwnerKind::Node);
    ledger.sweep(0, &sweep(0), &names);
    for port in 1..=20 {
        let dropped = Dropped {
            owner: 1,
            reason: "NO_SOCKET".into(),
            protocol: 17,
            source: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))),
            destination: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))),
            port,
            packets: 2,
            bytes: 80,
        };
        ledger.drop_of(0, &dropped, Timestamp::UNIX_EPOCH, &names);
    }
    let listing = ledger.listing(&query(View::Drops));
    assert_eq!(listing.rows.len(), 8);
    assert_eq!(listing.unplaced, Amount { packets: 24, bytes: 960 });
    assert_eq!(ledger.dropped(0), Amount { packets: 40, bytes: 1600 });
}

#[test]
fn questions_without_room_are_counted_together() {
    let names = Book::default();
    let mut ledger = Ledger::with_room_for([std::sync::Arc::from("node-a")], 16, 8, 8);
    ledger.owner(0, 1, &OwnerKind::Node);
    ledger.sweep(0, &sweep(0), &names);
    for server in 1..=20 {
        let server = IpAddr::V4(Ipv4Addr::new(203, 0, 113, server));
        let dns = Dns { owner: 1, server, questions: 3, timeouts: 1, answers: Vec::new() };
        ledger.dns_of(0, &dns, Timestamp::UNIX_EPOCH, &names);
    }
    let listing = ledger.listing(&query(View::Dns));
    assert_eq!(listing.rows.len(), 8);
    assert_eq!((listing.unplaced_dns.questions, listing.unplaced_dns.timeouts), (36, 12));
}
