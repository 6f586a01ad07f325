//! The mount table, and the removal of what lies below a folder of ours.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::mount::{UnmountFlags, unmount};

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub path: PathBuf,
    /// For example `cgroup2` or `overlay`.
    pub filesystem: String,
    /// The options of the file system itself, for example `rw,cpuset`.
    pub super_options: String,
}

/// The mounts in the order in which they were made.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn list() -> Result<Vec<Mount>> {
    let text = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mount table")?;
    Ok(text.lines().filter_map(parse_line).collect())
}

fn parse_line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let path = left.split(' ').nth(4)?;
    let mut right = right.split(' ');
    let filesystem = right.next()?;
    let super_options = right.nth(1)?;
    Some(Mount {
        path: unescape(path),
        filesystem: filesystem.to_owned(),
        super_options: super_options.to_owned(),
    })
}

/// The kernel writes space, tab, newline and backslash as `\040` and so on
/// (`mangle_path` in fs/seq_file.c).
fn unescape(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'\\')
            .then(|| text.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                result.push(code);
                at += 4;
            }
            None => {
                result.push(bytes[at]);
                at += 1;
            }
        }
    }
    PathBuf::from(OsString::from_vec(result))
}

/// The mounts at or below a folder.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(list()?
        .into_iter()
        .map(|mount| mount.path)
        .filter(|path| path.starts_with(folder))
        .collect())
}

/// Removes every mount at or below a folder, the latest first.
///
/// # Errors
/// When one of them cannot be removed.
pub fn remove_below(folder: &Path) -> Result<()> {
    for path in below(folder)?.iter().rev() {
        unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)
            .with_context(|| format!("cannot unmount {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_and_without_optional_fields() {
        let plain = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(
            parse_line(plain),
            Some(Mount {
                path: PathBuf::from("/sys/fs/cgroup/unified"),
                filesystem: "cgroup2".to_owned(),
                super_options: "rw".to_owned(),
            })
        );
        let shared = "36 35 98:0 /mnt1 /mnt\\0402\\134x rw shared:1 master:2 - ext3 /dev/root rw,x";
        let mount = parse_line(shared).unwrap();
        assert_eq!(mount.path, PathBuf::from("/mnt 2\\x"));
        assert_eq!(mount.super_options, "rw,x");
        assert_eq!(parse_line("nonsense"), None);
    }

    #[test]
    fn neighbours_with_a_longer_name_are_left_alone() {
        assert!(
            !Path::new("/var/lib/earthworm-sandbox2/x").starts_with("/var/lib/earthworm-sandbox")
        );
        assert!(below(Path::new("/proc")).unwrap().contains(&PathBuf::from("/proc")));
    }
}
