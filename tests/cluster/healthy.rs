//! A minute of a healthy cluster: every beat, once, with everything known.

use std::collections::BTreeSet;
use std::time::Duration;

use earthworm_tests::lab::{Lab, Versions};
use earthworm_tests::leases::{LeaseWatch, Renew};
use earthworm_tests::session::Ended;
use earthworm_tests::timestamp;
use jiff::{SignedDuration, Timestamp};

const NODES: [&str; 2] = ["node-a", "node-b"];

#[test]
fn every_beat_of_a_minute_is_told_once() {
    let Some(lab) = Lab::enter("healthy minute", Versions::All) else { return };
    let truth = LeaseWatch::start(&lab.sandbox);
    let session = lab.pulse(&["node-a", "node-b", "--for", "60s", "-o", "json", "-v"]);
    let attached = session.listens_on(&NODES);
    // `--for` counts from the moment that both listen.
    let from = attached.iter().map(|line| line.time()).max().unwrap();
    let until = from + SignedDuration::from_secs(60);
    let ended = session.end_within(Duration::from_secs(100));
    lab.assert_nothing_left(ended.at);

    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out_text(), ended.error_text());
    ended.assert_contract();
    for node in NODES {
        let shown = truth.of(node);
        let told = assert_same_beats(&ended, node, &shown, from, until);
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
    println!("healthy minute: {} lines, all fit the schema, {:.1} s", ended.lines.len(), ended.took.as_secs_f64());
}

/// Every renew that the API server showed between `from` and `until` is a beat
/// that was seen on the node, and no beat is told twice. Gives their number.
fn assert_same_beats(
    ended: &Ended,
    node: &str,
    shown: &[Renew],
    from: Timestamp,
    until: Timestamp,
) -> usize {
    let beats: Vec<_> = ended.lines.iter().filter(|line| line.is_beat_on(node)).collect();
    let mut told = BTreeSet::new();
    for beat in &beats {
        let beat = &beat.json;
        assert!(told.insert(timestamp(&beat["renewTime"])), "told twice: {beat:#}");
        assert_eq!(beat["lead"], "conduction", "{beat:#}");
        assert_eq!(beat["httpStatus"], 200, "{beat:#}");
        assert_eq!(beat["attempts"], 1, "{beat:#}");
        assert_eq!(beat["outcome"], "renewed", "{beat:#}");
        assert_eq!(beat["arrived"], true, "{beat:#}");
        let same = shown.iter().find(|renew| renew.renew_time == timestamp(&beat["renewTime"]));
        let same = same.unwrap_or_else(|| panic!("never shown by the API server: {beat:#}"));
        assert_eq!(beat["resourceVersion"], *same.resource_version, "{beat:#}");
    }
    for renew in shown {
        if renew.renew_time > from && renew.renew_time < until {
            assert!(told.contains(&renew.renew_time), "not told: {renew:?} in\n{}", ended.out_text());
        }
    }
    told.len()
}
