//! Services, and the pods behind them.

use super::super::EndpointKind;
use super::*;

fn service_of(world: &World, address: &str, port: u16) -> Option<String> {
    let found = world.names.address(ip(address), port, Transport::Tcp, at(5_000)).unwrap();
    found.service.as_ref().map(|service| format!("{}/{}", service.namespace, service.name))
}

#[test]
fn a_pod_is_reached_through_the_one_service_with_that_port() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    world.slice(&slice("web-x", "web", 8080, &["10.0.0.5", "10.0.0.6"]));
    world.slice(&slice("web-y", "web", 8080, &["10.0.0.5"]));
    world.slice(&slice("metrics-x", "metrics", 9090, &["10.0.0.5"]));
    assert_eq!(service_of(&world, "10.0.0.5", 8080).as_deref(), Some("shop/web"));
    assert_eq!(service_of(&world, "10.0.0.5", 9090).as_deref(), Some("shop/metrics"));
    assert_eq!(service_of(&world, "10.0.0.5", 81), None);
    assert_eq!(service_of(&world, "10.0.0.5", 0), None, "a client's port");
    let udp = world.names.address(ip("10.0.0.5"), 8080, Transport::Udp, at(5_000)).unwrap();
    assert_eq!(udp.service, None);
    // A second service with that port: which one was meant is not known.
    world.slice(&slice("canary-x", "canary", 8080, &["10.0.0.5"]));
    assert_eq!(service_of(&world, "10.0.0.5", 8080), None);
    let gone = Change::BackendsGone { namespace: "shop".into(), name: "canary-x".into() };
    world.names.apply(gone);
    assert_eq!(service_of(&world, "10.0.0.5", 8080).as_deref(), Some("shop/web"));
    world.slice(&slice("web-x", "web", 8080, &["10.0.0.6"]));
    world.slice(&slice("web-y", "web", 8080, &[]));
    assert_eq!(service_of(&world, "10.0.0.5", 8080), None);
}

#[test]
fn a_slice_that_is_older_than_the_pod_is_not_about_it() {
    let mut world = World::new();
    let mut old = slice("web-x", "web", 80, &["10.0.0.5"]);
    old.groups[0].addresses[0].pod_uid = Some(uid(1));
    world.slice(&old);
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    assert_eq!(service_of(&world, "10.0.0.5", 80).as_deref(), Some("shop/web"));
    world.pod_gone(2_000, 1);
    world.pod(2_500, &pod(2, "other", "10.0.0.5"));
    assert_eq!(service_of(&world, "10.0.0.5", 80), None);
    // Nor is a new slice about a pod that has gone.
    let mut new = old;
    new.groups[0].addresses[0].pod_uid = Some(uid(2));
    world.slice(&new);
    assert_eq!(world.who(1_500, "10.0.0.5").unwrap().service, None);
    assert_eq!(service_of(&world, "10.0.0.5", 80).as_deref(), Some("shop/web"));
}

#[test]
fn a_slice_may_be_for_all_ports_or_for_none() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    let mut all = slice("all-x", "all", 0, &["10.0.0.5"]);
    all.groups[0].ports = Vec::new();
    world.slice(&all);
    assert_eq!(service_of(&world, "10.0.0.5", 1234), None);
    all.groups[0].ports = vec![BackendPort { transport: Transport::Tcp, port: None }];
    world.slice(&all);
    assert_eq!(service_of(&world, "10.0.0.5", 1234).as_deref(), Some("shop/all"));
}

#[test]
fn a_service_is_known_by_its_cluster_address() {
    let mut world = World::new();
    world.service(&service("web", "10.96.0.7"));
    for port in [80, 81, 0] {
        let found = world.names.address(ip("10.96.0.7"), port, Transport::Tcp, at(0)).unwrap();
        assert_eq!((found.kind, &*found.name), (EndpointKind::Service, "web"));
        assert_eq!(found.namespace, text("shop"));
        assert_eq!(found.address, Some(ip("10.96.0.7")));
        assert_eq!(found.node, None);
    }
    world.names.apply(Change::ServiceGone { namespace: "shop".into(), name: "web".into() });
    assert_eq!(world.name(1_000, "10.96.0.7"), "10.96.0.7");
}

