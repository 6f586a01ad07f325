//! Probes that come, break, and go.

use super::notation::{check, play, query};
use crate::rhythm::tests::notation::stamp;
use crate::rhythm::{EventKind, FindingKind, ProbeOutcome};
use crate::traffic::{News, Summary, View};
use earthworm_wire::record::Lost;

fn summaries(script: &str) -> Vec<Summary> {
    let play = play(script);
    play.observer.summaries(stamp(play.end))
}

#[test]
fn another_probe_has_owners_of_its_own_and_sums_go_on() {
    check(
        "
        0 node-a owner 1 curl
        0 node-a sweep
        1 node-a 1 > 203.0.113.5:443 sent=10 open=4
        1 node-a sweep 1
        2 node-a restarting
        3 node-a streaming
        3 node-a owner 1 wget
        3 node-a owner 2 curl
        3 node-a sweep
        4 node-a 1 > 203.0.113.5:443 sent=7
        4 node-a 2 > 203.0.113.5:443 sent=5 open=1
        4 node-a sweep 1
        ",
        &query(View::Flows),
        "node-a wget > 203.0.113.5:443/TCP 7/0 last 7/0 rate=7
         node-a curl > 203.0.113.5:443/TCP 15/0 last 5/0 rate=5 open=1",
    );
}

#[test]
fn an_owner_that_was_never_told_is_unknown() {
    check(
        "
        0 node-a sweep
        1 node-a 77 > 203.0.113.5:443 sent=10
        1 node-a sweep 1
        ",
        &query(View::Flows),
        "node-a unknown owner > 203.0.113.5:443/TCP 10/0 last 10/0 rate=10",
    );
}

#[test]
fn a_whole_session_in_numbers() {
    let summary = summaries(
        "
        0 node-a creating
        1 node-a streaming
        1 node-a sweep missing=UDP
        3 node-a sweep 2 ended=4
        5 node-a sweep 2.5 ended=1 held=3
        5 node-a lost
        5 node-a cost
        6 node-a removed
        ",
    )
    .remove(0);
    assert_eq!((summary.intervals, summary.observed_seconds), (2, 4.5));
    assert_eq!((summary.ended, summary.held_back, summary.sockets), (5, 3, Some(7)));
    assert_eq!(summary.sweep_seconds, Some(0.002));
    assert_eq!(summary.missing, ["UDP"]);
    assert_eq!(summary.lost, Some(Lost { kernel: 0, probe: 3, tunnel: 0 }));
    assert_eq!((summary.probe, summary.removed), (ProbeOutcome::Listened, Some(true)));
    assert_eq!(summary.exit_code, 0);
}

#[test]
fn without_a_whole_interval_nothing_was_measured() {
    let both = summaries("0 node-a creating\n 1 node-a sweep\n 1 node-b failed");
    assert_eq!(both[0].exit_code, 2);
    assert_eq!((both[0].removed, both[0].lost), (Some(false), Some(Lost::default())));
    assert_eq!(both[1].exit_code, 2);
    assert!(matches!(&both[1].probe, ProbeOutcome::NeverListened(Some(problem))
        if problem.reason == "image-refused"));
    // Nothing was created there.
    assert_eq!((both[1].removed, both[1].lost), (None, None));
}

#[test]
fn news_of_a_stream_that_breaks() {
    let news = play(
        "
        0 node-a streaming
        0 node-a sweep
        1 node-a sweep 1
        2 node-a broke
        3 node-a broke
        5 node-a resumed lost=2
        ",
    )
    .news;
    let told: Vec<String> = news
        .iter()
        .map(|news| match news {
            News::Observed(node) => format!("observed {node}"),
            News::Interval(node) => format!("interval {node}"),
            News::Finding(finding) => match &finding.kind {
                FindingKind::Event(event) => match &event.kind {
                    EventKind::StreamResumed { gap_seconds, lost_records } => {
                        format!("resumed after {gap_seconds} lost {lost_records}")
                    }
                    other => other.reason().to_owned(),
                },
                FindingKind::Probe(_) => "progress".to_owned(),
                other => format!("{other:?}"),
            },
        })
        .collect();
    let expected =
        ["progress", "observed 0", "interval 0", "stream-interrupted", "resumed after 3 lost 2"];
    assert_eq!(told, expected);
}

#[test]
fn a_probe_that_cannot_measure_is_no_node_to_wait_for() {
    let play = play("0 node-a creating\n 1 node-a streaming\n 1 node-a trouble");
    assert_eq!((play.observer.has_failed(0), play.observer.has_failed(1)), (true, false));
    let summary = play.observer.summaries(stamp(2.0)).remove(0);
    assert!(matches!(&summary.probe, ProbeOutcome::NeverListened(Some(problem))
        if problem.reason == "kernel"));
    assert_eq!(summary.exit_code, 2);
}
