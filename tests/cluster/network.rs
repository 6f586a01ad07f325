//! The network of the sandbox itself: what tests of traffic take for granted.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::network::connect_inside;
use earthworm_tests::pods::{Pod, Pods, WAIT, Wanted};
use xtask::cluster::options::{DNS_ADDRESS, NodeSpec};
use xtask::cluster::workload::image::{LARGE, PAGE};

const WEB: [&str; 6] = ["httpd", "-f", "-p", "8080", "-h", "/www"];

/// Tells everybody the address that it sees them come from.
const MIRROR: [&str; 3] =
    ["socat", "TCP-LISTEN:9000,fork,reuseaddr", "SYSTEM:echo $SOCAT_PEERADDR"];

/// Gives back what it gets.
const ECHO: [&str; 3] = ["socat", "UDP-LISTEN:7000,fork,reuseaddr", "PIPE"];

#[test]
fn services_answer_from_everywhere() {
    let Some(lab) = Lab::enter("services across nodes", Versions::All, Claim::nodes(2).taking(25))
    else {
        return;
    };
    let [here, there] = lab.nodes()[..] else { panic!("not two nodes") };
    let pods = Pods::new(&lab);
    let server = pods.start(&Wanted::new("web", there, &WEB).in_deployment());
    let neighbour = pods.start(&Wanted::new("neighbour", there, &WAIT));
    let client = pods.start(&Wanted::new("client", here, &WAIT));
    let service = pods.service(&server, "TCP", 8080);

    let get = |pod: &Pod, host: &str, path: &str| {
        let address = format!("http://{host}:8080/{path}");
        pods.exec(pod, &["wget", "-q", "-O", "-", &address])
    };
    let (direct, through) = (server.address.to_string(), service.address.to_string());
    for (who, pod) in [("across", &client), ("beside", &neighbour), ("itself", &server)] {
        assert_eq!(get(pod, &direct, ""), PAGE, "{who}, by the pod's address");
        assert_eq!(get(pod, &through, ""), PAGE, "{who}, by the service's address");
        assert_eq!(get(pod, &through, "large").len(), LARGE, "{who}");
    }
    for node in [here, there] {
        let node = lab.sandbox.state().unwrap().node(node).unwrap().clone();
        for address in [node.address, service.address] {
            let port = if address == node.address { service.node_port } else { 8080 };
            let page = request(&node, address, port);
            assert!(page.ends_with(PAGE), "{} at {address}:{port}: {page}", node.name);
        }
    }
    for name in [service.name.clone(), format!("{}.default.svc.cluster.local", service.name)] {
        assert_eq!(get(&client, &name, ""), PAGE, "by the name {name}");
    }
    drop(pods);
    lab.assert_nothing_left(Instant::now());
}

#[test]
fn nobody_hides_who_asks() {
    let Some(lab) = Lab::enter("addresses of pods", Versions::Newest, Claim::nodes(2).taking(25))
    else {
        return;
    };
    let [here, there] = lab.nodes()[..] else { panic!("not two nodes") };
    let pods = Pods::new(&lab);
    let mirror = pods.start(&Wanted::new("mirror", there, &MIRROR));
    let echo = pods.start(&Wanted::new("echo", there, &ECHO));
    let client = pods.start(&Wanted::new("client", here, &WAIT));
    let neighbour = pods.start(&Wanted::new("neighbour", there, &WAIT).and("mirror", &MIRROR));
    let host = pods.start(&Wanted::new("host", here, &WAIT).on_host_network());
    let service = pods.service(&mirror, "TCP", 9000);
    for pod in [&client, &neighbour, &host] {
        for address in [mirror.address, service.address] {
            let address = format!("TCP:{address}:9000");
            let seen = pods.exec(pod, &["socat", "-u", &address, "STDOUT"]);
            assert_eq!(seen.trim(), pod.address.to_string(), "{} at {address}", pod.name);
        }
    }
    let itself = pods.exec(&neighbour, &["socat", "-u", "TCP:127.0.0.1:9000", "STDOUT"]);
    assert_eq!(itself.trim(), "127.0.0.1", "two containers share a loopback");
    let service = pods.service(&echo, "UDP", 7000);
    for address in [echo.address, service.address] {
        let script = format!("printf 0123456789 | socat -t1 - UDP:{address}:7000");
        assert_eq!(pods.exec(&client, &["sh", "-c", &script]), "0123456789", "{address}");
    }
    drop(pods);
    lab.assert_nothing_left(Instant::now());
}

#[test]
fn names_are_known_and_unknown_ones_are_not() {
    let Some(lab) = Lab::enter("names of services", Versions::Newest, Claim::NODE) else {
        return;
    };
    let pods = Pods::new(&lab);
    let client = pods.start(&Wanted::new("client", lab.node(), &WAIT));
    let server = format!("{DNS_ADDRESS}");
    let ask = |name: &str| {
        let script = format!("nslookup -type=a {name} {server} 2>&1 || true");
        pods.exec(&client, &["sh", "-c", &script])
    };
    let known = ask("kubernetes.default.svc.cluster.local");
    assert!(known.contains("Address: 198.19.0.1\n"), "{known}");
    let dns = ask("kube-dns.kube-system.svc.cluster.local");
    assert!(dns.contains(&format!("Address: {DNS_ADDRESS}\n")), "{dns}");
    for name in ["nobody.default.svc.cluster.local", "example.com"] {
        let unknown = ask(name);
        assert!(unknown.contains("NXDOMAIN"), "{unknown}");
    }
    let resolver = pods.exec(&client, &["cat", "/etc/resolv.conf"]);
    assert!(resolver.contains(&format!("nameserver {DNS_ADDRESS}\n")), "{resolver}");
    assert!(resolver.contains("search default.svc.cluster.local "), "{resolver}");
    drop(pods);
    lab.assert_nothing_left(Instant::now());
}

/// One request from the node itself, with its answer.
fn request(node: &NodeSpec, address: Ipv4Addr, port: u16) -> String {
    let mut connection = connect_inside(node, SocketAddr::from((address, port)), 1).remove(0);
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}
