//! A slow line to the API server: bytes pass unchanged, but only so many a
//! second in the direction of the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use xtask::cluster::options::ports;

/// How often a piece is passed on.
const STEP: Duration = Duration::from_millis(20);

/// The line; it is cut when this is dropped.
#[derive(Debug)]
pub struct SlowLine {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SlowLine {
    /// Opens a line that carries so many bytes a second towards the server.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn open(bytes_per_second: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, ports::API_SERVER))
                else {
                    continue;
                };
                connect(client, server, bytes_per_second);
            }
        });
        Self { address, over, thread: Some(thread) }
    }

    /// A copy of a kubeconfig that goes over this line.
    ///
    /// # Panics
    /// When the file cannot be read or written.
    pub fn kubeconfig(&self, original: &Path, copy: &Path) {
        let text = std::fs::read_to_string(original).unwrap();
        let direct = format!("127.0.0.1:{}", ports::API_SERVER);
        assert!(text.contains(&direct), "{} names another server", original.display());
        std::fs::write(copy, text.replace(&direct, &self.address.to_string())).unwrap();
    }
}

impl Drop for SlowLine {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Two threads per connection, which end with it.
fn connect(client: TcpStream, server: TcpStream, bytes_per_second: usize) {
    let piece = (bytes_per_second / (1000 / STEP.as_millis() as usize)).max(1);
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || pass(from_client, to_server, piece, STEP));
    std::thread::spawn(move || pass(server, client, 64 << 10, Duration::ZERO));
}

fn pass(mut from: TcpStream, mut to: TcpStream, piece: usize, pause: Duration) {
    let mut buffer = vec![0; piece];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        std::thread::sleep(pause);
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
