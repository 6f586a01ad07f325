//! Keeps two commands from building up and tearing down at once.

use std::fs::{self, File, OpenOptions, TryLockError};

use anyhow::{Context, Result, bail};

use super::layout::Layout;

/// Held for as long as the value lives, also across the removal of the file.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, and makes the state folder if there is none.
    ///
    /// # Errors
    /// When this is not root, or another command works on the sandbox.
    pub fn take(layout: &Layout) -> Result<Lock> {
        if !rustix::process::geteuid().is_root() {
            bail!(
                "the sandbox makes network namespaces and control groups: please run this as root"
            );
        }
        fs::create_dir_all(layout.root())
            .with_context(|| format!("cannot make {}", layout.root().display()))?;
        let file = open(layout, File::options().create(true))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                bail!("another command starts or stops the sandbox at this moment")
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the sandbox"),
        }
    }

    /// Takes the lock of a sandbox that is there, and waits for it: restarts of
    /// components by tests that run side by side are short.
    ///
    /// # Errors
    /// When there is no sandbox.
    pub fn wait(layout: &Layout) -> Result<Lock> {
        let file = open(layout, &mut File::options())?;
        file.lock().context("cannot lock the sandbox")?;
        Ok(Lock { _file: file })
    }
}

fn open(layout: &Layout, options: &mut OpenOptions) -> Result<File> {
    let path = layout.lock_file();
    options
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let root = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        let layout = Layout::new(&root);
        assert!(Lock::wait(&layout).is_err(), "there is no sandbox");
        fs::create_dir_all(&root).unwrap();
        fs::write(layout.lock_file(), "").unwrap();
        let first = Lock::wait(&layout).unwrap();
        let second = open(&layout, &mut File::options()).unwrap();
        assert!(matches!(second.try_lock(), Err(TryLockError::WouldBlock)));
        drop(first);
        second.try_lock().unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
}
