//! One session over real sockets: who gets in, what is sent, when it ends.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use earthworm_probe::server::{Bypass, End, serve};
use earthworm_wire::frame::{Decoder, Frame, Kind, encode};
use earthworm_wire::greeting::{Authentication, Hello, Refusal, RefusalReason};
use earthworm_wire::message::{ToPlugin, ToProbe, from_bytes};
use earthworm_wire::record::Record;
use earthworm_wire::request::{GenerateRequest, Request};
use earthworm_wire::{BYPASS_TOKEN_HEADER, IDLE_EXIT_SECONDS, PROTOCOL};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const TOKEN: [u8; 32] = [7; 32];
const SOON: Duration = Duration::from_secs(5);

async fn probe() -> (SocketAddr, JoinHandle<End>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(serve(listener, TOKEN, None, std::future::pending())))
}

/// The plugin's side, as small as it can be.
struct Plugin {
    stream: TcpStream,
    decoder: Decoder,
}

impl Plugin {
    async fn connect(address: SocketAddr, authentication: &Authentication) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut plugin = Self { stream, decoder: Decoder::new() };
        let mut bytes = Vec::new();
        encode(Kind::Authentication, &authentication.to_bytes(), &mut bytes).unwrap();
        plugin.stream.write_all(&bytes).await.unwrap();
        plugin
    }

    async fn open(address: SocketAddr, resume_after: u64) -> (Self, Hello) {
        let mut plugin = Self::connect(address, &Authentication::new(TOKEN, resume_after)).await;
        let frame = plugin.frame().await.unwrap();
        assert_eq!(frame.kind, Kind::Hello);
        (plugin, Hello::from_bytes(&frame.payload).unwrap())
    }

    /// The next frame; `None` at the end of the stream.
    async fn frame(&mut self) -> Option<Frame> {
        let mut buffer = vec![0; 4096];
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            let read = tokio::time::timeout(SOON, self.stream.read(&mut buffer)).await;
            match read.expect("the probe was silent") {
                Ok(count) if count > 0 => self.decoder.feed(&buffer[..count]),
                _ => return None,
            }
        }
    }

    async fn next(&mut self) -> Option<ToPlugin> {
        let frame = self.frame().await?;
        assert_eq!(frame.kind, Kind::ToPlugin);
        Some(from_bytes(&frame.payload).unwrap())
    }

    async fn say(&mut self, message: ToProbe) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    async fn generate(&mut self, records: u64) {
        self.say(ToProbe::Start(Request::Generate(GenerateRequest { records }))).await;
    }

    async fn credit(&mut self, acknowledged: u64, window_records: u64) {
        self.say(ToProbe::Credit { acknowledged, window_records }).await;
    }

    /// Takes records until `count` have come; returns their numbers.
    async fn take(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            match self.next().await {
                Some(ToPlugin::Records { first_sequence, records }) => {
                    for (sequence, record) in (first_sequence..).zip(records) {
                        let Record::Generated(number) = record else { panic!("{record:?}") };
                        assert_eq!(sequence, number + 1, "sequence numbers start at 1");
                        numbers.push(number);
                    }
                }
                Some(_) => {}
                None => panic!("the stream ended after {} records", numbers.len()),
            }
        }
        numbers
    }
}

#[tokio::test]
async fn every_record_arrives_once_and_the_session_ends_with_a_farewell() {
    let (address, session) = probe().await;
    let (mut plugin, hello) = Plugin::open(address, 0).await;
    assert_eq!((hello.protocol, hello.next_sequence), (PROTOCOL, 1));
    plugin.generate(100_000).await;
    let mut handled = 0;
    while handled < 100_000 {
        plugin.credit(handled, 8_192).await;
        let taken = plugin.take(1).await;
        assert_eq!(taken[0], handled);
        handled += taken.len() as u64;
    }
    plugin.credit(handled, 8_192).await;
    plugin.say(ToProbe::Bye).await;
    assert_eq!(plugin.next().await, Some(ToPlugin::Farewell));
    assert!(plugin.frame().await.is_none());
    assert_eq!(session.await.unwrap(), End::Bye);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_disturbs_nothing() {
    let (address, _session) = probe().await;
    let (mut plugin, _) = Plugin::open(address, 0).await;
    plugin.generate(50).await;

    let wrong = Authentication::new([8; 32], 0);
    let mut stranger = Plugin::connect(address, &wrong).await;
    assert!(stranger.frame().await.is_none(), "a wrong token is answered with silence");
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 600], &[1, 0, 0, 0, 4, 0, 9]] {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(SOON, stranger.read_to_end(&mut answer)).await;
        assert!(end.is_ok() && answer.is_empty(), "{garbage:?} was answered by {answer:?}");
    }
    // Many who say nothing hold the door only for themselves.
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    plugin.credit(0, 1_000).await;
    assert_eq!(plugin.take(50).await, (0..50).collect::<Vec<_>>());
    // Nor do they keep the plugin out when it comes back.
    drop(plugin);
    let (_, hello) = Plugin::open(address, 50).await;
    assert_eq!(hello.next_sequence, 51);
}

