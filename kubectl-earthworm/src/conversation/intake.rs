//! What comes from one probe, over all connections to it: each record once.

use super::stream::{Stream, StreamError};
use crate::cluster::reporter::Reporter;
use crate::signal::{SessionState, SignalKind, Streaming};
use earthworm_wire::greeting::Hello;
use earthworm_wire::message::{ToPlugin, ToProbe};
use earthworm_wire::record::{Record, TroubleReason};
use earthworm_wire::request::Request;
use earthworm_wire::{PING_MILLISECONDS, SILENCE_MILLISECONDS};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Records that may be unacknowledged.
const WINDOW_RECORDS: u64 = 16_384;
/// Handled records after which the probe is told.
const ACKNOWLEDGE_EVERY: u64 = WINDOW_RECORDS / 4;
/// A probe that has been silent for this long is looked for anew.
const SILENCE: Duration = Duration::from_millis(SILENCE_MILLISECONDS);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(4);

/// What ends the work of a probe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It said farewell without having been asked to.
    Farewell,
    /// Its kernel refuses it with the rights that it has; why.
    NotPermitted(String),
}

/// Takes in what one probe says.
pub(crate) struct Intake<'a> {
    reporter: &'a Reporter,
    request: &'a Request,
    /// Highest sequence number that was handed on.
    handled: u64,
    /// The same, as the probe knows it.
    acknowledged: u64,
    last_heard: Instant,
    /// Something was heard on this stream.
    heard: bool,
}

impl<'a> Intake<'a> {
    /// For a probe that shall measure this.
    pub(crate) fn new(reporter: &'a Reporter, request: &'a Request) -> Self {
        let last_heard = Instant::now();
        Self { reporter, request, handled: 0, acknowledged: 0, last_heard, heard: false }
    }

    /// Highest sequence number that was handed on; 0 when nothing was.
    pub(crate) fn handled(&self) -> u64 {
        self.handled
    }

    /// Whether anything was heard on this stream.
    pub(crate) fn heard(&self) -> bool {
        self.heard
    }

    /// For how long nothing was heard.
    pub(crate) fn silent(&self) -> Duration {
        self.last_heard.elapsed()
    }

    pub(crate) async fn report(&self, state: SessionState) {
        self.reporter.report(SignalKind::Session(state)).await;
    }

    /// Tells that a stream is up.
    pub(crate) async fn announce(
        &mut self,
        hello: &Hello,
        resumed: bool,
        profile: String,
        image: String,
    ) {
        let expected = self.handled + 1;
        let lost_records = hello.next_sequence.saturating_sub(expected);
        let version = hello.version.clone();
        let streaming = Streaming { resumed, lost_records, profile, image, version };
        self.report(SessionState::Streaming(streaming)).await;
        self.last_heard = Instant::now();
        self.heard = false;
    }

    /// Says on a new stream what to measure, and how far it was read.
    pub(crate) async fn begin(&mut self, stream: &mut Stream) -> Result<Interval, StreamError> {
        stream.send(&ToProbe::Start(self.request.clone())).await?;
        self.acknowledge(stream).await?;
        let every = Duration::from_millis(PING_MILLISECONDS);
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(ping)
    }

    /// Takes what came next on the stream. `Some` when it ends this probe.
    pub(crate) async fn message(
        &mut self,
        stream: &mut Stream,
        message: Result<ToPlugin, StreamError>,
    ) -> Result<Option<Ended>, StreamError> {
        self.last_heard = Instant::now();
        let message = message?;
        self.heard = true;
        match message {
            ToPlugin::Records { first_sequence, records } => {
                let ended = self.records(first_sequence, records).await;
                if ended.is_none() && self.handled - self.acknowledged >= ACKNOWLEDGE_EVERY {
                    self.acknowledge(stream).await?;
                }
                Ok(ended)
            }
            ToPlugin::Pong(_) => Ok(None),
            ToPlugin::Farewell => Ok(Some(Ended::Farewell)),
        }
    }

    /// Once per tick of the interval that [`Intake::begin`] gave: a sign of life,
    /// and a look at when the last one came. `who` does not answer otherwise.
    pub(crate) async fn ping(&mut self, stream: &mut Stream, who: &str) -> Result<(), StreamError> {
        if self.silent() > SILENCE {
            return Err(StreamError::Ended(format!(
                "nothing heard for {} s: {who} does not answer",
                SILENCE.as_secs()
            )));
        }
        stream.send(&ToProbe::Ping(self.handled)).await?;
        if self.handled > self.acknowledged {
            self.acknowledge(stream).await?;
        }
        Ok(())
    }

    async fn acknowledge(&mut self, stream: &mut Stream) -> Result<(), StreamError> {
        self.acknowledged = self.handled;
        stream
            .send(&ToProbe::Credit {
                acknowledged: self.acknowledged,
                window_records: WINDOW_RECORDS,
            })
            .await
    }

    /// Hands records on, each once. `Some` when one of them ends this probe.
    pub(crate) async fn records(
        &mut self,
        first_sequence: u64,
        records: Vec<Record>,
    ) -> Option<Ended> {
        for (sequence, record) in (first_sequence..).zip(records) {
            if sequence <= self.handled {
                continue;
            }
            self.handled = sequence;
            // Nothing works with this profile. Whether a stronger one may be
            // tried is decided where it would be chosen.
            if let Record::Trouble(trouble) = &record
                && trouble.reason == TroubleReason::NotPermitted
            {
                return Some(Ended::NotPermitted(trouble.message.clone()));
            }
            self.reporter.report(SignalKind::Probe(record)).await;
        }
        None
    }

    /// Says goodbye and takes the last records.
    pub(crate) async fn farewell(&mut self, stream: &mut Stream) {
        let goodbye = async {
            self.acknowledge(stream).await?;
            stream.send(&ToProbe::Bye).await?;
            loop {
                match stream.next().await? {
                    ToPlugin::Records { first_sequence, records } => {
                        self.records(first_sequence, records).await;
                        self.acknowledge(stream).await?;
                    }
                    ToPlugin::Pong(_) => {}
                    ToPlugin::Farewell => return Ok::<_, StreamError>(()),
                }
            }
        };
        if let Ok(Ok(())) = tokio::time::timeout(FAREWELL, goodbye).await {
            self.report(SessionState::Detached).await;
        }
    }
}
