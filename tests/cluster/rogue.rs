//! Images whose program is no probe: each way of answering wrongly ends in one
//! line that says so, after a bounded time.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use earthworm_tests::image::NodeImage;
use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::session::Ended;
use earthworm_wire::PROTOCOL;
use earthworm_wire::frame::{Kind, encode};
use earthworm_wire::greeting::Hello;
use xtask::cluster::image::compile;

/// The plugin gives up long before it, and no test waits for ever.
const BOUND: Duration = Duration::from_secs(100);

#[test]
fn garbage_is_called_by_its_name() {
    let Some(lab) = Lab::enter("garbage on the stream", Versions::Newest, Claim::NODE) else {
        return;
    };
    let ended = listen_to(&lab, "garbage", b"HTTP/1.1 400 Bad Request\r\n\r\n", false);
    assert_no_probe(&ended, &[&answers(&lab), "is not an Earthworm probe"]);
    assert!(ended.error_text().contains("exceeds the limit"), "{}", ended.error_text());
    lab.assert_nothing_left(ended.at);
}

#[test]
fn silence_is_given_up() {
    let Some(lab) = Lab::enter("silence on the stream", Versions::Newest, Claim::NODE) else {
        return;
    };
    let ended = listen_to(&lab, "silence", b"", false);
    assert_no_probe(&ended, &[&answers(&lab), "nothing said within"]);
    lab.assert_nothing_left(ended.at);
}

#[test]
fn a_closed_connection_is_given_up() {
    let Some(lab) = Lab::enter("stream closed at once", Versions::Newest, Claim::NODE) else {
        return;
    };
    let ended = listen_to(&lab, "closed", b"", true);
    let words = [&answers(&lab), "connection was closed"];
    assert_no_probe(&ended, &words);
    lab.assert_nothing_left(ended.at);
}

#[test]
fn garbage_after_a_hello_is_called_by_its_name() {
    let Some(lab) = Lab::enter("garbage after a hello", Versions::Newest, Claim::NODE) else {
        return;
    };
    let mut answer = hello(PROTOCOL);
    answer.extend_from_slice(&[0xff; 64]);
    let ended = listen_to(&lab, "hello-garbage", &answer, false);
    assert_no_probe(&ended, &[&answers(&lab), "exceeds the limit"]);
    lab.assert_nothing_left(ended.at);
}

/// The plugin takes it for a probe, so it tries again, but not for ever.
#[test]
fn a_hello_without_more_is_given_up() {
    let Some(lab) = Lab::enter("closed after a hello", Versions::Newest, Claim::NODE) else {
        return;
    };
    let ended = listen_to(&lab, "hello-closed", &hello(PROTOCOL), true);
    let words = [
        &format!("probe on node {} could not be started in 4 tries", lab.node()),
        "breaks at once",
    ];
    assert_no_probe(&ended, &words);
    let started = ended.errors.iter().filter(|line| line.text.contains("another probe is being"));
    assert_eq!(started.count(), 3, "{}", ended.error_text());
    lab.assert_nothing_left(ended.at);
}

/// A probe that lets in whom it should have refused.
#[test]
fn a_hello_of_another_version_is_refused() {
    let Some(lab) = Lab::enter("hello of another version", Versions::Newest, Claim::NODE) else {
        return;
    };
    let other = PROTOCOL + 1;
    let ended = listen_to(&lab, "hello-other", &hello(other), false);
    assert_no_probe(&ended, &[&format!("the probe is 1.2.3 with protocol {other}"), "this plugin"]);
    lab.assert_nothing_left(ended.at);
}

fn answers(lab: &Lab) -> String {
    format!("what answers as probe on node {}", lab.node())
}

fn hello(protocol: u16) -> Vec<u8> {
    let hello = Hello { protocol, next_sequence: 1, version: "1.2.3".into() };
    let mut bytes = Vec::new();
    encode(Kind::Hello, &hello.to_bytes(), &mut bytes).unwrap();
    bytes
}

/// Runs `pulse` with an image whose program answers so.
fn listen_to(lab: &Lab, name: &str, answer: &[u8], ends: bool) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("rogue.c");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/rogue.c");
    std::fs::copy(here, &source).unwrap();
    let mut header = format!("#define ANSWER_ENDS {}\n", u8::from(ends));
    header += "static const unsigned char ANSWER[] = {";
    for byte in answer {
        write!(header, "{byte},").unwrap();
    }
    header += "};\n";
    std::fs::write(folder.path().join("answer.h"), header).unwrap();
    let program = compile(&source, &folder.path().join("rogue")).unwrap();
    let image = NodeImage::import(lab, lab.node(), &format!("localhost/rogue:{name}"), &program);
    let flags = ["--image", &image.name, "--for", "30s", "-v"];
    let ended = lab.pulse_here(&flags).end_within(BOUND);
    println!(
        "{name}: exit code {:?} after {:.1} s:\n{}",
        ended.code,
        ended.took.as_secs_f64(),
        ended.error_text()
    );
    ended
}

fn assert_no_probe(ended: &Ended, words: &[&str]) {
    let hint = ["localhost/rogue:", "--image"];
    super::bad_input::assert_refused(ended, &[words, &hint].concat());
}
