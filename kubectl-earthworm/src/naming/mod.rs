//! Names for addresses and for the owners of sockets.

mod endpoint;

pub use endpoint::{Endpoint, EndpointKind, ServiceName, Workload};
