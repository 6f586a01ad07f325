//! Exit codes of every command, in one table.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Measured and healthy, or done.
    Healthy = 0,
    /// Measured and unhealthy.
    Unhealthy = 1,
    /// Could not measure: usage, rights, image, no node answered, too little data.
    NotMeasured = 2,
    /// Interrupted before it was done.
    Interrupted = 130,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// From the code of a node's summary.
    #[must_use]
    pub fn from_summary(code: u8) -> Self {
        match code {
            0 => Self::Healthy,
            1 => Self::Unhealthy,
            _ => Self::NotMeasured,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
