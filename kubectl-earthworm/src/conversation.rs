//! What the plugin and one probe say to each other, whatever carries it: the API
//! server's port-forward, or a socket of this machine.
//!
//! A [`stream::Stream`] is a connection whose probe has said hello; an
//! [`intake::Intake`] takes what comes on it, each record once, over any number
//! of connections.

pub mod intake;
pub mod stream;
#[cfg(test)]
mod tests;
