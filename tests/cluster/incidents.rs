//! What happens to a kubelet, and what it is called.

use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions, signal};
use earthworm_tests::network;
use earthworm_tests::session::{Line, Session};
use earthworm_tests::{eventually, seconds_between};
use jiff::Timestamp;

/// How exactly an incident is dated, and how soon it is told, in seconds.
const EXACT: f64 = 0.2;

/// The pod's address, by which the API server goes around the kubelet, appears
/// in its status a moment after the start.
const OPEN: Duration = Duration::from_secs(15);

/// A node whose kubelet is made to suffer.
const KUBELET: Claim = Claim::NODE.taking(30);

/// One interval of the heartbeat, with its jitter.
const INTERVAL: Duration = Duration::from_millis(10_600);

/// The kubelet's renew begins within an interval and gives up after five tries
/// of ten seconds each.
const PARTITION_PATIENCE: Duration = Duration::from_secs(75);

const PULSE: [&str; 5] = ["--for", "10m", "-o", "json", "-v"];

#[test]
fn a_stopped_kubelet_is_told_from_all_others() {
    let Some(lab) = Lab::enter("kubelet stopped and continued", Versions::Newest, KUBELET) else {
        return;
    };
    let session = lab.pulse_here(&PULSE);
    session.listens_on(&[lab.node()]);
    session.event("bypass-open", OPEN);
    next_beat(&lab, &session, Timestamp::now());
    let kubelet = lab.kubelet(lab.node());
    let stopped_at = signal(kubelet, libc::SIGSTOP);
    let stopped = session.event("kubelet-stopped", Duration::from_secs(3));
    report("SIGSTOP", stopped_at, &stopped);
    assert_told(stopped_at, &stopped);
    // Long enough for the stream to be missed.
    std::thread::sleep(Duration::from_secs(4));
    let continued_at = signal(kubelet, libc::SIGCONT);
    let continued = session.event("kubelet-continued", Duration::from_secs(3));
    report("SIGCONT", continued_at, &continued);
    assert_told(continued_at, &continued);
    let diagnosis = rhythm(&session, Duration::from_secs(3), "kubelet-stopped");
    assert_eq!(diagnosis.json["class"], "asystole", "{}", diagnosis.text);
    let me = format!("[{}]", std::process::id());
    let sender = stopped.json["sender"].as_str().unwrap_or_default();
    assert!(sender.ends_with(&me), "sent by {me}, told as {sender:?}");
    next_beat(&lab, &session, continued_at);
    end(&lab, session);
}

#[test]
fn a_killed_kubelet_is_told_from_all_others() {
    let Some(mut lab) = Lab::enter("kubelet killed", Versions::Newest, KUBELET) else { return };
    lab.may_restart_kubelet();
    let session = lab.pulse_here(&PULSE);
    session.listens_on(&[lab.node()]);
    session.event("bypass-open", OPEN);
    next_beat(&lab, &session, Timestamp::now());
    let killed_at = signal(lab.kubelet(lab.node()), libc::SIGKILL);
    let killed = session.event("kubelet-killed", Duration::from_secs(3));
    report("SIGKILL", killed_at, &killed);
    assert_told(killed_at, &killed);
    // Waits for its end, which the signal has brought about.
    lab.sandbox.kill_kubelet(lab.node()).unwrap();
    lab.sandbox.start_kubelet(lab.node()).unwrap();
    let restarted = session.event("kubelet-restarted", Duration::from_secs(30));
    report("restart", killed_at, &restarted);
    rhythm(&session, Duration::from_secs(3), "kubelet-killed");
    next_beat(&lab, &session, restarted.time());
    lab.wait_ready();
    end(&lab, session);
}

#[test]
fn a_partition_is_told_from_all_others() {
    let Some(lab) = Lab::enter("partition", Versions::Newest, Claim::NODE.taking(60)) else {
        return;
    };
    let node = lab.node_spec();
    let session = lab.pulse_here(&PULSE);
    session.listens_on(&[lab.node()]);
    next_beat(&lab, &session, Timestamp::now());
    let blocked_at = Timestamp::now();
    network::block_api_server(&node);
    let found = rhythm(&session, PARTITION_PATIENCE, "partition");
    report("partition", blocked_at, &found);
    network::unblock(&node);
    let unblocked_at = Timestamp::now();
    let class = found.json["class"].as_str().unwrap_or_default();
    let classes = ["second-degree-block-type-ii", "third-degree-block"];
    assert!(classes.contains(&class), "{}", found.text);
    let back = next_beat(&lab, &session, unblocked_at);
    report("beat after the partition", unblocked_at, &back);
    for line in session.lines() {
        let reason = line.json["reason"].as_str().unwrap_or_default().to_owned();
        assert!(!reason.starts_with("kubelet-"), "{}", line.text);
    }
    lab.wait_ready();
    end(&lab, session);
}

