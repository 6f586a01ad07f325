//! The probe's process.

fn main() {}
