//! Whose an address is: who comes first, and what is for sure.

use super::super::EndpointKind::{self, ApiServer, Internet, Node, Pod, Private, Service};
use super::*;

/// The API server on node-a's address, as the cluster shows it.
fn with_api_server(mut world: World) -> World {
    world.node(&node("node-a", &["192.0.2.1"]));
    let kubernetes =
        ServiceFacts { namespace: "default".into(), ..service("kubernetes", "10.96.0.1") };
    world.service(&kubernetes);
    let addresses = ["192.0.2.1", "192.0.2.100"];
    let behind = slice("kubernetes", "kubernetes", 6443, &addresses);
    world.slice(&BackendFacts { namespace: "default".into(), ..behind });
    world
}

#[test]
fn a_pods_address_comes_before_everything() {
    let mut world = with_api_server(World::new());
    let mut everything = service("greedy", "10.0.0.5");
    everything.outer_addresses = vec![ip("10.0.0.5")];
    world.service(&everything);
    world.node(&node("greedy", &["10.0.0.5"]));
    assert_eq!(world.at_port("10.0.0.5", 80), (Service, "greedy".into()));
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    assert_eq!(world.at_port("10.0.0.5", 80), (Pod, "web".into()));
    assert_eq!(world.who(1_000, "10.0.0.5").unwrap().address, Some(ip("10.0.0.5")));
}

#[test]
fn a_pod_in_the_nodes_network_does_not_have_the_nodes_address() {
    let mut world = World::new();
    world.node(&node("node-a", &["192.0.2.1"]));
    let agent = PodFacts { host_network: true, ..pod(1, "agent", "192.0.2.1") };
    world.pod(1_000, &agent);
    assert_eq!(world.at_port("192.0.2.1", 80), (Node, "node-a".into()));
    world.pod(2_000, &PodFacts { finished: true, started: Some(at(1_000)), ..agent });
    assert_eq!(world.at_port("192.0.2.1", 80), (Node, "node-a".into()));
    assert_eq!(&*world.container(&uid(1), "id-1").unwrap().name, "agent");
}

#[test]
fn the_api_server_is_known_by_its_service_and_by_its_addresses() {
    let world = with_api_server(World::new());
    let dialled = world.who(1_000, "10.96.0.1").unwrap();
    assert_eq!((dialled.kind, &*dialled.name), (ApiServer, "kubernetes"));
    assert!(dialled.service.is_some());
    assert_eq!(world.at_port("192.0.2.100", 6443), (ApiServer, "kubernetes".into()));
    // As a client it has any port; but on a node there are others as well.
    assert_eq!(world.at_port("192.0.2.100", 0), (ApiServer, "kubernetes".into()));
    assert_eq!(world.at_port("192.0.2.1", 6443), (ApiServer, "kubernetes".into()));
    assert_eq!(world.at_port("192.0.2.1", 10250), (Node, "node-a".into()));
    assert_eq!(world.at_port("192.0.2.1", 0), (Node, "node-a".into()));
    let found = world.names.address(ip("192.0.2.1"), 6443, Transport::Tcp, at(0)).unwrap();
    assert_eq!((&found.namespace, &found.node), (&text("default"), &text("node-a")));
    let udp = world.names.address(ip("192.0.2.1"), 6443, Transport::Udp, at(0)).unwrap();
    assert_eq!(udp.kind, Node);
}

#[test]
fn the_api_server_of_the_kubeconfig_is_known_by_its_address() {
    let mut world = World::new();
    for address in ["203.0.113.1:443", "127.0.0.1:6443", "[::ffff:203.0.113.2]:443"] {
        world.names.apply(Change::ApiServer(address.parse().unwrap()));
    }
    world.unavailable(What::Services);
    world.unavailable(What::Backends);
    assert_eq!(world.at_port("203.0.113.1", 443).0, ApiServer);
    assert_eq!(world.at_port("203.0.113.2", 443).0, ApiServer);
    assert_eq!(world.at_port("203.0.113.3", 443).0, Internet);
    assert_eq!(world.at_port("127.0.0.1", 6443).0, Private, "the loopback of another machine");
}

