//! Who talks to whom: names, sums, each flow once.

use super::notation::{check, query};
use crate::traffic::View;

/// Client on node-a, server on node-b, a service in front of it.
const CLUSTER: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.1.2 node-b
    0 name service shop/web 10.96.0.1
    0 node-a owner 1 shop/client-1 curl
    0 node-a owner 2 kubelet
    0 node-b owner 1 shop/web-1 nginx
    0 node-a sweep
    0 node-b sweep
";

fn flows(script: &str, expected: &str) {
    check(&format!("{CLUSTER}{script}"), &query(View::Flows), expected);
}

#[test]
fn amounts_add_up_and_the_last_interval_stands_apart() {
    flows(
        "
        1 node-a 1 > 10.0.1.9:443 sent=100 received=2000 open=1 older=1 rtt=400
        1 node-a sweep 1
        2 node-a 1 > 10.0.1.9:443 sent=10 received=30 open=1 older=1 rtt=600
        2 node-a sweep 0.5
        ",
        "node-a shop/client-1[curl] > 10.0.1.9:443/TCP 110/2030 last 10/30 rate=80 rtt=0.6ms open=1 older=1",
    );
}

#[test]
fn a_flow_that_rests_keeps_its_sum_and_its_connections() {
    flows(
        "
        1 node-a 1 > 10.0.1.9:443 sent=100 received=2000 open=3
        1 node-a sweep 1
        2 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > 10.0.1.9:443/TCP 100/2000 open=3",
    );
}

#[test]
fn what_comes_before_the_sweep_belongs_to_the_next_interval() {
    flows(
        "
        1 node-a 1 > 10.0.1.9:443 sent=100
        1 node-a sweep 1
        2 node-a 1 > 10.0.1.9:443 sent=7
        ",
        "node-a shop/client-1[curl] > 10.0.1.9:443/TCP 107/0 last 100/0 rate=100",
    );
}

#[test]
fn the_side_that_connected_is_the_source() {
    flows(
        "
        1 node-b 1 < 198.51.100.7:80 local=10.0.1.2 sent=5000 received=200 again=2
        1 node-b sweep 1
        ",
        "node-b 198.51.100.7 > shop/web-1[nginx]:80/TCP 200/5000 last 200/5000 rate=5200 again=?+2",
    );
}

#[test]
fn a_service_is_the_destination_and_its_pod_the_backend() {
    flows(
        "
        1 node-a 1 > 10.96.0.1:80 sent=10 received=20 backend=10.0.1.2:8080
        1 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > shop/web:80/TCP 10/20 last 10/20 rate=30 by=shop/web-1",
    );
}

#[test]
fn both_ends_on_one_node_are_told_once_with_both_containers() {
    flows(
        "
        0.5 node-a owner 3 shop/client-1 proxy
        1 node-a 1 > 127.0.0.1:9000 local=127.0.0.1 peer=3 sent=10 received=20 again=1 peeragain=4
        1 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > shop/client-1[proxy]:9000/TCP 10/20 last 10/20 rate=30 again=1+4",
    );
}

#[test]
fn seen_from_two_nodes_the_side_that_connected_wins() {
    // Dialled by the service's address: the two probes see other ports.
    flows(
        "
        1 node-a 1 > 10.96.0.1:80 local=10.0.0.1 sent=10 received=20 again=1 backend=10.0.1.2:8080
        1 node-b 1 < 10.0.0.1:8080 local=10.0.1.2 sent=20 received=10 again=6
        1 node-a sweep 1
        1 node-b sweep 1
        ",
        "node-a shop/client-1[curl] > shop/web:80/TCP 10/20 last 10/20 rate=30 again=1+6 by=shop/web-1",
    );
}

#[test]
fn between_processes_of_nodes_the_path_tells() {
    flows(
        "
        1 node-b owner 9 etcd
        1 node-b 9 < 192.0.2.1:2379 local=192.0.2.2 sent=20 received=10
        1 node-b sweep 1
        1 node-a 2 > 192.0.2.2:2379 local=192.0.2.1 sent=10 received=20
        1 node-a sweep 1
        ",
        "node-a kubelet > 192.0.2.2:2379/TCP 10/20 last 10/20 rate=30 by=etcd",
    );
}

#[test]
fn loopback_is_not_the_same_on_two_nodes() {
    flows(
        "
        1 node-b owner 9 etcd
        1 node-b 9 < 127.0.0.1:2379 local=127.0.0.1 received=10
        1 node-b sweep 1
        1 node-a 2 > 127.0.0.1:2379 local=127.0.0.1 sent=30
        1 node-a sweep 1
        ",
        "node-a kubelet > 127.0.0.1:2379/TCP 30/0 last 30/0 rate=30
         node-b 127.0.0.1 > etcd:2379/TCP 10/0 last 10/0 rate=10",
    );
}

#[test]
fn a_client_on_a_node_that_nobody_observes_is_told_by_the_server() {
    check(
        "
        0 name pod shop/client-1 10.0.0.1 node-a
        0 name pod shop/web-1 10.0.1.2 node-b
        0 node-b owner 1 shop/web-1 nginx
        0 node-b sweep
        1 node-b 1 < 10.0.0.1:80 local=10.0.1.2 sent=20 received=10
        1 node-b sweep 1
        ",
        &query(View::Flows),
        "node-b shop/client-1 > shop/web-1[nginx]:80/TCP 10/20 last 10/20 rate=30",
    );
}

