//! Which test programs there are, by the folder that their source lies in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::build;

/// The names of the test programs, for cargo's `--test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    /// They need nothing but this machine.
    pub(super) unit: Vec<String>,
    /// Those in `tests/kernel`.
    pub(super) kernel: Vec<String>,
    /// Those in `tests/cluster`.
    pub(super) cluster: Vec<String>,
}

impl Targets {
    /// Asks cargo.
    ///
    /// # Errors
    /// When cargo does not understand the workspace, or a name stands for two
    /// programs of different classes: cargo would run both.
    pub(super) fn find() -> Result<Targets> {
        let mut command = build::cargo();
        command.args(["metadata", "--no-deps", "--format-version=1"]);
        let output = command.output().context("cannot start cargo")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let root = build::root();
        let root = root.canonicalize().unwrap_or(root);
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .context("cannot read what `cargo metadata` says")?;
        Targets::from_metadata(&metadata, &root)
    }

    fn from_metadata(metadata: &Value, root: &Path) -> Result<Targets> {
        let mut targets = Targets::default();
        let packages = metadata["packages"].as_array().into_iter().flatten();
        for target in packages.flat_map(|package| package["targets"].as_array()).flatten() {
            let is_test =
                target["kind"].as_array().is_some_and(|kinds| kinds.contains(&"test".into()));
            let (true, Some(name), Some(source)) =
                (is_test, target["name"].as_str(), target["src_path"].as_str())
            else {
                continue;
            };
            // A package may name a file of another folder by way of `..`.
            let source = PathBuf::from(source);
            let source = source.canonicalize().unwrap_or(source);
            let class = if source.starts_with(root.join("tests/kernel")) {
                &mut targets.kernel
            } else if source.starts_with(root.join("tests/cluster")) {
                &mut targets.cluster
            } else {
                &mut targets.unit
            };
            if !class.iter().any(|known| known == name) {
                class.push(name.to_owned());
            }
        }
        targets.refuse_ambiguous()?;
        Ok(targets)
    }

    fn refuse_ambiguous(&self) -> Result<()> {
        let classes = [&self.unit, &self.kernel, &self.cluster];
        for (index, class) in classes.iter().enumerate() {
            for name in *class {
                if classes[index + 1..].iter().any(|other| other.contains(name)) {
                    bail!("two test programs of different classes are called {name:?}");
                }
            }
        }
        Ok(())
    }
}

/// `--test NAME` for each.
pub(super) fn flags(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().flat_map(|name| ["--test", name.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(targets: &[(&str, &str, &str)]) -> Value {
        let targets: Vec<Value> = targets
            .iter()
            .map(|(kind, name, source)| json!({"kind": [kind], "name": name, "src_path": source}))
            .collect();
        json!({ "packages": [{ "targets": targets }] })
    }

    #[test]
    fn the_folder_decides() {
        let metadata = metadata(&[
            ("lib", "earthworm_tests", "/w/tests/src/lib.rs"),
            ("test", "kernel_pulse", "/w/tests/kernel/pulse.rs"),
            ("test", "cluster", "/w/tests/cluster/main.rs"),
            ("test", "layout", "/w/ebpf/tests/layout.rs"),
        ]);
        let targets = Targets::from_metadata(&metadata, Path::new("/w")).unwrap();
        assert_eq!(targets.unit, ["layout"]);
        assert_eq!(targets.kernel, ["kernel_pulse"]);
        assert_eq!(targets.cluster, ["cluster"]);
        assert_eq!(flags(&targets.kernel).collect::<Vec<_>>(), ["--test", "kernel_pulse"]);
    }

    #[test]
    fn a_name_in_two_classes_is_refused() {
        let metadata = metadata(&[
            ("test", "cluster", "/w/tests/cluster/main.rs"),
            ("test", "cluster", "/w/xtask/tests/cluster.rs"),
        ]);
        assert!(Targets::from_metadata(&metadata, Path::new("/w")).is_err());
    }

    #[test]
    fn this_workspace_is_understood() {
        assert!(!Targets::find().unwrap().unit.is_empty());
    }
}
