//! Made-up records as fast as the stream takes them: measures the stream alone.

use super::Sink as _;
use crate::outbox::Outbox;
use earthworm_wire::record::Record;
use earthworm_wire::request::GenerateRequest;
use tokio::sync::watch;

/// Pushes `request.records` records, waiting for room, until told to stop.
pub async fn run(request: GenerateRequest, outbox: &Outbox, shutdown: watch::Receiver<bool>) {
    for number in 0..request.records {
        // Room is asked for once per batch, which the outbox guarantees to fit.
        if number % 1024 == 0 {
            if *shutdown.borrow() {
                return;
            }
            let mut stop = shutdown.clone();
            tokio::select! {
                () = outbox.wait_for_room() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            // The connection lives on the same thread.
            tokio::task::yield_now().await;
        }
        outbox.push(Record::Generated(number));
    }
}
