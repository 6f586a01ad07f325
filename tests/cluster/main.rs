//! What the plugin promises, on a real Kubernetes: the sandbox of
//! `cargo xtask cluster up`. Without one, or without root, every test says so
//! and passes; with `EARTHWORM_REQUIRE_CLUSTER=1` it fails.

mod healthy;
mod residue;
