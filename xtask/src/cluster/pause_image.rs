//! The pause image, made here, since a sandbox must come up without a registry.

use std::fs;

use anyhow::{Context, Result};

use super::image::{self, Image};
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
    let source = layout.control_plane("pause.c");
    if let Some(folder) = source.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&source, SOURCE).with_context(|| format!("cannot write {}", source.display()))?;
    let content = &image::compile(&source, &layout.control_plane("pause"))?;
    Image::of_program(PAUSE_IMAGE, "pause", content, Some(USER))?
        .save(&layout.pause_image())
        .map(drop)
}
