//! The stream to one probe, through the API server's port-forward.

use crate::conversation::stream::{Stream, StreamError, greet};
use earthworm_wire::greeting::TOKEN_BYTES;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Portforwarder};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// How long the port-forward and the probe's hello may take before another try.
const OPENING: Duration = Duration::from_secs(3);

/// Connects, shows the token, reads the hello.
///
/// # Errors
/// [`StreamError`]; only `NotYet` and `NobodyListens` are worth another try.
pub async fn open(
    pods: &Api<Pod>,
    pod: &str,
    port: u16,
    token: [u8; TOKEN_BYTES],
    resume_after: u64,
) -> Result<Stream, StreamError> {
    tokio::time::timeout(OPENING, handshake(pods, pod, port, token, resume_after))
        .await
        .unwrap_or_else(|_| Err(StreamError::NotYet("the probe does not answer".into())))
}

async fn handshake(
    pods: &Api<Pod>,
    pod: &str,
    port: u16,
    token: [u8; TOKEN_BYTES],
    resume_after: u64,
) -> Result<Stream, StreamError> {
    let mut forwarder = pods.portforward(pod, &[port]).await.map_err(refused)?;
    let missing = || StreamError::NotYet("port-forward gave no stream".into());
    let io = forwarder.take_stream(port).ok_or_else(missing)?;
    let error = forwarder.take_error(port).ok_or_else(missing)?;
    tokio::select! {
        // A refused port shows here and nowhere else.
        Some(text) = error => Err(StreamError::NobodyListens(super::problem::one_line(&text))),
        stream = greet(Forwarded { forwarder, io }, token, resume_after) => stream,
    }
}

/// Which errors of the port-forward's own request are final.
fn refused(error: kube::Error) -> StreamError {
    let code = match &error {
        kube::Error::Api(status) => Some(status.code),
        kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(
            status,
        )) => Some(status.as_u16()),
        _ => None,
    };
    match code {
        Some(401 | 403) => StreamError::Api(Box::new(error)),
        _ => StreamError::NotYet(error.to_string()),
    }
}

/// One forwarded port.
struct Forwarded {
    forwarder: Portforwarder,
    io: DuplexStream,
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        // Its task would otherwise live until the server closes.
        self.forwarder.abort();
    }
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
