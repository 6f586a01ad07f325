//! One kubelet after the other: found, attached to, listened to.

use super::assembler::Assembler;
use super::event::{self, EventKind};
use super::kernel::{Events, Kernel};
use super::sites::{self, Sites};
use super::{COST_INTERVAL, Descriptor, REMEMBERED_EXECUTABLES, kernel_reason, pause, wait_for};
use crate::clock::{self, ClockOffset};
use crate::gobin::{FunctionCache, GoBinaryError};
use crate::kernel::release_memory;
use crate::probes::blocking;
use crate::probes::report::Reporter;
use crate::process::{self, FindError, Kubelet};
use crate::uprobe::KernelError;
use earthworm_wire::record::{
    Attached, Incident, IncidentKind, Lead, Process, Record, TroubleReason,
};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How often `/proc` is searched while there is no kubelet.
const SEARCH_INTERVAL: Duration = Duration::from_millis(200);
/// How often what waits is looked at.
const TICK_INTERVAL: Duration = Duration::from_millis(500);
/// How long a kubelet may be gone before its absence is reported: an
/// orderly restart takes less.
const RESTART_PATIENCE: Duration = Duration::from_secs(1);

/// What is needed to listen.
pub(super) struct Session {
    pub(super) node: String,
    pub(super) assembler: Assembler,
    pub(super) kernel: Kernel,
    pub(super) events: AsyncFd<Descriptor>,
    pub(super) reporter: Reporter,
    pub(super) functions: FunctionCache,
}

/// Why listening to a process ended.
enum Ended {
    Process,
    Shutdown,
}

impl Session {
    /// Until the session ends.
    pub(super) async fn run(mut self, began: Instant, mut shutdown: watch::Receiver<bool>) {
        let mut since = began;
        let mut patience = Duration::ZERO;
        let mut last: Option<Kubelet> = None;
        while let Some(kubelet) = self.search(patience, &mut shutdown).await {
            let other =
                |last: &Kubelet| (last.pid, last.start_ticks) != (kubelet.pid, kubelet.start_ticks);
            if last.is_some() {
                since = Instant::now();
            }
            if last.as_ref().is_some_and(other) {
                self.reporter.push(Record::Incident(Incident {
                    time: clock::boot_ticks_to_wall(kubelet.start_ticks),
                    pid: kubelet.pid,
                    kind: IncidentKind::Restarted,
                    sender: None,
                }));
            }
            if let Err(error) = self.attach(&kubelet, since).await {
                self.kernel.detach();
                self.kernel.unwatch();
                if matches!(error, KernelError::ProcessEnded { .. }) {
                    // The next search finds its successor; it was never reported.
                    pause(SEARCH_INTERVAL, &mut shutdown).await;
                    continue;
                }
                self.reporter.trouble(kernel_reason(&error), &error);
                break;
            }
            let ended = self.listen(&kubelet, &mut shutdown).await;
            // Detaching waits for the kernel's grace periods; the news of the
            // end must leave before.
            tokio::task::yield_now().await;
            self.kernel.detach();
            self.kernel.unwatch();
            self.assembler.detached();
            if matches!(ended, Ended::Shutdown) {
                break;
            }
            last = Some(kubelet);
            patience = RESTART_PATIENCE;
        }
        wait_for(&mut shutdown, &mut self.reporter, Some((&self.kernel, &self.assembler))).await;
        self.reporter.costs(Some(self.kernel.accounts()), self.assembler.overflowed());
    }