#[test]
fn two_stacks_and_mapped_addresses() {
    let mut world = World::new();
    let mut web = pod(1, "web", "10.0.0.5");
    web.addresses = vec![ip("10.0.0.5"), ip("fd00:10::5")];
    world.pod(1_000, &web);
    world.node(&node("node-a", &["192.0.2.1", "2001:db8::1"]));
    let mut both = service("both", "10.96.0.7");
    both.cluster_addresses.push(ip("fd00:96::7"));
    world.service(&both);
    for address in ["10.0.0.5", "fd00:10::5", "::ffff:10.0.0.5"] {
        assert_eq!(world.at_port(address, 80), (Pod, "web".into()), "{address}");
    }
    for address in ["10.96.0.7", "fd00:96::7", "::ffff:10.96.0.7"] {
        assert_eq!(world.at_port(address, 80), (Service, "both".into()), "{address}");
    }
    for address in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        assert_eq!(world.at_port(address, 22), (Node, "node-a".into()), "{address}");
    }
    let mapped = world.who(1_000, "::ffff:10.0.0.5").unwrap();
    assert_eq!(mapped.address, Some(ip("10.0.0.5")));
    // The API server may show mapped ones too.
    world.pod(2_000, &pod(2, "mapped", "::ffff:10.0.0.6"));
    assert_eq!(world.name(2_000, "10.0.0.6"), "mapped");
    world.pod_gone(3_000, 1);
    assert_eq!(world.name(3_000, "fd00:10::5"), "fd00:10::5");
}

#[test]
fn addresses_of_nobody() {
    let world = World::new();
    for address in [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.254",
        "169.254.169.254",
        "127.0.0.1",
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
        "fd12::1",
        "fc00::1",
        "fe80::1",
        "::1",
        "::",
        "ff02::1",
        "::ffff:10.0.0.1",
    ] {
        assert_eq!(world.at_port(address, 80).0, Private, "{address}");
    }
    for address in [
        "8.8.8.8",
        "172.32.0.1",
        "172.15.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "192.167.0.1",
        "224.0.1.1",
        "2001:db8::1",
        "2606:4700::1111",
        "ff0e::1",
        "::ffff:8.8.8.8",
    ] {
        assert_eq!(world.at_port(address, 80).0, Internet, "{address}");
    }
    assert_eq!(world.name(0, "::ffff:8.8.8.8"), "8.8.8.8");
}

/// What is said of four addresses when these kinds are known.
fn known(kinds: &[What]) -> [Option<EndpointKind>; 4] {
    // Nothing has been listed to its end.
    let mut world = with_api_server(World { names: Names::default() });
    world.pod(0, &pod(1, "web", "10.0.0.5"));
    let mut names = world.names;
    for what in kinds {
        names.apply(Change::Synced(*what));
    }
    ["10.0.0.5", "10.96.0.1", "192.0.2.1", "198.51.100.1"].map(|address| {
        names.address(ip(address), 80, Transport::Tcp, at(0)).map(|found| found.kind)
    })
}

#[test]
fn nothing_is_said_that_a_list_may_still_make_wrong() {
    use What::{Backends, Nodes, Pods, Services};
    assert_eq!(known(&[]), [None; 4]);
    assert_eq!(known(&[Services, Backends, Nodes]), [None; 4]);
    assert_eq!(known(&[Pods, Services, Nodes]), [None; 4], "no service of a pod is known");
    assert_eq!(known(&[Pods, Backends]), [Some(Pod), None, None, None]);
    assert_eq!(known(&[Pods, Backends, Services]), [Some(Pod), Some(ApiServer), None, None]);
    let all = [Some(Pod), Some(ApiServer), Some(Node), Some(Internet)];
    assert_eq!(known(&What::ALL), all);
}

#[test]
fn without_rights_an_address_is_only_an_address() {
    let mut world = with_api_server(World::new());
    world.pod(0, &pod(1, "web", "10.0.0.5"));
    for what in What::ALL {
        world.unavailable(what);
    }
    assert!(world.names.is_complete());
    assert_eq!(world.at_port("10.0.0.5", 80), (Private, "10.0.0.5".into()));
    assert_eq!(world.at_port("10.96.0.1", 443), (Private, "10.96.0.1".into()));
    assert_eq!(world.at_port("192.0.2.1", 80), (Internet, "192.0.2.1".into()));
    assert!(!Names::default().is_complete());
}
