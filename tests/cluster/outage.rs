//! The API server goes away and comes back.

use std::time::{Duration, Instant};

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::leases::LeaseWatch;
use earthworm_tests::session::{Ended, Session};
use earthworm_tests::timestamp;
use jiff::{SignedDuration, Timestamp};

use crate::beats;

const PULSE: [&str; 5] = ["--for", "10m", "-o", "json", "-v"];

/// The job controller looks for its API server with a growing pause, and only
/// it can create the pod of a new probe.
const CONTROLLER_RETURNS: Duration = Duration::from_secs(165);

/// Everybody waits for the API server and for what depends on it.
const LONG: Claim = Claim::CLUSTER.taking(90);

/// A kubelet that has lost its API server tries again with a growing pause.
const BEATS_AGAIN: Duration = Duration::from_secs(40);

/// A probe keeps its records for this long; a server that is away for longer
/// cannot be bridged.
const BRIDGED: Duration = Duration::from_secs(9);

#[test]
fn a_short_outage_loses_no_beat() {
    let Some(lab) = Lab::enter("API server away shortly", Versions::Newest, Claim::CLUSTER) else {
        return;
    };
    let truth = LeaseWatch::start(&lab.sandbox);
    let nodes = two(&lab);
    let session = lab.pulse(&[&nodes[..], &PULSE].concat());
    let from = listens(&session, nodes);
    let away = outage(&lab, Duration::from_secs(1));
    assert!(away < BRIDGED, "this machine starts an API server too slowly: {away:?}");
    for node in nodes {
        let resumed = session.wait_for("resumed stream", Duration::from_secs(10), |line| {
            let here = line.is_event("stream-resumed") && line.json["node"] == node;
            here.then(|| line.json.clone())
        });
        println!("{node}: {} after {:.1} s away", resumed["message"], away.as_secs_f64());
    }
    std::thread::sleep(Duration::from_secs(22));
    let until = Timestamp::now() - SignedDuration::from_secs(2);
    let ended = stop(&lab, session);
    for node in nodes {
        let told = beats::assert_same(&ended, node, &truth.of(node), from, until);
        let summary = ended.summary(node);
        println!("{node}: {told} beats, intervals {}", intervals(&ended, node));
        assert!(told >= 2, "only {told} beats of {node}");
        assert_eq!(summary["lost"].to_string(), r#"{"kernel":0,"probe":0,"tunnel":0}"#);
        assert_eq!(summary["missed"], 0, "{summary:#}");
        assert_eq!(summary["gapSeconds"], 0.0, "{summary:#}");
        assert!(!has_event(&ended, node, "probe-restarting"), "{}", ended.out_text());
    }
    lab.wait_until_pods_start();
}

#[test]
fn a_long_outage_ends_in_a_new_probe() {
    let Some(lab) = Lab::enter("API server away for 30 s", Versions::Newest, LONG) else { return };
    let truth = LeaseWatch::start(&lab.sandbox);
    let nodes = two(&lab);
    let session = lab.pulse(&[&nodes[..], &PULSE].concat());
    listens(&session, nodes);
    let away = outage(&lab, Duration::from_secs(26));
    let mut attached = Timestamp::MIN;
    for node in nodes {
        let restarted = session.wait_for("new probe", CONTROLLER_RETURNS, |line| {
            let here = line.is_event("probe-restarted") && line.json["node"] == node;
            here.then(|| line.clone())
        });
        println!("{node}: {} after {:.1} s away", restarted.json["message"], away.as_secs_f64());
        let gap = restarted.json["gapSeconds"].as_f64().unwrap();
        let away = away.as_secs_f64();
        assert!(
            gap > away - 1.0 && gap < away + CONTROLLER_RETURNS.as_secs_f64(),
            "gap {gap} s, away {away} s"
        );
        attached = attached.max(restarted.time());
    }
    for node in nodes {
        session.wait_for("beat after the gap", BEATS_AGAIN, |line| {
            (line.is_beat_on(node) && line.time() > attached).then_some(())
        });
    }
    std::thread::sleep(Duration::from_secs(3));
    let until = Timestamp::now() - SignedDuration::from_secs(2);
    let ended = stop(&lab, session);
    for node in nodes {
        assert!(has_event(&ended, node, "api-interrupted"), "{}", ended.out_text());
        assert!(has_event(&ended, node, "api-recovered"), "{}", ended.out_text());
        assert!(has_event(&ended, node, "stream-interrupted"), "{}", ended.out_text());
        let summary = ended.summary(node);
        let gap = summary["gapSeconds"].as_f64().unwrap();
        assert!(gap > away.as_secs_f64() - 1.0, "{summary:#}");
        let told = beats::assert_same(&ended, node, &truth.of(node), attached, until);
        let after = beats_after(&ended, node, attached);
        println!("{node}: {told} beats, {after} of them after the gap of {gap:.1} s");
        assert!(after >= 1, "no beat of {node} after the outage");
    }
    lab.wait_until_pods_start();
}

/// More nodes would show nothing more.
fn two(lab: &Lab) -> [&str; 2] {
    [lab.nodes()[0], lab.nodes()[1]]
}

fn listens(session: &Session, nodes: [&str; 2]) -> Timestamp {
    session.listens_on(&nodes).iter().map(|line| line.time()).max().unwrap()
}

/// Ends the API server and starts it again; gives how long it did not answer.
fn outage(lab: &Lab, pause: Duration) -> Duration {
    lab.sandbox.stop_api_server().unwrap();
    let begun = Instant::now();
    std::thread::sleep(pause);
    lab.sandbox.start_api_server().unwrap();
    begun.elapsed()
}

fn stop(lab: &Lab, mut session: Session) -> Ended {
    session.signal(libc::SIGINT);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    ended.assert_contract();
    ended
}

fn has_event(ended: &Ended, node: &str, reason: &str) -> bool {
    ended.lines.iter().any(|line| line.is_event(reason) && line.json["node"] == node)
}

fn beats_after(ended: &Ended, node: &str, since: Timestamp) -> usize {
    let after = |line: &&earthworm_tests::session::Line| {
        line.is_beat_on(node) && timestamp(&line.json["time"]) > since
    };
    ended.lines.iter().filter(after).count()
}

fn intervals(ended: &Ended, node: &str) -> String {
    let of_node = ended.lines.iter().filter(|line| line.is_beat_on(node));
    let seconds = of_node.filter_map(|line| line.json["intervalSeconds"].as_f64());
    seconds.map(|seconds| format!("{seconds:.2} ")).collect()
}
