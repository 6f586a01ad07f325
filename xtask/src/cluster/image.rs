//! Container images of one static program in one layer, made without a
//! registry or a daemon, and how a node gets and loses them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

/// What an image holds.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Its name with the tag.
    pub name: &'a str,
    /// The program's file name, at the root of the image.
    pub program: &'a str,
    /// The program itself; it needs no library.
    pub content: &'a [u8],
    /// Whom it runs as; `None` is the image format's default, root.
    pub user: Option<&'a str>,
}

impl Image<'_> {
    /// Writes the image for `ctr import`, in the format of `docker save`: a
    /// manifest, a configuration, one layer. Gives the image's id, by which the
    /// node's runtime knows it beside its name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<String> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        self.write(file, architecture()).with_context(|| format!("cannot write {}", path.display()))
    }

    fn write(&self, output: impl Write, architecture: &str) -> Result<String> {
        let mut layer = Builder::new(Vec::new());
        append(&mut layer, self.program, self.content, 0o755)?;
        let layer = layer.into_inner()?;
        let mut process = json!({
            "Entrypoint": [format!("/{}", self.program)],
            "WorkingDir": "/",
        });
        if let Some(user) = self.user {
            process["User"] = user.into();
        }
        let configuration = json!({
            "architecture": architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": process,
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex_digest(&layer))] },
        })
        .to_string();
        let digest = hex_digest(configuration.as_bytes());
        let configuration_name = format!("{digest}.json");
        let manifest = json!([{
            "Config": configuration_name,
            "RepoTags": [self.name],
            "Layers": ["layer.tar"],
        }])
        .to_string();

        let mut archive = Builder::new(output);
        append(&mut archive, &configuration_name, configuration.as_bytes(), 0o644)?;
        append(&mut archive, "layer.tar", &layer, 0o644)?;
        append(&mut archive, "manifest.json", manifest.as_bytes(), 0o644)?;
        archive.finish()?;
        Ok(format!("sha256:{digest}"))
    }
}

/// Compiles one C source into a static program and reads it.
///
/// # Errors
/// With the compiler's words.
pub fn compile(source: &Path, program: &Path) -> Result<Vec<u8>> {
    let output = Command::new("gcc")
        .args(["-static", "-Os", "-s", "-o"])
        .args([program, source])
        .output()
        .context("cannot start gcc")?;
    if !output.status.success() {
        bail!(
            "cannot compile {}: {}",
            source.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    fs::read(program).with_context(|| format!("cannot read {}", program.display()))
}

/// Gives the image of an archive to the pods of the node behind this socket.
///
/// # Errors
/// When `ctr` refuses; the message holds its words.
pub fn import(containerd_socket: &Path, archive: &Path) -> Result<()> {
    ctr(containerd_socket, &["import".as_ref(), archive.as_os_str()])
}

/// Takes an image away again, by its name and its id, content included. What
/// is gone is no error.
///
/// # Errors
/// When `ctr` refuses; the message holds its words.
pub fn remove(containerd_socket: &Path, name: &str, id: &str) -> Result<()> {
    ctr(containerd_socket, &["rm".as_ref(), "--sync".as_ref(), name.as_ref(), id.as_ref()])
}

fn ctr(containerd_socket: &Path, arguments: &[&OsStr]) -> Result<()> {
    let output = Command::new("ctr")
        .arg("--address")
        .arg(containerd_socket)
        .args(["--namespace", "k8s.io", "images"])
        .args(arguments)
        .output()
        .context("cannot start ctr")?;
    if !output.status.success() {
        bail!("ctr images {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The name that container images use for this machine's processor.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Every field that could differ from run to run is fixed, so that the image
/// has the same digest on every machine with the same compiler.
fn append<W: Write>(archive: &mut Builder<W>, name: &str, content: &[u8], mode: u32) -> Result<()> {
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
        let name = "localhost/one:1";
        let image = Image { name, program: "one", content: b"program", user: Some("1:1") };
        let id = image.write(&mut bytes, "amd64").unwrap();
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), content);
        }
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], name);
        let name = manifest[0]["Config"].as_str().unwrap();
        assert_eq!(id, format!("sha256:{}", hex_digest(&files[name])));
        let configuration: serde_json::Value = serde_json::from_slice(&files[name]).unwrap();
        assert_eq!(configuration["config"]["User"], "1:1");
        assert_eq!(
            configuration["rootfs"]["diff_ids"][0],
            format!("sha256:{}", hex_digest(&files["layer.tar"]))
        );
        let mut layer = tar::Archive::new(files["layer.tar"].as_slice());
        let entry = layer.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap(), Path::new("one"));
        assert_eq!(entry.header().mode().unwrap(), 0o755);
    }
}