    /// Looks for the kubelet until there is one; `None` on shutdown.
    async fn search(
        &mut self,
        patience: Duration,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Option<Kubelet> {
        let began = Instant::now();
        let mut reported = String::new();
        let mut next_cost = Instant::now() + COST_INTERVAL;
        loop {
            if *shutdown.borrow() {
                return None;
            }
            match process::find_kubelet(&self.node) {
                Ok(kubelet) => return Some(kubelet),
                Err(error) => {
                    let message = error.to_string();
                    if began.elapsed() >= patience && message != reported {
                        let reason = match error {
                            FindError::None | FindError::Ambiguous { .. } => {
                                TroubleReason::NoKubelet
                            }
                            FindError::NotPermitted { .. } => TroubleReason::NotPermitted,
                            FindError::Proc { .. } => TroubleReason::Kernel,
                        };
                        self.reporter.trouble(reason, &error);
                        reported = message;
                    }
                }
            }
            if Instant::now() >= next_cost {
                next_cost += COST_INTERVAL;
                self.reporter.costs(Some(self.kernel.accounts()), self.assembler.overflowed());
            }
            if pause(SEARCH_INTERVAL, shutdown).await {
                return None;
            }
        }
    }

    /// Attaches to the process and says what works.
    async fn attach(&mut self, kubelet: &Kubelet, since: Instant) -> Result<(), KernelError> {
        // Watched before anything is attached, so that its end is not missed.
        self.kernel.watch(kubelet.pid)?;
        let mut functions =
            std::mem::replace(&mut self.functions, FunctionCache::new(REMEMBERED_EXECUTABLES));
        let wanted = kubelet.clone();
        let (functions, found) = blocking(move || {
            let found = sites::find(&wanted, &mut functions);
            (functions, found)
        })
        .await;
        self.functions = functions;
        release_memory();
        if !process::is_alive(kubelet) {
            return Err(KernelError::ProcessEnded { pid: kubelet.pid });
        }
        let mut trouble = None;
        let sites = found.unwrap_or_else(|error| {
            trouble = Some((executable_reason(&error), error.to_string()));
            without_sites(kubelet, &error)
        });
        let attached = self.kernel.attach(&sites);
        if !process::is_alive(kubelet) {
            return Err(KernelError::ProcessEnded { pid: kubelet.pid });
        }
        if attached.leads.is_empty() && trouble.is_none() {
            let reason = if attached.not_permitted {
                TroubleReason::NotPermitted
            } else {
                TroubleReason::Executable
            };
            let message =
                attached.refused.iter().map(|(lead, why)| format!("{}: {why}", lead.name()));
            trouble = Some((reason, message.collect::<Vec<_>>().join("; ")));
        }
        self.reporter.push(Record::Attached(Attached {
            time: clock::now(),
            process: sites.process,
            leads: attached.leads,
            refused: attached.refused,
            mechanism: attached.mechanism.map(|mechanism| mechanism.name().to_owned()),
            seconds: since.elapsed().as_secs_f64(),
        }));
        self.reporter.listening();
        if let Some((reason, message)) = trouble {
            self.reporter.trouble(reason, &message);
        }
        Ok(())
    }

    /// Turns events into records until the process or the session ends.
    async fn listen(&mut self, kubelet: &Kubelet, shutdown: &mut watch::Receiver<bool>) -> Ended {
        let mut tick = interval(TICK_INTERVAL);
        let mut cost = interval(COST_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        cost.set_missed_tick_behavior(MissedTickBehavior::Skip);
        cost.reset();
        let mut records = Vec::new();
        loop {
            if *shutdown.borrow() {
                return Ended::Shutdown;
            }
            let mut exited = false;
            tokio::select! {
                changed = shutdown.changed() => {
                    if changed.is_err() {
                        return Ended::Shutdown;
                    }
                }
                ready = self.events.readable_mut() => {
                    let Ok(mut ready) = ready else { return Ended::Shutdown };
                    let ring = &mut ready.get_inner_mut().0;
                    exited = drain(ring, &mut self.assembler, kubelet, &mut records);
                    // Only after the ring was seen empty: an event that came
                    // in between makes the descriptor ready again.
                    ready.clear_ready();
                }
                // A heart at rest costs nothing.
                _ = tick.tick(), if self.assembler.is_waiting() => {
                    self.assembler.tick(clock::monotonic_ns(), &mut records);
                }
                _ = cost.tick() => {
                    // An event that the ring had no room for may have been the exit.
                    exited = !process::is_alive(kubelet);
                    let ring = &mut self.events.get_mut().0;
                    exited |= drain(ring, &mut self.assembler, kubelet, &mut records);
                    self.reporter.costs(Some(self.kernel.accounts()), self.assembler.overflowed());
                }
            }
            for record in records.drain(..) {
                self.reporter.push(record);
            }
            if exited {
                return Ended::Process;
            }
        }
    }
}

/// Takes everything out of the ring; true when the watched process ended.
fn drain(
    ring: &mut Events,
    assembler: &mut Assembler,
    kubelet: &Kubelet,
    records: &mut Vec<Record>,
) -> bool {
    let offset = ClockOffset::sample();
    let mut exited = false;
    while let Some(bytes) = ring.next() {
        let Some(event) = event::decode(&bytes) else { continue };
        if event.process == kubelet.pid {
            exited |= matches!(event.kind, EventKind::Exit(_));
            assembler.event(&event, offset, records);
        }
    }
    exited
}

/// A process whose executable tells nothing: it can still stop and end.
fn without_sites(kubelet: &Kubelet, error: &GoBinaryError) -> Sites {
    let reason = error.to_string();
    Sites {
        process: Process {
            pid: kubelet.pid,
            name: kubelet.name.to_owned(),
            go_version: None,
            build_id: None,
        },
        leads: vec![(Lead::Conduction, Err(reason.clone())), (Lead::Plaintext, Err(reason))],
    }
}

fn executable_reason(error: &GoBinaryError) -> TroubleReason {
    match error {
        GoBinaryError::Read { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            TroubleReason::NotPermitted
        }
        _ => TroubleReason::Executable,
    }
}
