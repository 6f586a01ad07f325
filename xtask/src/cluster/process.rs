//! Processes that outlive this program, told apart by identifier and start
//! time: an identifier alone is soon given to another process.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, setsid, waitpid,
};
use serde::{Deserialize, Serialize};

/// One process of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessId {
    /// The identifier in the machine's own PID namespace.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`: clock ticks between boot and start.
    pub start_ticks: u64,
}

impl ProcessId {
    /// The process that has this identifier now, or `None`.
    #[must_use]
    pub fn of(pid: u32) -> Option<ProcessId> {
        let stat = Stat::read(pid)?;
        Some(ProcessId { pid, start_ticks: stat.start_ticks })
    }

    /// Whether the process still runs. One that ended and was not collected yet
    /// does not.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.entry().is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    }

    /// Whether the process is still listed, running or not. One that ended stays
    /// listed until its parent collects it.
    #[must_use]
    pub fn is_listed(self) -> bool {
        self.entry().is_some()
    }

    /// Ends the process with SIGKILL and waits until it is gone. A process that
    /// is gone already is no error.
    ///
    /// # Errors
    /// When it may not be ended, or is still there after `patience`.
    pub fn kill(self, patience: Duration) -> Result<()> {
        self.signal(Signal::KILL)?;
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() > deadline {
                bail!("process {} does not end", self.pid);
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Sends a signal through a descriptor of the process, so that it cannot
    /// reach another process that got the same identifier in between.
    ///
    /// # Errors
    /// When the kernel refuses. A process that is gone is no error.
    pub fn signal(self, signal: Signal) -> Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            bail!("{} is not a process identifier", self.pid);
        };
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else {
            return Ok(());
        };
        if !self.is_alive() {
            return Ok(());
        }
        match pidfd_send_signal(&descriptor, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("cannot send a signal to process {}", self.pid))
            }
        }
    }

    /// The entry in `/proc`, if this very process has one. An ended child of this
    /// program is collected first; else it would stay listed until this program
    /// ends. Only then: another child may have got the same identifier, and its
    /// end is for somebody else to see.
    fn entry(self) -> Option<Stat> {
        let read = || Stat::read(self.pid).filter(|stat| stat.start_ticks == self.start_ticks);
        let stat = read()?;
        if stat.state == 'Z'
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            // Failure means that it is no child of ours, which is no problem.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            return read();
        }
        Some(stat)
    }
}

/// The two fields of `/proc/PID/stat` that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    start_ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Stat::parse(&text)
    }

    /// The name in parentheses can hold spaces and parentheses of its own, so
    /// counting starts behind the last one.
    fn parse(text: &str) -> Option<Stat> {
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // `state` is field 3, the start time is field 22.
        let start_ticks = fields.nth(18)?.parse().ok()?;
        Some(Stat { state, start_ticks })
    }
}

/// A program to be started in the background.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The command line, program first.
    pub argv: &'a [String],
    /// The whole environment: nothing is inherited, since a proxy variable of
    /// the caller would send the cluster's own traffic elsewhere.
    pub environment: &'a BTreeMap<String, String>,
    /// Standard output and error are appended here.
    pub log: &'a Path,
}

impl Launch<'_> {
    /// Starts the program in a session of its own and leaves it alone.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn start(&self) -> Result<ProcessId> {
        let (program, arguments) = self.argv.split_first().context("an empty command line")?;
        let output = open_log(self.log)?;
        let errors = output.try_clone().context("cannot duplicate the log")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        // SAFETY: between fork and exec only setsid runs, a plain system call
        // that neither allocates nor takes a lock.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                Ok(())
            });
        }
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let pid = child.id();
        ProcessId::of(pid).with_context(|| format!("{program} has no entry in /proc"))
    }
}

fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open the log {}", path.display()))
}

/// One line of `/proc` per process: identifier and arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which process.
    pub process: ProcessId,
    /// Its command line, program first.
    pub argv: Vec<String>,
}

