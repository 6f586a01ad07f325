//! Programs that are built from Go modules, once, and kept in the user's cache.
//! Which modules go in is pinned beside their sources in `tests/cluster`.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::image::hex_digest;
use crate::packages;
use crate::progress::Progress;

/// How many characters of a hash name a folder in the cache.
const HASH_LENGTH: usize = 12;

/// This many lines of the compiler are shown when it fails.
const KEPT_LINES: usize = 20;

/// What is built from where to where.
#[derive(Debug, Clone)]
pub struct GoBuild {
    /// What people call it: `Kubernetes 1.36.3`.
    pub title: String,
    /// How long it takes, in words, for whoever waits.
    pub duration: &'static str,
    /// The folder with `go.mod`.
    pub source: PathBuf,
    /// What `go build` is given.
    pub packages: Vec<String>,
    /// The files that it makes.
    pub programs: &'static [&'static str],
    /// What the linker is told.
    pub linker_flags: String,
    /// Where the programs are, or will be: a folder in the cache, of which the
    /// name changes with whatever goes in.
    pub folder: PathBuf,
}

/// The folder below the user's cache that holds what this project keeps there.
///
/// # Errors
/// When neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache_root() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("earthworm"))
}

/// The name of a folder in the cache for a version made from this content.
#[must_use]
pub fn cache_name(version: &str, content: &[u8]) -> String {
    format!("{version}-{}", &hex_digest(content)[..HASH_LENGTH])
}

impl GoBuild {
    /// The folder with the programs, if the cache has all of them.
    #[must_use]
    pub fn cached(&self) -> Option<PathBuf> {
        let is_whole = self.programs.iter().all(|program| self.folder.join(program).is_file());
        is_whole.then(|| self.folder.clone())
    }

    /// The folder with the programs, built now when the cache does not have
    /// them.
    ///
    /// # Errors
    /// When Go is missing or the build fails; the message then holds the
    /// compiler's last lines.
    pub fn ensure(&self, progress: &mut Progress) -> Result<PathBuf> {
        if let Some(folder) = self.cached() {
            return Ok(folder);
        }
        if packages::find("go").is_none() {
            bail!("building {} needs Go (https://go.dev/dl), which is not installed", self.title);
        }
        // Built aside and renamed at the end: a broken build is never taken for
        // a whole one, and two builds at once do not meet.
        let folder = &self.folder;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder.with_file_name(format!(".{name}.{}", std::process::id()));
        fs::create_dir_all(&temporary)
            .with_context(|| format!("cannot make {}", temporary.display()))?;
        let result = self.compile(&temporary, progress).and_then(|()| {
            let _ = fs::remove_dir_all(folder);
            fs::rename(&temporary, folder)
                .with_context(|| format!("cannot make {}", folder.display()))
        });
        if result.is_err() {
            let _ = fs::remove_dir_all(&temporary);
        }
        result.map(|()| folder.clone())
    }

    fn compile(&self, output: &Path, progress: &mut Progress) -> Result<()> {
        let title = format!("building {}", self.title);
        progress.step(&format!("{title} ({}, once)", self.duration));
        let listing = self
            .go()
            .args(["list", "-deps"])
            .args(&self.packages)
            .output()
            .context("cannot start go")?;
        if !listing.status.success() {
            let words = String::from_utf8_lossy(&listing.stderr);
            bail!("cannot resolve {}: {}", self.title, words.trim());
        }
        let total = listing.stdout.split(|byte| *byte == b'\n').count() as u64;

        let mut child = self
            .go()
            .args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags"])
            .arg(&self.linker_flags)
            .arg("-o")
            // With a slash at its end go takes it for a folder.
            .arg(output.join(""))
            .args(&self.packages)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start go")?;
        let mut last_lines = VecDeque::new();
        if let Some(errors) = child.stderr.take() {
            let mut done = 0;
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                done += 1;
                progress.count(&title, done, total, &line);
                if last_lines.len() == KEPT_LINES {
                    last_lines.pop_front();
                }
                last_lines.push_back(line);
            }
        }
        let status = child.wait().context("cannot wait for go")?;
        if !status.success() {
            let lines: Vec<String> = last_lines.into();
            bail!("{title} failed:\n{}", lines.join("\n"));
        }
        Ok(())
    }

    fn go(&self) -> Command {
        let mut command = Command::new("go");
        command
            .current_dir(&self.source)
            .env("GOFLAGS", "-mod=readonly")
            .env("GOWORK", "off")
            .stdin(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_content_is_another_folder() {
        assert_eq!(cache_name("1.36.3", b"x"), "1.36.3-2d711642b726");
        assert_ne!(cache_name("1.36.3", b"x"), cache_name("1.36.3", b"y"));
    }

    #[test]
    fn half_of_the_programs_is_not_enough() {
        let folder = env::temp_dir().join(format!("xtask-go-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("one"), "").unwrap();
        let mut build = GoBuild {
            title: "Two".to_owned(),
            duration: "a moment",
            source: folder.clone(),
            packages: Vec::new(),
            programs: &["one"],
            linker_flags: String::new(),
            folder: folder.clone(),
        };
        assert_eq!(build.cached().as_ref(), Some(&folder));
        build.programs = &["one", "two"];
        assert_eq!(build.cached(), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
