//! What belongs to a row, what is wanted, what comes first.

use super::notation::{assert_rows, check, play, query};
use crate::traffic::{Filter, Query, SortBy, View};
use earthworm_wire::flow::Transport;

const SCRIPT: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 name pod data/redis-0 10.0.1.3 node-b
    0 name service shop/web 10.96.0.1
    0 name service data/redis 10.96.0.2
    0 node-a owner 1 shop/client-1 curl
    0 node-a owner 2 shop/web-1 nginx
    0 node-a owner 3 kubelet
    0 node-a sweep
    1 node-a 1 > 10.96.0.1:80 peer=2 backend=10.0.0.2:8080 sent=100 received=9000 open=2 rtt=200
    1 node-a 2 > 10.96.0.2:6379 backend=10.0.1.3:6379 sent=40 received=60 open=9 rtt=900 again=5
    1 node-a 2 > 10.96.0.10:53 udp sent=30 received=30
    1 node-a 3 > 192.0.2.10:6443 sent=500 received=600 open=1 rtt=300
    1 node-a sweep 2
";

#[test]
fn pods_are_both_ends() {
    check(
        SCRIPT,
        &query(View::Pods),
        "node-a shop/web-1 9070/190 last 9070/190 rate=4630 rtt=0.6ms again=5+0 open=11
         node-a shop/client-1 100/9000 last 100/9000 rate=4550 rtt=0.2ms open=2
         node-b data/redis-0 60/40 last 60/40 rate=50 rtt=0.9ms again=?+5 open=9",
    );
}

#[test]
fn services_are_what_was_dialled() {
    check(
        SCRIPT,
        &query(View::Services),
        "shop/web 9000/100 last 9000/100 rate=4550 rtt=0.2ms open=2
         data/redis 60/40 last 60/40 rate=50 rtt=0.9ms again=?+5 open=9",
    );
}

#[test]
fn what_stays_in_a_namespace_counts_once_there() {
    check(
        SCRIPT,
        &query(View::Namespaces),
        "shop 170/9090 last 170/9090 rate=4630 rtt=0.6ms again=5+? open=11
         data 60/40 last 60/40 rate=50 rtt=0.9ms again=?+5 open=9",
    );
}

#[test]
fn ports_are_those_that_were_dialled() {
    check(
        SCRIPT,
        &query(View::Ports),
        "80/TCP 100/9000 last 100/9000 rate=4550 rtt=0.2ms open=2
         6443/TCP 500/600 last 500/600 rate=550 rtt=0.3ms open=1
         6379/TCP 40/60 last 40/60 rate=50 rtt=0.9ms again=5+? open=9
         53/UDP 30/30 last 30/30 rate=30",
    );
}

/// Ports of the rows that a question gives, in order.
fn ports(query: &Query) -> Vec<u16> {
    let listing = play(SCRIPT).observer.ledger.listing(query);
    let port = |row: &crate::traffic::Row| match &row.subject {
        crate::traffic::Subject::Flow(flow) => flow.port,
        other => panic!("{other:?}"),
    };
    listing.rows.iter().map(port).collect()
}

#[test]
fn filters() {
    let with = |filter: Filter| ports(&Query { filter, ..query(View::Flows) });
    let none = Filter::default;
    assert_eq!(with(none()), [80, 6443, 6379, 53]);
    assert_eq!(with(Filter { namespace: Some("data".into()), ..none() }), [6379]);
    assert_eq!(with(Filter { namespace: Some("shop".into()), ..none() }), [80, 6379, 53]);
    assert_eq!(with(Filter { pod: Some("client-1".into()), ..none() }), [80]);
    assert_eq!(with(Filter { pod: Some("web-1".into()), ..none() }), [80, 6379, 53]);
    let other = Filter { namespace: Some("data".into()), pod: Some("web-1".into()), ..none() };
    assert_eq!(with(other), [] as [u16; 0]);
    assert_eq!(with(Filter { port: Some(80), ..none() }), [80]);
    assert_eq!(with(Filter { port: Some(8080), ..none() }), [80], "as it was answered");
    assert_eq!(with(Filter { transport: Some(Transport::Udp), ..none() }), [53]);
}

#[test]
fn a_filter_leaves_other_subjects_out() {
    let filter = Filter { namespace: Some("data".into()), ..Filter::default() };
    check(
        SCRIPT,
        &Query { filter: filter.clone(), ..query(View::Pods) },
        "node-b data/redis-0 60/40 last 60/40 rate=50 rtt=0.9ms again=?+5 open=9",
    );
    check(
        SCRIPT,
        &Query { filter, ..query(View::Services) },
        "data/redis 60/40 last 60/40 rate=50 rtt=0.9ms again=?+5 open=9",
    );
}

#[test]
fn sort_keys() {
    let by = |sort| ports(&Query { sort, ..query(View::Flows) });
    assert_eq!(by(SortBy::Bytes), [80, 6443, 6379, 53]);
    assert_eq!(by(SortBy::RoundTrip), [6379, 6443, 80, 53]);
    assert_eq!(by(SortBy::Retransmits), [6379, 80, 6443, 53]);
    assert_eq!(by(SortBy::Connections), [6379, 80, 6443, 53]);
    assert_eq!(by(SortBy::Packets), [80, 6443, 6379, 53]);
}

#[test]
fn views_of_quality_leave_out_what_has_none() {
    assert_eq!(ports(&query(View::Retransmits)), [6379]);
    assert_eq!(ports(&query(View::Latency)), [80, 6443, 6379]);
}

#[test]
fn the_first_rows_and_how_many_there_were() {
    let listing =
        play(SCRIPT).observer.ledger.listing(&Query { rows: Some(1), ..query(View::Ports) });
    assert_rows(&listing, "80/TCP 100/9000 last 100/9000 rate=4550 rtt=0.2ms open=2");
    assert_eq!(listing.matching, 4);
}

#[test]
fn only_what_moved_and_only_of_one_node() {
    let later = format!("{SCRIPT}\n 3 node-a 3 > 192.0.2.10:6443 sent=1 open=1\n 3 node-a sweep 2");
    let query = Query { node: Some(0), moved_only: true, ..query(View::Flows) };
    check(
        &later,
        &query,
        "node-a kubelet > 192.0.2.10:6443/TCP 501/600 last 1/0 rate=0.5 rtt=0.3ms open=1",
    );
    check(&later, &Query { node: Some(1), ..query }, "");
}

#[test]
fn a_pod_behind_a_service_is_counted_where_it_runs() {
    // The client's node does not know who answered, and tells the flow; the
    // server's node knows.
    const CROSSING: &str = "
        0 name pod shop/client-1 10.0.0.1 node-a
        0 name pod shop/web-1 10.0.1.2 node-b
        0 name service shop/web 10.96.0.1
        0 node-a owner 1 shop/client-1 curl
        0 node-b owner 1 shop/web-1 nginx
        0 node-a sweep
        0 node-b sweep
        1 node-a 1 > 10.96.0.1:80 sent=10 received=20 open=1
        1 node-b 1 < 10.0.0.1:8080 local=10.0.1.2 sent=20 received=10 open=1
        1 node-a sweep 1
        1 node-b sweep 1
    ";
    check(
        CROSSING,
        &query(View::Pods),
        "node-a shop/client-1 10/20 last 10/20 rate=30 open=1
         node-b shop/web-1 20/10 last 20/10 rate=30 open=1",
    );
    check(CROSSING, &query(View::Services), "shop/web 20/10 last 20/10 rate=30 open=1");
    check(CROSSING, &query(View::Namespaces), "shop 10/20 last 10/20 rate=30 open=1");
}
