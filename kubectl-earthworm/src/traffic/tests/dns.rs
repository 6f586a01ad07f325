//! Questions to DNS servers.

use super::notation::{check, play, query};
use crate::naming::EndpointKind;
use crate::traffic::{Filter, Query, SortBy, Subject, View};
use earthworm_wire::flow::Transport;

const SCRIPT: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod data/redis-0 10.0.1.3 node-b
    0 name service kube-system/kube-dns 10.96.0.10
    0 node-a owner 1 shop/client-1
    0 node-a owner 2 *
    0 node-b owner 1 data/redis-0
    0 node-a sweep
    0 node-b sweep
    1 node-a dns 1 10.96.0.10 asked=9 silent=1 0=6x500 3=2x100
    1 node-a dns 2 203.0.113.53 asked=4 silent=4
    1 node-b dns 1 10.96.0.10 asked=6 2=6x9000
    1 node-a sweep 2
    1 node-b sweep 2
";

fn asked(sort: SortBy) -> Query {
    Query { sort, ..query(View::Dns) }
}

#[test]
fn a_row_is_who_asked_whom_and_what_came_of_it() {
    check(
        SCRIPT,
        &asked(SortBy::Queries),
        "node-a shop/client-1 ? kube-system/kube-dns 9-1 0=6 3=2 400us last 9-1 0=6 3=2 400us rate=4.5
         node-b data/redis-0 ? kube-system/kube-dns 6-0 2=6 9000us last 6-0 2=6 9000us rate=3
         node-a node-a ? 203.0.113.53 4-4  ?us last 4-4  ?us rate=2",
    );
}

/// Names of those who ask, in order.
fn clients(query: &Query) -> String {
    let listing = play(SCRIPT).observer.ledger.listing(query);
    let client = |row: &crate::traffic::Row| match &row.subject {
        Subject::Dns(dns) => dns.client.name.to_string(),
        other => panic!("{other:?}"),
    };
    listing.rows.iter().map(client).collect::<Vec<_>>().join(" ")
}

#[test]
fn sort_keys() {
    assert_eq!(clients(&asked(SortBy::Queries)), "client-1 redis-0 node-a");
    assert_eq!(clients(&asked(SortBy::Timeouts)), "node-a client-1 redis-0");
    assert_eq!(clients(&asked(SortBy::Latency)), "redis-0 client-1 node-a");
    assert_eq!(clients(&Query { rows: Some(1), ..asked(SortBy::Queries) }), "client-1");
    assert_eq!(clients(&Query { node: Some(1), ..asked(SortBy::Queries) }), "redis-0");
}

#[test]
fn filters_are_about_who_asks() {
    let with = |filter: Filter| clients(&Query { filter, ..asked(SortBy::Queries) });
    let none = Filter::default;
    assert_eq!(with(Filter { namespace: Some("data".into()), ..none() }), "redis-0");
    assert_eq!(with(Filter { namespace: Some("kube-system".into()), ..none() }), "");
    assert_eq!(with(Filter { pod: Some("client-1".into()), ..none() }), "client-1");
    assert_eq!(with(Filter { port: Some(54), ..none() }), "");
    assert_eq!(with(Filter { port: Some(53), ..none() }), "client-1 redis-0 node-a");
    assert_eq!(with(Filter { transport: Some(Transport::Tcp), ..none() }), "");
}

#[test]
fn numbers_add_up_and_the_last_interval_is_told_apart() {
    let script = format!(
        "{SCRIPT}
         3 node-a dns 1 10.96.0.10 asked=1 0=1x1300
         3 node-a dns 1 10.96.0.10 asked=1 5=1x400
         3 node-a sweep 4
         4 node-b sweep 1"
    );
    check(
        &script,
        &Query { moved_only: true, ..asked(SortBy::Queries) },
        "node-a shop/client-1 ? kube-system/kube-dns 11-1 0=7 3=2 5=1 490us last 2-0 0=1 5=1 850us rate=0.5",
    );
}

#[test]
fn what_was_asked_before_the_first_look_does_not_count() {
    check(
        "0 node-a owner 1 *
         0 node-a dns 1 10.96.0.10 asked=9
         0 node-a sweep
         1 node-a sweep 1",
        &query(View::Dns),
        "",
    );
}

#[test]
fn names_that_come_late_are_those_of_the_time_of_the_question() {
    check(
        "0 node-a owner 1 shop/client-1
         0 node-a sweep
         1 node-a dns 1 10.0.0.9 asked=3
         1 node-a sweep 1
         1 name pod shop/client-1 10.0.0.1 node-a
         1 name pod shop/dns-1 10.0.0.9 node-a
         2 node-a sweep 1
         3 name pod shop/dns-2 10.0.0.9 node-a
         4 node-a dns 1 10.0.0.9 asked=2
         4 node-a sweep 1",
        &asked(SortBy::Queries),
        "node-a shop/client-1 ? shop/dns-2 2-0  ?us last 2-0  ?us rate=2
         node-a shop/client-1 ? shop/dns-1 3-0  ?us",
    );
}

#[test]
fn a_server_at_the_loopback_address_is_the_client_itself() {
    check(
        "0 node-a owner 1 *
         0 node-a sweep
         1 node-a dns 1 127.0.0.53 asked=1 0=1x20
         1 node-a sweep 1",
        &query(View::Dns),
        "node-a node-a ? node-a 1-0 0=1 20us last 1-0 0=1 20us rate=1",
    );
}

#[test]
fn another_probe_has_owners_of_its_own() {
    check(
        "0 name pod shop/client-1 10.0.0.1 node-a
         0 name pod shop/web-1 10.0.0.2 node-a
         0 node-a owner 1 shop/web-1
         0 node-a sweep
         1 node-a dns 1 203.0.113.53 asked=1
         1 node-a sweep 1
         2 node-a restarting
         3 node-a owner 1 shop/client-1
         3 node-a sweep
         4 node-a dns 1 203.0.113.53 asked=2
         4 node-a sweep 1",
        &asked(SortBy::Queries),
        "node-a shop/client-1 ? 203.0.113.53 2-0  ?us last 2-0  ?us rate=2
         node-a shop/web-1 ? 203.0.113.53 1-0  ?us",
    );
}

#[test]
fn an_owner_that_was_never_told_is_unknown() {
    let play = play(
        "0 node-a sweep
         1 node-a dns 9 203.0.113.53 asked=1
         1 node-a sweep 1",
    );
    let listing = play.observer.ledger.listing(&query(View::Dns));
    let Subject::Dns(dns) = &listing.rows[0].subject else { panic!("{listing:?}") };
    assert_eq!(dns.client.kind, EndpointKind::Unknown);
}

#[test]
fn a_kernel_that_does_not_tell_measured_nothing() {
    let play = play(&format!(
        "0 node-a sweep missing={}
         1 node-a sweep 1",
        earthworm_wire::flow::DNS_NOT_COUNTED.replace(' ', "_")
    ));
    let summaries = play.observer.summaries(crate::rhythm::tests::notation::stamp(1.0));
    let code = |view| summaries[0].clone().of_view(view).exit_code;
    assert_eq!((code(View::Flows), code(View::Dns)), (0, 2));
}
