//! Programs that a chore needs and Debian has.

use std::env;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::Progress;

/// Where system programs are, also when a user's PATH does not name it.
const SYSTEM_FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Makes sure that programs are there. Each entry is a program's name, or the
/// absolute path of a file, and the Debian package that brings it.
///
/// # Errors
/// Names the missing packages when they cannot be installed from here, or when
/// `apt-get` failed.
pub fn ensure(wanted: &[(&str, &str)], progress: &mut Progress) -> Result<()> {
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if find("apt-get").is_none() {
        bail!("please install what Debian calls: {names}");
    }
    if !rustix::process::geteuid().is_root() {
        bail!("please install, as root: apt-get install {names}");
    }
    progress.step(&format!("installing {names}"));
    let _guard = ServiceGuard::new();
    apt_get(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    apt_get(&arguments)?;
    Ok(())
}

/// The packages of which something is missing, each once.
fn missing<'a>(wanted: &[(&str, &'a str)]) -> Vec<&'a str> {
    let mut packages: Vec<&str> = wanted
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// The file of a program, looked up in PATH and in the system's folders; an
/// absolute path stands for itself.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let is_there = |path: &PathBuf| path.is_file();
    if Path::new(program).is_absolute() {
        return Some(PathBuf::from(program)).filter(is_there);
    }
    search_path().iter().map(|folder| folder.join(program)).find(|path| is_there(path))
}

/// The folders of PATH, and the system's where PATH leaves them out.
#[must_use]
pub fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    for folder in SYSTEM_FOLDERS.map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("cannot start apt-get")?;
    if !output.status.success() {
        bail!(
            "`apt-get {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// While this lives, installed packages do not start their services: the
/// chores start what they need themselves, apart from the system's own.
/// (`invoke-rc.d` asks `policy-rc.d`; 101 means no.)
struct ServiceGuard {
    created: Option<PathBuf>,
}

impl ServiceGuard {
    fn new() -> Self {
        let path = PathBuf::from("/usr/sbin/policy-rc.d");
        let mut options = fs::OpenOptions::new();
        // Someone else's policy stays as it is.
        let created = options
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"#!/bin/sh\nexit 101\n"))
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .is_ok();
        ServiceGuard { created: created.then_some(path) }
    }
}

impl Drop for ServiceGuard {
    fn drop(&mut self) {
        if let Some(path) = &self.created {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_missing() {
        assert_eq!(missing(&[("sh", "dash"), ("/proc/self/stat", "linux")]), Vec::<&str>::new());
    }

    #[test]
    fn each_missing_package_is_named_once() {
        let wanted = [
            ("no-such-program-1", "zeta"),
            ("/no/such/file", "alpha"),
            ("no-such-program-2", "zeta"),
        ];
        assert_eq!(missing(&wanted), ["alpha", "zeta"]);
    }
}