/// Every process whose program is one of `programs` (by file name) and that
/// names a path below `folder` in its arguments: only a component that was
/// started for this folder looks like that.
#[must_use]
pub fn with_arguments_below(folder: &Path, programs: &[&str]) -> Vec<Listed> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| {
            let process = ProcessId::of(pid)?;
            let text = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let argv: Vec<String> = text
                .split(|byte| *byte == 0)
                .filter(|argument| !argument.is_empty())
                .map(|argument| String::from_utf8_lossy(argument).into_owned())
                .collect();
            (process.is_alive() && belongs_to(&argv, folder, programs))
                .then_some(Listed { process, argv })
        })
        .collect()
}

fn belongs_to(argv: &[String], folder: &Path, programs: &[&str]) -> bool {
    let Some((program, arguments)) = argv.split_first() else {
        return false;
    };
    let known = Path::new(program)
        .file_name()
        .is_some_and(|name| programs.iter().any(|known| name == *known));
    known
        && arguments.iter().any(|argument| {
            // Both `--root-dir=PATH` and `-address PATH` occur.
            let value = argument.split_once('=').map_or(argument.as_str(), |pair| pair.1);
            Path::new(value).starts_with(folder)
        })
}

/// The last lines of a log, with everything escaped that a terminal would
/// interpret.
#[must_use]
pub fn log_tail(path: &Path, lines: usize) -> String {
    let Ok(text) = fs::read(path) else {
        return format!("(no log at {})", path.display());
    };
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    last.iter()
        .map(|line| {
            let escaped: String = line
                .chars()
                .flat_map(|character| {
                    if character.is_control() && character != '\t' {
                        character.escape_default().collect::<Vec<char>>()
                    } else {
                        vec![character]
                    }
                })
                .collect();
            format!("    {escaped}\n")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_do_not_shift_the_fields() {
        let text = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";
        assert_eq!(Stat::parse(text), Some(Stat { state: 'S', start_ticks: 987_654 }));
        assert_eq!(Stat::parse("42 (short) S 1"), None);
    }

    #[test]
    fn this_process_is_alive_until_the_start_time_differs() {
        let this = ProcessId::of(std::process::id()).unwrap();
        assert!(this.is_alive());
        let other = ProcessId { start_ticks: this.start_ticks + 1, ..this };
        assert!(!other.is_alive());
    }

    #[test]
    fn a_started_program_can_be_ended() {
        let folder = std::env::temp_dir().join(format!("xtask-process-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let log = folder.join("log");
        let argv = ["sh", "-c", "echo $WORD; exec sleep 60"].map(str::to_owned);
        let environment = BTreeMap::from([
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("WORD".to_owned(), "\u{1b}[31mhello".to_owned()),
        ]);
        let process = Launch { argv: &argv, environment: &environment, log: &log }.start().unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while fs::read(&log).unwrap().is_empty() && Instant::now() < deadline {
            sleep(Duration::from_millis(10));
        }
        assert_eq!(log_tail(&log, 5), "    \\u{1b}[31mhello\n");
        assert!(process.is_alive());
        process.kill(Duration::from_secs(5)).unwrap();
        assert!(!process.is_alive());
        // A second time is no error.
        process.kill(Duration::from_secs(5)).unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_process_is_ours_by_program_and_path() {
        let folder = Path::new("/var/lib/sandbox");
        let check = |line: &str| {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            belongs_to(&argv, folder, &["etcd", "containerd-shim-runc-v2"])
        };
        assert!(check("/usr/bin/etcd --data-dir=/var/lib/sandbox/etcd"));
        assert!(check("/usr/bin/containerd-shim-runc-v2 -address /var/lib/sandbox/c.sock"));
        assert!(!check("/usr/bin/etcd --data-dir=/var/lib/sandboxes/etcd"));
        assert!(!check("/usr/bin/etcd --data-dir=/var/lib/etcd"));
        assert!(!check("tail /var/lib/sandbox/etcd"));
        assert!(!check("/var/lib/sandbox/etcd"));
    }
}
