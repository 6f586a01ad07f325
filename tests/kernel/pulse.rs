//! The pulse probe on a real kernel and the real lease controller. Needs root
//! and Go; says so and passes elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests may fail and speak like tests"
)]

mod fallback;
mod price;
mod rights;
mod support;

use std::time::{Duration, Instant};

use earthworm_wire::record::{Attempt, Beat, IncidentKind, Lead, Outcome, Record, TroubleReason};
use support::heart::{Heart, Received, Server};
use support::listener::Listener;
use support::{alone, cannot_run};

/// How late an incident may be heard.
const INCIDENT_LATENCY: Duration = Duration::from_millis(200);

fn statuses(beat: &Beat) -> Vec<u16> {
    beat.attempts.iter().map(|attempt| attempt.http_status.unwrap_or(0)).collect()
}

/// Every attempt is one the server saw, in the same order, with the same
/// time and the status it sent.
fn assert_same_attempts(beats: &[Beat], received: &[Received]) {
    let heard: Vec<(Option<i64>, Option<u16>)> = beats
        .iter()
        .flat_map(|beat| &beat.attempts)
        .map(|attempt| (attempt.renew_time_micros, attempt.http_status))
        .collect();
    let sent: Vec<(Option<i64>, Option<u16>)> = received
        .iter()
        .map(|received| (Some(received.renew_time_micros), Some(received.status)))
        .collect();
    assert_eq!(heard, sent);
}

/// The instants of an attempt are in order and close to the time in the Lease.
fn assert_plausible(beat: &Beat, attempt: &Attempt) {
    let (prepared, written, answered) =
        (attempt.prepared.unwrap(), attempt.written.unwrap(), attempt.answered.unwrap());
    assert!(prepared <= written && written <= answered && answered <= beat.ended, "{beat:?}");
    let renewed_ns = attempt.renew_time_micros.unwrap() * 1000;
    let delay_ns = renewed_ns - prepared;
    assert!((-1_000_000..50_000_000).contains(&delay_ns), "{delay_ns} ns in {beat:?}");
    let round_trip = attempt.round_trip_seconds.unwrap();
    assert!((round_trip - (answered - written) as f64 / 1e9).abs() < 1e-3, "{beat:?}");
}

#[test]
fn beats_are_exactly_those_the_server_saw() {
    if cannot_run("beats_are_exactly_those_the_server_saw") {
        return;
    }
    let _alone = alone();
    let node = "pulse-script";
    let server = Server::start(node, "200*2,500*5,200,409,200,200@700,429,200,200");
    let mut heart = Heart::start(&server, node, &["--interval=300ms", "--second=pulse-other"]);
    let listener = Listener::start(node);
    let attached = listener.attached(heart.pid());
    assert_eq!(attached.leads, [Lead::Conduction, Lead::Plaintext]);
    assert_eq!(attached.refused, []);
    assert_eq!(attached.process.name, "kubelet");
    assert!(attached.process.go_version.unwrap().starts_with("go1."));
    heart.beat();
    // One POST, then at least as many PUTs as the script has.
    server.wait_for(node, 16);
    std::thread::sleep(Duration::from_millis(200));
    heart.signal(libc::SIGKILL);
    listener.incident(IncidentKind::Killed(libc::SIGKILL));
    let beats = listener.beats();
    let records = listener.stop();

    let expected: [(&[u16], Outcome, bool); 9] = [
        (&[201], Outcome::Renewed, true),
        (&[200], Outcome::Renewed, true),
        (&[200], Outcome::Renewed, true),
        (&[500, 500, 500, 500, 500], Outcome::Failed, true),
        // The same run of the controller goes on after it has given up once.
        (&[200], Outcome::Renewed, false),
        (&[409, 200], Outcome::Renewed, true),
        (&[200], Outcome::Renewed, true),
        (&[429, 200], Outcome::Renewed, true),
        (&[200], Outcome::Renewed, true),
    ];
    assert!(beats.len() >= expected.len(), "{beats:#?}");
    for (beat, (codes, outcome, started)) in beats.iter().zip(expected) {
        assert_eq!(
            (statuses(beat).as_slice(), beat.outcome, beat.started.is_some()),
            (codes, outcome, started),
            "{beat:#?}"
        );
        assert_eq!(beat.lead, Lead::Conduction);
        for attempt in &beat.attempts {
            assert_plausible(beat, attempt);
        }
    }
    assert_same_attempts(&beats, &server.received(node));
    // The other Lease of the same process was renewed as well and not counted.
    assert!(server.received("pulse-other").len() > 5);
    let slow = beats[6].attempts[0].round_trip_seconds.unwrap();
    assert!((0.7..0.9).contains(&slow), "{slow} s");

    let Some(Record::Cost(cost)) =
        records.iter().rev().find(|record| matches!(record, Record::Cost(_)))
    else {
        panic!("no cost at the end: {records:#?}");
    };
    let runs = |name: &str| cost.programs.iter().find(|program| program.name == name).unwrap().runs;
    assert!(runs("new_lease") > 15 && runs("tls_write") > 15 && runs("process_headers") > 15);
    assert!(cost.programs.iter().all(|program| program.runs == 0 || program.run_seconds > 0.0));
    assert_eq!(cost.sent_bytes, 4711);
    let Some(Record::Lost(lost)) =
        records.iter().rev().find(|record| matches!(record, Record::Lost(_)))
    else {
        panic!("no losses at the end: {records:#?}");
    };
    assert_eq!((lost.kernel, lost.probe, lost.tunnel), (0, 0, 3));
}

