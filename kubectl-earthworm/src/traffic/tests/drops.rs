//! Packets that kernels threw away.

use super::notation::{assert_rows, check, play, query};
use crate::naming::EndpointKind;
use crate::traffic::{Filter, Query, SortBy, Subject, View};
use earthworm_wire::flow::{Amount, Transport};

const SCRIPT: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 name pod data/redis-0 10.0.1.3 node-b
    0 node-a owner 1 shop/web-1
    0 node-a owner 2 *
    0 node-b owner 1 data/redis-0
    0 node-a sweep
    0 node-b sweep
    1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=11 bytes=440
    1 node-a drop 1 NETFILTER_DROP 10.0.0.1 10.0.0.2:80 proto=6 packets=4 bytes=240
    1 node-a drop 2 NOT_SPECIFIED 203.0.113.7 10.0.0.9:0 proto=1 packets=1 bytes=84
    1 node-b drop 1 SOCKET_RCVBUFF 10.0.0.2 10.0.1.3:6379 proto=17 packets=7 bytes=7196
    1 node-a sweep 2
    1 node-b sweep 2
";

#[test]
fn a_row_is_who_dropped_what_between_whom_and_why() {
    check(
        SCRIPT,
        &Query { sort: SortBy::Packets, ..query(View::Drops) },
        "node-a in shop/web-1 NO_SOCKET shop/client-1 > shop/web-1:9000/UDP 11/440 last 11/440 rate=5.5
         node-b in data/redis-0 SOCKET_RCVBUFF shop/web-1 > data/redis-0:6379/UDP 7/7196 last 7/7196 rate=3.5
         node-a in shop/web-1 NETFILTER_DROP shop/client-1 > shop/web-1:80/TCP 4/240 last 4/240 rate=2
         node-a in node-a NOT_SPECIFIED 203.0.113.7 > 10.0.0.9:0/ICMP 1/84 last 1/84 rate=0.5",
    );
}

/// Reasons of the rows that a question gives, in order.
fn reasons(query: &Query) -> Vec<String> {
    let listing = play(SCRIPT).observer.ledger.listing(query);
    let reason = |row: &crate::traffic::Row| match &row.subject {
        Subject::Drop(drop) => drop.reason.to_string(),
        other => panic!("{other:?}"),
    };
    listing.rows.iter().map(reason).collect()
}

#[test]
fn filters_and_sort_keys() {
    let with = |filter: Filter| {
        reasons(&Query { filter, sort: SortBy::Packets, ..query(View::Drops) }).join(" ")
    };
    let none = Filter::default;
    assert_eq!(with(Filter { namespace: Some("data".into()), ..none() }), "SOCKET_RCVBUFF");
    assert_eq!(
        with(Filter { pod: Some("web-1".into()), ..none() }),
        "NO_SOCKET SOCKET_RCVBUFF NETFILTER_DROP",
        "as sender and as receiver"
    );
    assert_eq!(with(Filter { port: Some(80), ..none() }), "NETFILTER_DROP");
    let udp = Filter { transport: Some(Transport::Udp), ..none() };
    assert_eq!(with(udp), "NO_SOCKET SOCKET_RCVBUFF");
    let by_bytes = reasons(&Query { sort: SortBy::Bytes, rows: Some(2), ..query(View::Drops) });
    assert_eq!(by_bytes, ["SOCKET_RCVBUFF", "NO_SOCKET"]);
    let there = reasons(&Query { node: Some(1), ..query(View::Drops) });
    assert_eq!(there, ["SOCKET_RCVBUFF"]);
}

#[test]
fn amounts_add_up_and_the_last_interval_is_told_apart() {
    let script = format!(
        "{SCRIPT}
         3 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=2 bytes=80
         3 node-a sweep 1
         4 node-a sweep 1
         5 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=1 bytes=40
         5 node-a sweep 4"
    );
    let play = play(&script);
    let query = Query { node: Some(0), moved_only: true, ..query(View::Drops) };
    let listing = play.observer.ledger.listing(&query);
    assert_rows(
        &listing,
        "node-a in shop/web-1 NO_SOCKET shop/client-1 > shop/web-1:9000/UDP 14/560 last 1/40 rate=0.25",
    );
    assert_eq!(play.observer.ledger.dropped(0), Amount { packets: 19, bytes: 884 });
    let summaries = play.observer.summaries(crate::rhythm::tests::notation::stamp(6.0));
    assert_eq!(summaries[0].dropped.map(|amount| amount.packets), Some(19));
}

