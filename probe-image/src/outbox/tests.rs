//! What is sent, kept, and dropped.

use super::*;
use earthworm_wire::record::Incident;

fn filled(count: u64) -> Outbox {
    let outbox = Outbox::default();
    for number in 0..count {
        outbox.push(Record::Generated(number));
    }
    outbox
}

fn numbers(batch: Option<ToPlugin>) -> (u64, Vec<u64>) {
    let Some(ToPlugin::Records { first_sequence, records }) = batch else { return (0, vec![]) };
    let numbers = records
        .into_iter()
        .map(|record| match record {
            Record::Generated(number) => number,
            other => panic!("{other:?}"),
        })
        .collect();
    (first_sequence, numbers)
}

#[test]
fn nothing_is_sent_without_credit() {
    let outbox = filled(3);
    assert_eq!(outbox.next_batch(), None);
    outbox.credit(0, 2);
    assert_eq!(numbers(outbox.next_batch()), (1, vec![0, 1]));
    assert_eq!(outbox.next_batch(), None);
    outbox.credit(2, 2);
    assert_eq!(numbers(outbox.next_batch()), (3, vec![2]));
}

#[test]
fn a_resumed_connection_repeats_what_was_not_acknowledged() {
    let outbox = filled(5);
    outbox.credit(0, 100);
    assert_eq!(numbers(outbox.next_batch()).1.len(), 5);
    assert_eq!(outbox.resume(3), 4);
    assert_eq!(outbox.next_batch(), None, "credit of the old connection is void");
    outbox.credit(3, 100);
    assert_eq!(numbers(outbox.next_batch()), (4, vec![3, 4]));
}

#[test]
fn a_full_box_drops_and_counts() {
    let outbox = filled(CAPACITY_RECORDS as u64 + 7);
    assert_eq!(outbox.dropped(), 7);
    outbox.credit(0, u64::MAX);
    let mut sent = 0;
    while let Some(ToPlugin::Records { records, .. }) = outbox.next_batch() {
        sent += records.len();
    }
    assert_eq!(sent, CAPACITY_RECORDS);
}

#[test]
fn an_acknowledgement_from_beyond_is_not_believed() {
    let outbox = filled(4);
    outbox.credit(0, 2);
    assert_eq!(numbers(outbox.next_batch()).1, [0, 1]);
    outbox.credit(u64::MAX, 2);
    assert_eq!(numbers(outbox.next_batch()), (3, vec![2, 3]));
}

#[test]
fn incidents_tell_whether_the_kubelet_can_carry_a_stream() {
    let outbox = Outbox::default();
    for (kind, down) in [
        (IncidentKind::Signalled(15), false),
        (IncidentKind::Stopped, true),
        (IncidentKind::Signalled(9), true),
        (IncidentKind::Continued, false),
        (IncidentKind::Killed(9), true),
        (IncidentKind::Restarted, false),
    ] {
        outbox.push(Record::Incident(Incident { time: 0, pid: 1, kind, sender: None }));
        assert_eq!(outbox.carrier() == Carrier::Down, down, "{kind:?}");
    }
}

#[test]
fn urgent_records_go_both_ways_under_one_number() {
    let outbox = filled(2);
    assert_eq!(outbox.urgent_batch(0), None);
    let stopped = Incident { time: 0, pid: 1, kind: IncidentKind::Stopped, sender: None };
    outbox.push(Record::Incident(stopped));
    let Some((ToPlugin::Records { first_sequence: 1, records }, 3)) = outbox.urgent_batch(0) else {
        panic!("what came before an urgent record comes along")
    };
    assert_eq!(records.len(), 3);
    assert_eq!(outbox.urgent_batch(3), None);
    // The kubelet is stopped: everything is urgent now.
    outbox.push(Record::Generated(7));
    let batch = outbox.urgent_batch(3).map(|(batch, last)| (numbers(Some(batch)), last));
    assert_eq!(batch, Some(((4, vec![7]), 4)));
    outbox.credit(0, 100);
    let Some(ToPlugin::Records { first_sequence: 1, records }) = outbox.next_batch() else {
        panic!("the connection sends all of them too")
    };
    assert_eq!(records.len(), 4);
    outbox.credit(4, 100);
    assert_eq!(outbox.urgent_batch(0), None, "what was acknowledged is not repeated");
}

#[test]
fn finished_means_closed_and_all_sent() {
    let outbox = filled(1);
    outbox.close();
    assert!(!outbox.is_finished());
    outbox.credit(0, 1);
    outbox.next_batch();
    assert!(outbox.is_finished());
}
