//! What the kernel says no to.

use std::error::Error;
use std::io;

use thiserror::Error;

/// The kernel's answer "not supported" that user space has no name for
/// (`ENOTSUPP`, include/linux/errno.h).
const ENOTSUPP: i32 = 524;

/// A refused load or attachment.
#[derive(Debug, Error)]
pub enum KernelError {
    /// EPERM or EACCES: a stronger profile may help.
    #[error("not permitted to {action}: {source}")]
    NotPermitted {
        /// What was tried.
        action: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel does not know the request: too old, or built without it.
    #[error("this kernel cannot {action}: {source}")]
    NotSupported {
        /// What was tried.
        action: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The process was gone before the probes were there.
    #[error("process {pid} ended")]
    ProcessEnded {
        /// Its id.
        pid: u32,
    },
    /// Anything else.
    #[error("cannot {action}: {message}")]
    Failed {
        /// What was tried.
        action: String,
        /// What went wrong.
        message: String,
    },
}

impl KernelError {
    /// Sorts an error of a bpf(2) or perf_event_open(2) call.
    #[must_use]
    pub fn from_io(action: impl Into<String>, source: io::Error) -> Self {
        let action = action.into();
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::NotPermitted { action, source },
            // EINVAL and E2BIG are how bpf(2) refuses commands and fields it
            // does not know (bpf_check_uarg_tail_zero, kernel/bpf/syscall.c).
            Some(libc::EINVAL | libc::E2BIG | libc::EOPNOTSUPP | libc::ENOENT | ENOTSUPP) => {
                Self::NotSupported { action, source }
            }
            _ => Self::Failed { action, message: source.to_string() },
        }
    }

    /// Sorts an error of a library by the system error it was caused by.
    #[must_use]
    pub fn from_error(action: impl Into<String>, error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(current) = cause {
            if let Some(code) =
                current.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error)
            {
                return Self::from_io(action, io::Error::from_raw_os_error(code));
            }
            cause = current.source();
        }
        Self::Failed { action: action.into(), message: chain(error) }
    }

    /// The same once more: the same cause refuses every program.
    #[must_use]
    pub(super) fn again(&self) -> Self {
        let copy = |error: &io::Error| match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        match self {
            Self::NotPermitted { action, source } => {
                Self::NotPermitted { action: action.clone(), source: copy(source) }
            }
            Self::NotSupported { action, source } => {
                Self::NotSupported { action: action.clone(), source: copy(source) }
            }
            Self::ProcessEnded { pid } => Self::ProcessEnded { pid: *pid },
            Self::Failed { action, message } => {
                Self::Failed { action: action.clone(), message: message.clone() }
            }
        }
    }

    /// Whether more rights could help.
    #[must_use]
    pub fn is_not_permitted(&self) -> bool {
        matches!(self, Self::NotPermitted { .. })
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let next = current.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = current.source();
    }
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_sorted() {
        let sort = |code| KernelError::from_io("load x", io::Error::from_raw_os_error(code));
        assert!(sort(libc::EPERM).is_not_permitted());
        assert!(sort(libc::EACCES).is_not_permitted());
        assert!(matches!(sort(libc::EINVAL), KernelError::NotSupported { .. }));
        assert!(matches!(sort(ENOTSUPP), KernelError::NotSupported { .. }));
        assert!(matches!(sort(libc::ENOMEM), KernelError::Failed { .. }));
    }

    #[test]
    fn causes_are_looked_through() {
        #[derive(Debug, Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let outer = Outer(io::Error::from_raw_os_error(libc::EACCES));
        let error = KernelError::from_error("attach x", &outer);
        assert_eq!(error.to_string(), "not permitted to attach x: Permission denied (os error 13)");
        let plain = Outer(io::Error::other("inner\nlines"));
        assert_eq!(
            KernelError::from_error("attach x", &plain).to_string(),
            "cannot attach x: outer: inner"
        );
    }
}
