//! The stream to one probe, over anything that carries bytes both ways.

use earthworm_wire::frame::{Decoder, Frame, FrameError, Kind, encode};
use earthworm_wire::greeting::{Authentication, Hello, Refusal, RefusalReason, TOKEN_BYTES};
use earthworm_wire::message::{ToPlugin, ToProbe, from_bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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

/// What carries a stream.
pub trait Carrier: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Carrier for T {}

/// An authenticated connection.
pub struct Stream {
    /// What the probe answered.
    pub hello: Hello,
    carrier: Box<dyn Carrier>,
    decoder: Decoder,
    buffer: Vec<u8>,
}

/// Shows the token, reads the hello. Waits for as long as nothing comes.
///
/// # Errors
/// [`StreamError`]; of these only `NotYet` is worth another try.
pub async fn greet(
    mut carrier: impl Carrier + 'static,
    token: [u8; TOKEN_BYTES],
    resume_after: u64,
) -> Result<Stream, StreamError> {
    let mut greeting = Vec::new();
    encode(
        Kind::Authentication,
        &Authentication::new(token, resume_after).to_bytes(),
        &mut greeting,
    )?;
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 64 << 10];
    let unsent = |error: std::io::Error| StreamError::NotYet(error.to_string());
    carrier.write_all(&greeting).await.map_err(unsent)?;
    loop {
        let count = carrier.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            return Err(StreamError::NotYet("the connection was closed".into()));
        }
        decoder.feed(&buffer[..count]);
        if let Some(frame) = decoder.next_frame()? {
            let hello = greeted(&frame)?;
            return Ok(Stream { hello, carrier: Box::new(carrier), decoder, buffer });
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
                .carrier
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
        self.carrier.write_all(&bytes).await.map_err(|error| StreamError::Ended(error.to_string()))
    }
}
