//! Records on their way to the plugin: numbered, bounded, kept until acknowledged.
//!
//! A connection through the API server may break at any time and come back
//! within seconds. Records stay here until the plugin says that it has handled
//! them, so that a resumed connection goes on without a gap. When the bound is
//! reached new records are dropped and counted, never waited for: a slow
//! plugin must not slow the measurement.

use crate::probes::Sink;
use earthworm_wire::message::ToPlugin;
use earthworm_wire::record::{IncidentKind, Record};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Records that are kept at most; a beat is about 100 bytes.
const CAPACITY_RECORDS: usize = 32_768;

/// Records in one message: large enough that headers do not matter, small
/// enough to stay far below the largest frame.
const BATCH_RECORDS: usize = 1_024;

/// The queue between measurement and connection.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    /// Wakes the connection: records, credit or the end have come.
    changed: Notify,
    /// Wakes whoever waits for room.
    room: Notify,
    dropped: AtomicU64,
    sent_bytes: AtomicU64,
    carrier_down: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// Unacknowledged records, oldest first.
    records: VecDeque<Record>,
    /// Sequence number of `records[0]`.
    first_sequence: u64,
    /// Sequence number of the next record to send on the current connection.
    next_to_send: u64,
    /// Highest sequence number that the plugin allows to be sent.
    allowed: u64,
    closed: bool,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                records: VecDeque::new(),
                first_sequence: 1,
                next_to_send: 1,
                allowed: 0,
                closed: false,
            }),
            changed: Notify::new(),
            room: Notify::new(),
            dropped: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            carrier_down: AtomicBool::new(false),
        }
    }
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code under this lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection begins whose plugin has handled everything up to
    /// `resume_after`. Returns the sequence number that will be sent next.
    pub fn resume(&self, resume_after: u64) -> u64 {
        let mut state = self.state();
        state.forget(resume_after);
        state.next_to_send = state.first_sequence;
        // Credit belongs to a connection: the new one has to grant its own.
        state.allowed = 0;
        state.next_to_send
    }

    /// The plugin has handled everything up to `acknowledged` and takes
    /// `window_records` more.
    pub fn credit(&self, acknowledged: u64, window_records: u64) {
        let mut state = self.state();
        state.forget(acknowledged);
        state.allowed = state.allowed.max(acknowledged.saturating_add(window_records));
        drop(state);
        self.changed.notify_one();
        self.room.notify_waiters();
    }

    /// The next records that may be sent, or `None` when there is nothing to
    /// send or no credit for it.
    pub fn next_batch(&self) -> Option<ToPlugin> {
        let mut state = self.state();
        let end = state.first_sequence + state.records.len() as u64;
        let first_sequence = state.next_to_send;
        let count = end
            .min(state.allowed.saturating_add(1))
            .saturating_sub(first_sequence)
            .min(BATCH_RECORDS as u64);
        if count == 0 {
            return None;
        }
        let skip = (first_sequence - state.first_sequence) as usize;
        let records = state.records.range(skip..skip + count as usize).cloned().collect();
        state.next_to_send += count;
        Some(ToPlugin::Records { first_sequence, records })
    }

    /// Whether no record will come any more and all that could be sent has been.
    pub fn is_finished(&self) -> bool {
        let state = self.state();
        state.closed && state.next_to_send == state.first_sequence + state.records.len() as u64
    }

    /// No record will come any more.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    /// Waits until [`Self::next_batch`] or [`Self::is_finished`] may have changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until at least a batch fits; for sources that can be held back.
    pub async fn room(&self) {
        loop {
            let notified = self.room.notified();
            if self.state().records.len() + BATCH_RECORDS <= CAPACITY_RECORDS {
                return;
            }
            notified.await;
        }
    }

    fn note_carrier(&self, incident: IncidentKind) {
        let down = match incident {
            IncidentKind::Stopped | IncidentKind::Exited(_) | IncidentKind::Killed(_) => true,
            IncidentKind::Continued | IncidentKind::Restarted => false,
            IncidentKind::Signalled(_) => return,
        };
        self.carrier_down.store(down, Ordering::Relaxed);
    }

    /// Whether the kubelet, which carries the connections, is stopped or dead.
    pub fn is_carrier_down(&self) -> bool {
        self.carrier_down.load(Ordering::Relaxed)
    }

    /// Adds to the bytes that were handed to the network.
    pub fn count_sent(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl State {
    fn forget(&mut self, acknowledged: u64) {
        // A plugin cannot have handled what was never sent: a number from
        // beyond is garbage and must not empty the queue.
        let acknowledged = acknowledged.min(self.next_to_send.saturating_sub(1));
        while self.first_sequence <= acknowledged && self.records.pop_front().is_some() {
            self.first_sequence += 1;
        }
    }
}

impl Sink for Outbox {
    fn push(&self, record: Record) {
        if let Record::Incident(incident) = &record {
            self.note_carrier(incident.kind);
        }
        let mut state = self.state();
        if state.records.len() >= CAPACITY_RECORDS {
            drop(state);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.records.push_back(record);
        drop(state);
        self.changed.notify_one();
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(outbox.is_carrier_down(), down, "{kind:?}");
        }
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
}
