//! All Kubernetes I/O.
//!
//! [`connect`] gives a client, [`nodes`] says whom to measure, [`session`] runs
//! one probe on one node from its objects ([`objects`], pure) to its removal
//! ([`remove`]), [`leases`] watches what the control plane sees. Everything they
//! learn leaves as [`crate::signal::Signal`]s. [`directory`] watches who is in
//! the cluster, for [`crate::naming`].

pub mod bypass;
pub mod connect;
pub mod directory;
pub mod forward;
pub mod images;
pub mod lean;
pub mod leases;
pub mod names;
pub mod nodes;
pub mod objects;
pub mod pod_state;
pub mod presence;
pub mod problem;
pub mod profile;
pub mod remove;
pub mod reporter;
pub mod session;