#[test]
fn outer_addresses_count_with_the_port_only() {
    let mut world = World::new();
    let mut web = service("web", "10.96.0.7");
    web.outer_addresses = vec![ip("203.0.113.7"), ip("192.0.2.1")];
    world.service(&web);
    world.node(&node("node-a", &["192.0.2.1"]));
    assert_eq!(world.at_port("203.0.113.7", 80), (EndpointKind::Service, "web".into()));
    assert_eq!(world.at_port("203.0.113.7", 81).0, EndpointKind::Internet);
    assert_eq!(world.at_port("192.0.2.1", 80), (EndpointKind::Service, "web".into()));
    assert_eq!(world.at_port("192.0.2.1", 81), (EndpointKind::Node, "node-a".into()));
}

#[test]
fn of_two_with_one_outer_address_the_other_stays() {
    let mut world = World::new();
    let mut first = service("first", "10.96.0.7");
    let mut second = service("second", "10.96.0.8");
    first.outer_addresses = vec![ip("203.0.113.7")];
    second.outer_addresses = vec![ip("203.0.113.7")];
    world.service(&first);
    world.service(&second);
    world.names.apply(Change::ServiceGone { namespace: "shop".into(), name: "second".into() });
    assert_eq!(world.at_port("203.0.113.7", 80), (EndpointKind::Service, "first".into()));
}

#[test]
fn a_service_without_a_selector_names_its_address_and_no_pod() {
    let mut world = World::new();
    world.service(&service("database", "10.96.0.7"));
    // Its slice is written by hand and points out of the cluster.
    world.slice(&slice("database-x", "database", 5432, &["198.51.100.4"]));
    assert_eq!(world.at_port("10.96.0.7", 80), (EndpointKind::Service, "database".into()));
    assert_eq!(world.at_port("198.51.100.4", 5432).0, EndpointKind::Internet);
    // A headless one has no address at all.
    let mut headless = service("headless", "10.96.0.9");
    headless.cluster_addresses = Vec::new();
    world.service(&headless);
    assert_eq!(world.at_port("10.96.0.9", 80).0, EndpointKind::Private);
}

#[test]
fn a_port_of_every_node_is_the_services() {
    let mut world = World::new();
    world.node(&node("node-a", &["192.0.2.1"]));
    let mut web = service("web", "10.96.0.7");
    web.ports = vec![tcp(80, Some(30080)), tcp(443, Some(30443))];
    world.service(&web);
    let found = world.names.address(ip("192.0.2.1"), 30080, Transport::Tcp, at(0)).unwrap();
    assert_eq!((found.kind, &*found.name), (EndpointKind::Service, "web"));
    assert_eq!(found.node, text("node-a"));
    assert_eq!(world.at_port("192.0.2.1", 80), (EndpointKind::Node, "node-a".into()));
    assert_eq!(world.at_port("192.0.2.2", 30080).0, EndpointKind::Internet);
    let udp = world.names.address(ip("192.0.2.1"), 30080, Transport::Udp, at(0)).unwrap();
    assert_eq!(udp.kind, EndpointKind::Node);
    // The port is given up.
    web.ports = vec![tcp(80, None)];
    world.service(&web);
    assert_eq!(world.at_port("192.0.2.1", 30080), (EndpointKind::Node, "node-a".into()));
}

#[test]
fn the_clusters_dns_is_known_by_its_service_and_port() {
    let mut world = World::new();
    let mut dns = service("kube-dns", "10.96.0.10");
    dns.namespace = "kube-system".into();
    dns.ports = vec![
        tcp(53, None),
        ServicePort { transport: Transport::Udp, port: 53, node_port: None },
        tcp(9153, None),
    ];
    world.service(&dns);
    for transport in [Transport::Tcp, Transport::Udp] {
        let found = world.names.address(ip("10.96.0.10"), 53, transport, at(0)).unwrap();
        assert_eq!((found.kind, &*found.name), (EndpointKind::Dns, "kube-dns"));
        assert_eq!(found.namespace, text("kube-system"));
    }
    assert_eq!(world.at_port("10.96.0.10", 9153).0, EndpointKind::Service);
    // A service of that name elsewhere is not it.
    world.service(&service("kube-dns", "10.96.0.11"));
    assert_eq!(world.at_port("10.96.0.11", 53).0, EndpointKind::Service);
}
