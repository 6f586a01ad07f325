//! Both sides of a conversation, over a pipe.

use super::intake::{Ended, Intake};
use super::stream::{Stream, StreamError, greet};
use crate::cluster::reporter::{Clock, Reporter};
use crate::signal::{NodeId, SessionState, Signal, SignalKind};
use earthworm_wire::PROTOCOL;
use earthworm_wire::frame::{Decoder, Kind, encode};
use earthworm_wire::greeting::{Authentication, Hello, Refusal, RefusalReason, TOKEN_BYTES};
use earthworm_wire::message::{ToPlugin, ToProbe, next_message};
use earthworm_wire::record::{Record, Trouble, TroubleReason};
use earthworm_wire::request::{GenerateRequest, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

const TOKEN: [u8; TOKEN_BYTES] = [7; TOKEN_BYTES];

/// The side of the probe.
struct Probe {
    pipe: DuplexStream,
    decoder: Decoder,
}

impl Probe {
    /// Waits for the token and answers with a frame.
    async fn answer(pipe: DuplexStream, kind: Kind, payload: Vec<u8>) -> (Self, Authentication) {
        let mut probe = Self { pipe, decoder: Decoder::new() };
        loop {
            if let Some(frame) = probe.decoder.next_frame().unwrap() {
                let authentication = Authentication::from_bytes(&frame.payload).unwrap();
                let mut bytes = Vec::new();
                encode(kind, &payload, &mut bytes).unwrap();
                probe.pipe.write_all(&bytes).await.unwrap();
                return (probe, authentication);
            }
            probe.read().await;
        }
    }

    async fn greet(pipe: DuplexStream, next_sequence: u64) -> (Self, Authentication) {
        let hello = Hello { protocol: PROTOCOL, next_sequence, version: "1".into() };
        Self::answer(pipe, Kind::Hello, hello.to_bytes()).await
    }

    async fn read(&mut self) {
        let mut buffer = [0; 512];
        let count = self.pipe.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "the plugin is gone");
        self.decoder.feed(&buffer[..count]);
    }

    async fn heard(&mut self) -> ToProbe {
        loop {
            if let Some(message) = next_message(&mut self.decoder, Kind::ToProbe).unwrap() {
                return message;
            }
            self.read().await;
        }
    }

    async fn say(&mut self, message: &ToPlugin) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes).unwrap();
        self.pipe.write_all(&bytes).await.unwrap();
    }

    async fn tell(&mut self, first_sequence: u64, records: Vec<Record>) {
        self.say(&ToPlugin::Records { first_sequence, records }).await;
    }
}

async fn connected(after: u64, next_sequence: u64) -> (Stream, Probe) {
    let (ours, theirs) = duplex(1 << 16);
    let (stream, (probe, authentication)) =
        tokio::join!(greet(ours, TOKEN, after), Probe::greet(theirs, next_sequence));
    assert_eq!((authentication.token, authentication.resume_after), (TOKEN, after));
    (stream.unwrap(), probe)
}

fn generated(numbers: std::ops::RangeInclusive<u64>) -> Vec<Record> {
    numbers.map(Record::Generated).collect()
}

fn reporter() -> (Reporter, mpsc::Receiver<Signal>) {
    let (sender, signals) = mpsc::channel(64);
    let node = NodeId { cluster: "c".into(), node: "n".into() };
    (Reporter::new(Clock::start(), node, sender), signals)
}

/// What was handed on so far.
fn told(signals: &mut mpsc::Receiver<Signal>) -> Vec<SignalKind> {
    std::iter::from_fn(|| signals.try_recv().ok()).map(|signal| signal.kind).collect()
}

#[tokio::test]
async fn each_record_is_handed_on_once_over_two_connections() {
    let (reporter, mut signals) = reporter();
    let request = Request::Generate(GenerateRequest { records: 5 });
    let mut intake = Intake::new(&reporter, &request);

    let (mut stream, mut probe) = connected(0, 1).await;
    intake.begin(&mut stream).await.unwrap();
    assert_eq!(probe.heard().await, ToProbe::Start(request.clone()));
    assert!(matches!(probe.heard().await, ToProbe::Credit { acknowledged: 0, .. }));
    probe.tell(1, generated(1..=3)).await;
    let message = stream.next().await;
    assert_eq!(intake.message(&mut stream, message).await.unwrap(), None);
    drop(probe);
    let message = stream.next().await;
    let broken = intake.message(&mut stream, message).await;
    assert!(matches!(broken, Err(StreamError::Ended(_))), "{broken:?}");
    assert_eq!(intake.handled(), 3);

    // The probe did not hear of 2 and 3: it tells them again.
    let (mut stream, mut probe) = connected(3, 2).await;
    intake.begin(&mut stream).await.unwrap();
    assert_eq!(probe.heard().await, ToProbe::Start(request.clone()));
    assert!(matches!(probe.heard().await, ToProbe::Credit { acknowledged: 3, .. }));
    probe.tell(2, generated(2..=4)).await;
    let message = stream.next().await;
    intake.message(&mut stream, message).await.unwrap();

    // The last records come with the farewell.
    let goodbye = async {
        assert!(matches!(probe.heard().await, ToProbe::Credit { acknowledged: 4, .. }));
        assert_eq!(probe.heard().await, ToProbe::Bye);
        probe.tell(5, generated(5..=5)).await;
        probe.say(&ToPlugin::Farewell).await;
    };
    tokio::join!(intake.farewell(&mut stream), goodbye);
    let mut expected: Vec<_> = generated(1..=5).into_iter().map(SignalKind::Probe).collect();
    expected.push(SignalKind::Session(SessionState::Detached));
    assert_eq!(told(&mut signals), expected);
}

#[tokio::test]
async fn a_refused_probe_ends_and_is_not_told_of_as_trouble() {
    let (reporter, mut signals) = reporter();
    let request = Request::Generate(GenerateRequest { records: 1 });
    let mut intake = Intake::new(&reporter, &request);
    let (mut stream, mut probe) = connected(0, 1).await;
    let reason = TroubleReason::NotPermitted;
    let trouble = Trouble { time: 1, reason, message: "EPERM".into() };
    probe.tell(1, vec![Record::Trouble(trouble)]).await;
    let message = stream.next().await;
    let ended = intake.message(&mut stream, message).await.unwrap();
    assert_eq!(ended, Some(Ended::NotPermitted("EPERM".into())));
    assert_eq!(told(&mut signals), []);
}

#[tokio::test]
async fn another_version_and_another_language_are_told_apart() {
    let (ours, theirs) = duplex(1 << 16);
    let refusal =
        Refusal { protocol: 9, reason: RefusalReason::Version, text: "the probe is 9".into() };
    let answer = Probe::answer(theirs, Kind::Refusal, refusal.to_bytes());
    let (stream, _probe) = tokio::join!(greet(ours, TOKEN, 0), answer);
    assert!(matches!(stream.err(), Some(StreamError::Version(text)) if text == "the probe is 9"));

    let (ours, mut theirs) = duplex(1 << 16);
    theirs.write_all(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n").await.unwrap();
    let stream = greet(ours, TOKEN, 0).await;
    assert!(matches!(stream.err(), Some(StreamError::Garbage(_))));
}
