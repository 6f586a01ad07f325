//! The Kubernetes programs, built from the Go module proxy and kept in the
//! user's cache. Which modules go in is pinned in `tests/cluster/kubernetes`.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::image::hex_digest;
use super::options::minor_version;
use crate::packages;
use crate::progress::Progress;

/// The programs in the cache.
pub const PROGRAMS: [&str; 4] = ["kube-apiserver", "kube-controller-manager", "kubelet", "kubectl"];

/// How many characters of the hash of `go.sum` name a folder in the cache.
const HASH_LENGTH: usize = 12;

/// This many lines of the compiler are shown when it fails.
const KEPT_LINES: usize = 20;

/// The folder that holds all cached builds.
///
/// # Errors
/// When neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache_root() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("earthworm/kubernetes"))
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cluster/kubernetes")
}

/// The versions that can be built.
#[must_use]
pub fn versions() -> Vec<String> {
    let mut versions: Vec<String> = fs::read_dir(source_root())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| minor_version(name).is_ok())
        .collect();
    versions.sort();
    versions
}

/// The folder with the programs of a version, if the cache has it.
///
/// # Errors
/// When the version is unknown.
pub fn cached(version: &str) -> Result<Option<PathBuf>> {
    let folder = folder(version)?;
    let is_whole = PROGRAMS.iter().all(|program| folder.join(program).is_file());
    Ok(is_whole.then_some(folder))
}

/// Where the programs of a version are, or will be.
fn folder(version: &str) -> Result<PathBuf> {
    minor_version(version)?;
    let Ok(sums) = fs::read(source_root().join(version).join("go.sum")) else {
        bail!("no such version here: {version} (there are {})", versions().join(", "));
    };
    Ok(cache_root()?.join(cache_name(version, &sums)))
}

/// The folder with the programs of a version, built now when the cache does not
/// have them.
///
/// # Errors
/// When the version is unknown, Go is missing, or the build fails; the message
/// then holds the compiler's last lines.
pub fn ensure(version: &str, progress: &mut Progress) -> Result<PathBuf> {
    if let Some(folder) = cached(version)? {
        return Ok(folder);
    }
    let folder = folder(version)?;
    let minor = minor_version(version)?;
    let source = source_root().join(version);
    if packages::find("go").is_none() {
        bail!("building Kubernetes {version} needs Go (https://go.dev/dl), which is not installed");
    }
    // Built aside and renamed at the end: a broken build is never taken for a
    // whole one, and two builds at once do not meet.
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.with_file_name(format!(".{name}.{}", std::process::id()));
    fs::create_dir_all(&temporary)
        .with_context(|| format!("cannot make {}", temporary.display()))?;
    let result = compile(version, minor, &source, &temporary, progress).and_then(|()| {
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&temporary, &folder).with_context(|| format!("cannot make {}", folder.display()))
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    result.map(|()| folder)
}

fn cache_name(version: &str, go_sum: &[u8]) -> String {
    format!("{version}-{}", &hex_digest(go_sum)[..HASH_LENGTH])
}

/// What tells the programs their own version. Commit and date are fixed, so
/// that the same modules make the same programs.
fn linker_flags(version: &str, minor: u32) -> String {
    let package = "k8s.io/component-base/version";
    let values = [
        ("gitVersion", format!("v{version}")),
        ("gitMajor", "1".to_owned()),
        ("gitMinor", minor.to_string()),
        ("gitTreeState", "clean".to_owned()),
        ("gitCommit", "0".repeat(40)),
        ("buildDate", "1970-01-01T00:00:00Z".to_owned()),
    ];
    let definitions: String =
        values.iter().map(|(name, value)| format!(" -X {package}.{name}={value}")).collect();
    format!("-s -w{definitions}")
}

fn go(source: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(source)
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .stdin(Stdio::null());
    command
}

fn compile(
    version: &str,
    minor: u32,
    source: &Path,
    output: &Path,
    progress: &mut Progress,
) -> Result<()> {
    let title = format!("building Kubernetes {version}");
    progress.step(&format!("{title} (6 to 12 minutes, once)"));
    let packages: Vec<String> =
        PROGRAMS.iter().map(|program| format!("k8s.io/kubernetes/cmd/{program}")).collect();
    let listing =
        go(source).args(["list", "-deps"]).args(&packages).output().context("cannot start go")?;
    if !listing.status.success() {
        bail!(
            "cannot resolve Kubernetes {version}: {}",
            String::from_utf8_lossy(&listing.stderr).trim()
        );
    }
    let total = listing.stdout.split(|byte| *byte == b'\n').count() as u64;

    let mut child = go(source)
        .args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(linker_flags(version, minor))
        .arg("-o")
        // With a slash at its end go takes it for a folder.
        .arg(output.join(""))
        .args(&packages)
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
        bail!("building Kubernetes {version} failed:\n{}", lines.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_version_can_be_built() {
        let versions = versions();
        assert!(versions.contains(&super::super::options::DEFAULT_KUBERNETES.to_owned()));
        for version in versions {
            let go_mod = source_root().join(&version).join("go.mod");
            let text = fs::read_to_string(go_mod).unwrap();
            assert!(text.contains(&format!("require k8s.io/kubernetes v{version}\n")));
        }
    }

    #[test]
    fn another_go_sum_is_another_folder() {
        assert_eq!(cache_name("1.36.3", b"x"), "1.36.3-2d711642b726");
        assert_ne!(cache_name("1.36.3", b"x"), cache_name("1.36.3", b"y"));
    }

    #[test]
    fn the_programs_are_told_their_version() {
        let flags = linker_flags("1.30.14", 30);
        assert!(flags.contains(" -X k8s.io/component-base/version.gitVersion=v1.30.14 "));
        assert!(flags.contains(".gitMinor=30 "));
    }

    #[test]
    fn an_unknown_version_is_refused_before_any_work() {
        let error = ensure("1.1.1", &mut Progress::new()).unwrap_err().to_string();
        assert!(error.starts_with("no such version here: 1.1.1 (there are "), "{error}");
        assert!(ensure("../x", &mut Progress::new()).is_err());
    }
}
