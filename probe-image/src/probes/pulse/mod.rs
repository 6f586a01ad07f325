//! The heartbeat of a node, heard inside of its kubelet.
//!
//! [`run`] finds the kubelet, attaches the kernel programs of
//! `ebpf/pulse.bpf.c` to it, puts beats together from their events, and
//! follows the kubelet through restarts, until it is told to stop.

mod assembler;
#[cfg(test)]
mod assembler_tests;
mod event;
mod kernel;
mod lease;
mod session;
mod sites;

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use earthworm_wire::record::TroubleReason;
use earthworm_wire::request::PulseRequest;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use self::assembler::Assembler;
use self::kernel::{Events, Kernel};
use self::session::Session;
use super::report::Reporter;
use super::{Sink, blocking};
use crate::gobin::FunctionCache;
use crate::kernel::release_memory;
use crate::uprobe::KernelError;

/// How often the price and the losses are reported.
const COST_INTERVAL: Duration = Duration::from_secs(5);
/// Executables whose functions are remembered: the one before and after an update.
const REMEMBERED_EXECUTABLES: usize = 2;

/// Measures until `shutdown` becomes true or its sender is gone. When this
/// returns, nothing is attached or loaded any more.
///
/// Nothing here is fatal to the session: what cannot be done is reported as
/// [`Trouble`](earthworm_wire::record::Trouble), and a kubelet that appears later is still found.
pub async fn run(request: PulseRequest, sink: Arc<dyn Sink>, mut shutdown: watch::Receiver<bool>) {
    let began = Instant::now();
    let reporter = Reporter::new(Arc::clone(&sink));
    let (kernel, events) = match blocking(Kernel::load).await {
        Ok(loaded) => loaded,
        Err(error) => {
            reporter.trouble(kernel_reason(&error), &error);
            without_kernel(reporter, &mut shutdown).await;
            return;
        }
    };
    release_memory();
    let ring = Descriptor(events);
    // SAFETY: the ring buffer owns its descriptor and keeps it open and the
    // same for as long as it lives inside of the registration.
    let events = match unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) } {
        Ok(events) => events,
        Err(error) => {
            let error = KernelError::Failed {
                action: "wait for events".to_owned(),
                message: error.to_string(),
            };
            reporter.trouble(TroubleReason::Kernel, &error);
            drop(kernel);
            without_kernel(reporter, &mut shutdown).await;
            return;
        }
    };
    let session = Session {
        assembler: Assembler::new(&request.node),
        node: request.node,
        kernel,
        events,
        reporter,
        functions: FunctionCache::new(REMEMBERED_EXECUTABLES),
    };
    session.run(began, shutdown).await;
}

/// A ring buffer as something to wait for.
struct Descriptor(Events);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn kernel_reason(error: &KernelError) -> TroubleReason {
    if error.is_not_permitted() { TroubleReason::NotPermitted } else { TroubleReason::Kernel }
}

/// Waits; true when it is time to stop.
async fn pause(duration: Duration, shutdown: &mut watch::Receiver<bool>) -> bool {
    if *shutdown.borrow() {
        return true;
    }
    tokio::select! {
        changed = shutdown.changed() => changed.is_err() || *shutdown.borrow(),
        () = tokio::time::sleep(duration) => false,
    }
}

/// Waits for the end of the session and goes on reporting its price.
async fn wait_for(
    shutdown: &mut watch::Receiver<bool>,
    reporter: &mut Reporter,
    kernel: Option<(&Kernel, &Assembler)>,
) {
    while !pause(COST_INTERVAL, shutdown).await {
        reporter.costs(
            kernel.map(|(kernel, _)| kernel.accounts()),
            kernel.map_or(0, |(_, assembler)| assembler.overflowed()),
        );
    }
}

async fn without_kernel(mut reporter: Reporter, shutdown: &mut watch::Receiver<bool>) {
    wait_for(shutdown, &mut reporter, None).await;
    reporter.costs(None, 0);
}
