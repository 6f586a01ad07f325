//! The way around the kubelet.
//!
//! A port-forward runs through the kubelet, so what is said about a kubelet
//! that is stopped or dead cannot arrive that way. The API server's pod proxy
//! dials the node's address itself. It speaks HTTP, so this listener answers one
//! GET with a body that goes on until somebody hangs up, and sends what cannot
//! wait; everything also goes through the port-forward, under the same numbers.
//! The request carries a token of its own, since this way is not encrypted
//! between API server and node: it opens nothing else.

use super::Session;
use super::connection::write_message;
use super::strangers::{AUTHENTICATION, Admitted, Strangers};
use crate::token;
use earthworm_wire::greeting::{TOKEN_BYTES, is_same_token};
use earthworm_wire::message::ToPlugin;
use earthworm_wire::{BYPASS_KEEPALIVE_SECONDS, BYPASS_TOKEN_HEADER};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The longest head of a request; proxies add headers of their own.
const LONGEST_HEAD: usize = 16 << 10;

const KEEPALIVE: Duration = Duration::from_secs(BYPASS_KEEPALIVE_SECONDS);

/// What a bypass needs.
#[derive(Debug)]
pub struct Bypass {
    /// On the node's own address.
    pub listener: TcpListener,
    /// Who has it may listen.
    pub token: [u8; TOKEN_BYTES],
}

/// Serves until it is dropped.
pub(super) async fn serve(bypass: Bypass, session: Arc<Session>) {
    let mut connections = JoinSet::new();
    let mut strangers = Strangers::default();
    let mut number = 0_u64;
    loop {
        let stream = super::next_connection(&bypass.listener).await;
        number += 1;
        let (session, token, number) = (session.clone(), bypass.token, number);
        strangers.serve(&mut connections, |admitted| async move {
            // Whoever fails hangs up: there is nothing to say to a stranger.
            let _ = serve_one(stream, &session, &token, number, &admitted).await;
        });
    }
}

async fn serve_one(
    mut stream: TcpStream,
    session: &Session,
    token: &[u8; TOKEN_BYTES],
    number: u64,
    admitted: &Admitted,
) -> std::io::Result<()> {
    let head = tokio::time::timeout(AUTHENTICATION, read_head(&mut stream)).await;
    let Ok(Ok(Some(head))) = head else { return Ok(()) };
    if !has_token(&head, token) {
        return Ok(());
    }
    admitted.store(true, Ordering::Relaxed);
    // One listener is enough; an older one may hang in a dead API server.
    session.newest_bypass.send_replace(number);
    let mut newest = session.newest_bypass.subscribe();
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
              Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        )
        .await?;
    let (mut reader, mut writer) = stream.split();
    let mut urgent = session.outbox.urgent();
    let mut told = 0;
    let mut ignored = [0; 64];
    loop {
        while let Some((batch, last)) = session.outbox.urgent_batch(told) {
            write_message(&mut writer, session, &batch).await?;
            told = last;
        }
        tokio::select! {
            () = async { _ = newest.wait_for(|newest| *newest != number).await; } => return Ok(()),
            _ = urgent.changed() => {}
            () = tokio::time::sleep(KEEPALIVE) => {
                write_message(&mut writer, session, &ToPlugin::Pong(0)).await?;
            }
            // Nothing more is expected; the end of it is the end of the listener.
            count = reader.read(&mut ignored) => if count? == 0 { return Ok(()) },
        }
    }
}

/// The head of a request without its blank line; `None` when there is none.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while head.len() < LONGEST_HEAD {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(None);
        }
        // The blank line may begin in what came before.
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(&buffer[..count]);
        if let Some(end) = head[from..].windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(from + end);
            return Ok(Some(head));
        }
    }
    Ok(None)
}

fn has_token(head: &[u8], token: &[u8; TOKEN_BYTES]) -> bool {
    let Ok(head) = std::str::from_utf8(head) else { return false };
    let mut lines = head.split("\r\n");
    let is_get = lines.next().is_some_and(|line| line.starts_with("GET "));
    let shown = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case(BYPASS_TOKEN_HEADER))
        .and_then(|(_, value)| token::decode(value.trim()));
    is_get && shown.is_some_and(|shown| is_same_token(&shown, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_with_the_token_is_let_in() {
        let token = token::decode(&"a5".repeat(32)).unwrap();
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nHost: x\r\nEarthworm-Token: TOKEN", true),
            ("GET /any HTTP/1.1\r\nearthworm-token:TOKEN\r\nVia: y", true),
            ("POST / HTTP/1.1\r\nearthworm-token: TOKEN", false),
            ("GET / HTTP/1.1\r\nearthworm-token: TOKEN0", false),
            ("GET / HTTP/1.1\r\nearthworm-token: 00", false),
            ("GET / HTTP/1.1\r\nother: TOKEN", false),
            ("GET /?earthworm-token: TOKEN HTTP/1.1", false),
            ("", false),
        ] {
            let head = head.replace("TOKEN", &"a5".repeat(32));
            assert_eq!(has_token(head.as_bytes(), &token), expected, "{head}");
        }
        assert!(!has_token(&[0xff, 0xfe], &token));
    }
}
