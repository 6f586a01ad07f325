//! The probe of another release: this source with another version number and
//! another protocol.

use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::build;

use crate::image::build_probe;

/// What the probe is made of.
const PARTS: [&str; 4] = ["ebpf", "probe-image", "wire", "rust-toolchain.toml"];

/// Builds that probe below the workspace's target folder, where it stays for
/// the next run: only what differs is compiled then.
///
/// # Panics
/// When the source is not as expected, or does not compile.
#[must_use]
pub fn build(version: &str, protocol: u16) -> Vec<u8> {
    let root = build::root();
    let target = root.join("target/other-probe");
    let libraries = root.join("target/probe");
    if !target.exists() && libraries.exists() {
        // The libraries are the same ones: copied with their times, they need
        // not be compiled again.
        let copied = Command::new("cp").arg("-a").args([&libraries, &target]).status().unwrap();
        assert!(copied.success(), "cp -a {}", libraries.display());
    }
    let source = target.join("source");
    for part in PARTS {
        mirror(&root.join(part), &source.join(part));
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = changed(&manifest, "members = [", r#"members = ["ebpf", "probe-image", "wire"]"#);
    let members = changed(&members, "default-members = [", "");
    let released = changed(&members, "version = \"", &format!("version = \"{version}\""));
    write(&source.join("Cargo.toml"), released.as_bytes());
    if !source.join("Cargo.lock").exists() {
        fs::copy(root.join("Cargo.lock"), source.join("Cargo.lock")).unwrap();
    }
    let library = fs::read_to_string(root.join("wire/src/lib.rs")).unwrap();
    let line = format!("pub const PROTOCOL: u16 = {protocol};");
    let library = changed(&library, "pub const PROTOCOL: u16 = ", &line);
    write(&source.join("wire/src/lib.rs"), library.as_bytes());
    build_probe(&source, &target)
}

/// The text with another line in the place of the one that begins so.
fn changed(text: &str, begin: &str, line: &str) -> String {
    let old: Vec<&str> = text.lines().filter(|line| line.starts_with(begin)).collect();
    assert_eq!(old.len(), 1, "lines that begin with {begin}");
    text.replace(old[0], line)
}

/// Copies what differs, and leaves the times of the rest: cargo goes by them.
fn mirror(from: &Path, to: &Path) {
    if from.is_file() {
        // Written below, with its change.
        if !from.ends_with("wire/src/lib.rs") {
            write(to, &fs::read(from).unwrap());
        }
        return;
    }
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.file_name() != "target" {
            mirror(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|old| old == content) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
