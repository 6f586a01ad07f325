//! `kubectl earthworm`: everything that runs on the user's machine.

pub mod signal;
