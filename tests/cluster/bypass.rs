//! The way around the kubelet: who may use it, who gets nothing there, and what
//! is known without it.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions, signal};
use earthworm_tests::network::{connect_inside, probe_listeners};
use earthworm_tests::rights::{Grant, Right};
use earthworm_tests::seconds_between;
use earthworm_tests::session::{Line, Session};
use earthworm_wire::BYPASS_TOKEN_HEADER;

const PULSE: [&str; 5] = ["--for", "10m", "-o", "json", "-v"];

/// A node, and a user who may be given rights.
const CLAIM: Claim = Claim::NODE.and_user();

/// How exactly an incident is dated, in seconds.
const EXACT: f64 = 0.2;

/// How soon the news comes once the kubelet, through which the stream runs,
/// runs again; in seconds.
const PROMPT: f64 = 1.0;

/// Strangers are turned away after five seconds.
const TURNED_AWAY: Duration = Duration::from_secs(6);

#[test]
fn without_the_right_the_news_wait_for_the_kubelet() {
    let Some(lab) = Lab::enter("no right to the pod proxy", Versions::Newest, CLAIM) else {
        return;
    };
    let _grant = Grant::give(&lab, lab.user(), &super::bad_input::NEEDED);
    let session =
        Session::start(lab.plugin_as(lab.user(), &[&["pulse", lab.node()], &PULSE[..]].concat()));
    session.listens_on(&lab.nodes());
    let closed = session.event("bypass-closed", Duration::from_secs(5));
    println!("{}", closed.json["message"]);
    let words = closed.json["message"].as_str().unwrap();
    assert!(words.contains("no right to get pods/proxy"), "{words}");
    news_wait(&lab, session);
}

#[test]
fn who_does_not_want_it_has_a_probe_on_loopback_alone() {
    let Some(lab) = Lab::enter("--no-bypass", Versions::Newest, Claim::NODE) else { return };
    let node = lab.node_spec();
    let session = lab.pulse_here(&[&PULSE[..], &["--no-bypass"]].concat());
    session.listens_on(&lab.nodes());
    let listeners = probe_listeners(&node);
    assert!(listeners.iter().all(|listener| listener.ip().is_loopback()), "{listeners:?}");
    news_wait(&lab, session);
}

/// Stops and continues the kubelet: dated right, told when it runs again.
fn news_wait(lab: &Lab, mut session: Session) {
    let kubelet = lab.kubelet(lab.node());
    let stopped_at = signal(kubelet, libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(4));
    let continued_at = signal(kubelet, libc::SIGCONT);
    for (reason, at) in [("kubelet-stopped", stopped_at), ("kubelet-continued", continued_at)] {
        let line = session.event(reason, Duration::from_secs(3));
        let (off, after) =
            (seconds_between(at, line.time()), seconds_between(continued_at, line.at));
        println!("{reason}: dated {off:+.3} s, told {after:+.3} s after SIGCONT");
        assert!(off.abs() < EXACT, "dated {off:.3} s off: {}", line.text);
        // A stop takes a moment to reach all of the kubelet's threads, and news
        // that are fast enough still get through.
        let outran = seconds_between(at, line.at) < EXACT;
        let waited = (0.0..PROMPT).contains(&after);
        assert!(outran || waited, "told {after:.3} s after: {}", line.text);
    }
    session.signal(libc::SIGINT);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
    ended.assert_contract();
    let opened = ended.lines.iter().any(|line: &Line| line.is_event("bypass-open"));
    assert!(!opened, "{}", ended.out_text());
}

#[test]
fn strangers_get_nothing_there() {
    let Some(lab) = Lab::enter("strangers at the bypass", Versions::All, Claim::NODE) else {
        return;
    };
    let node = lab.node_spec();
    let mut session = lab.pulse_here(&PULSE);
    session.listens_on(&lab.nodes());
    session.event("bypass-open", Duration::from_secs(15));
    let listeners = probe_listeners(&node);
    let around: Vec<_> = listeners.iter().filter(|one| !one.ip().is_loopback()).collect();
    assert_eq!(around.len(), 1, "{listeners:?}");
    let get = |token: &str| format!("GET / HTTP/1.1\r\n{BYPASS_TOKEN_HEADER}: {token}\r\n\r\n");
    for (name, words) in [
        ("nothing", String::new()),
        ("no token", "GET / HTTP/1.1\r\nHost: node\r\n\r\n".into()),
        ("a guess", get(&"07".repeat(32))),
        ("a short token", get("07")),
        ("a long head", "x".repeat(20_000)),
    ] {
        let mut stranger = connect_inside(&node, *around[0], 1).remove(0);
        stranger.write_all(words.as_bytes()).unwrap();
        stranger.set_read_timeout(Some(TURNED_AWAY)).unwrap();
        let mut heard = Vec::new();
        match stranger.read_to_end(&mut heard) {
            Ok(_) => {}
            // Closed with our words unread.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{name}: not turned away: {error}"),
        }
        println!("{name}: {} bytes", heard.len());
        assert!(heard.is_empty(), "{name}");
    }
    // The session's own way is still open.
    let kubelet = lab.kubelet(lab.node());
    let stopped_at = signal(kubelet, libc::SIGSTOP);
    let stopped = session.event("kubelet-stopped", Duration::from_secs(3));
    signal(kubelet, libc::SIGCONT);
    println!("SIGSTOP told after {:.3} s", seconds_between(stopped_at, stopped.at));
    assert!(seconds_between(stopped_at, stopped.at) < EXACT, "{}", stopped.text);
    session.signal(libc::SIGINT);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
}

/// What a user may need beside the rest of a session's rights.
#[test]
fn one_right_opens_it() {
    let Some(lab) = Lab::enter("the right to the pod proxy", Versions::Newest, CLAIM) else {
        return;
    };
    let proxy = Right { verbs: "get", resource: "pods/proxy", namespace: Some("default") };
    let rights = [&super::bad_input::NEEDED[..], &[proxy]].concat();
    let _grant = Grant::give(&lab, lab.user(), &rights);
    let mut session =
        Session::start(lab.plugin_as(lab.user(), &[&["pulse", lab.node()], &PULSE[..]].concat()));
    session.listens_on(&lab.nodes());
    session.event("bypass-open", Duration::from_secs(15));
    session.signal(libc::SIGINT);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
}
