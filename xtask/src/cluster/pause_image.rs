//! The pause image, made here: one static program in one layer, since a
//! sandbox must come up without a registry.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use super::layout::Layout;

/// The name that real clusters use, so that what looks for a pause image in
/// `node.status.images` finds it.
pub const PAUSE_IMAGE: &str = "registry.k8s.io/pause:3.10";

/// The user of the real pause image.
const USER: &str = "65535:65535";

const SOURCE: &str = include_str!("../../assets/pause.c");

/// Compiles the program and writes the image as an archive for `ctr import`.
///
/// # Errors
/// When the compiler fails or a file cannot be written.
pub fn create(layout: &Layout) -> Result<()> {
    let program = compile(layout)?;
    let path = layout.pause_image();
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    write_archive(file, &program, image_architecture())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn compile(layout: &Layout) -> Result<Vec<u8>> {
    let source = layout.control_plane("pause.c");
    let program = layout.control_plane("pause");
    if let Some(folder) = source.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&source, SOURCE).with_context(|| format!("cannot write {}", source.display()))?;
    let output = Command::new("gcc")
        .args(["-static", "-Os", "-s", "-o"])
        .args([&program, &source])
        .output()
        .context("cannot start gcc")?;
    if !output.status.success() {
        bail!(
            "cannot compile the pause program: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    read(&program)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The name that container images use for this machine's processor.
fn image_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Writes the format of `docker save`: a manifest, a configuration, one layer.
fn write_archive(output: impl std::io::Write, program: &[u8], architecture: &str) -> Result<()> {
    let mut layer = Builder::new(Vec::new());
    append(&mut layer, "pause", program, 0o755)?;
    let layer = layer.into_inner()?;
    let configuration = json!({
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": { "User": USER, "Entrypoint": ["/pause"], "WorkingDir": "/" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex_digest(&layer))] },
    })
    .to_string();
    let configuration_name = format!("{}.json", hex_digest(configuration.as_bytes()));
    let manifest = json!([{
        "Config": configuration_name,
        "RepoTags": [PAUSE_IMAGE],
        "Layers": ["layer.tar"],
    }])
    .to_string();

    let mut archive = Builder::new(output);
    append(&mut archive, &configuration_name, configuration.as_bytes(), 0o644)?;
    append(&mut archive, "layer.tar", &layer, 0o644)?;
    append(&mut archive, "manifest.json", manifest.as_bytes(), 0o644)?;
    archive.finish()?;
    Ok(())
}

/// Every field that could differ from run to run is fixed, so that the image
/// has the same digest on every machine with the same compiler.
fn append<W: std::io::Write>(
    archive: &mut Builder<W>,
    name: &str,
    content: &[u8],
    mode: u32,
) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    archive.append_data(&mut header, name, content)?;
    Ok(())
}

/// The SHA-256 of the content, in hexadecimal digits.
pub(crate) fn hex_digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    #[test]
    fn the_archive_holds_together() {
        let mut bytes = Vec::new();
        write_archive(&mut bytes, b"program", "amd64").unwrap();
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), content);
        }
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], PAUSE_IMAGE);
        let name = manifest[0]["Config"].as_str().unwrap();
        let configuration: serde_json::Value = serde_json::from_slice(&files[name]).unwrap();
        assert_eq!(configuration["config"]["User"], USER);
        assert_eq!(
            configuration["rootfs"]["diff_ids"][0],
            format!("sha256:{}", hex_digest(&files["layer.tar"]))
        );
        let mut layer = tar::Archive::new(files["layer.tar"].as_slice());
        let entry = layer.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap(), Path::new("pause"));
        assert_eq!(entry.header().mode().unwrap(), 0o755);
    }
}
