//! Who talks to whom: the node's TCP sockets, looked at once per interval, and
//! every connection that ends in between; and the datagrams of its UDP sockets.
//!
//! For TCP nothing is done per packet: the kernel counts what each connection
//! carries anyway, and [`kernel`] reads it. [`owners`] finds out whose a socket
//! is, [`nat`] who answers behind a translated address, [`ledger`] what was added
//! since it was last told. [`datagrams`] are counted one by one.

mod cgroup;
mod datagrams;
mod drops;
mod kernel;
mod ledger;
mod measurement;
mod nat;
mod owners;
mod socket;

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use earthworm_wire::flow::Sweep;
use earthworm_wire::record::{Record, TroubleReason};
use earthworm_wire::request::FlowsRequest;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use self::kernel::EndedRing;
use self::measurement::Measurement;
use super::report::Reporter;
use super::{Sink, blocking};
use crate::clock;
use crate::kernel::release_memory;
use crate::uprobe::KernelError;

/// How often the price and the losses are reported.
const COST_INTERVAL: Duration = Duration::from_secs(5);

/// The longest time between two sweeps, also when less is told: connections
/// that ended wait for the next one.
const LONGEST_WINDOW: Duration = Duration::from_secs(2);

/// The shortest interval that can be asked for.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Records for which room is left in the sink: prices, losses, owners.
const RESERVE_RECORDS: usize = 2_048;

/// Kinds of dropped packets that are told at once.
const MOST_DROPS: usize = 4_096;

/// DNS servers, as somebody asks them, that are told at once.
const MOST_DNS: usize = 2_048;

/// Measures until `shutdown` becomes true or its sender is gone. When this
/// returns, nothing is attached or loaded any more.
pub async fn run(request: FlowsRequest, sink: Arc<dyn Sink>, mut shutdown: watch::Receiver<bool>) {
    let mut reporter = Reporter::new(Arc::clone(&sink));
    let loaded = blocking(Measurement::load).await;
    release_memory();
    let (measurement, ended) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return cannot(&mut reporter, &error, shutdown).await,
    };
    // SAFETY: the ring buffer owns its descriptor and keeps it open and the
    // same for as long as it lives inside of the registration.
    let ring = unsafe { AsyncFd::register_with_interest(Descriptor(ended), Interest::READABLE) };
    let ring = match ring {
        Ok(ring) => ring,
        Err(error) => {
            let error = KernelError::Failed {
                action: "wait for connections that end".to_owned(),
                message: error.to_string(),
            };
            return cannot(&mut reporter, &error, shutdown).await;
        }
    };
    let every = Duration::from_millis(u64::from(request.interval_milliseconds));
    let session = Session {
        every: every.max(SHORTEST_INTERVAL),
        measurement: Some(measurement),
        ring,
        reporter,
        sink,
        told: None,
        number: 0,
    };
    if let Err((error, mut reporter)) = session.run(&mut shutdown).await {
        cannot(&mut reporter, &error, shutdown).await;
    }
}

/// The time between two sweeps: a whole part of the interval.
fn window_of(interval: Duration) -> Duration {
    let parts = interval.as_millis().div_ceil(LONGEST_WINDOW.as_millis()).max(1);
    interval / u32::try_from(parts).unwrap_or(u32::MAX)
}

/// Says why nothing can be measured, and waits for the end.
async fn cannot(reporter: &mut Reporter, error: &KernelError, mut shutdown: watch::Receiver<bool>) {
    let reason =
        if error.is_not_permitted() { TroubleReason::NotPermitted } else { TroubleReason::Kernel };
    reporter.trouble(reason, error);
    let _ = shutdown.wait_for(|stop| *stop).await;
    reporter.costs(None, 0);
}

/// A ring buffer as something to wait for.
struct Descriptor(EndedRing);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

struct Session {
    /// Between two tellings.
    every: Duration,
    /// Away while it sweeps.
    measurement: Option<Measurement>,
    ring: AsyncFd<Descriptor>,
    reporter: Reporter,
    sink: Arc<dyn Sink>,
    /// When flows were last told.
    told: Option<Instant>,
    number: u64,
}

