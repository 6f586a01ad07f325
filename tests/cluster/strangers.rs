//! Other processes on the node that find the probe's port: they get nothing,
//! and the session does not notice them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::leases::LeaseWatch;
use earthworm_tests::network::{connect_inside, probe_listeners};
use earthworm_wire::PROTOCOL;
use earthworm_wire::frame::{Kind, encode};
use earthworm_wire::greeting::{Authentication, TOKEN_BYTES};
use earthworm_wire::message::ToProbe;
use jiff::SignedDuration;

/// A stranger is turned away after this time, with a second to spare.
const TURNED_AWAY: Duration = Duration::from_secs(6);

#[test]
fn strangers_get_nothing_and_disturb_nothing() {
    let Some(lab) = Lab::enter("strangers at the port", Versions::Newest, Claim::NODE.taking(40))
    else {
        return;
    };
    let truth = LeaseWatch::start(&lab.sandbox);
    let node = lab.node_spec();
    let session = lab.pulse_here(&["--for", "33s", "-o", "json", "-v"]);
    let from = session.listens_on(&lab.nodes())[0].time();
    let mut listeners = probe_listeners(&node);
    listeners.retain(|listener| listener.ip().is_loopback());
    assert_eq!(listeners.len(), 1, "ports of one probe");
    let door = listeners[0];

    for (name, words) in languages() {
        let mut stranger = connect_inside(&node, door, 1).remove(0);
        let begun = Instant::now();
        stranger.write_all(&words).unwrap();
        let heard = hear(&mut stranger);
        println!("{name}: {heard} bytes, turned away after {:.2} s", begun.elapsed().as_secs_f64());
        assert_eq!(heard, 0, "{name}");
    }

    let begun = Instant::now();
    let mut crowd = connect_inside(&node, door, 200);
    for (number, stranger) in crowd.iter_mut().enumerate() {
        if number % 2 == 0 {
            // One that was turned away at once may refuse the words.
            let _ = stranger.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
    }
    let heard: usize = crowd.iter_mut().map(hear).sum();
    println!("200 at once: {heard} bytes, all away after {:.2} s", begun.elapsed().as_secs_f64());
    assert_eq!(heard, 0, "200 at once");

    let ended = session.end_within(Duration::from_secs(60));
    lab.assert_nothing_left(ended.at);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out_text(), ended.error_text());
    let disturbed = ["stream-interrupted", "stream-resumed", "probe-restarting"];
    for line in &ended.lines {
        assert!(!disturbed.iter().any(|reason| line.is_event(reason)), "{}", line.text);
    }
    let until = from + SignedDuration::from_secs(33);
    let told = super::beats::assert_same(&ended, lab.node(), &truth.of(lab.node()), from, until);
    let summary = ended.summary(lab.node());
    assert_eq!(summary["lost"].to_string(), r#"{"kernel":0,"probe":0,"tunnel":0}"#);
    println!("strangers: {told} beats in 33 s, none lost");
}

/// What strangers say, with a name for each.
fn languages() -> Vec<(&'static str, Vec<u8>)> {
    let guess = Authentication::new([7; TOKEN_BYTES], 0);
    let other = Authentication { protocol: PROTOCOL + 1, ..guess.clone() };
    let mut goodbye = Vec::new();
    ToProbe::Bye.encode(&mut goodbye).unwrap();
    vec![
        ("nothing", Vec::new()),
        ("garbage", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("half a frame", vec![0x2a, 0, 0]),
        ("a wrong token", frame(&guess.to_bytes())),
        ("another version", frame(&other.to_bytes())),
        ("a goodbye without a token", goodbye),
    ]
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(Kind::Authentication, payload, &mut bytes).unwrap();
    bytes
}

/// Bytes that come until the other side closes.
fn hear(stream: &mut TcpStream) -> usize {
    stream.set_read_timeout(Some(TURNED_AWAY)).unwrap();
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        // Closed with our words unread.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("not turned away within {TURNED_AWAY:?}: {error}"),
    }
    bytes.len()
}