#[test]
fn what_was_dropped_before_the_first_look_does_not_count() {
    check(
        "0 node-a owner 1 *
         0 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=5 bytes=200
         0 node-a sweep
         1 node-a sweep 1",
        &query(View::Drops),
        "",
    );
}

#[test]
fn crowds_have_no_ends() {
    check(
        "0 name pod shop/web-1 10.0.0.2 node-a
         0 node-a owner 1 shop/web-1
         0 node-a sweep
         1 node-a drop 1 NETFILTER_DROP * packets=900 bytes=36000
         1 node-a sweep 1",
        &query(View::Drops),
        "node-a in shop/web-1 NETFILTER_DROP many 900/36000 last 900/36000 rate=900",
    );
}

#[test]
fn names_that_come_late_are_those_of_the_time_of_the_drop() {
    let script = "
        0 node-a owner 1 shop/web-1
        0 node-a sweep
        1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=3 bytes=120
        1 node-a sweep 1
        1 name pod shop/client-1 10.0.0.1 node-a
        1 name pod shop/web-1 10.0.0.2 node-a
        2 node-a sweep 1
        3 name pod shop/other-1 10.0.0.1 node-a
        4 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=2 bytes=80
        4 node-a sweep 1";
    check(
        script,
        &Query { sort: SortBy::Packets, ..query(View::Drops) },
        "node-a in shop/web-1 NO_SOCKET shop/other-1 > shop/web-1:9000/UDP 2/80 last 2/80 rate=2
         node-a in shop/web-1 NO_SOCKET shop/client-1 > shop/web-1:9000/UDP 3/120",
    );
}

#[test]
fn addresses_of_one_pod_share_a_row_and_its_loopback_is_itself() {
    let script = "
        0 name pod shop/web-1 10.0.0.2 node-a
        0 name pod shop/web-1 fd00::2 node-a
        0 name pod shop/client-1 10.0.0.1 node-a
        0 node-a owner 1 shop/web-1
        0 node-a sweep
        1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=1 bytes=40
        1 node-a drop 1 NO_SOCKET 10.0.0.1 [fd00::2]:9000 proto=17 packets=2 bytes=80
        1 node-a drop 1 NO_SOCKET 127.0.0.1 127.0.0.1:9000 proto=17 packets=4 bytes=160
        1 node-a sweep 1";
    check(
        script,
        &Query { sort: SortBy::Packets, ..query(View::Drops) },
        "node-a in shop/web-1 NO_SOCKET shop/web-1 > shop/web-1:9000/UDP 4/160 last 4/160 rate=4
         node-a in shop/web-1 NO_SOCKET shop/client-1 > shop/web-1:9000/UDP 3/120 last 3/120 rate=3",
    );
}

#[test]
fn another_probe_has_owners_of_its_own() {
    let script = "
        0 name pod shop/web-1 10.0.0.2 node-a
        0 name pod shop/client-1 10.0.0.1 node-a
        0 node-a owner 1 shop/web-1
        0 node-a sweep
        1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=1 bytes=40
        1 node-a sweep 1
        2 node-a restarting
        3 node-a owner 1 shop/client-1
        3 node-a sweep
        4 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=2 bytes=80
        4 node-a sweep 1";
    check(
        script,
        &Query { sort: SortBy::Packets, ..query(View::Drops) },
        "node-a in shop/client-1 NO_SOCKET shop/client-1 > shop/web-1:9000/UDP 2/80 last 2/80 rate=2
         node-a in shop/web-1 NO_SOCKET shop/client-1 > shop/web-1:9000/UDP 1/40",
    );
}

#[test]
fn a_kernel_that_does_not_tell_has_no_number() {
    let play = play(&format!(
        "0 node-a sweep missing={}
         1 node-a sweep 1",
        earthworm_wire::flow::DROPS_NOT_COUNTED.replace(' ', "_")
    ));
    let summaries = play.observer.summaries(crate::rhythm::tests::notation::stamp(1.0));
    assert_eq!(summaries[0].dropped, None);
    assert_eq!(summaries[1].dropped, None, "nobody listened there");
    let code = |view| summaries[0].clone().of_view(view).exit_code;
    assert_eq!((code(View::Flows), code(View::Drops)), (0, 2));
}

#[test]
fn an_owner_that_was_never_told_is_unknown() {
    let play = play(
        "0 node-a sweep
         1 node-a drop 9 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=1 bytes=40
         1 node-a sweep 1",
    );
    let listing = play.observer.ledger.listing(&query(View::Drops));
    let Subject::Drop(drop) = &listing.rows[0].subject else { panic!("{listing:?}") };
    assert_eq!(drop.place.kind, EndpointKind::Unknown);
}
