//! Messages of an authenticated connection.

use crate::frame::{Decoder, Frame, FrameError, Kind, encode};
use crate::record::Record;
use crate::request::Request;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What the plugin says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToProbe {
    /// What to measure. Sent at the start of every connection, since the
    /// plugin cannot know whether the last one carried it; a probe that
    /// measures already goes on.
    Start(Request),
    /// How far the plugin has come and how much more it will take.
    Credit {
        /// Every record up to this sequence number is handled; the probe may forget them.
        acknowledged: u64,
        /// Records that may be on the way, unacknowledged, at any time.
        window_records: u64,
    },
    /// Sign of life, answered by [`ToPlugin::Pong`] with the same number.
    Ping(u64),
    /// Detach, say farewell, end. Port-forward has no half-close, so the end must be said.
    Bye,
}

/// What the probe says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToPlugin {
    /// Records with consecutive sequence numbers from `first_sequence` on.
    Records {
        /// Sequence number of the first of them.
        first_sequence: u64,
        /// The records, oldest first.
        records: Vec<Record>,
    },
    /// Answer to [`ToProbe::Ping`].
    Pong(u64),
    /// Everything is detached; nothing follows.
    Farewell,
}

impl ToProbe {
    /// Appends this message as one frame.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when it exceeds the limit of a frame.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        encode(Kind::ToProbe, &to_bytes(self)?, out)
    }
}

impl ToPlugin {
    /// Appends this message as one frame.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when it exceeds the limit of a frame.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        encode(Kind::ToPlugin, &to_bytes(self)?, out)
    }
}

fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, FrameError> {
    postcard::to_allocvec(value).map_err(|error| FrameError::Undecodable(error.to_string()))
}

/// The message in a frame's payload.
///
/// # Errors
/// [`FrameError::Undecodable`] when the payload is anything else.
pub fn from_bytes<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameError> {
    postcard::from_bytes(payload).map_err(|error| FrameError::Undecodable(error.to_string()))
}

/// The next message of type `T`, where only frames of `kind` are allowed.
///
/// # Errors
/// Any [`FrameError`]; a frame of another kind is [`FrameError::Undecodable`].
pub fn next_message<T: DeserializeOwned>(
    decoder: &mut Decoder,
    kind: Kind,
) -> Result<Option<T>, FrameError> {
    match decoder.next_frame()? {
        None => Ok(None),
        Some(Frame { kind: found, payload }) if found == kind => from_bytes(&payload).map(Some),
        Some(Frame { kind: found, .. }) => {
            Err(FrameError::Undecodable(format!("unexpected {found:?} frame")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::PulseRequest;

    #[test]
    fn messages_survive_the_stream() {
        let messages = [
            ToProbe::Start(Request::Pulse(PulseRequest { node: "node-a".into() })),
            ToProbe::Credit { acknowledged: 3, window_records: 1 << 20 },
            ToProbe::Bye,
        ];
        let mut stream = Vec::new();
        for message in &messages {
            message.encode(&mut stream).unwrap();
        }
        let mut decoder = Decoder::new();
        decoder.feed(&stream);
        for message in messages {
            assert_eq!(next_message(&mut decoder, Kind::ToProbe), Ok(Some(message)));
        }
        assert_eq!(next_message::<ToProbe>(&mut decoder, Kind::ToProbe), Ok(None));
    }

    #[test]
    fn a_frame_of_the_wrong_kind_is_refused() {
        let mut stream = Vec::new();
        ToPlugin::Farewell.encode(&mut stream).unwrap();
        let mut decoder = Decoder::new();
        decoder.feed(&stream);
        assert!(next_message::<ToProbe>(&mut decoder, Kind::ToProbe).is_err());
    }
}
