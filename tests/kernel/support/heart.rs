//! Builds and runs `tests/kernel/heart`: the kubelet's lease controller and an
//! API server that answers as told.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// The compiled program; built once per run of the tests.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("heart");
        let status = Command::new("go")
            .args(["build", "-trimpath", "-mod=readonly", "-ldflags=-s -w", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/kernel/heart"))
            .status()
            .expect("go starts");
        assert!(status.success(), "tests/kernel/heart does not build");
        program
    })
}

/// One request that the server has seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) name: String,
    pub(crate) renew_time_micros: i64,
    pub(crate) status: u16,
    pub(crate) protocol: String,
}

/// The API server; it ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    pub(crate) certificate: tempfile::TempPath,
    diary: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Answers the renewals of `node` by `script`, all others with success.
    pub(crate) fn start(node: &str, script: &str) -> Self {
        let certificate = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut child = Command::new(program())
            .arg("serve")
            .arg(format!("--script={script}"))
            .arg(format!("--scripted={node}"))
            .arg(format!("--certificate={}", certificate.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap();
        let diary = Arc::new(Mutex::new(Vec::new()));
        let filled = Arc::clone(&diary);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                filled.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, address, certificate, diary }
    }

    /// What was received for the Lease of a node, oldest first.
    pub(crate) fn received(&self, node: &str) -> Vec<Received> {
        let diary = self.diary.lock().unwrap();
        diary.iter().filter(|received| received.name == node).cloned().collect()
    }

    /// Waits until so many requests for a node have been seen.
    pub(crate) fn wait_for(&self, node: &str, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.received(node).len() < count {
            assert!(Instant::now() < deadline, "only {:?}", self.received(node));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that beats like a kubelet, named `kubelet`.
pub(crate) struct Heart {
    child: Child,
    go: Option<ChildStdin>,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Heart {
    /// Starts the process; it beats after [`Heart::beat`].
    pub(crate) fn start(server: &Server, node: &str, flags: &[&str]) -> Self {
        Self::start_by(Command::new(program()).arg0("kubelet"), server, node, flags)
    }

    /// Starts as a shell of the same name and process id, which a second
    /// later becomes the heart.
    pub(crate) fn start_by_shell(server: &Server, node: &str, flags: &[&str]) -> Self {
        let mut shell = Command::new("bash");
        shell.arg0("kubelet").args(["-c", "sleep 1; exec -a kubelet \"$0\" \"$@\""]);
        Self::start_by(shell.arg(program()), server, node, flags)
    }

    fn start_by(command: &mut Command, server: &Server, node: &str, flags: &[&str]) -> Self {
        let mut child = command
            .arg("beat")
            .arg(format!("--hostname-override={node}"))
            .arg(format!("--server={}", server.address))
            .arg(format!("--certificate={}", server.certificate.display()))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let go = child.stdin.take();
        Self { child, go, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn beat(&mut self) {
        assert_eq!(self.next_line(), "ready");
        self.go.as_mut().unwrap().write_all(b"b").unwrap();
    }

    /// The next line the process prints.
    pub(crate) fn next_line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    pub(crate) fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.pid()).unwrap();
        // SAFETY: the child has not been waited for, so the id is still its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
