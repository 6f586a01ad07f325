//! The probe as an image of its own, of the right version and of another one.

use std::time::{Duration, Instant};

use earthworm_tests::image::{NodeImage, build_probe};
use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::other_probe;
use earthworm_wire::PROTOCOL;
use serde_json::Value;
use xtask::build;
use xtask::cluster::pause_image::PAUSE_IMAGE;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `probe-image/Containerfile` says, without a daemon.
#[test]
fn the_published_image_hears_the_heart() {
    let Some(lab) =
        Lab::enter("--image with the probe's image", Versions::Newest, Claim::NODE.taking(40))
    else {
        return;
    };
    let begun = Instant::now();
    let program = build_probe(&build::root(), &build::root().join("target/probe"));
    println!("probe of {} bytes after {:.1} s", program.len(), begun.elapsed().as_secs_f64());
    let name = format!("localhost/earthworm-probe:{VERSION}");
    let image = NodeImage::import(&lab, lab.node(), &name, &program);
    let session = lab.pulse_here(&["--image", &image.name, "--for", "15s", "-o", "json", "-v"]);
    let attached = session.listens_on(&lab.nodes()).remove(0);
    println!("{}", attached.json["message"]);
    let said = session.wait_for_words("from image", Duration::from_secs(1));
    assert!(said.text.contains(&name), "{}", said.text);
    let pod = pod_template(&lab);
    assert_eq!(pod["containers"][0]["image"], name.as_str());
    assert!(!pod["volumes"].to_string().contains("configMap"), "{:#}", pod["volumes"]);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
    ended.assert_contract();
    let beats = ended.lines.iter().filter(|line| line.is_beat_on(lab.node())).count();
    println!("{name}: {beats} beats in 15 s, exit code {:?}", ended.code);
    assert!(beats >= 1, "{}\n{}", ended.out_text(), ended.error_text());
    assert_eq!(ended.summary(lab.node())["nothingLeftBehind"], true);
}

/// An image of another release: both versions are named, and nothing is tried
/// again.
#[test]
fn an_image_of_another_version_is_named() {
    let Some(lab) =
        Lab::enter("--image of another version", Versions::Newest, Claim::NODE.taking(40))
    else {
        return;
    };
    let begun = Instant::now();
    let program = other_probe::build("99.0.0", PROTOCOL + 1);
    println!(
        "another probe, {} bytes, after {:.1} s",
        program.len(),
        begun.elapsed().as_secs_f64()
    );
    let image = NodeImage::import(&lab, lab.node(), "localhost/earthworm-probe:99.0.0", &program);
    let ended = lab.pulse_here(&["--image", &image.name, "--for", "30s", "-v"]).end();
    println!(
        "another version: exit code {:?} after {:.1} s:\n{}",
        ended.code,
        ended.took.as_secs_f64(),
        ended.error_text()
    );
    let theirs = format!("the probe is 99.0.0 with protocol {}", PROTOCOL + 1);
    let ours = format!("this plugin {VERSION}");
    let hint = format!("use the probe image of version {VERSION}, or leave --image out");
    super::bad_input::assert_refused(&ended, &[&image.name, &theirs, &ours, &hint]);
    assert!(!ended.error_text().contains("another probe is being started"));
    lab.assert_nothing_left(ended.at);
}

/// An image that the node has and that holds something else.
#[test]
fn an_image_without_a_probe_is_named() {
    let Some(lab) = Lab::enter("--image without a probe", Versions::Newest, Claim::NODE) else {
        return;
    };
    let ended = lab.pulse_here(&["--image", PAUSE_IMAGE, "--for", "30s"]).end();
    println!(
        "no probe in it: exit code {:?} after {:.1} s:\n{}",
        ended.code,
        ended.took.as_secs_f64(),
        ended.error_text()
    );
    let hint = format!("is {PAUSE_IMAGE} the probe image of version {VERSION}?");
    let node = format!("node {}", lab.node());
    let words = [&node, "/earthworm-probe: no such file", &hint, "--image"];
    super::bad_input::assert_refused(&ended, &words);
    lab.assert_nothing_left(ended.at);
}

/// What the session's Job on the node is about to run.
fn pod_template(lab: &Lab) -> Value {
    let ours = "app.kubernetes.io/managed-by=kubectl-earthworm";
    let jobs = lab.get(&["jobs", "--all-namespaces", "--selector", ours]);
    let mut pods =
        jobs["items"].as_array().unwrap().iter().map(|job| &job["spec"]["template"]["spec"]);
    pods.rfind(|pod| pod["nodeName"] == lab.node()).unwrap().clone()
}
