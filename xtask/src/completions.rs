//! `cargo xtask completions`: the scripts in `completions/`, which are what the
//! binary prints and are committed so that packagers need not run it.

use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::progress::say;

/// The folder, below the workspace.
const FOLDER: &str = "completions";

/// Each shell as the plugin calls it, and the file name under which that shell
/// looks for a script.
const SCRIPTS: [(&str, &str); 4] = [
    ("bash", "kubectl-earthworm.bash"),
    ("zsh", "_kubectl-earthworm"),
    ("fish", "kubectl-earthworm.fish"),
    ("powershell", "_kubectl-earthworm.ps1"),
];

/// Writes the scripts, or with `check` only says whether they are what the
/// binary prints.
///
/// # Errors
/// When the plugin does not compile or a script cannot be written; with
/// `check`, when one of them is stale.
pub fn run(check: bool) -> Result<ExitCode> {
    let plugin = build::plugin(false)?;
    let folder = build::root().join(FOLDER);
    let mut stale = Vec::new();
    for (shell, file) in SCRIPTS {
        let output = Command::new(&plugin)
            .args(["completion", shell])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", plugin.display()))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("`completion {shell}` failed: {}", errors.trim());
        }
        if output.stdout.is_empty() {
            bail!("`completion {shell}` printed nothing");
        }
        let path = folder.join(file);
        if fs::read(&path).is_ok_and(|script| script == output.stdout) {
            continue;
        }
        stale.push(format!("{FOLDER}/{file}"));
        if !check {
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(&path, &output.stdout))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    match (stale.is_empty(), check) {
        (true, _) => say("the completion scripts are what the binary prints"),
        (false, false) => say(&format!("written: {}", stale.join(", "))),
        (false, true) => {
            bail!("stale: {} (`cargo xtask completions` writes them)", stale.join(", "))
        }
    }
    Ok(ExitCode::SUCCESS)
}
