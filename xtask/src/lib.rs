//! The project's own chores, and what the tests need of them.
//!
//! [`cluster::Sandbox`] starts, finds and stops a real Kubernetes on this
//! machine. Everything here is for developers: nothing of it is published, and
//! errors are texts for people.

pub mod bench;
pub mod build;
pub mod cli;
pub mod cluster;
pub mod completions;
pub mod demo;
pub mod packages;
pub mod progress;
pub mod test;
