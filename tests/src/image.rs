//! Images that a test brings to a node, and the probe as such an image.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::build;
use xtask::cluster::image::{self, Image};

use crate::lab::Lab;

/// Where the pod looks for the probe in a published image.
const PROGRAM: &str = "earthworm-probe";

/// An image that a node has until this is dropped.
#[derive(Debug)]
pub struct NodeImage {
    /// What `--image` takes.
    pub name: String,
    id: String,
    socket: PathBuf,
}

impl NodeImage {
    /// Makes an image whose only file is this program, in the place of the
    /// probe, and gives it to the node.
    ///
    /// # Panics
    /// When the image cannot be made, or containerd refuses it.
    #[must_use]
    pub fn import(lab: &Lab, node: &str, name: &str, content: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("image.tar");
        // As in probe-image/Containerfile: no user, the pod names one.
        let image = Image::of_program(name, PROGRAM, content, None).unwrap();
        let id = image.save(&archive).unwrap();
        let socket = lab.sandbox.containerd_socket(node).unwrap();
        image::import(&socket, &archive).unwrap();
        Self { name: name.to_owned(), id, socket }
    }
}

impl Drop for NodeImage {
    fn drop(&mut self) {
        if let Err(error) = image::remove(&self.socket, &self.name, &self.id) {
            eprintln!("{}: {error:#}", self.name);
        }
    }
}

/// Builds the probe of a workspace as `probe-image/Containerfile` says, and
/// reads it.
///
/// # Panics
/// When it does not compile.
#[must_use]
pub fn build_probe(workspace: &Path, target_folder: &Path) -> Vec<u8> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let status = build::cargo()
        .current_dir(workspace)
        .args(["build", "--profile", "probe", "--package", PROGRAM, "--bin", PROGRAM])
        .args(["--target", &triple, "--target-dir"])
        .arg(target_folder)
        .env("CARGO_BUILD_BUILD_DIR", target_folder)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .status()
        .unwrap();
    assert!(status.success(), "the probe in {} does not compile", workspace.display());
    fs::read(target_folder.join(triple).join("probe").join(PROGRAM)).unwrap()
}
