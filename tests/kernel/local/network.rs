//! A network namespace in which nothing but loopback is, and known traffic in it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread::JoinHandle;

/// What this process is called by the kernel, and both sides of its traffic.
pub(crate) fn name() -> String {
    std::fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned()
}

/// Lives for as long as anybody is in it or this is open.
pub(crate) struct Network(File);

impl Network {
    pub(crate) fn new() -> Self {
        let made = std::thread::spawn(|| {
            // SAFETY: the call is about this thread alone, which has no sockets.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0);
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
            assert!(up.success());
            File::open("/proc/thread-self/ns/net").unwrap()
        });
        Self(made.join().unwrap())
    }

    /// A command that runs in it.
    pub(crate) fn enter(&self, command: &mut Command) {
        let network = self.0.try_clone().unwrap();
        // SAFETY: one system call.
        unsafe { command.pre_exec(move || enter(&network)) };
    }

    /// Listens from now on, until it is dropped.
    pub(crate) fn listen(&self, port: u16) -> TcpListener {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.within(move || TcpListener::bind(address).unwrap()).join().unwrap()
    }

    /// So many connections, one after the other, each with these amounts.
    pub(crate) fn exchange(
        &self,
        listener: &TcpListener,
        connections: u64,
        request: u64,
        answer: u64,
    ) {
        let address = listener.local_addr().unwrap();
        let listener = listener.try_clone().unwrap();
        let server = self.within(move || {
            for _ in 0..connections {
                let (mut stream, _) = listener.accept().unwrap();
                assert_eq!(read_to_end(&mut stream), request);
                stream.write_all(&bytes(answer)).unwrap();
            }
        });
        let client = self.within(move || {
            for _ in 0..connections {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(&bytes(request)).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                assert_eq!(read_to_end(&mut stream), answer);
            }
        });
        client.join().unwrap();
        server.join().unwrap();
    }

    fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let network = self.0.try_clone().unwrap();
        // As the process: a socket that is gone is known by the thread that made it.
        let thread = std::thread::Builder::new().name(name());
        let started = thread.spawn(move || {
            enter(&network).unwrap();
            work()
        });
        started.unwrap()
    }
}

fn enter(network: &File) -> std::io::Result<()> {
    // SAFETY: the descriptor is open, and nobody else is in this thread.
    match unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn bytes(count: u64) -> Vec<u8> {
    vec![b'e'; usize::try_from(count).unwrap()]
}

fn read_to_end(stream: &mut TcpStream) -> u64 {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap() as u64
}