#[test]
fn a_slow_api_is_told_from_all_others() {
    let Some(lab) = Lab::enter("slow API", Versions::Newest, Claim::CLUSTER) else { return };
    let session = lab.pulse_here(&PULSE);
    session.listens_on(&[lab.node()]);
    let before = next_beat(&lab, &session, Timestamp::now());
    // The next renew begins 10.0 to 10.4 s after this one.
    let since = Duration::try_from(Timestamp::now().duration_since(before.time())).unwrap();
    std::thread::sleep(Duration::from_millis(9_800).saturating_sub(since));
    let server = lab.control_plane("kube-apiserver");
    signal(server, libc::SIGSTOP);
    std::thread::sleep(Duration::from_millis(2_500));
    let continued_at = signal(server, libc::SIGCONT);
    let found = rhythm(&session, Duration::from_secs(6), "slow-api");
    report("slow API", continued_at, &found);
    assert_eq!(found.json["class"], "first-degree-block", "{}", found.text);
    let slow = session.wait_for("the slow beat", Duration::from_secs(3), |line| {
        let is_slow = line.is_beat_on(lab.node()) && line.json["renewSeconds"].as_f64() > Some(1.0);
        is_slow.then(|| line.json.clone())
    });
    println!(
        "slow API: renew {} s, round trip {} s",
        slow["renewSeconds"], slow["roundTripSeconds"]
    );
    assert_eq!(slow["httpStatus"], 200, "{slow:#}");
    end(&lab, session);
}

/// The next beat that begins after `since`.
fn next_beat(lab: &Lab, session: &Session, since: Timestamp) -> Line {
    session.wait_for("beat", 2 * INTERVAL, |line| {
        (line.is_beat_on(lab.node()) && line.json["outcome"] == "renewed" && line.time() > since)
            .then(|| line.clone())
    })
}

/// The first Rhythm with this cause.
fn rhythm(session: &Session, patience: Duration, cause: &str) -> Line {
    session.wait_for(&format!("rhythm by {cause}"), patience, |line| {
        let is_it = line.kind() == "Rhythm" && line.json["diagnosis"]["cause"] == *cause;
        is_it.then(|| line.clone())
    })
}

fn report(what: &str, at: Timestamp, line: &Line) {
    println!(
        "{what}: dated {:+.3} s, arrived {:+.3} s: {}",
        seconds_between(at, line.time()),
        seconds_between(at, line.at),
        line.json["message"].as_str().or(line.json["class"].as_str()).unwrap_or_default(),
    );
}

/// The object's own time is the signal's, and it was told at once.
fn assert_told(at: Timestamp, line: &Line) {
    let off = seconds_between(at, line.time()).abs();
    assert!(off < EXACT, "dated {off:.3} s off: {}", line.text);
    let after = seconds_between(at, line.at);
    assert!(after < EXACT, "told after {after:.3} s: {}", line.text);
}

/// Ends the session; what was seen was no healthy minute.
fn end(lab: &Lab, mut session: Session) {
    session.signal(libc::SIGINT);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
    ended.assert_contract();
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
}

/// One node that is well beside one that is not.
const AWAY: Claim = Claim::nodes(2).taking(80);

/// A kubelet that stays away: silence is graded step by step, and afterwards
/// nobody waits for a probe on such a node.
#[test]
fn a_kubelet_that_stays_away_is_graded_and_then_refused() {
    let Some(mut lab) = Lab::enter("kubelet away", Versions::Newest, AWAY) else { return };
    lab.may_restart_kubelet();
    let (well, sick) = (lab.nodes()[0], lab.nodes()[1]);
    // Around the kubelet its end would be told at once, and nothing graded.
    let mut session = lab.pulse(&[&[sick], &PULSE[..], &["--no-bypass"]].concat());
    session.listens_on(&[sick]);
    let last =
        session.wait_for("beat", 2 * INTERVAL, |line| line.is_beat_on(sick).then(|| line.clone()));
    lab.sandbox.kill_kubelet(sick).unwrap();
    for (class, patience) in [("suspected-flatline", 25), ("asystole", 40)] {
        let line = session.wait_for(class, Duration::from_secs(patience), |line| {
            (line.kind() == "Rhythm" && line.json["class"] == class).then(|| line.clone())
        });
        report(class, last.time(), &line);
    }
    session.signal(libc::SIGINT);
    let words = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    let unknown = || lab.kubectl(&["get", "node", sick, "-o", words]) == "Unknown";
    eventually("the node is Unknown", Duration::from_secs(30), unknown);
    let ended = session.end();
    println!("the session on the dead node ended with {:?}", ended.code);
    let refused = lab.pulse(&[well, sick, "--for", "1s"]).end();
    let text = refused.error_text();
    lab.sandbox.start_kubelet(sick).unwrap();
    lab.wait_ready();
    println!("{text}");
    assert_eq!(refused.code, Some(2), "{text}");
    assert!(text.contains(&format!("node {sick} is not ready")), "{text}");
    lab.assert_nothing_left(std::time::Instant::now());
}
