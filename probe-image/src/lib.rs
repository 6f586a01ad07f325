//! The probe as a library: the binary is a thin shell around it, and so are
//! the tests that load its programs into a kernel.

pub mod gobin;
