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
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

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
    /// Highest sequence number that must not wait for the kubelet.
    urgent: watch::Sender<u64>,
}

/// The kubelet as the carrier of the plugin's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// It runs, as far as is known.
    Up {
        /// Since when, after a time in which it did not.
        since: Option<Instant>,
    },
    /// It is stopped or dead.
    Down,
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
    carrier: Carrier,
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
                carrier: Carrier::Up { since: None },
            }),
            changed: Notify::new(),
            room: Notify::new(),
            dropped: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            urgent: watch::Sender::new(0),
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
        let batch = state.batch(state.next_to_send, state.allowed)?;
        state.next_to_send += batch.len() as u64;
        Some(batch.into_message())
    }

    /// The next unacknowledged records after sequence number `told`, up to the
    /// last urgent one, and the sequence number of the last of them. They stay
    /// where they are: the connection sends them too.
    pub fn urgent_batch(&self, told: u64) -> Option<(ToPlugin, u64)> {
        let state = self.state();
        let first = state.first_sequence.max(told.saturating_add(1));
        let batch = state.batch(first, *self.urgent.borrow())?;
        let last = batch.first_sequence + batch.len() as u64 - 1;
        drop(state);
        Some((batch.into_message(), last))
    }

    /// Changes when [`Self::urgent_batch`] may have more.
    pub fn urgent(&self) -> watch::Receiver<u64> {
        self.urgent.subscribe()
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
    pub async fn wait_for_room(&self) {
        loop {
            let notified = self.room.notified();
            if self.state().records.len() + BATCH_RECORDS <= CAPACITY_RECORDS {
                return;
            }
            notified.await;
        }
    }

    /// How the kubelet, which carries the connections, is doing.
    pub fn carrier(&self) -> Carrier {
        self.state().carrier
    }

    /// Adds to the bytes that were handed to the network.
    pub fn count_sent(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Consecutive records.
struct Batch {
    first_sequence: u64,
    records: Vec<Record>,
}

impl Batch {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn into_message(self) -> ToPlugin {
        ToPlugin::Records { first_sequence: self.first_sequence, records: self.records }
    }
}

impl State {
    /// The records from sequence number `first` to `last`, as far as there are
    /// any and they fit one message.
    fn batch(&self, first_sequence: u64, last: u64) -> Option<Batch> {
        let end = self.first_sequence + self.records.len() as u64;
        let count = end
            .min(last.saturating_add(1))
            .saturating_sub(first_sequence)
            .min(BATCH_RECORDS as u64) as usize;
        let skip = first_sequence.checked_sub(self.first_sequence)? as usize;
        (count > 0).then(|| Batch {
            first_sequence,
            records: self.records.range(skip..skip + count).cloned().collect(),
        })
    }

    /// What an incident says about the carrier; true when it must not wait.
    fn note(&mut self, record: &Record) -> bool {
        let Record::Incident(incident) = record else {
            return self.carrier == Carrier::Down;
        };
        match incident.kind {
            IncidentKind::Stopped | IncidentKind::Exited(_) | IncidentKind::Killed(_) => {
                self.carrier = Carrier::Down;
            }
            IncidentKind::Continued | IncidentKind::Restarted => {
                if self.carrier == Carrier::Down {
                    self.carrier = Carrier::Up { since: Some(Instant::now()) };
                }
            }
            IncidentKind::Signalled(_) => {}
        }
        true
    }

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
        let mut state = self.state();
        let urgent = state.note(&record);
        if state.records.len() >= CAPACITY_RECORDS {
            drop(state);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.records.push_back(record);
        let sequence = state.first_sequence + state.records.len() as u64 - 1;
        drop(state);
        if urgent {
            self.urgent.send_replace(sequence);
        }
        self.changed.notify_one();
    }

    fn room(&self) -> usize {
        CAPACITY_RECORDS.saturating_sub(self.state().records.len())
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
