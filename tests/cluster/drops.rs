//! `top drops` on a real node: packets of a known number, the kernel's reason,
//! and both names.

use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::pods::{Pods, WAIT, Wanted};
use earthworm_tests::pty::Terminal;
use earthworm_tests::session::{Line, Session};
use serde_json::Value;

/// Until a probe has told its first interval, and until it has told what was sent.
const SHOWN: Duration = Duration::from_secs(40);

/// Nobody listens here.
const CLOSED: u16 = 9099;
const DATAGRAMS: u64 = 17;
const PAYLOAD: &str = "eleven byte";
const IP_AND_UDP_HEADERS: u64 = 28;

fn items(line: &Line) -> &[Value] {
    line.json["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Packets that were told of since the start, whatever interval they were in.
fn since_start(line: &Line) -> u64 {
    items(line).iter().filter_map(|item| item["sinceStart"]["packets"].as_u64()).sum()
}

#[test]
fn datagrams_to_a_closed_port_are_counted_one_by_one() {
    let Some(lab) = Lab::enter("top drops", Versions::All, Claim::NODE.taking(30)) else { return };
    let pods = Pods::new(&lab);
    let server = pods.start(&Wanted::new("deaf", lab.node(), &WAIT).in_deployment());
    let client = pods.start(&Wanted::new("caller", lab.node(), &WAIT));

    let closed = CLOSED.to_string();
    let about = ["--pod", &server.name, "--port", &closed, "--protocol", "udp"];
    let command = ["top", "drops", lab.node(), "--interval", "500ms", "-o", "json"];
    let mut session = Session::start(lab.plugin(&[&command[..], &about].concat()));
    let list = |line: &Line| (line.kind() == "DropList").then(|| line.clone());
    let first = session.wait_for("interval", SHOWN, list);
    assert_eq!(since_start(&first), 0, "{}", first.text);
    // Each from a socket of its own: none learns that the one before was refused.
    let script = format!(
        "for i in $(seq {DATAGRAMS}); do \
         printf '{PAYLOAD}' | socat -u STDIN UDP-SENDTO:{}:{CLOSED}; done",
        server.address
    );
    assert_eq!(pods.exec(&client, &["sh", "-c", &script]), "");
    session.wait_for("every datagram", SHOWN, |line| {
        list(line).filter(|line| since_start(line) >= DATAGRAMS)
    });
    session.signal(libc::SIGINT);
    let ended = session.end();
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    ended.assert_contract();

    let lists = ended.lines.iter().filter(|line| line.kind() == "DropList");
    let told: Vec<&Value> = lists.flat_map(items).collect();
    println!("{told:#?}");
    let sum = |field: &str| -> u64 { told.iter().filter_map(|item| item[field].as_u64()).sum() };
    assert_eq!(sum("packets"), DATAGRAMS);
    let size = IP_AND_UDP_HEADERS + u64::try_from(PAYLOAD.len()).unwrap();
    assert_eq!(sum("bytes"), DATAGRAMS * size);
    for item in told {
        assert_eq!(item["reason"], "NO_SOCKET", "{item:#}");
        assert_eq!(item["where"]["pod"], server.name.as_str(), "{item:#}");
        assert_eq!(item["where"]["workload"]["name"], server.app.as_str(), "{item:#}");
        assert_eq!(item["source"]["pod"], client.name.as_str(), "{item:#}");
        assert_eq!(item["source"]["address"], client.address.to_string(), "{item:#}");
        assert_eq!(item["destination"]["pod"], server.name.as_str(), "{item:#}");
        assert_eq!(item["destination"]["address"], server.address.to_string(), "{item:#}");
        assert_eq!(
            (&item["destination"]["port"], &item["protocol"]),
            (&CLOSED.into(), &"UDP".into())
        );
    }
    let summary = ended.lines.iter().find(|line| line.kind() == "FlowSummary").unwrap();
    // Whatever else the node drops.
    assert!(summary.json["dropped"]["packets"].as_u64() >= Some(DATAGRAMS), "{}", summary.text);
    assert_eq!(summary.json["nothingLeftBehind"], true);
    drop(pods);
    lab.assert_nothing_left(ended.at);
}

#[test]
fn the_live_table_of_drops_says_why() {
    let Some(lab) = Lab::enter("top drops on the screen", Versions::Newest, Claim::NODE) else {
        return;
    };
    let pods = Pods::new(&lab);
    let server = pods.start(&Wanted::new("deaf", lab.node(), &WAIT));
    let client = pods.start(&Wanted::new("caller", lab.node(), &WAIT));
    let closed = CLOSED.to_string();
    let flags = ["--port", &closed, "--interval", "500ms"];
    let mut terminal =
        Terminal::whole(lab.plugin(&[&["top", "drops", lab.node()], &flags[..]].concat()));
    terminal.wait_for("REASON", SHOWN);
    // The blanks between words are not drawn.
    terminal.wait_for("seen", SHOWN);
    let address = format!("UDP-SENDTO:{}:{CLOSED}", server.address);
    let script = format!("printf x | socat -u STDIN {address}");
    assert_eq!(pods.exec(&client, &["sh", "-c", &script]), "");
    terminal.wait_for("NO_SOCKET", SHOWN);
    terminal.wait_for("listens", SHOWN);
    terminal.press(b"s");
    terminal.wait_for("bytes", SHOWN);
    terminal.press(b"q");
    let left = terminal.end_within(SHOWN);
    assert_eq!(left.code, Some(0), "{:?}", left.shown);
    assert!(left.restored && left.has_cursor(), "{:?}", left.shown);
    drop(pods);
    lab.assert_nothing_left(left.at);
}
