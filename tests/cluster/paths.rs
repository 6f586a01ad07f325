//! Known amounts on every kind of path, between pods whose names are known: each
//! appears once, with both names right.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::pods::{Pod, Pods, WAIT, Wanted};
use earthworm_tests::session::{Ended, Session};
use serde_json::Value;
use xtask::cluster::options::HOST_ADDRESS;

/// Takes what it gets.
const SINK: [&str; 4] = ["socat", "-u", "TCP-LISTEN:9100,fork,reuseaddr", "OPEN:/dev/null"];

const PORT: u16 = 9100;

/// Until both probes have told their first interval.
const SHOWN: Duration = Duration::from_secs(60);

/// For how long a connection stays open after its last byte: two intervals, so
/// that a sweep meets it.
const LINGER: &str = "1.2";

/// One row of `top flows`, as it is at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    source: String,
    destination: String,
    sent: u64,
}

/// `namespace/name` and what else names an end.
fn end(end: &Value) -> String {
    let text = |name: &str| end[name].as_str().unwrap_or("-").to_owned();
    let workload = end["workload"]["name"].as_str().unwrap_or("-");
    format!(
        "{} {}/{} {} of {workload}",
        text("kind"),
        text("namespace"),
        text("name"),
        text("container")
    )
}

/// What every flow with these ports has sent since the start.
fn rows(ended: &Ended, ports: &[u16]) -> Vec<Row> {
    let mut last: BTreeMap<(String, String, u64), u64> = BTreeMap::new();
    for line in ended.lines.iter().filter(|line| line.kind() == "FlowList") {
        for item in line.json["items"].as_array().unwrap() {
            let port = item["destination"]["port"].as_u64().unwrap();
            if ports.iter().any(|wanted| u64::from(*wanted) == port) {
                let key = (end(&item["source"]), end(&item["destination"]), port);
                let sent = item["sinceStart"]["bytes"]["sent"].as_u64().unwrap();
                last.insert(key, sent);
            }
        }
    }
    last.into_iter()
        .map(|((source, destination, _), sent)| Row { source, destination, sent })
        .collect()
}

fn send(pods: &Pods<'_>, from: &Pod, container: &str, bytes: usize, to: &str) {
    let script = format!("(head -c {bytes} /dev/zero; sleep {LINGER}) | socat -u - TCP:{to}");
    let _ = pods.exec_in(from, container, &["sh", "-c", &script]);
}

#[test]
fn every_path_is_told_once_with_both_names() {
    let claim = Claim::nodes(2).taking(40);
    let Some(lab) = Lab::enter("known amounts on all paths", Versions::Newest, claim) else {
        return;
    };
    let [here, there] = lab.nodes()[..] else { panic!("not two nodes") };
    let pods = Pods::new(&lab);
    let server = pods.start(&Wanted::new("server", there, &SINK).in_deployment());
    let client = pods.start(&Wanted::new("client", here, &WAIT));
    let neighbour = pods.start(&Wanted::new("neighbour", here, &WAIT).and("sink", &SINK));
    let host = pods.start(&Wanted::new("host", here, &WAIT).on_host_network());
    let service = pods.service(&server, "TCP", PORT);
    let outside = TcpListener::bind((HOST_ADDRESS, 0)).unwrap();
    let outside_port = outside.local_addr().unwrap().port();
    let taking = std::thread::spawn(move || {
        let mut taken = Vec::new();
        outside.accept().unwrap().0.read_to_end(&mut taken).unwrap();
        taken.len()
    });

    let flags = ["--interval", "500ms", "-o", "json"];
    let command = lab.plugin(&[&["top", "flows", here, there], &flags[..]].concat());
    let mut session = Session::start(command);
    for node in [here, there] {
        session.wait_for("interval", SHOWN, |line| {
            (line.kind() == "FlowList" && line.json["node"] == node).then_some(())
        });
    }
    let at = |address: std::net::Ipv4Addr| format!("{address}:{PORT}");
    send(&pods, &client, "main", 1_000_001, &at(neighbour.address));
    send(&pods, &client, "main", 1_000_002, &at(server.address));
    send(&pods, &client, "main", 1_000_003, &at(service.address));
    send(&pods, &host, "main", 1_000_004, &at(server.address));
    send(&pods, &neighbour, "main", 1_000_005, &format!("127.0.0.1:{PORT}"));
    send(&pods, &client, "main", 1_000_006, &format!("{HOST_ADDRESS}:{outside_port}"));
    assert_eq!(taking.join().unwrap(), 1_000_006);
    std::thread::sleep(Duration::from_millis(1_500));
    session.signal(libc::SIGINT);
    let ended = session.end();
    drop(pods);
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    ended.assert_contract();

    let found = rows(&ended, &[PORT, outside_port]);
    let pod = |pod: &Pod, container: &str, workload: &str| {
        format!("pod default/{} {container} of {workload}", pod.name)
    };
    let from = |of: &Pod| pod(of, "main", "-");
    // Which container it is, the server's own node alone could tell.
    let served = pod(&server, "-", &server.app);
    let through = format!("service default/{} - of -", service.name);
    for (sent, source, destination) in [
        (1_000_001, from(&client), pod(&neighbour, "sink", "-")),
        (1_000_002, from(&client), served.clone()),
        (1_000_003, from(&client), through),
        (1_000_004, from(&host), served),
        (1_000_005, from(&neighbour), pod(&neighbour, "sink", "-")),
        // Outside of the cluster, and where its API server is.
        (1_000_006, from(&client), "api-server default/kubernetes - of -".to_owned()),
    ] {
        let rows: Vec<&Row> = found.iter().filter(|row| row.sent == sent).collect();
        let expected = Row { source, destination, sent };
        assert_eq!(rows, [&expected], "all of them: {found:#?}");
    }
    let total: u64 = found.iter().map(|row| row.sent).sum();
    assert_eq!(total, 6_000_021, "something is told twice: {found:#?}");
    lab.assert_nothing_left(ended.at);
}
