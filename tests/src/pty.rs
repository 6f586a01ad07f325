//! A command at a terminal of its own, as a person sees it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::eventually;

const ROWS: u16 = 24;
const COLUMNS: u16 = 100;

/// Pause between two looks at what is shown.
const LOOK: Duration = Duration::from_millis(10);

/// Stdin and stderr are a terminal; so is stdout, or it is a pipe: data.
#[derive(Debug)]
pub struct Terminal {
    master: File,
    /// Kept open, to look at the terminal's settings.
    slave: OwnedFd,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    before: Settings,
}

/// What a raw terminal has switched off: input, output, control, local flags.
pub type Settings = (u32, u32, u32, u32);

/// What was left when the command had ended.
#[derive(Debug)]
pub struct Left {
    /// Its exit code, none after a signal.
    pub code: Option<i32>,
    /// Everything on stdout.
    pub out: String,
    /// Everything that the terminal got.
    pub shown: String,
    /// When it was gone.
    pub at: Instant,
    /// Whether the terminal's settings are the ones of the beginning.
    pub restored: bool,
}

impl Terminal {
    /// Starts the command, its data to a pipe.
    ///
    /// # Panics
    /// When there is no terminal to be had, or it cannot be started.
    #[must_use]
    pub fn start(command: Command) -> Self {
        Self::open(command, |_| Stdio::piped())
    }

    /// Starts the command with nothing but the terminal.
    ///
    /// # Panics
    /// When there is no terminal to be had, or it cannot be started.
    #[must_use]
    pub fn whole(command: Command) -> Self {
        Self::open(command, |slave| slave.try_clone().unwrap().into())
    }

    fn open(mut command: Command, out: impl FnOnce(&OwnedFd) -> Stdio) -> Self {
        let (mut master, mut slave) = (0, 0);
        let mut size = libc::winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: both descriptors and the size are valid for the call.
        let opened = unsafe {
            libc::openpty(
                &raw mut master,
                &raw mut slave,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                &raw mut size,
            )
        };
        assert_eq!(opened, 0, "no terminal: {}", std::io::Error::last_os_error());
        // SAFETY: openpty has just made both, and nobody else owns them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        let before = settings(&slave);
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(slave.try_clone().unwrap())
            .stderr(slave.try_clone().unwrap())
            .stdout(out(&slave))
            .spawn()
            .unwrap();
        // Its copies of the terminal's other side would keep it open.
        drop(command);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, heard) = (master.try_clone().unwrap(), Arc::clone(&shown));
        // Ends when the last descriptor of the other side is closed.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                heard.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { master, slave, child, shown, before }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the terminal has got this text.
    ///
    /// # Panics
    /// When it does not within `patience`.
    pub fn wait_for(&self, text: &str, patience: Duration) {
        let begun = Instant::now();
        while !self.shown().contains(text) {
            let shown = || self.shown();
            assert!(begun.elapsed() < patience, "{text:?} is not shown, but {:?}", shown());
            std::thread::sleep(LOOK);
        }
    }

    /// Presses keys.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn press(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within `patience`.
    pub fn end_within(mut self, patience: Duration) -> Left {
        let mut out = String::new();
        let mut code = None;
        eventually("the command ends", patience, || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        let at = Instant::now();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut out).unwrap();
        }
        let restored = settings(&self.slave) == self.before;
        // What is on its way to the reader.
        std::thread::sleep(Duration::from_millis(100));
        Left { code: code.and_then(|code| code.code()), out, shown: self.shown(), at, restored }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already in every test that passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Left {
    /// Whether a cursor that was hidden is shown again.
    #[must_use]
    pub fn has_cursor(&self) -> bool {
        self.shown.rfind("\x1b[?25h") >= self.shown.rfind("\x1b[?25l")
    }
}

fn settings(terminal: &OwnedFd) -> Settings {
    // SAFETY: all-zero bytes are a valid termios, which tcgetattr fills.
    let mut found: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open and the structure outlives the call.
    let result = unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut found) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    (found.c_iflag, found.c_oflag, found.c_cflag, found.c_lflag)
}
