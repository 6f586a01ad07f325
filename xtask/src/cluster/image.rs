//! Container images of one layer, made without a registry or a daemon, and how
//! a node gets and loses them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::Builder;

use super::rootfs::{Rootfs, append};

/// What an image holds.
#[derive(Debug)]
pub struct Image<'a> {
    /// Its name with the tag.
    pub name: &'a str,
    /// The program that it starts, as an absolute path in it.
    pub entrypoint: String,
    /// Whom it runs as; `None` is the image format's default, root.
    pub user: Option<&'a str>,
    /// Its files.
    pub rootfs: Rootfs,
}

impl<'a> Image<'a> {
    /// An image of one program that needs no library, at the image's root.
    ///
    /// # Errors
    /// When the program's name does not fit into an archive.
    pub fn of_program(
        name: &'a str,
        program: &str,
        content: &[u8],
        user: Option<&'a str>,
    ) -> Result<Self> {
        let rootfs = Rootfs::of_program(program, content)?;
        Ok(Image { name, entrypoint: format!("/{program}"), user, rootfs })
    }

    /// Writes the image for `ctr import`, in the format of `docker save`: a
    /// manifest, a configuration, one layer. Gives the image's id, by which the
    /// node's runtime knows it beside its name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(self, path: &Path) -> Result<String> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        self.write(file, architecture()).with_context(|| format!("cannot write {}", path.display()))
    }

    fn write(self, output: impl Write, architecture: &str) -> Result<String> {
        let layer = self.rootfs.into_layer()?;
        let mut process = json!({ "Entrypoint": [self.entrypoint], "WorkingDir": "/" });
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
    ctr(containerd_socket, &["import".as_ref(), archive.as_os_str()]).map(drop)
}

/// Takes an image away again, by its name and its id, content included. What
/// is gone is no error.
///
/// # Errors
/// When `ctr` refuses; the message holds its words.
pub fn remove(containerd_socket: &Path, name: &str, id: &str) -> Result<()> {
    ctr(containerd_socket, &["rm".as_ref(), "--sync".as_ref(), name.as_ref(), id.as_ref()])
        .map(drop)
}

/// Whether the node behind this socket has an image of this name.
///
/// # Errors
/// When `ctr` refuses; the message holds its words.
pub fn is_there(containerd_socket: &Path, name: &str) -> Result<bool> {
    Ok(!same_image(&ctr(containerd_socket, &["list".as_ref()])?, name).is_empty())
}

/// Takes an image away again, by its name alone. What is gone is no error.
///
/// # Errors
/// When `ctr` refuses; the message holds its words.
pub fn remove_named(containerd_socket: &Path, name: &str) -> Result<()> {
    for name in same_image(&ctr(containerd_socket, &["list".as_ref()])?, name) {
        ctr(containerd_socket, &["rm".as_ref(), "--sync".as_ref(), name.as_ref()])?;
    }
    Ok(())
}

/// All names of the image that has this one: the runtime adds its id. One line
/// per name: the name, the type, the digest, and more.
fn same_image<'a>(list: &'a str, name: &str) -> Vec<&'a str> {
    let digest = |line: &'a str| line.split_whitespace().nth(2);
    let named = list.lines().find(|line| line.split_whitespace().next() == Some(name));
    let Some(wanted) = named.and_then(digest) else { return Vec::new() };
    list.lines()
        .filter(|line| digest(line) == Some(wanted))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

fn ctr(containerd_socket: &Path, arguments: &[&OsStr]) -> Result<String> {
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
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The name that container images use for this machine's processor.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
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
    fn an_image_goes_with_its_id() {
        let list = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n\
                    localhost/one:1 application/x sha256:aa 1 KiB linux/amd64 -\n\
                    localhost/two:1 application/x sha256:bb 1 KiB linux/amd64 -\n\
                    sha256:11 application/x sha256:aa 1 KiB linux/amd64 -\n";
        assert_eq!(same_image(list, "localhost/one:1"), ["localhost/one:1", "sha256:11"]);
        assert!(same_image(list, "localhost/three:1").is_empty());
    }

    #[test]
    fn the_archive_holds_together() {
        let mut bytes = Vec::new();
        let name = "localhost/one:1";
        let image = Image::of_program(name, "one", b"program", Some("1:1")).unwrap();
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
        assert_eq!(configuration["config"]["Entrypoint"], json!(["/one"]));
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
