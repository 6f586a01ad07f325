//! What the plugin promises, on a real Kubernetes: the sandbox of
//! `cargo xtask cluster up`. Without one, or without root, every test says so
//! and passes; with `EARTHWORM_REQUIRE_CLUSTER=1` it fails.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "helpers of tests may fail and speak like tests"
)]

mod bad_input;
mod beats;
mod bypass;
mod candidates;
mod directory;
mod dns;
mod drops;
mod healthy;
mod images;
mod incidents;
mod kubelets;
mod network;
mod outage;
mod paths;
mod picker;
mod plugin;
mod profiles;
mod residue;
mod rogue;
mod screen;
mod strangers;
mod top;
