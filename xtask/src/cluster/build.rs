//! The programs of a sandbox that are built from Go modules: those of
//! Kubernetes, of which there are several versions, and CoreDNS.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::coredns;
use super::go_build::{GoBuild, cache_name, cache_root};
use super::options::minor_version;
use crate::progress::Progress;

/// The programs of Kubernetes.
const PROGRAMS: [&str; 5] =
    ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kubelet", "kubectl"];

/// Where the programs of a sandbox are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The folder with kube-apiserver, kubelet and the others.
    pub kubernetes: PathBuf,
    /// CoreDNS itself.
    pub coredns: PathBuf,
}

/// The programs for a version of Kubernetes, built now when the cache does not
/// have them.
///
/// # Errors
/// When the version is unknown, Go is missing, or a build fails; the message
/// then holds the compiler's last lines.
pub fn ensure(version: &str, progress: &mut Progress) -> Result<Programs> {
    // In this order: most of what CoreDNS is made of has then been compiled.
    let kubernetes = kubernetes(version)?.ensure(progress)?;
    let coredns = coredns::build()?.ensure(progress)?.join(coredns::NAME);
    Ok(Programs { kubernetes, coredns })
}

/// Whether the cache has all programs for a version of Kubernetes.
///
/// # Errors
/// When the version is unknown.
pub fn is_cached(version: &str) -> Result<bool> {
    Ok(kubernetes(version)?.cached().is_some() && coredns::build()?.cached().is_some())
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

fn kubernetes(version: &str) -> Result<GoBuild> {
    let minor = minor_version(version)?;
    let source = source_root().join(version);
    let Ok(sums) = fs::read(source.join("go.sum")) else {
        bail!("no such version here: {version} (there are {})", versions().join(", "));
    };
    let package = |program: &&str| format!("k8s.io/kubernetes/cmd/{program}");
    Ok(GoBuild {
        title: format!("Kubernetes {version}"),
        duration: "6 to 12 minutes",
        source,
        packages: PROGRAMS.iter().map(package).collect(),
        programs: &PROGRAMS,
        linker_flags: linker_flags(version, minor),
        folder: cache_root()?.join("kubernetes").join(cache_name(version, &sums)),
    })
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
