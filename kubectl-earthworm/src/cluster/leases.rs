//! What the control plane sees of the heartbeats: the watch of the Leases in
//! `kube-node-lease`. It needs no probe and no privilege on any node.

use super::connect::Cluster;
use super::lean::LeanLease;
use super::problem;
use super::reporter::Reporter;
use crate::signal::{LeaseSeen, Problem, SignalKind, WatchState};
use crate::stop::Stop;
use futures::{FutureExt, Stream, StreamExt, pin_mut};
use kube::api::{Api, ListParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// Where kubelets keep their Leases (`corev1.NamespaceNodeLease`).
pub const NAMESPACE: &str = "kube-node-lease";

/// A server that comes back is noticed within this time.
const RETRY: Duration = Duration::from_millis(500);

/// With so many nodes, renewals are taken in together: one by one, waking up for
/// each would cost more than reading it.
pub const MANY_NODES: usize = 1_000;

/// How long they may gather. It makes arrivals late by as much, which intervals
/// of seconds do not show.
pub const GATHER: Duration = Duration::from_millis(25);

/// Times that the connection's task may run before there is certainly nothing.
const HANDOVERS: u32 = 3;

/// Watches the Leases of these nodes until `stop`, whatever happens to the server.
///
/// # Errors
/// A [`Problem`] when the first look is refused: it would be refused for ever.
pub async fn run(
    cluster: &Cluster,
    nodes: HashMap<String, Reporter>,
    mut stop: Stop,
) -> Result<(), Problem> {
    let api: Api<LeanLease> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let mut config = watcher::Config::default();
    // One node is asked for by name; many are cheaper as one watch of the namespace.
    if let (1, Some(name)) = (nodes.len(), nodes.keys().next()) {
        config = config.fields(&format!("metadata.name={name}"));
    }
    // The watcher retries for ever. A refusal must be seen once, here.
    let mut first = ListParams::default().limit(1);
    first.field_selector.clone_from(&config.field_selector);
    api.list_metadata(&first)
        .await
        .map_err(|error| problem::from_error(&error, "leases in kube-node-lease", "list"))?;

    let stream = watcher(api, config).backoff(Steady(RETRY));
    pin_mut!(stream);
    let mut interrupted = false;
    loop {
        let event = tokio::select! {
            event = next(&mut stream, nodes.len() >= MANY_NODES) => event,
            () = stop.wait() => return Ok(()),
        };
        let Some(event) = event else { return Ok(()) };
        match event {
            Ok(event) => {
                if std::mem::take(&mut interrupted) {
                    tell_all(&nodes, &WatchState::Recovered).await;
                }
                match event {
                    Event::Apply(lease) => tell(&nodes, lease, false).await,
                    Event::InitApply(lease) => tell(&nodes, lease, true).await,
                    Event::Init | Event::InitDone | Event::Delete(_) => {}
                }
            }
            // A watch that the server ends in due time is no interruption.
            Err(watcher::Error::WatchError(status)) if status.code == 410 => {}
            Err(error) => {
                if !std::mem::replace(&mut interrupted, true) {
                    let why = WatchState::Interrupted(problem::one_line(&error.to_string()));
                    tell_all(&nodes, &why).await;
                }
            }
        }
    }
}

/// The next event. With `gather` it waits a moment when there is none yet, so
/// that what comes meanwhile is taken in without waking up for each.
async fn next<S: Stream + Unpin>(stream: &mut S, gather: bool) -> Option<S::Item> {
    if gather {
        for _ in 0..HANDOVERS {
            if let Some(event) = stream.next().now_or_never() {
                return event;
            }
            hand_over().await;
        }
        tokio::time::sleep(GATHER).await;
    }
    stream.next().await
}

/// Lets the connection's own task hand over what has arrived. Tokio's way to
/// yield would look for new arrivals in between, with a system call each time.
async fn hand_over() {
    let mut handed = false;
    poll_fn(|context| {
        if std::mem::replace(&mut handed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn tell_all(nodes: &HashMap<String, Reporter>, state: &WatchState) {
    for reporter in nodes.values() {
        reporter.report(SignalKind::Watch(state.clone())).await;
    }
}

async fn tell(nodes: &HashMap<String, Reporter>, lease: LeanLease, listed: bool) {
    let Some(reporter) = lease.metadata.name.as_ref().and_then(|name| nodes.get(name)) else {
        return;
    };
    let spec = lease.spec;
    let seen = LeaseSeen {
        renew_time_micros: spec.renew_time.map(|time| time.0.as_microsecond()),
        resource_version: lease.metadata.resource_version.unwrap_or_default(),
        holder: spec.holder_identity,
        lease_duration_seconds: spec.lease_duration_seconds,
        listed,
    };
    reporter.report(SignalKind::Lease(seen)).await;
}

/// The same pause before every try: an outage of seconds must not be
/// stretched by a growing one.
pub(super) struct Steady(pub(super) Duration);

impl Iterator for Steady {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0)
    }
}

impl Backoff for Steady {
    fn reset(&mut self) {}
}
