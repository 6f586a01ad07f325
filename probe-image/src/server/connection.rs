//! One connection: authentication, then records out and credit in.

use super::Session;
use super::strangers::AUTHENTICATION;
use earthworm_wire::frame::{Decoder, Kind, encode};
use earthworm_wire::greeting::{Authentication, Hello, Refusal, RefusalReason};
use earthworm_wire::message::{ToPlugin, ToProbe, next_message};
use earthworm_wire::{PROTOCOL, SILENCE_MILLISECONDS};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

/// A plugin that has been silent for this long is gone.
const SILENCE: Duration = Duration::from_millis(SILENCE_MILLISECONDS);

/// Serves one connection to its end. A peer without the token gets nothing,
/// not even a reason. `admitted` becomes true with the right token.
pub(super) async fn serve(
    stream: TcpStream,
    session: &Session,
    number: u64,
    admitted: &AtomicBool,
) {
    let (mut reader, mut writer) = stream.into_split();
    let mut decoder = Decoder::new();
    let authentication = authenticate(&mut reader, &mut decoder, session);
    let Ok(Some(authentication)) = tokio::time::timeout(AUTHENTICATION, authentication).await
    else {
        return;
    };
    admitted.store(true, Ordering::Relaxed);
    if authentication.protocol != PROTOCOL {
        let text = format!(
            "the probe is {} with protocol {PROTOCOL}, the plugin speaks protocol {}",
            env!("CARGO_PKG_VERSION"),
            authentication.protocol
        );
        refuse(&mut writer, RefusalReason::Version, text).await;
        return;
    }
    session.heard();
    // The newest connection of the token's owner is the real one: an older one
    // may hang in a dead API server for minutes.
    session.newest.send_replace(number);
    let mut newest = session.newest.subscribe();
    let next_sequence = session.outbox.resume(authentication.resume_after);
    let hello =
        Hello { protocol: PROTOCOL, next_sequence, version: env!("CARGO_PKG_VERSION").into() };
    if write_frame(&mut writer, Kind::Hello, &hello.to_bytes()).await.is_err() {
        return;
    }
    let (pongs, pong_requests) = mpsc::channel(4);
    let garbage = tokio::select! {
        // First of all: a connection that has been replaced must not take
        // records that the new one would send.
        biased;
        () = async { _ = newest.wait_for(|newest| *newest != number).await; } => None,
        _ = send(&mut writer, session, pong_requests) => None,
        garbage = receive(&mut reader, decoder, session, pongs) => garbage,
    };
    if let Some(text) = garbage {
        refuse(&mut writer, RefusalReason::Garbage, text).await;
    }
}

async fn authenticate(
    reader: &mut OwnedReadHalf,
    decoder: &mut Decoder,
    session: &Session,
) -> Option<Authentication> {
    let mut buffer = [0; 512];
    loop {
        let count = reader.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        decoder.feed(&buffer[..count]);
        if let Some(frame) = decoder.next_frame().ok()? {
            let authentication = (frame.kind == Kind::Authentication)
                .then(|| Authentication::from_bytes(&frame.payload).ok())??;
            return authentication.has_token(&session.token).then_some(authentication);
        }
    }
}

/// Reads until the connection ends; `Some` says what could not be read.
async fn receive(
    reader: &mut OwnedReadHalf,
    mut decoder: Decoder,
    session: &Session,
    pongs: mpsc::Sender<u64>,
) -> Option<String> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        loop {
            match next_message(&mut decoder, Kind::ToProbe) {
                Ok(Some(message)) => handle(message, session, &pongs).await,
                Ok(None) => break,
                Err(error) => return Some(error.to_string()),
            }
        }
        match tokio::time::timeout(SILENCE, reader.read(&mut buffer)).await {
            Ok(Ok(count)) if count > 0 => {
                session.heard();
                decoder.feed(&buffer[..count]);
            }
            _ => return None,
        }
    }
}

async fn handle(message: ToProbe, session: &Session, pongs: &mpsc::Sender<u64>) {
    match message {
        ToProbe::Start(request) => {
            session.request.send_if_modified(|current| {
                let first = current.is_none();
                if first {
                    *current = Some(request);
                }
                first
            });
        }
        ToProbe::Credit { acknowledged, window_records } => {
            session.outbox.credit(acknowledged, window_records);
        }
        // A plugin that asks faster than it reads waits here: its own doing.
        ToProbe::Ping(number) => {
            let _ = pongs.send(number).await;
        }
        ToProbe::Bye => session.bye.notify_one(),
    }
}

/// Sends records and pongs until the session has nothing more to say.
async fn send(
    writer: &mut OwnedWriteHalf,
    session: &Session,
    mut pongs: mpsc::Receiver<u64>,
) -> std::io::Result<()> {
    loop {
        while let Ok(number) = pongs.try_recv() {
            write_message(writer, session, &ToPlugin::Pong(number)).await?;
        }
        if let Some(batch) = session.outbox.next_batch() {
            write_message(writer, session, &batch).await?;
            continue;
        }
        if session.outbox.is_finished() {
            write_message(writer, session, &ToPlugin::Farewell).await?;
            return writer.shutdown().await;
        }
        tokio::select! {
            () = session.outbox.changed() => {}
            Some(number) = pongs.recv() => {
                write_message(writer, session, &ToPlugin::Pong(number)).await?;
            }
        }
    }
}

/// Writes one message as one frame, and counts its bytes.
pub(super) async fn write_message(
    writer: &mut (impl AsyncWriteExt + Unpin),
    session: &Session,
    message: &ToPlugin,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes).map_err(std::io::Error::other)?;
    writer.write_all(&bytes).await?;
    session.outbox.count_sent(bytes.len());
    Ok(())
}

async fn refuse(writer: &mut OwnedWriteHalf, reason: RefusalReason, text: String) {
    let refusal = Refusal { protocol: PROTOCOL, reason, text };
    if write_frame(writer, Kind::Refusal, &refusal.to_bytes()).await.is_ok() {
        let _ = writer.shutdown().await;
    }
}

async fn write_frame(
    writer: &mut OwnedWriteHalf,
    kind: Kind,
    payload: &[u8],
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    encode(kind, payload, &mut bytes).map_err(std::io::Error::other)?;
    writer.write_all(&bytes).await
}
