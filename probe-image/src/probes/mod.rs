//! One module per thing the probe measures.

pub mod flows;
pub mod generate;
pub mod pulse;
mod report;

use std::future::Future;

use earthworm_wire::record::Record;

/// Where a probe's records go. Pushing never waits: a sink that has no room
/// drops the record and counts it.
pub trait Sink: Send + Sync {
    /// Takes one record.
    fn push(&self, record: Record);
    /// Records for which there is room now.
    fn room(&self) -> usize;
    /// Records dropped so far for want of room.
    fn dropped(&self) -> u64;
    /// Bytes handed to the network so far.
    fn sent_bytes(&self) -> u64;
}

/// Runs what reads a lot or makes slow system calls beside the runtime, whose
/// heartbeats must not wait.
pub(crate) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> {
    let handle = tokio::task::spawn_blocking(work);
    async move {
        match handle.await {
            Ok(value) => value,
            // The task is never cancelled, so the only failure is its panic.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
