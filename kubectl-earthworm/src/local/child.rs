//! The probe's process.

use super::program::{NAME, Program};
use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal,
};
use std::io;
use std::net::Ipv4Addr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Pause between two tries to connect.
const RETRY: Duration = Duration::from_millis(2);

/// How long a probe may take until it listens.
const LISTENS: Duration = Duration::from_secs(10);

/// How long a probe that was told to end may take.
const END: Duration = Duration::from_secs(3);

/// Of what a probe says on its standard error, so much is kept: the end.
const WORDS_BYTES: usize = 2048;

/// A probe that runs. It is killed when this is dropped, and by the kernel when
/// this process ends, however that comes.
#[derive(Debug)]
pub(super) struct Probe {
    child: Child,
    port: u16,
    words: Option<JoinHandle<String>>,
}

impl Probe {
    /// Starts a program as the child of this thread, which must live for as long
    /// as the probe shall.
    ///
    /// # Errors
    /// What the system says.
    pub(super) async fn start(program: &Program, port: u16, token: &str) -> io::Result<Self> {
        let parent = getpid();
        let mut command = Command::new(program.path());
        command
            .arg0(NAME)
            // The token comes through a pipe: no file has it, and no command line.
            .args(["--port", &port.to_string(), "--token-file", "/proc/self/fd/0"])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for this process, which says goodbye first.
            .process_group(0)
            .kill_on_drop(true);
        // SAFETY: the closure makes two system calls and nothing else.
        unsafe {
            command.pre_exec(move || end_with(parent));
        }
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A probe that has ended already says why by itself.
            let _ = stdin.write_all(token.as_bytes()).await;
        }
        let words = child.stderr.take().map(|stderr| tokio::spawn(last_words(stderr)));
        Ok(Self { child, port, words })
    }

    /// Where it listens on the loopback device.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the process has ended.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Tells it to end, and kills it when that takes too long. `true` when it is
    /// gone.
    pub(super) async fn end(&mut self) -> bool {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // One that was not waited for cannot be another process by now.
            let _ = kill_process(id, Signal::TERM);
        }
        if timeout(END, self.ended()).await.is_ok() {
            return true;
        }
        timeout(END, self.child.kill()).await.is_ok_and(|killed| killed.is_ok())
    }

    /// What an ended process has said last; empty when nothing.
    pub(super) async fn last_words(&mut self) -> String {
        match self.words.take() {
            Some(words) => words.await.unwrap_or_default(),
            None => String::new(),
        }
    }
}

/// Connects as soon as a probe listens at this port.
///
/// # Errors
/// Words for people.
pub(super) async fn connect(port: u16) -> Result<TcpStream, String> {
    let deadline = Instant::now() + LISTENS;
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => {
                // A word is worth more early than packed well.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused
                    && Instant::now() < deadline => {}
            Err(error) => {
                return Err(format!("cannot connect to {}:{port}: {error}", Ipv4Addr::LOCALHOST));
            }
        }
        sleep(RETRY).await;
    }
}

/// Runs in the child, before it becomes the probe.
fn end_with(parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the kernel knew that.
    if getppid() == Some(parent) { Ok(()) } else { Err(io::Error::from_raw_os_error(ESRCH)) }
}

/// "No such process"; fits where nothing may allocate.
const ESRCH: i32 = 3;

async fn last_words(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 512];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(WORDS_BYTES);
        kept.drain(..surplus);
    }
    crate::cluster::problem::one_line(&String::from_utf8_lossy(&kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_what_was_said_is_kept() {
        let long = "word ".repeat(2000) + "\nthe\n reason\n";
        let words = last_words(long.as_bytes()).await;
        assert!(words.ends_with("word the reason"), "{words}");
        assert!(words.len() <= WORDS_BYTES);
        assert_eq!(last_words(&b""[..]).await, "");
    }
}