#[test]
fn incidents_are_heard_at_once_and_a_restart_is_followed() {
    if cannot_run("incidents_are_heard_at_once_and_a_restart_is_followed") {
        return;
    }
    let _alone = alone();
    let node = "pulse-incidents";
    let server = Server::start(node, "");
    let mut heart = Heart::start(&server, node, &["--interval=200ms"]);
    let listener = Listener::start(node);
    listener.attached(heart.pid());
    heart.beat();
    listener.wait_for_beats(3);

    let me = std::process::id();
    for (signal, kind) in [
        (libc::SIGSTOP, IncidentKind::Stopped),
        (libc::SIGCONT, IncidentKind::Continued),
        (libc::SIGKILL, IncidentKind::Signalled(libc::SIGKILL)),
    ] {
        let sent = Instant::now();
        heart.signal(signal);
        let (heard, incident) = listener.incident(kind);
        assert!(heard - sent < INCIDENT_LATENCY, "{kind:?} after {:?}", heard - sent);
        assert_eq!(incident.pid, heart.pid());
        let sender = incident.sender.unwrap();
        assert!(sender.ends_with(&format!("[{me}]")), "{sender}");
        eprintln!("{kind:?} heard after {:?}", heard - sent);
        if signal == libc::SIGSTOP {
            // Longer than an interval: the rhythm has a hole, and goes on after it.
            std::thread::sleep(Duration::from_millis(500));
        }
        if signal == libc::SIGCONT {
            let before = listener.beats().len();
            listener.wait_for_beats(before + 2);
        }
    }
    listener.incident(IncidentKind::Killed(libc::SIGKILL));
    heart.wait();

    let mut successor = Heart::start(&server, node, &["--interval=200ms"]);
    let (_, restarted) = listener.incident(IncidentKind::Restarted);
    assert_eq!(restarted.pid, successor.pid());
    listener.attached(successor.pid());
    let before = listener.beats().len();
    successor.beat();
    listener.wait_for_beats(before + 3);
    successor.signal(libc::SIGTERM);
    listener.incident(IncidentKind::Signalled(libc::SIGTERM));
    listener.stop();
}

#[test]
fn growing_stacks_change_no_count() {
    if cannot_run("growing_stacks_change_no_count") {
        return;
    }
    let _alone = alone();
    let node = "pulse-stacks";
    let server = Server::start(node, "");
    let runs = 512;
    let mut heart = Heart::start(&server, node, &[&format!("--runs={runs}")]);
    let listener = Listener::start(node);
    listener.attached(heart.pid());
    heart.beat();
    assert_eq!(heart.next_line(), "done");
    listener.wait_for_beats(runs);
    std::thread::sleep(Duration::from_millis(1500));
    // Runs overlap a little, and the one that creates the Lease is known late.
    let mut beats = listener.beats();
    beats.sort_by_key(|beat| beat.attempts.first().and_then(|first| first.renew_time_micros));
    let mut received = server.received(node);
    received.sort_by_key(|received| received.renew_time_micros);
    let records = listener.stop();
    assert_eq!(beats.len(), runs);
    for beat in &beats {
        assert!(beat.attempts.len() == 1 && beat.started.is_some(), "{beat:#?}");
    }
    assert_same_attempts(&beats, &received);
    let hits = records.iter().rev().find_map(|record| match record {
        Record::Cost(cost) => cost.programs.iter().find(|p| p.name == "lease_sync").map(|p| p.runs),
        _ => None,
    });
    eprintln!("{runs} runs made {} hits", hits.unwrap());
}

