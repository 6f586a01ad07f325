//! The programs that are measured, as they are installed.

use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::Bench;
use crate::build;
use crate::progress::say;

/// What cargo has built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Built {
    /// The plugin.
    pub(super) plugin: PathBuf,
    /// Probes at work.
    pub(super) bench: PathBuf,
    /// Where launcher and probe lie as they are put into the plugin.
    payload: PathBuf,
}

/// Built when the first benchmark asks.
#[derive(Debug, Default)]
pub(super) struct Programs(Option<Result<(Built, Duration), String>>);

impl Programs {
    /// The release builds.
    pub(super) fn plugin(&mut self) -> Result<&Built> {
        let built = self.0.get_or_insert_with(|| {
            say("building for release (some minutes the first time)");
            let started = Instant::now();
            let built = build_all().map_err(|error| format!("{error:#}"))?;
            let took = started.elapsed();
            say(&format!("built in {:.0} s", took.as_secs_f64()));
            Ok((built, took))
        });
        built.as_ref().map(|(built, _)| built).map_err(|reason| anyhow!("{reason}"))
    }
}

impl Bench<'_> {
    /// The folder with `launcher` and `probe.zst` as the plugin carries them.
    pub(super) fn payload_folder(&mut self) -> Result<PathBuf> {
        Ok(self.programs.plugin()?.payload.clone())
    }

    /// The probe as it is on a node, ready to be started.
    pub(super) fn probe(&mut self) -> Result<PathBuf> {
        let from = self.payload_folder()?.join("last-probe");
        // The build's own file is data to cargo: it is not made executable.
        let to = self.programs.plugin()?.plugin.with_file_name("earthworm-probe-bench");
        fs::copy(&from, &to).with_context(|| {
            format!("cannot copy {} (was the probe built elsewhere?)", from.display())
        })?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {} executable", to.display()))?;
        Ok(to)
    }
}

/// Only what is needed: with the whole workspace, features that the tests want
/// would get into the plugin, and its size would not be the installed one.
fn build_all() -> Result<Built> {
    let mut command = build::cargo();
    command.args(["build", "--release", "--message-format=json-render-diagnostics"]).args([
        "--package",
        build::PLUGIN,
        "--package",
        "earthworm-bench",
        "--bins",
    ]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the release build failed, see above");
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// From cargo's messages, one JSON object per line.
fn parse(messages: &str) -> Result<Built> {
    let messages: Vec<Value> =
        messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let executable = |name: &str| {
        let path = messages
            .iter()
            .filter(|message| message["target"]["name"] == name)
            .find_map(|message| message["executable"].as_str());
        path.map(PathBuf::from).with_context(|| format!("cargo did not say where {name} is"))
    };
    let out = messages
        .iter()
        .filter(|message| message["reason"] == "build-script-executed")
        .filter(|message| {
            let package = message["package_id"].as_str().unwrap_or_default();
            package.contains(&format!("/{}#", build::PLUGIN))
        })
        .find_map(|message| message["out_dir"].as_str())
        .context("cargo did not say where the payload is")?;
    Ok(Built {
        plugin: executable(build::PLUGIN)?,
        bench: executable("earthworm-bench")?,
        payload: Path::new(out).join(ARCH),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_among_the_messages() {
        let messages = concat!(
            r#"{"reason":"build-script-executed","package_id":"path+file:///w/kubectl-earthworm#0.1.0","out_dir":"/t/out"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"earthworm-bench"},"executable":"/t/earthworm-bench"}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"kubectl-earthworm"},"executable":"/t/kubectl-earthworm"}"#,
        );
        let built = parse(messages).unwrap();
        assert_eq!(built.plugin, Path::new("/t/kubectl-earthworm"));
        assert_eq!(built.bench, Path::new("/t/earthworm-bench"));
        assert_eq!(built.payload, Path::new("/t/out").join(ARCH));
        assert!(parse("").is_err());
    }
}
