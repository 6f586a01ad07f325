//! Names for addresses and for the owners of sockets.
//!
//! [`Names`] takes in every [`Change`] that the API server shows of pods,
//! services, their endpoints and nodes, and says who is at an address or behind
//! a control group. Nothing here does I/O or reads a clock: time is in the
//! changes and in the questions.

mod backends;
mod describe;
mod endpoint;
mod facts;
mod history;
mod index;
mod intern;
mod names;
mod nodes;
mod pods;
mod range;
mod services;
mod shelf;
#[cfg(test)]
mod tests;
mod uid;
mod workload;

pub use endpoint::{Endpoint, EndpointKind, ServiceName, Workload};
pub use facts::{
    BackendAddress, BackendFacts, BackendGroup, BackendPort, Change, ContainerFacts, Controller,
    NodeFacts, PodFacts, ServiceFacts, ServicePort, What,
};
pub use names::Names;
