//! Runs the launcher that this build carries, as a node would.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "test code, helpers included")]

mod sandbox;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kubectl_earthworm::payload::Payload;
use tempfile::TempDir;

/// A program that every Linux has and that can tell us what it is.
const SHELL: &str = "/bin/sh";

/// A folder with a launcher and the parts of a payload, like the one in a pod.
struct Folder(TempDir);

impl Folder {
    /// None, with a word on stderr, when this build carries no launcher for the
    /// machine it runs on.
    fn new() -> Option<Self> {
        let Some(payload) = this_machine() else {
            eprintln!("skipped: this build carries no payload for this machine");
            return None;
        };
        let folder = Self(TempDir::new().unwrap());
        folder.write("launcher", payload.launcher);
        fs::set_permissions(folder.path("launcher"), fs::Permissions::from_mode(0o755)).unwrap();
        Some(folder)
    }

    /// With one part.
    fn with_frame(frame: &[u8]) -> Option<Self> {
        let folder = Self::new()?;
        folder.write("probe.zst.000", frame);
        Some(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn launcher(&self) -> Command {
        let mut command = Command::new(self.path("launcher"));
        command.arg(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs the launcher, which must fail with one line.
    fn failure(&self) -> String {
        failure_line(&self.launcher().output().unwrap())
    }
}

fn this_machine() -> Option<&'static Payload> {
    Payload::for_architecture(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    })
}

fn failure_line(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let line = stderr.strip_suffix('\n').expect("the line is finished");
    assert!(line.starts_with("launcher: ") && !line.contains('\n'), "{stderr}");
    assert!(!line.contains("internal error"), "{stderr}");
    line.to_owned()
}

/// Compresses as the build does, at a level that is quicker.
fn frame(bytes: &[u8]) -> Vec<u8> {
    frame_with(bytes, 21, true)
}

fn frame_with(bytes: &[u8], window_log: u32, checksum: bool) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(window_log).unwrap();
    encoder.include_checksum(checksum).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that zstd finds neither empty nor incompressible: literals and matches of
/// many lengths and distances.
fn noise(size_bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes: Vec<u8> = Vec::with_capacity(size_bytes + 64);
    while bytes.len() < size_bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let length = (state >> 8 & 63) as usize + 3;
        let distance = (state >> 16) as usize % bytes.len().max(1);
        if state & 3 == 0 || distance < length {
            bytes.extend(state.to_le_bytes());
        } else {
            let start = bytes.len() - distance;
            bytes.extend_from_within(start..start + length);
        }
    }
    bytes.truncate(size_bytes);
    bytes
}

/// Starts the shell through the launcher and gives `check` its pid while it lives.
fn with_running_shell(command: &mut Command, check: impl FnOnce(&Path)) -> String {
    let mut child = command
        .args(["-c", "echo ready; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line == "ready\n" {
        check(&PathBuf::from(format!("/proc/{}", child.id())));
    }
    // Closing its input ends the shell.
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line, "ready\n", "{stderr}");
    stderr
}

#[test]
fn embedded_probe_starts() {
    let Some(folder) = Folder::new() else { return };
    let payload = this_machine().unwrap();
    for (name, bytes) in payload.parts().iter().flat_map(|part| &part.files) {
        if name != "launcher" {
            folder.write(name, bytes);
        }
    }
    let output = folder.launcher().arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    let version = format!("earthworm-probe {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), version);
}

#[test]
fn probe_runs_from_memory_under_its_own_name() {
    let shell = fs::read(SHELL).unwrap();
    let Some(folder) = Folder::with_frame(&frame(&shell)) else { return };
    let stderr = with_running_shell(&mut folder.launcher(), |process| {
        let executable = fs::read_link(process.join("exe")).unwrap();
        assert_eq!(executable.to_str(), Some("/memfd:earthworm-probe (deleted)"));
        assert!(fs::read(process.join("exe")).unwrap() == shell, "unpacked byte by byte");
        let command_line = fs::read(process.join("cmdline")).unwrap();
        assert_eq!(command_line, b"earthworm-probe\0-c\0echo ready; read line\0");
        // Neither a part nor the file in memory stays open.
        // (Others may: whoever runs this test may have left some open.)
        for entry in fs::read_dir(process.join("fd")).unwrap() {
            let target = fs::read_link(entry.unwrap().path()).unwrap();
            let target = target.to_str().unwrap();
            assert!(!target.contains("memfd") && !target.contains("probe.zst"), "{target}");
        }
    });
    assert_eq!(stderr, "");
}

#[test]
fn environment_and_exit_code_pass_through() {
    let Some(folder) = Folder::with_frame(&frame(&fs::read(SHELL).unwrap())) else { return };
    let output = folder
        .launcher()
        .env("EARTHWORM_TEST", "a b")
        .args(["-c", "echo \"$EARTHWORM_TEST,$1\"; exit 9", "name", "last one"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"a b,last one\n");
    assert_eq!(output.status.code(), Some(9));
}

#[test]
fn parts_of_any_size_are_one_stream() {
    let shell = fs::read(SHELL).unwrap();
    let frame = frame(&shell);
    let Some(folder) = Folder::new() else { return };
    // The magic number, the frame header and a block header are cut; one part is
    // empty; and there are more than ten.
    let mut rest = &frame[..];
    let sizes = [1, 2, 0, 4, 1, 1, 1, 16_384, 16_383, 7, 1, usize::MAX];
    for (number, size) in sizes.into_iter().enumerate() {
        let (part, behind) = rest.split_at(size.min(rest.len()));
        folder.write(&format!("probe.zst.{number:03}"), part);
        rest = behind;
    }
    with_running_shell(&mut folder.launcher(), |process| {
        assert!(fs::read(process.join("exe")).unwrap() == shell);
    });
}

#[test]
fn memory_stays_bounded() {
    // Larger than the window and not a program: it is unpacked and then refused.
    let Some(folder) = Folder::with_frame(&frame(&noise(12_000_000))) else { return };
    let mut command = folder.launcher();
    sandbox::limit_address_space(&mut command, 5 * 1024 * 1024);
    let line = failure_line(&command.output().unwrap());
    assert_eq!(line, "launcher: cannot run the probe from memory: execveat: errno 8 (ENOEXEC)");
}

#[test]
fn missing_files_are_named() {
    let Some(folder) = Folder::new() else { return };
    let path = folder.0.path().display();
    let expected = format!("launcher: cannot open {path}/probe.zst.000: errno 2 (ENOENT)");
    assert_eq!(folder.failure(), expected);

    let launch = |arguments: &[&str]| {
        failure_line(&Command::new(folder.path("launcher")).args(arguments).output().unwrap())
    };
    assert_eq!(
        launch(&["/nowhere/at/all"]),
        "launcher: cannot open /nowhere/at/all/probe.zst.000: errno 2 (ENOENT)"
    );
    assert_eq!(launch(&[]), "launcher: usage: launcher <folder> [arguments for the probe...]");
    assert_eq!(launch(&[&"x".repeat(5000)]), "launcher: the payload folder's name is too long");
}

#[test]
fn truncated_payloads_are_refused() {
    let frame = frame(&noise(600_000));
    let Some(folder) = Folder::new() else { return };
    for size in [0, 1, 3, 4, 5, 9, 12, frame.len() / 2, frame.len() - 4, frame.len() - 1] {
        folder.write("probe.zst.000", &frame[..size]);
        let line = folder.failure();
        assert!(line.contains(" is truncated: it ends within part 0"), "{size}: {line}");
    }
    // A part in the middle is missing: what comes behind it is never looked at.
    folder.write("probe.zst.000", &frame[..1000]);
    folder.write("probe.zst.001", &frame[1000..2000]);
    folder.write("probe.zst.003", &frame[3000..]);
    assert!(folder.failure().contains(" is truncated: it ends within part 1"));
}

#[test]
fn corrupt_payloads_are_refused() {
    let frame = frame(&noise(400_000));
    let Some(folder) = Folder::new() else { return };
    for step in 0..200 {
        let mut damaged = frame.clone();
        let place = step * frame.len() / 200;
        damaged[place] ^= 1 << (step % 8);
        folder.write("probe.zst.000", &damaged);
        let line = folder.failure();
        assert!(
            line.contains(" is corrupt: ") || line.contains(" is truncated: "),
            "byte {place}: {line}"
        );
    }
    for (bytes, words) in [
        (b"\x7fELF, not compressed at all".to_vec(), "not a valid zstd frame in part 0"),
        ([&frame[..], b"x"].concat(), "bytes after the end of the zstd frame"),
        (frame_with(b"no checksum", 21, false), "wrong checksum"),
        (frame_with(&noise(5_000_000), 22, true), "not a valid zstd frame in part 0"),
    ] {
        folder.write("probe.zst.000", &bytes);
        let line = folder.failure();
        assert!(line.ends_with(words), "{line}");
    }
}

#[test]
fn refused_memory_falls_back_to_a_file() {
    if !sandbox::can_mount() {
        return;
    }
    let shell = fs::read(SHELL).unwrap();
    let Some(folder) = Folder::with_frame(&frame(&shell)) else { return };
    for (name, number, errno, code) in [
        ("memfd_create", libc::SYS_memfd_create, libc::EPERM, "1 (EPERM)"),
        ("memfd_create", libc::SYS_memfd_create, libc::ENOSYS, "38 (ENOSYS)"),
        ("execveat", libc::SYS_execveat, libc::EACCES, "13 (EACCES)"),
    ] {
        let run = TempDir::new().unwrap();
        let file = run.path().join("earthworm/probe");
        fs::create_dir(file.parent().unwrap()).unwrap();
        // What a container that was restarted would find.
        fs::write(&file, "an older probe").unwrap();

        let mut command = folder.launcher();
        sandbox::replace_run(&mut command, run.path());
        sandbox::refuse_call(&mut command, number, errno);
        let stderr = with_running_shell(&mut command, |process| {
            let executable = fs::read_link(process.join("exe")).unwrap();
            assert_eq!(executable.to_str(), Some("/run/earthworm/probe"));
            assert!(fs::read(&file).unwrap() == shell);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o755);
        });
        assert_eq!(
            stderr,
            format!(
                "launcher: memory may not be executed here ({name}: errno {code}), \
                 using /run/earthworm/probe\n"
            ),
        );
    }
}

#[test]
fn without_memory_and_file_both_reasons_are_told() {
    if !sandbox::can_mount() {
        return;
    }
    let Some(folder) = Folder::with_frame(&frame(&fs::read(SHELL).unwrap())) else { return };
    let empty_run = TempDir::new().unwrap();
    let mut command = folder.launcher();
    sandbox::replace_run(&mut command, empty_run.path());
    sandbox::refuse_call(&mut command, libc::SYS_memfd_create, libc::EACCES);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        stderr.lines().last(),
        Some(
            "launcher: cannot create /run/earthworm/probe: errno 2 (ENOENT), \
             and memfd_create is refused: errno 13 (EACCES)"
        )
    );
}

#[test]
fn last_words_reach_the_termination_log() {
    if !sandbox::can_mount() {
        return;
    }
    let Some(folder) = Folder::with_frame(b"nonsense") else { return };
    let log = folder.path("log");
    fs::write(&log, "an earlier message that is longer than the new one".repeat(9)).unwrap();
    let mut command = folder.launcher();
    sandbox::replace_termination_log(&mut command, &log);
    let line = failure_line(&command.output().unwrap());
    assert_eq!(fs::read_to_string(log).unwrap(), line + "\n");
}
