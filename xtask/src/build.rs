//! `cargo xtask build`, and how every chore starts cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::progress::print;

/// The plugin's file name, which is how kubectl finds it.
pub const PLUGIN: &str = "kubectl-earthworm";

/// Variables that `cargo run` sets for this program. A cargo started from here
/// must not see them: some build scripts ask for them, and would run again each
/// time a developer changes between `cargo build` and `cargo xtask`.
const SET_BY_CARGO_RUN: [&str; 4] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Builds the plugin, and prints where it is and how large.
///
/// # Errors
/// When it does not compile.
pub fn run(release: bool) -> Result<ExitCode> {
    let path = plugin(release)?;
    let size_bytes =
        fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
    print(&format!("{}  {}", path.display(), megabytes(size_bytes)));
    Ok(ExitCode::SUCCESS)
}

/// The folder that holds the workspace.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// A cargo that works on the workspace and is asked nothing by anyone.
#[must_use]
pub fn cargo() -> Command {
    // `cargo run` names itself, so that no other version gets in between.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let is_ours = name
            .to_str()
            .is_some_and(|name| SET_BY_CARGO_RUN.iter().any(|prefix| name.starts_with(prefix)));
        if is_ours {
            command.env_remove(name);
        }
    }
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Builds the plugin together with the probe that it carries, and gives the
/// path of the binary. The compiler's words go to standard error.
///
/// # Errors
/// When it does not compile.
pub fn plugin(release: bool) -> Result<PathBuf> {
    let mut command = cargo();
    // Features are chosen for the whole workspace, as the tests do: otherwise
    // half of the libraries would be compiled twice.
    command.args(["build", "--workspace", "--bin", PLUGIN]);
    command.arg("--message-format=json-render-diagnostics");
    if release {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the plugin does not compile, see above");
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("cargo did not say where {PLUGIN} is"))
}

/// The path of the plugin from cargo's messages, one JSON object per line.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == PLUGIN)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

fn megabytes(size_bytes: u64) -> String {
    format!("{}.{} MB", size_bytes / 1_000_000, size_bytes % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_the_messages() {
        let messages = concat!(
            "not JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"earthworm-probe"},"executable":"/x/probe"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"kubectl-earthworm"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"kubectl-earthworm"},"executable":"/x/kubectl-earthworm"}"#,
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/x/kubectl-earthworm")));
        assert_eq!(executable(""), None);
    }

    #[test]
    fn the_root_is_the_workspace() {
        assert!(fs::read_to_string(root().join("Cargo.toml")).unwrap().contains("[workspace]"));
    }

    #[test]
    fn sizes_are_in_megabytes() {
        assert_eq!(megabytes(37_665_228), "37.6 MB");
        assert_eq!(megabytes(99_999), "0.0 MB");
    }
}
