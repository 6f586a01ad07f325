//! Runs the probe in this process and keeps what it says.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use earthworm_probe::probes::{Sink, pulse};
use earthworm_wire::record::{Attached, Beat, Incident, IncidentKind, Record, Trouble};
use earthworm_wire::request::PulseRequest;
use tokio::sync::watch;

use super::leftovers::{self, Object};

/// Records with the moment they arrived.
#[derive(Default)]
struct Heard {
    records: Mutex<Vec<(Instant, Record)>>,
    more: Condvar,
}

impl Sink for Heard {
    fn push(&self, record: Record) {
        self.records.lock().unwrap().push((Instant::now(), record));
        self.more.notify_all();
    }

    fn room(&self) -> usize {
        usize::MAX
    }

    fn dropped(&self) -> u64 {
        3
    }

    fn sent_bytes(&self) -> u64 {
        4711
    }
}

/// A probe at work.
pub(crate) struct Listener {
    heard: Arc<Heard>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Listener {
    pub(crate) fn start(node: &str) -> Self {
        Self::start_with(node, || {})
    }

    /// `before` runs in the probe's thread, whose rights it may reduce.
    pub(crate) fn start_with(node: &str, before: impl FnOnce() + Send + 'static) -> Self {
        let heard = Arc::new(Heard::default());
        let (stop, stopped) = watch::channel(false);
        let sink: Arc<dyn Sink> = heard.clone();
        let request = PulseRequest { node: node.to_owned() };
        let thread = std::thread::spawn(move || {
            before();
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(pulse::run(request, sink, stopped));
        });
        Self { heard, stop, thread }
    }

    /// Waits for the first record that `pick` takes, and says when it came.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        pick: impl Fn(&Record) -> Option<T>,
    ) -> (Instant, T) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut records = self.heard.records.lock().unwrap();
        loop {
            let found = records.iter().find_map(|(at, record)| Some((*at, pick(record)?)));
            if let Some(found) = found {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} in {records:#?}");
            records = self.heard.more.wait_timeout(records, left).unwrap().0;
        }
    }

    /// Waits until the process is attached to.
    pub(crate) fn attached(&self, pid: u32) -> Attached {
        let what = format!("Attached to {pid}");
        let pick = |record: &Record| match record {
            Record::Attached(attached) if attached.process.pid == pid => Some(attached.clone()),
            _ => None,
        };
        self.wait_for(&what, pick).1
    }

    pub(crate) fn incident(&self, kind: IncidentKind) -> (Instant, Incident) {
        self.wait_for(&format!("{kind:?}"), |record| match record {
            Record::Incident(incident) if incident.kind == kind => Some(incident.clone()),
            _ => None,
        })
    }

    pub(crate) fn trouble(&self) -> Trouble {
        let pick = |record: &Record| match record {
            Record::Trouble(trouble) => Some(trouble.clone()),
            _ => None,
        };
        self.wait_for("Trouble", pick).1
    }

    pub(crate) fn beats(&self) -> Vec<Beat> {
        let records = self.heard.records.lock().unwrap();
        let beats = records.iter().filter_map(|(_, record)| match record {
            Record::Beat(beat) => Some(beat.clone()),
            _ => None,
        });
        beats.collect()
    }

    /// Waits until so many beats were heard.
    pub(crate) fn wait_for_beats(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.beats().len() < count {
            assert!(Instant::now() < deadline, "only {:#?}", self.beats());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kernel objects this process holds now.
    pub(crate) fn objects(&self) -> BTreeSet<Object> {
        leftovers::held()
    }

    /// Stops the probe and returns everything it said; nothing of it may be left.
    pub(crate) fn stop(self) -> Vec<Record> {
        let objects = self.objects();
        self.stop.send(true).unwrap();
        self.thread.join().unwrap();
        leftovers::assert_gone(&objects);
        let mut records = self.heard.records.lock().unwrap();
        records.drain(..).map(|(_, record)| record).collect()
    }
}
