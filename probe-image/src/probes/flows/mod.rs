//! Who talks to whom: the node's sockets, looked at once per interval.

use std::sync::Arc;

use earthworm_wire::record::{Record, Trouble, TroubleReason};
use earthworm_wire::request::FlowsRequest;
use tokio::sync::watch;

use super::Sink;
use crate::clock;

/// Measures until `shutdown` becomes true or its sender is gone.
pub async fn run(_request: FlowsRequest, sink: Arc<dyn Sink>, mut shutdown: watch::Receiver<bool>) {
    sink.push(Record::Trouble(Trouble {
        time: clock::now(),
        reason: TroubleReason::Kernel,
        message: "flows are not measured by this build".to_owned(),
    }));
    let _ = shutdown.wait_for(|stop| *stop).await;
}
