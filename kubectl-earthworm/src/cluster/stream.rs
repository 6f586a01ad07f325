//! The stream to one probe, through the API server's port-forward.

use earthworm_wire::frame::{Decoder, Frame, FrameError, Kind, encode};
use earthworm_wire::greeting::{Authentication, Hello, Refusal, RefusalReason, TOKEN_BYTES};
use earthworm_wire::message::{ToPlugin, ToProbe, from_bytes};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Portforwarder};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// How long the port-forward and the probe's hello may take before another try.
const OPENING: Duration = Duration::from_secs(3);

/// Why a stream is not there, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Nobody listens yet, or the kubelet is not ready: try again.
    #[error("{0}")]
    NotYet(String),
    /// The kubelet has answered: no process has the port.
    #[error("{0}")]
    NobodyListens(String),
    /// The API server does not let this user through.
    #[error("{0}")]
    Api(#[source] Box<kube::Error>),
    /// The probe speaks another protocol version.
    #[error("{0}")]
    Version(String),
    /// What came is not the probe's language.
    #[error("garbage on the stream: {0}")]
    Garbage(#[from] FrameError),
    /// The stream has ended.
    #[error("stream ended: {0}")]
    Ended(String),
}

/// An authenticated connection.
pub struct Stream {
    /// What the probe answered.
    pub hello: Hello,
    forwarder: Portforwarder,
    io: DuplexStream,
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Its task would otherwise live until the server closes.
        self.forwarder.abort();
    }
}

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
    let mut io = forwarder.take_stream(port).ok_or_else(missing)?;
    let error = forwarder.take_error(port).ok_or_else(missing)?;
    let mut greeting = Vec::new();
    encode(
        Kind::Authentication,
        &Authentication::new(token, resume_after).to_bytes(),
        &mut greeting,
    )?;
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 64 << 10];
    let hello = async {
        io.write_all(&greeting).await.map_err(|error| StreamError::NotYet(error.to_string()))?;
        loop {
            let count = io.read(&mut buffer).await.unwrap_or(0);
            if count == 0 {
                return Err(StreamError::NotYet("the connection was closed".into()));
            }
            decoder.feed(&buffer[..count]);
            if let Some(frame) = decoder.next_frame()? {
                return greeted(&frame);
            }
        }
    };
    let hello = tokio::select! {
        // A refused port shows here and nowhere else.
        Some(text) = error => Err(StreamError::NobodyListens(super::problem::one_line(&text))),
        hello = hello => hello,
    };
    match hello {
        Ok(hello) => Ok(Stream { hello, forwarder, io, decoder, buffer }),
        Err(error) => {
            forwarder.abort();
            Err(error)
        }
    }
}

fn greeted(frame: &Frame) -> Result<Hello, StreamError> {
    match frame.kind {
        Kind::Hello => Ok(Hello::from_bytes(&frame.payload)?),
        Kind::Refusal => Err(refusal(&frame.payload)),
        kind => Err(FrameError::Undecodable(format!("unexpected {kind:?} frame")).into()),
    }
}

fn refusal(payload: &[u8]) -> StreamError {
    match Refusal::from_bytes(payload) {
        Ok(Refusal { reason: RefusalReason::Version, text, .. }) => StreamError::Version(text),
        Ok(refusal) => StreamError::Ended(format!("the probe refuses: {}", refusal.text)),
        Err(error) => error.into(),
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

impl Stream {
    /// The next message. May be dropped while waiting without losing bytes.
    ///
    /// # Errors
    /// [`StreamError::Ended`] at the end, [`StreamError::Garbage`] for anything unreadable.
    pub async fn next(&mut self) -> Result<ToPlugin, StreamError> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return match frame.kind {
                    Kind::ToPlugin => Ok(from_bytes(&frame.payload)?),
                    Kind::Refusal => Err(refusal(&frame.payload)),
                    kind => {
                        Err(FrameError::Undecodable(format!("unexpected {kind:?} frame")).into())
                    }
                };
            }
            let count = self
                .io
                .read(&mut self.buffer)
                .await
                .map_err(|error| StreamError::Ended(error.to_string()))?;
            if count == 0 {
                return Err(StreamError::Ended("closed by the other side".into()));
            }
            self.decoder.feed(&self.buffer[..count]);
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// [`StreamError::Ended`] when the stream is gone.
    pub async fn send(&mut self, message: &ToProbe) -> Result<(), StreamError> {
        let mut bytes = Vec::new();
        message.encode(&mut bytes)?;
        self.io.write_all(&bytes).await.map_err(|error| StreamError::Ended(error.to_string()))
    }
}
