//! One module per thing the probe measures.

pub mod flows;
pub mod generate;
pub mod pulse;

use earthworm_wire::record::Record;

/// Where a probe's records go. Pushing never waits: a sink that has no room
/// drops the record and counts it.
pub trait Sink: Send + Sync {
    /// Takes one record.
    fn push(&self, record: Record);
    /// Records dropped so far for want of room.
    fn dropped(&self) -> u64;
    /// Bytes handed to the network so far.
    fn sent_bytes(&self) -> u64;
}