#[tokio::test]
async fn an_interrupted_session_resumes_without_loss_or_repetition() {
    let (address, session) = probe().await;
    let (mut first, _) = Plugin::open(address, 0).await;
    first.generate(300).await;
    first.credit(0, 100).await;
    assert_eq!(first.take(100).await.len(), 100);
    drop(first);

    // Only 60 of the 100 were handled before the break.
    let (mut second, hello) = Plugin::open(address, 60).await;
    assert_eq!(hello.next_sequence, 61);
    second.generate(300).await;
    second.credit(60, 1_000).await;
    assert_eq!(second.take(240).await, (60..300).collect::<Vec<_>>());
    second.say(ToProbe::Bye).await;
    assert_eq!(second.next().await, Some(ToPlugin::Farewell));
    assert_eq!(session.await.unwrap(), End::Bye);
}

#[tokio::test]
async fn the_newest_connection_of_the_tokens_owner_wins() {
    let (address, _session) = probe().await;
    let (mut old, _) = Plugin::open(address, 0).await;
    old.generate(10).await;
    let (mut new, _) = Plugin::open(address, 0).await;
    assert!(old.frame().await.is_none(), "the old connection ends");
    new.credit(0, 100).await;
    assert_eq!(new.take(10).await.len(), 10);
}

#[tokio::test]
async fn another_version_is_told_so_and_does_not_end_the_session() {
    let (address, _session) = probe().await;
    let other = Authentication { protocol: PROTOCOL + 1, token: TOKEN, resume_after: 0 };
    let mut plugin = Plugin::connect(address, &other).await;
    let frame = plugin.frame().await.unwrap();
    assert_eq!(frame.kind, Kind::Refusal);
    let refusal = Refusal::from_bytes(&frame.payload).unwrap();
    assert_eq!(refusal.reason, RefusalReason::Version);
    assert!(refusal.text.contains("protocol"), "{}", refusal.text);
    Plugin::open(address, 0).await;
}

#[tokio::test]
async fn garbage_after_the_token_ends_the_connection_and_not_the_session() {
    let (address, _session) = probe().await;
    let (mut plugin, _) = Plugin::open(address, 0).await;
    plugin.generate(5).await;
    plugin.stream.write_all(&[0xff; 64]).await.unwrap();
    let frame = plugin.frame().await.unwrap();
    assert_eq!(frame.kind, Kind::Refusal);
    assert_eq!(Refusal::from_bytes(&frame.payload).unwrap().reason, RefusalReason::Garbage);
    assert!(plugin.frame().await.is_none());
    let (mut plugin, hello) = Plugin::open(address, 0).await;
    assert_eq!(hello.next_sequence, 1);
    plugin.credit(0, 10).await;
    assert_eq!(plugin.take(5).await.len(), 5);
}

#[tokio::test]
async fn pings_are_answered() {
    let (address, _session) = probe().await;
    let (mut plugin, _) = Plugin::open(address, 0).await;
    for number in [1, 2, u64::MAX] {
        plugin.say(ToProbe::Ping(number)).await;
        assert_eq!(plugin.next().await, Some(ToPlugin::Pong(number)));
    }
}

#[tokio::test]
async fn a_probe_without_a_plugin_ends_by_itself() {
    let begun = Instant::now();
    let (address, session) = probe().await;
    let (plugin, _) = Plugin::open(address, 0).await;
    drop(plugin);
    // Strangers do not keep it alive.
    let _stranger = TcpStream::connect(address).await.unwrap();
    let limit = Duration::from_secs(IDLE_EXIT_SECONDS + 5);
    let end = tokio::time::timeout(limit, session).await.expect("it lives on").unwrap();
    assert_eq!(end, End::Idle);
    assert!(begun.elapsed() >= Duration::from_secs(IDLE_EXIT_SECONDS), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_bypass_opens_for_its_own_token_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let around = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = around.local_addr().unwrap();
    let bypass = Some(Bypass { listener: around, token: [9; 32] });
    let _session = tokio::spawn(serve(listener, TOKEN, bypass, std::future::pending()));
    let get = |token: &str| {
        format!("GET / HTTP/1.1\r\nHost: node\r\n{BYPASS_TOKEN_HEADER}: {token}\r\n\r\n")
    };
    let right = get(&"09".repeat(32));
    // The session's token opens the stream and not this.
    for words in [get(&"07".repeat(32)), get(""), right.replacen("GET", "PUT", 1), "\0".into()] {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(words.as_bytes()).await.unwrap();
        stranger.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(SOON, stranger.read_to_end(&mut answer)).await;
        assert!(end.is_ok() && answer.is_empty(), "{words:?} was answered by {answer:?}");
    }
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let mut plugin = TcpStream::connect(address).await.unwrap();
    plugin.write_all(right.as_bytes()).await.unwrap();
    let mut head = vec![0; 12];
    tokio::time::timeout(SOON, plugin.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head, b"HTTP/1.1 200");
}
