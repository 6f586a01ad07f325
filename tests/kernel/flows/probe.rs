//! Runs the flows probe in this process and sums up what it says.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use earthworm_probe::probes::{Sink, flows};
use earthworm_wire::flow::{Direction, Dns, Dropped, Flow, OwnerKind, Traffic};
use earthworm_wire::record::{Lost, Record};
use earthworm_wire::request::FlowsRequest;
use tokio::sync::watch;

use super::leftovers;
use super::pod::Pod;

/// Longest wait for a sweep.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Heard {
    records: Mutex<Vec<Record>>,
    more: Condvar,
}

impl Sink for Heard {
    fn push(&self, record: Record) {
        self.records.lock().unwrap().push(record);
        self.more.notify_all();
    }

    fn room(&self) -> usize {
        usize::MAX
    }

    fn dropped(&self) -> u64 {
        0
    }

    fn sent_bytes(&self) -> u64 {
        0
    }
}

/// A probe at work.
pub(crate) struct Probe {
    heard: Arc<Heard>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// Everything that was said until the end.
pub(crate) struct Told {
    owners: HashMap<u32, OwnerKind>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) drops: Vec<Dropped>,
    pub(crate) dns: Vec<Dns>,
    pub(crate) lost: Lost,
}

impl Probe {
    /// Starts one and waits until it counts.
    pub(crate) fn start(interval: Duration) -> Self {
        Self::start_with(interval, || {})
    }

    /// The same in the network of a node.
    pub(crate) fn start_on(node: &Pod, interval: Duration) -> Self {
        let namespace = File::open(node.network()).unwrap();
        Self::start_with(interval, move || {
            // SAFETY: the descriptor is open; this thread has no sockets yet.
            let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        })
    }

    /// `before` runs in the probe's thread, and its threads inherit from that.
    fn start_with(interval: Duration, before: impl FnOnce() + Send + 'static) -> Self {
        let heard = Arc::new(Heard::default());
        let (stop, stopped) = watch::channel(false);
        let sink: Arc<dyn Sink> = heard.clone();
        let interval_milliseconds = u32::try_from(interval.as_millis()).unwrap();
        let thread = std::thread::spawn(move || {
            before();
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(flows::run(FlowsRequest { interval_milliseconds }, sink, stopped));
        });
        let probe = Self { heard, stop, thread };
        probe.wait_for_sweeps(1);
        probe
    }

    fn sweeps(records: &[Record]) -> usize {
        records.iter().filter(|record| matches!(record, Record::Sweep(_))).count()
    }

    /// Waits until there were so many sweeps, the first one included.
    pub(crate) fn wait_for_sweeps(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut records = self.heard.records.lock().unwrap();
        while Self::sweeps(&records) < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no sweep {count} in {records:#?}");
            records = self.heard.more.wait_timeout(records, left).unwrap().0;
        }
    }

    /// Waits for one sweep that begins from now on.
    pub(crate) fn wait_for_next_sweep(&self) {
        let now = Self::sweeps(&self.heard.records.lock().unwrap());
        self.wait_for_sweeps(now + 2);
    }

    /// Stops it; nothing of it may be left in the kernel.
    pub(crate) fn stop(self) -> Told {
        let objects = leftovers::held();
        assert!(!objects.is_empty(), "a probe at work holds programs");
        let told = self.stop_beside_others();
        leftovers::assert_gone(&objects);
        told
    }

    /// Stops it while others are at work in this process.
    pub(crate) fn stop_beside_others(self) -> Told {
        self.stop.send(true).unwrap();
        self.thread.join().unwrap();
        let records = std::mem::take(&mut *self.heard.records.lock().unwrap());
        let mut told = Told {
            owners: HashMap::new(),
            flows: Vec::new(),
            drops: Vec::new(),
            dns: Vec::new(),
            lost: Lost::default(),
        };
        for record in records {
            match record {
                Record::Owner(owner) => {
                    assert_eq!(told.owners.insert(owner.id, owner.kind), None, "told twice");
                }
                Record::Flow(flow) => {
                    assert!(told.owners.contains_key(&flow.owner), "{flow:?} of nobody");
                    told.flows.push(*flow);
                }
                Record::Dropped(dropped) => told.drops.push(*dropped),
                Record::Dns(dns) => told.dns.push(*dns),
                Record::Lost(lost) => told.lost = lost,
                Record::Trouble(trouble) => panic!("{trouble:?}"),
                _ => {}
            }
        }
        told
    }
}

impl Told {
    /// Who a number is.
    pub(crate) fn owner(&self, number: u32) -> &OwnerKind {
        &self.owners[&number]
    }

    /// Uid of the pod that a number is, when it is one.
    pub(crate) fn pod(&self, number: u32) -> Option<&str> {
        match self.owner(number) {
            OwnerKind::Container { pod_uid, .. } | OwnerKind::Pod { pod_uid } => Some(pod_uid),
            OwnerKind::Process { .. } | OwnerKind::Node => None,
        }
    }

    /// Flows of a pod in one direction through one port.
    pub(crate) fn of(&self, pod: &str, direction: Direction, port: u16) -> Vec<&Flow> {
        let wanted = |flow: &&Flow| {
            flow.direction == direction && flow.port == port && self.pod(flow.owner) == Some(pod)
        };
        self.flows.iter().filter(wanted).collect()
    }

    /// Packets dropped in the network of a pod, that were sent to this port.
    pub(crate) fn dropped(&self, pod: &str, reason: &str, port: u16) -> u64 {
        let wanted = |dropped: &&Dropped| {
            dropped.reason == reason && dropped.port == port && self.pod(dropped.owner) == Some(pod)
        };
        self.drops.iter().filter(wanted).map(|dropped| dropped.packets).sum()
    }

    /// Fails when anything was lost on the way.
    pub(crate) fn assert_nothing_lost(&self) {
        assert_eq!(self.lost, Lost::default());
    }
}

/// What several flows carried together; `open` and `older` of the last one.
pub(crate) fn sum(flows: &[&Flow]) -> Traffic {
    let mut sum = Traffic::default();
    for Flow { traffic, .. } in flows {
        sum.sent.add(traffic.sent);
        sum.received.add(traffic.received);
        sum.retransmits += traffic.retransmits;
        if let Some(more) = traffic.peer_retransmits {
            *sum.peer_retransmits.get_or_insert(0) += more;
        }
        let (to, from) = (&mut sum.connections, traffic.connections);
        (to.open, to.older) = (from.open, from.older);
        to.opened += from.opened;
        to.closed += from.closed;
        to.refused += from.refused;
        to.failed += from.failed;
        to.reset += from.reset;
    }
    sum
}
