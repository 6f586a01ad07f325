//! The root of the unified control groups, which a pod does not see among its
//! own mounts.

use std::fs::{self, File};
use std::io;

use crate::uprobe::KernelError;

/// Opens it as the node's first process sees it, else as this one does.
///
/// # Errors
/// When it is mounted in neither place, or cannot be opened there.
pub(super) fn open() -> Result<File, KernelError> {
    let action = "open the root of the unified control groups (cgroup2)";
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "they are not mounted");
    // The process above that of a pod is its runtime's, which lives on the node;
    // the first one of all may be closed even to root.
    let parent = std::os::unix::process::parent_id();
    for process in ["1".to_owned(), parent.to_string(), "self".to_owned()] {
        let mounts = fs::read_to_string(format!("/proc/{process}/mounts"));
        let opened = mounts.and_then(|content| match mounted(&content) {
            Some(path) => File::open(format!("/proc/{process}/root{path}")).map(Some),
            None => Ok(None),
        });
        match opened {
            Ok(Some(root)) => return Ok(root),
            Ok(None) => {}
            Err(error) => failure = error,
        }
    }
    match failure.raw_os_error() {
        Some(_) => Err(KernelError::from_io(action, failure)),
        None => {
            Err(KernelError::Failed { action: action.to_owned(), message: failure.to_string() })
        }
    }
}

/// Where it is mounted, from the lines of a `/proc/PID/mounts`: device, path,
/// type, options.
fn mounted(content: &str) -> Option<&str> {
    content.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let path = fields.next()?;
        (fields.next()? == "cgroup2").then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_version_1_and_alone() {
        let both = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                    cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
        assert_eq!(mounted(both), Some("/sys/fs/cgroup/unified"));
        assert_eq!(mounted("none /sys/fs/cgroup cgroup2 rw 0 0"), Some("/sys/fs/cgroup"));
        assert_eq!(mounted("cgroup2 /mnt tmpfs rw 0 0\n\n"), None);
    }
}