/// One way of sending Leases; all of them must be understood.
fn check_encoding(node: &str, flags: &[&str], answers: bool) {
    let server = Server::start(node, "");
    let flags: Vec<&str> = flags.iter().copied().chain(["--interval=300ms"]).collect();
    let mut heart = Heart::start(&server, node, &flags);
    let listener = Listener::start(node);
    listener.attached(heart.pid());
    heart.beat();
    server.wait_for(node, 8);
    std::thread::sleep(Duration::from_millis(100));
    heart.signal(libc::SIGKILL);
    listener.incident(IncidentKind::Killed(libc::SIGKILL));
    let beats = listener.beats();
    listener.stop();
    let received = server.received(node);
    let times = |beats: &[Beat]| -> Vec<Option<i64>> {
        beats.iter().flat_map(|b| &b.attempts).map(|a| a.renew_time_micros).collect()
    };
    let sent: Vec<Option<i64>> =
        received.iter().map(|received| Some(received.renew_time_micros)).collect();
    assert_eq!(times(&beats), sent, "{beats:#?}");
    if answers {
        assert_same_attempts(&beats, &received);
    }
}

#[test]
fn every_encoding_is_understood() {
    if cannot_run("every_encoding_is_understood") {
        return;
    }
    let _alone = alone();
    check_encoding("pulse-json", &["--content-type=application/json"], true);
    check_encoding("pulse-padded", &["--padding=2500"], true);
    check_encoding("pulse-long.".repeat(22).trim_end_matches('.'), &[], true);
    check_encoding("pulse-http1", &["--http1"], false);
    check_encoding("pulse-http1-json", &["--http1", "--content-type=application/json"], false);
}

#[test]
fn what_cannot_be_measured_is_said() {
    if cannot_run("what_cannot_be_measured_is_said") {
        return;
    }
    let _alone = alone();
    let listener = Listener::start("pulse-nobody");
    let trouble = listener.trouble();
    assert_eq!(trouble.reason, TroubleReason::NoKubelet, "{trouble:?}");

    // Something that is no Go program takes its place: it can still be seen to end.
    let mut sleep = std::process::Command::new("/bin/sleep");
    std::os::unix::process::CommandExt::arg0(&mut sleep, "kubelet");
    let mut sleep = sleep.arg("60").spawn().unwrap();
    let attached = listener.attached(sleep.id());
    assert_eq!(attached.leads, []);
    assert_eq!(attached.refused.len(), 2);
    let (_, trouble) = listener.wait_for("Trouble(Executable)", |record| match record {
        Record::Trouble(trouble) if trouble.reason == TroubleReason::Executable => {
            Some(trouble.clone())
        }
        _ => None,
    });
    assert!(trouble.message.contains("not a Go program"), "{trouble:?}");
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    listener.incident(IncidentKind::Killed(libc::SIGKILL));
    listener.stop();
}

#[test]
fn a_node_that_is_a_container_is_understood() {
    let name = "a_node_that_is_a_container_is_understood";
    if cannot_run(name) {
        return;
    }
    let _alone = alone();
    // In a pid namespace of its own, as in kind: there the ids in `/proc` are
    // not those of the kernel's first namespace.
    let program = std::env::current_exe().unwrap();
    let status = std::process::Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(program)
        .args(["--exact", "--nocapture"])
        .arg("incidents_are_heard_at_once_and_a_restart_is_followed")
        .arg("beats_are_exactly_those_the_server_saw")
        .status()
        .unwrap();
    assert!(status.success(), "in a pid namespace: {status}");
}

#[test]
fn a_process_that_becomes_the_kubelet_later_is_listened_to() {
    if cannot_run("a_process_that_becomes_the_kubelet_later_is_listened_to") {
        return;
    }
    let _alone = alone();
    let node = "pulse-exec";
    let server = Server::start(node, "");
    let listener = Listener::start(node);
    // Loaded, and searching.
    assert_eq!(listener.trouble().reason, TroubleReason::NoKubelet);
    let mut heart = Heart::start_by_shell(&server, node, &["--interval=100ms"]);
    let first = listener.attached(heart.pid());
    assert_eq!(first.leads, []);
    heart.beat();
    listener.wait_for("Attached with leads", |record| match record {
        Record::Attached(attached) if !attached.leads.is_empty() => Some(()),
        _ => None,
    });
    listener.wait_for_beats(3);
    let restarts = listener.stop().into_iter().filter(|record| {
        matches!(record, Record::Incident(incident) if incident.kind == IncidentKind::Restarted)
    });
    assert_eq!(restarts.count(), 0, "it is the same process");
}
