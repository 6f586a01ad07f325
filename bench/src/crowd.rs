//! Real connections, many of them, over the loopback device of a network
//! namespace of our own.
//!
//! A process may have some ten thousand files open at most, so a crowd is held
//! by several: this program, started again.

use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Connections of one process: each has two ends, and files are limited.
const MOST_PER_PROCESS: usize = 9_000;

/// Servers of short connections listen here, those of each process behind it.
pub(crate) const SHORT_PORT: u16 = 7_000;

/// Moves this process into a network namespace of its own.
pub(crate) fn enter_own_network() -> Result<()> {
    // SAFETY: one system call; this process has no other threads yet.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return Err(std::io::Error::last_os_error()).context("cannot make a network namespace");
    }
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    if !up.context("cannot start ip")?.success() {
        bail!("cannot bring the loopback device up");
    }
    Ok(())
}

/// Arguments of a process that holds connections.
#[derive(Debug, Clone, Args)]
pub(crate) struct Hold {
    /// How many
    #[arg(long)]
    connections: usize,
    /// Second byte of the servers' addresses
    #[arg(long)]
    part: u8,
    /// Send a byte on each every second
    #[arg(long)]
    busy: bool,
}

impl Hold {
    /// Holds them until standard input ends.
    pub(crate) fn run(&self) -> Result<()> {
        allow_many_files();
        let port = SHORT_PORT + u16::from(self.part);
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
        let mut clients = Vec::with_capacity(self.connections);
        let mut servers = Vec::with_capacity(self.connections);
        for number in 0..self.connections {
            // Every server address is one flow.
            let [third, fourth] = u16::try_from(number + 256)?.to_be_bytes();
            let address = Ipv4Addr::new(127, self.part, third, fourth);
            clients.push(TcpStream::connect((address, port)).context("cannot connect")?);
            servers.push(listener.accept()?.0);
        }
        #[expect(clippy::print_stdout, reason = "the answer")]
        {
            println!("ready");
        }
        std::io::stdout().flush()?;
        let over = Arc::new(AtomicBool::new(false));
        let watcher = {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
                over.store(true, Ordering::Relaxed);
            })
        };
        let mut buffer = [0; 64];
        while !over.load(Ordering::Relaxed) {
            let next = Instant::now() + Duration::from_secs(1);
            if self.busy {
                for (client, server) in clients.iter_mut().zip(&mut servers) {
                    client.write_all(b"x")?;
                    let _ = server.read(&mut buffer)?;
                }
            }
            while Instant::now() < next && !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = watcher.join();
        Ok(())
    }
}

/// Processes that hold a crowd of connections; they end with it.
pub(crate) struct Crowd {
    holders: Vec<(Child, Option<ChildStdin>)>,
}

impl Crowd {
    /// Opens so many connections.
    pub(crate) fn open(connections: usize, busy: bool) -> Result<Self> {
        let mut crowd = Self { holders: Vec::new() };
        let mut left = connections;
        for part in 1_u8.. {
            if left == 0 {
                break;
            }
            let count = left.min(MOST_PER_PROCESS);
            left -= count;
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("hold").args(["--connections", &count.to_string()]);
            command.args(["--part", &part.to_string()]);
            if busy {
                command.arg("--busy");
            }
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let input = child.stdin.take();
            let out = child.stdout.take().context("the process has no output")?;
            crowd.holders.push((child, input));
            let mut answer = String::new();
            BufReader::new(out).read_line(&mut answer)?;
            if answer.trim() != "ready" {
                bail!("a process cannot hold {count} connections (files are limited: ulimit -n)");
            }
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for (child, input) in &mut self.holders {
            drop(input.take());
            let _ = child.wait();
        }
    }
}

/// Opens and closes so many connections per second for a time; gives how many.
pub(crate) fn churn(per_second: u32, duration: Duration) -> Result<u64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, SHORT_PORT))?;
    let (started, mut count) = (Instant::now(), 0_u64);
    let mut buffer = [0; 16];
    while started.elapsed() < duration {
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, SHORT_PORT))?;
        let (mut server, _) = listener.accept()?;
        client.write_all(b"question")?;
        server.read_exact(&mut buffer[..8])?;
        server.write_all(b"answer")?;
        client.read_exact(&mut buffer[..6])?;
        // The server goes first: its end waits, and the client's port is free.
        drop(server);
        drop(client);
        count += 1;
        let due = Duration::from_secs_f64(count as f64 / f64::from(per_second.max(1)));
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    Ok(count)
}

/// Raises the limit of open files as far as this process may.
fn allow_many_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a complete structure that outlives them.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}
