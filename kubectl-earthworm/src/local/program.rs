//! The probe as something that the kernel can execute, for as long as it takes
//! to start it.

use crate::payload::Payload;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use ruzstd::decoding::FrameDecoder;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// As `ps` shows it.
pub(super) const NAME: &str = "earthworm-probe";

/// An unpacked probe; gone when dropped, whoever still runs it.
#[derive(Debug)]
pub(super) enum Program {
    /// In memory, and can no longer be changed.
    Memory(File),
    /// Where programs in memory are refused: a file in a folder of its own, which
    /// only this user can enter.
    File(Folder),
}

/// A folder with one file; gone when dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.0.join(NAME));
        let _ = std::fs::remove_dir(&self.0);
    }
}

impl Program {
    /// Unpacks into memory.
    ///
    /// # Errors
    /// What the system says; see [`is_refusal`].
    pub(super) fn in_memory(payload: &Payload) -> io::Result<Self> {
        let mut file = memory_file()?;
        file.write_all(&unpack(payload)?)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(Self::Memory(file))
    }

    /// Unpacks into a file below `parent`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn in_folder(payload: &Payload, parent: &Path) -> io::Result<Self> {
        let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let path = parent.join(format!("{NAME}-{number:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Folder(path);
        let path = folder.0.join(NAME);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(path)?;
        file.write_all(&unpack(payload)?)?;
        // A file that is open for writing cannot be executed.
        drop(file);
        Ok(Self::File(folder))
    }

    /// What to execute. The path of a memory file means it in this process and in
    /// a child that has not executed anything yet.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Memory(file) => format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
            Self::File(folder) => folder.0.join(NAME),
        }
    }

    /// For people: what the probe runs from.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Memory(_) => "memory".into(),
            Self::File(folder) => folder.0.display().to_string(),
        }
    }
}

/// Whether the system has a rule against programs in memory (vm.memfd_noexec, a
/// policy of SELinux, seccomp): a file may be allowed where memory is not.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    let refusals = [Errno::ACCESS, Errno::PERM, Errno::NOSYS];
    Errno::from_io_error(error).is_some_and(|found| refusals.contains(&found))
}

/// Closes when something is executed, which the probe itself never sees.
fn memory_file() -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create(NAME, flags | MemfdFlags::EXEC) {
        // Linux before 6.3 does not know the flag, and needs none.
        Err(Errno::INVAL) => memfd_create(NAME, flags)?,
        created => created?,
    };
    Ok(file.into())
}

fn unpack(payload: &Payload) -> io::Result<Vec<u8>> {
    let size = usize::try_from(payload.probe_unpacked_bytes).map_err(io::Error::other)?;
    let mut probe = vec![0; size];
    let mut decoder = FrameDecoder::new();
    let written = decoder.decode_all(payload.probe, &mut probe).map_err(io::Error::other)?;
    // This program carries both, so nothing but a broken file of it can tell them apart.
    let intact = decoder.get_checksum_from_data() == decoder.get_calculated_checksum();
    if written != size || !intact {
        return Err(io::Error::other("the probe that this program carries is damaged"));
    }
    Ok(probe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    /// A payload of an empty zstd frame would prove nothing: this is a real one.
    fn payload(content: &[u8]) -> Payload {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(content).unwrap();
        let probe: &'static [u8] = encoder.finish().unwrap().leak();
        Payload {
            architecture: "amd64",
            launcher: b"",
            probe,
            probe_unpacked_bytes: content.len() as u64,
            hash: "",
        }
    }

    fn content() -> Vec<u8> {
        (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn a_program_in_memory_is_whole_and_cannot_be_changed() {
        let program = Program::in_memory(&payload(&content())).unwrap();
        let mut read = Vec::new();
        File::open(program.path()).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == content());
        let Program::Memory(mut file) = program else { panic!("{program:?}") };
        assert_eq!(file.write(b"x").unwrap_err().raw_os_error(), Some(libc::EPERM));
    }

    #[test]
    fn a_program_in_a_folder_is_private_and_goes() {
        let parent = tempfile::tempdir().unwrap();
        let program = Program::in_folder(&payload(&content()), parent.path()).unwrap();
        let path = program.path();
        assert!(std::fs::read(&path).unwrap() == content());
        for path in [path.parent().unwrap(), &path] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
        drop(program);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_probe_is_noticed() {
        let mut damaged = payload(&content());
        damaged.probe_unpacked_bytes += 1;
        assert!(unpack(&damaged).is_err());
    }
}
