//! A minute of a healthy cluster: every beat, once, with everything known.

use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::leases::LeaseWatch;
use jiff::SignedDuration;

use crate::beats;

#[test]
fn every_beat_of_a_minute_is_told_once() {
    let Some(lab) = Lab::enter("healthy minute", Versions::All, Claim::nodes(2).taking(75)) else {
        return;
    };
    let truth = LeaseWatch::start(&lab.sandbox);
    let session = lab.pulse_here(&["--for", "60s", "-o", "json", "-v"]);
    let attached = session.listens_on(&lab.nodes());
    // `--for` counts from the moment that both listen.
    let from = attached.iter().map(|line| line.time()).max().unwrap();
    let until = from + SignedDuration::from_secs(60);
    let ended = session.end_within(Duration::from_secs(100));
    lab.assert_nothing_left(ended.at);

    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out_text(), ended.error_text());
    ended.assert_contract();
    for node in lab.nodes() {
        let shown = truth.of(node);
        let told = beats::assert_same(&ended, node, &shown, from, until);
        beats::assert_healthy(&ended, node);
        assert!(told >= 5, "only {told} beats of {node} in a minute");
        let summary = ended.summary(node);
        assert_eq!(summary["exitCode"], 0, "{summary:#}");
        assert_eq!(summary["rhythm"], "normal-sinus", "{summary:#}");
        assert_eq!(summary["missed"], 0, "{summary:#}");
        assert_eq!(summary["lost"].to_string(), r#"{"kernel":0,"probe":0,"tunnel":0}"#);
        assert_eq!(summary["nothingLeftBehind"], true, "{summary:#}");
        let cost = &summary["cost"];
        println!(
            "{node}: {told} beats of {} renews, interval mean {} s, renew p50 {} s p99 {} s, \
             probe {} s of processor in {} s, {} bytes sent, {} bytes resident",
            shown.len(),
            summary["intervalSeconds"]["mean"],
            summary["renewSeconds"]["p50"],
            summary["renewSeconds"]["p99"],
            cost["probeCpuSeconds"],
            cost["elapsedSeconds"],
            cost["bytesSent"],
            cost["probeRssBytes"],
        );
    }
    let took = ended.took.as_secs_f64();
    println!("healthy minute: {} lines, all fit the schema, {took:.1} s", ended.lines.len());
}

#[test]
fn two_sessions_on_one_node_do_not_meet() {
    let Some(lab) =
        Lab::enter("two sessions on one node", Versions::Newest, Claim::NODE.taking(30))
    else {
        return;
    };
    let truth = LeaseWatch::start(&lab.sandbox);
    let flags = ["--for", "23s", "-o", "json"];
    let sessions = [lab.pulse_here(&flags), lab.pulse_here(&flags)];
    let attached = sessions.each_ref().map(|session| session.listens_on(&lab.nodes())[0].time());
    for (session, from) in sessions.into_iter().zip(attached) {
        let ended = session.end_within(Duration::from_secs(60));
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.out_text(), ended.error_text());
        let until = from + SignedDuration::from_secs(23);
        let told = beats::assert_same(&ended, lab.node(), &truth.of(lab.node()), from, until);
        beats::assert_healthy(&ended, lab.node());
        println!("one of two sessions: {told} beats");
    }
    lab.assert_nothing_left(std::time::Instant::now());
}
