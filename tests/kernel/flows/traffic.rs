//! Traffic of known amounts.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::pod::Pod;

/// Where servers listen.
pub(crate) const PORT: u16 = 8080;

/// What one connection carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) request: usize,
    pub(crate) answer: usize,
}

/// Serves so many connections, one after the other: reads each to its end and
/// answers. `answer` gives the bytes for the n-th one.
pub(crate) fn serve(
    pod: &Pod,
    address: SocketAddr,
    count: usize,
    answer: impl Fn(usize) -> usize + Send + 'static,
) -> JoinHandle<()> {
    let (ready, listening) = std::sync::mpsc::channel();
    let thread = pod.within(move || {
        let listener = TcpListener::bind(address).unwrap();
        ready.send(()).unwrap();
        for number in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            read_to_end(&mut stream);
            stream.write_all(&vec![b'a'; answer(number)]).unwrap();
        }
    });
    listening.recv().unwrap();
    thread
}

/// One connection after the other.
pub(crate) fn ask(pod: &Pod, address: SocketAddr, exchanges: Vec<Exchange>) -> JoinHandle<()> {
    pod.within(move || {
        for exchange in exchanges {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&vec![b'q'; exchange.request]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read_to_end(&mut stream), exchange.answer);
        }
    })
}

pub(crate) fn read_to_end(stream: &mut TcpStream) -> usize {
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return total,
            count => total += count,
        }
    }
}
