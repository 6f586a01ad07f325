//! The files of a container image: one layer as a tar archive. Every field that
//! could differ from run to run is fixed, so that the same files make the same
//! digest.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};

/// A layer on its way.
pub struct Rootfs {
    archive: Builder<Vec<u8>>,
    folders: BTreeSet<String>,
}

impl Rootfs {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Rootfs { archive: Builder::new(Vec::new()), folders: BTreeSet::new() }
    }

    /// A layer of one program at its root.
    ///
    /// # Errors
    /// When the name does not fit into an archive.
    pub fn of_program(program: &str, content: &[u8]) -> io::Result<Self> {
        let mut rootfs = Rootfs::new();
        rootfs.file(program, content, 0o755)?;
        Ok(rootfs)
    }

    /// Adds a file. The path is relative to the root; folders above it are made.
    ///
    /// # Errors
    /// When the path does not fit into an archive.
    pub fn file(&mut self, path: &str, content: &[u8], mode: u32) -> io::Result<()> {
        self.parents(path)?;
        append(&mut self.archive, path, content, mode)
    }

    /// Adds a symbolic link to `target`.
    ///
    /// # Errors
    /// When a path does not fit into an archive.
    pub fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.parents(path)?;
        let mut header = header(EntryType::Symlink, 0, 0o777);
        self.archive.append_link(&mut header, path, target)
    }

    /// Adds a folder, and those above it.
    ///
    /// # Errors
    /// When the path does not fit into an archive.
    pub fn folder(&mut self, path: &str, mode: u32) -> io::Result<()> {
        self.parents(path)?;
        if self.folders.insert(path.to_owned()) {
            let mut header = header(EntryType::Directory, 0, mode);
            self.archive.append_data(&mut header, path, io::empty())?;
        }
        Ok(())
    }

    /// The layer's bytes.
    ///
    /// # Errors
    /// Never, as they are in memory.
    pub fn into_layer(self) -> io::Result<Vec<u8>> {
        self.archive.into_inner()
    }

    fn parents(&mut self, path: &str) -> io::Result<()> {
        match Path::new(path).parent().and_then(Path::to_str) {
            None | Some("") => Ok(()),
            Some(parent) => self.folder(parent, 0o755),
        }
    }
}

impl fmt::Debug for Rootfs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.archive.get_ref().len();
        formatter.debug_struct("Rootfs").field("size", &size).finish_non_exhaustive()
    }
}

impl Default for Rootfs {
    fn default() -> Self {
        Rootfs::new()
    }
}

/// Adds a file to an archive.
///
/// # Errors
/// When it cannot be written.
pub(super) fn append<W: Write>(
    archive: &mut Builder<W>,
    path: &str,
    content: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = header(EntryType::Regular, content.len() as u64, mode);
    archive.append_data(&mut header, path, content)
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_once_and_before_what_is_in_them() {
        let mut rootfs = Rootfs::new();
        rootfs.file("bin/busybox", b"program", 0o755).unwrap();
        rootfs.link("bin/sh", "busybox").unwrap();
        rootfs.folder("tmp", 0o1777).unwrap();
        let layer = rootfs.into_layer().unwrap();
        let mut archive = tar::Archive::new(layer.as_slice());
        let entries: Vec<(String, u32)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
            })
            .collect();
        let expected = [("bin", 0o755), ("bin/busybox", 0o755), ("bin/sh", 0o777), ("tmp", 0o1777)];
        assert_eq!(entries, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
