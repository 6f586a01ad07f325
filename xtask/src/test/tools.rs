//! Tools that are compiled once and kept in the user's cache.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::cluster::go_build::cache_root;
use crate::packages;
use crate::progress::{Progress, say};

/// The version that the project's `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// The path of cargo-deny: the one in PATH, the one in the cache, or one that
/// is compiled now. `None` when it would have to be compiled and must not.
///
/// # Errors
/// When it cannot be compiled.
pub(super) fn cargo_deny(only_if_there: bool) -> Result<Option<PathBuf>> {
    if let Some(program) = packages::find("cargo-deny") {
        return Ok(Some(program));
    }
    let root = cache_root()?.join("tools").join(format!("cargo-deny-{CARGO_DENY}"));
    let program = root.join("bin/cargo-deny");
    if program.is_file() {
        return Ok(Some(program));
    }
    if only_if_there {
        return Ok(None);
    }
    let mut progress = Progress::new();
    progress.step("compiling cargo-deny (some minutes, once)");
    let mut command = build::cargo();
    command
        // Unoptimised: it runs for seconds and compiles for minutes.
        .args(["install", "--locked", "--debug", "--quiet", "--root"])
        .arg(&root)
        .arg(format!("cargo-deny@{CARGO_DENY}"));
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cannot compile cargo-deny: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    progress.finish("cargo-deny is compiled");
    if !program.is_file() {
        say(&format!("cargo said it installed {}, which is not there", program.display()));
        return Ok(None);
    }
    Ok(Some(program))
}
