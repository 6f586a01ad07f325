//! A node whose kubelet runs from a copy of its executable that is damaged for
//! readers only: Go's runtime finds its tables by pointers and never looks at
//! the section headers.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::lab::Lab;

/// What is wrong with the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// No section headers, as in a packed executable: nothing in it is of Go.
    NoSections,
    /// `.gopclntab` ends after this many bytes, before the functions begin.
    ShortFunctionTable(u64),
}

/// Fields of a 64-bit ELF header: offset and number of bytes.
const SECTION_TABLE: (u64, usize) = (0x28, 8);
const SECTION_COUNT: (u64, usize) = (0x3c, 2);
const NAMES_INDEX: (u64, usize) = (0x3e, 2);
/// Fields of a section header.
const NAME: (u64, usize) = (0x00, 4);
const OFFSET: (u64, usize) = (0x18, 8);
const SIZE: (u64, usize) = (0x20, 8);
const HEADER_BYTES: u64 = 0x40;

/// The node runs this kubelet until the value is dropped; then it runs its own.
#[derive(Debug)]
pub struct DamagedKubelet<'a> {
    lab: &'a Lab,
    node: String,
    _folder: TempDir,
}

impl<'a> DamagedKubelet<'a> {
    /// Replaces the node's kubelet, and waits until the node is Ready. To be
    /// announced by [`Lab::may_restart_kubelet`].
    ///
    /// # Panics
    /// When the executable is not as expected, or does not run.
    #[must_use]
    pub fn start(lab: &'a Lab, node: &str, damage: Damage) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The probe goes by the program's name.
        let copy = folder.path().join("kubelet");
        fs::copy(own_executable(lab), &copy).unwrap();
        spoil(&copy, damage);
        lab.sandbox.kill_kubelet(node).unwrap();
        let this = Self { lab, node: node.to_owned(), _folder: folder };
        lab.sandbox.start_kubelet_from(node, &copy).unwrap();
        lab.wait_ready();
        assert_eq!(executable(lab, node), copy, "the kubelet of {node} runs from elsewhere");
        this
    }
}

impl Drop for DamagedKubelet<'_> {
    fn drop(&mut self) {
        let sandbox = &self.lab.sandbox;
        let back =
            sandbox.kill_kubelet(&self.node).and_then(|()| sandbox.start_kubelet(&self.node));
        if let Err(error) = back {
            eprintln!("the kubelet of {} is not back: {error:#}", self.node);
        }
    }
}

/// The executable that the node's kubelet runs from now.
///
/// # Panics
/// When it does not run.
#[must_use]
pub fn executable(lab: &Lab, node: &str) -> PathBuf {
    fs::read_link(format!("/proc/{}/exe", lab.kubelet(node).pid)).unwrap()
}

/// The executable of all nodes' kubelets.
///
/// # Panics
/// When there is no sandbox.
#[must_use]
pub fn own_executable(lab: &Lab) -> PathBuf {
    lab.sandbox.state().unwrap().binaries.join("kubelet")
}

fn spoil(path: &Path, damage: Damage) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    match damage {
        Damage::NoSections => {
            for field in [SECTION_TABLE, SECTION_COUNT, NAMES_INDEX] {
                put(&file, 0, field, 0);
            }
        }
        Damage::ShortFunctionTable(size) => {
            let header = section(&file, b".gopclntab\0");
            assert!(get(&file, header, SIZE) > size, "the table is shorter already");
            put(&file, header, SIZE, size);
        }
    }
}

/// File offset of the header of the section with this name.
fn section(file: &File, name: &[u8]) -> u64 {
    let table = get(file, 0, SECTION_TABLE);
    let header = |index: u64| table + index * HEADER_BYTES;
    let names = get(file, header(get(file, 0, NAMES_INDEX)), OFFSET);
    let has_name = |header: &u64| {
        let mut found = vec![0; name.len()];
        file.read_exact_at(&mut found, names + get(file, *header, NAME)).is_ok() && found == name
    };
    (0..get(file, 0, SECTION_COUNT)).map(header).find(has_name).unwrap()
}

fn get(file: &File, base: u64, (offset, bytes): (u64, usize)) -> u64 {
    let mut value = [0; 8];
    file.read_exact_at(&mut value[..bytes], base + offset).unwrap();
    u64::from_le_bytes(value)
}

fn put(file: &File, base: u64, (offset, bytes): (u64, usize), value: u64) {
    file.write_all_at(&value.to_le_bytes()[..bytes], base + offset).unwrap();
}
