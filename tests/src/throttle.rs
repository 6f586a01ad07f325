//! A slow line to the API server: bytes pass unchanged, but only so many a
//! second in the direction of the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
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
    connections: Arc<Mutex<Connections>>,
    thread: Option<JoinHandle<()>>,
}

/// What goes over a line now.
#[derive(Debug, Default)]
struct Connections {
    cut: bool,
    open: Vec<TcpStream>,
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
        let connections = Arc::new(Mutex::new(Connections::default()));
        let all = Arc::clone(&connections);
        let thread = std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, ports::API_SERVER))
                else {
                    continue;
                };
                let mut all = all.lock().unwrap();
                if !all.cut {
                    all.open.extend(client.try_clone());
                    connect(client, server, bytes_per_second);
                }
            }
        });
        Self { address, over, connections, thread: Some(thread) }
    }

    /// Ends what goes over the line, and lets nothing more through until it is
    /// mended.
    ///
    /// # Panics
    /// When the line is broken for good.
    pub fn cut(&self) {
        let mut all = self.connections.lock().unwrap();
        all.cut = true;
        for connection in all.open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets new connections through again.
    ///
    /// # Panics
    /// When the line is broken for good.
    pub fn mend(&self) {
        self.connections.lock().unwrap().cut = false;
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