impl Session {
    async fn run(
        mut self,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<(), (KernelError, Reporter)> {
        let mut window = interval(window_of(self.every));
        let mut cost = interval(COST_INTERVAL);
        window.set_missed_tick_behavior(MissedTickBehavior::Delay);
        cost.set_missed_tick_behavior(MissedTickBehavior::Skip);
        cost.reset();
        loop {
            let stopping = *shutdown.borrow();
            tokio::select! {
                biased;
                changed = shutdown.changed(), if !stopping => {
                    if changed.is_ok() && !*shutdown.borrow() {
                        continue;
                    }
                    break;
                }
                _ = window.tick(), if !stopping => {
                    if let Err(error) = self.sweep(false).await {
                        return Err((error, self.reporter));
                    }
                }
                ready = self.ring.readable_mut(), if !stopping => {
                    let Ok(mut ready) = ready else { break };
                    if let Some(measurement) = &mut self.measurement {
                        measurement.drain(&mut ready.get_inner_mut().0);
                    }
                    // Only after the ring was seen empty.
                    ready.clear_ready();
                }
                _ = cost.tick(), if !stopping => self.costs(),
                else => break,
            }
        }
        // What was carried until now counts.
        let last = self.sweep(true).await;
        self.costs();
        last.map_err(|error| (error, self.reporter))
    }

    fn costs(&self) {
        let (accounts, overflowed) = match &self.measurement {
            Some(measurement) => (Some(measurement.accounts()), measurement.overflowed()),
            None => (None, 0),
        };
        self.reporter.costs(accounts, overflowed);
    }

    /// Looks at all sockets; tells what was added when it is time to, or `now`.
    async fn sweep(&mut self, now: bool) -> Result<(), KernelError> {
        let Some(mut measurement) = self.measurement.take() else { return Ok(()) };
        let began = Instant::now();
        // Beside the runtime, whose heartbeats must not wait.
        let (measurement, swept) = blocking(move || {
            let swept = measurement.sweep();
            (measurement, swept)
        })
        .await;
        let measurement = self.measurement.insert(measurement);
        swept?;
        // What ended while the sweep walked was not met by it any more.
        measurement.drain(&mut self.ring.get_mut().0);
        measurement.finish();
        let sweep_seconds = began.elapsed().as_secs_f64();
        let since = self.told.map(|told| told.elapsed());
        // A tick may come a little early; half a window is near enough.
        let due = since.is_none_or(|since| since + window_of(self.every) / 2 > self.every);
        if !due && !now {
            return Ok(());
        }
        let first = self.told.is_none();
        let room = self.sink.room().saturating_sub(RESERVE_RECORDS);
        let drops = measurement.take_drops(room.min(MOST_DROPS));
        let room = room - drops.len();
        // What there was before is no news.
        let (dns, flows) = if first && !now {
            (Vec::new(), Vec::new())
        } else {
            let dns = measurement.take_dns((room / 2).min(MOST_DNS));
            let flows = measurement.take_flows(room - dns.len(), now);
            (dns, flows)
        };
        for owner in measurement.take_owners() {
            self.sink.push(Record::Owner(owner));
        }
        for flow in flows {
            self.sink.push(Record::Flow(Box::new(flow)));
        }
        for dropped in drops {
            self.sink.push(Record::Dropped(Box::new(dropped)));
        }
        for dns in dns {
            self.sink.push(Record::Dns(Box::new(dns)));
        }
        let (sockets, ended) = measurement.counts();
        self.sink.push(Record::Sweep(Sweep {
            number: self.number,
            time: clock::now(),
            seconds: since.map_or(0.0, |since| since.as_secs_f64()),
            sweep_seconds,
            sockets,
            ended,
            held_back: measurement.waiting(),
            missing: if first { measurement.missing() } else { Vec::new() },
        }));
        self.told = Some(Instant::now());
        self.number += 1;
        if first {
            self.reporter.listening();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_divide_the_interval() {
        for (interval, window) in [(500, 500), (2_000, 2_000), (3_000, 1_500), (60_000, 2_000)] {
            let interval = Duration::from_millis(interval);
            assert_eq!(window_of(interval), Duration::from_millis(window));
        }
    }
}