#[test]
fn a_reused_address_does_not_carry_the_old_name() {
    flows(
        "
        1 node-a 1 > 10.0.1.9:80 sent=1
        1 node-a sweep 1
        2 name pod shop/old 10.0.1.7 node-c
        2 node-a 1 > 10.0.1.7:80 sent=100
        2 node-a sweep 1
        3 name pod shop/new 10.0.1.7 node-c
        3 node-a 1 > 10.0.1.7:80 sent=5
        3 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > shop/new:80/TCP 5/0 last 5/0 rate=5
         node-a shop/client-1[curl] > shop/old:80/TCP 100/0
         node-a shop/client-1[curl] > 10.0.1.9:80/TCP 1/0",
    );
}

#[test]
fn a_name_that_comes_late_is_given_to_what_was_before() {
    flows(
        "
        1 name pod shop/late 10.0.1.8 node-c known=2.5
        2 node-a owner 5 shop/job-1 run
        2 name pod shop/job-1 10.0.0.5 node-a known=2.5
        2 node-a 1 > 10.0.1.8:80 sent=100
        2 node-a 5 > 203.0.113.5:443 sent=50
        2 node-a sweep 1
        3 node-a 1 > 10.0.1.8:80 sent=7
        3 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > shop/late:80/TCP 107/0 last 7/0 rate=7
         node-a shop/job-1[run] > 203.0.113.5:443/TCP 50/0",
    );
}

#[test]
fn a_late_name_shows_that_the_client_is_observed() {
    flows(
        "
        1 name pod shop/client-2 10.0.0.7 node-a known=2
        1 node-b 1 < 10.0.0.7:80 local=10.0.1.2 received=10
        1 node-b sweep 1
        2 node-b sweep 1
        ",
        "",
    );
}

#[test]
fn addresses_of_one_pod_are_one_row() {
    flows(
        "
        1 node-a 1 > 203.0.113.5:443 local=10.0.0.1 sent=1
        1 node-a 1 > 203.0.113.5:443 local=10.0.0.77 sent=2
        1 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > 203.0.113.5:443/TCP 3/0 last 3/0 rate=3",
    );
}

#[test]
fn udp_has_nothing_to_send_again() {
    flows(
        "
        1 node-a 1 > 10.96.0.10:53 udp sent=60 received=120 again=3
        1 node-a sweep 1
        ",
        "node-a shop/client-1[curl] > 10.96.0.10:53/UDP 60/120 last 60/120 rate=180",
    );
}

/// The notation gives pods no service of their own: this is what a pod looks
/// like that is reached through one.
const REACHED: &str = "
    0.1 name pod shop/web-2 10.0.1.3 node-b service=shop/web
    0.1 node-b owner 2 shop/web-2 nginx
";

#[test]
fn the_other_side_says_who_answered_for_a_service_and_what_it_sent_again() {
    flows(
        &format!(
            "{REACHED}
            1 node-a 1 > 10.96.0.1:80 local=10.0.0.1 sent=10 received=20 again=1
            1 node-b 2 < 10.0.0.1:8080 local=10.0.1.3 sent=20 received=10 again=6
            1 node-a sweep 1
            1 node-b sweep 1
            "
        ),
        "node-a shop/client-1[curl] > shop/web:80/TCP 10/20 last 10/20 rate=30 again=1+6 by=shop/web-2",
    );
}

#[test]
fn a_service_that_was_dialled_through_two_ports_is_not_guessed_at() {
    flows(
        &format!(
            "{REACHED}
            1 node-a 1 > 10.96.0.1:80 local=10.0.0.1 sent=10
            1 node-a 1 > 10.96.0.1:81 local=10.0.0.1 sent=11
            1 node-b 2 < 10.0.0.1:8080 local=10.0.1.3 received=21 again=6
            1 node-a sweep 1
            1 node-b sweep 1
            "
        ),
        "node-a shop/client-1[curl] > shop/web:81/TCP 11/0 last 11/0 rate=11
         node-a shop/client-1[curl] > shop/web:80/TCP 10/0 last 10/0 rate=10",
    );
}

#[test]
fn a_client_at_another_nodes_address_waits_for_that_nodes_word() {
    let beginning = "
        0 name node node-a 10.1.0.1
        1 node-b 1 < 10.1.0.1:443 local=10.0.1.2 sent=70 received=7
        1 node-b sweep 1
    ";
    let tells = "1.2 node-a 2 > 10.0.1.2:443 local=10.1.0.1 sent=7 received=70\n";
    let sweeps = "
        1.2 node-a sweep 1
        2 node-b sweep 1
        2.2 node-a sweep 1
        3 node-b sweep 1
    ";
    // Nobody knows yet whether it is a process there or somebody behind it.
    flows(beginning, "");
    flows(&format!("{beginning}{tells}{sweeps}"), "node-a kubelet > shop/web-1:443/TCP 7/70");
    flows(
        &format!("{beginning}{sweeps}"),
        "node-b node-a > shop/web-1[nginx]:443/TCP 7/70 last 7/70 rate=77",
    );
}

#[test]
fn datagrams_of_a_pod_to_a_service_of_the_same_node_are_told_once() {
    let datagrams = "
        0 name pod shop/dns-1 10.0.0.9 node-a
        0 node-a owner 3 shop/dns-1 coredns
        1 node-a 1 > 10.96.0.10:53 udp sent=60 received=120
        1 node-a 3 < 10.0.0.1:53 udp local=10.0.0.9 sent=120 received=60
        1 node-a sweep 1
    ";
    flows(datagrams, "node-a shop/client-1[curl] > 10.96.0.10:53/UDP 60/120 last 60/120 rate=180");
}
