//! What a plugin may ask a probe to measure.

use serde::{Deserialize, Serialize};

/// One session's job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The node's heartbeat.
    Pulse(PulseRequest),
    /// Who talks to whom.
    Flows(FlowsRequest),
    /// Made-up records as fast as the stream takes them, to measure the stream.
    Generate(GenerateRequest),
}

/// Parameters of [`Request::Pulse`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PulseRequest {
    /// Name of the node, to tell its kubelet from another node's on the same
    /// kernel and its Lease from other objects.
    pub node: String,
}

/// Parameters of [`Request::Flows`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowsRequest {
    /// Between two looks at all sockets.
    pub interval_milliseconds: u32,
}

/// Parameters of [`Request::Generate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// How many records to send before the farewell.
    pub records: u64,
}
