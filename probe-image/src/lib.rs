//! The probe as a library: the binary is a thin shell around it, and so are
//! the tests that load its programs into a kernel.

pub mod arguments;
pub mod clock;
pub mod cost;
pub mod enumeration;
pub mod gobin;
pub mod kernel;
pub mod outbox;
pub mod probes;
pub mod process;
pub mod server;
pub mod token;
pub mod uprobe;
