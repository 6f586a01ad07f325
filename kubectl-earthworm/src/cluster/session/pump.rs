//! Streams records from a probe that has said hello, and finds it again after
//! an interruption.

mod reconnect;

use super::create::{Created, hex};
use super::{Change, Context, Next, Patient, Ticket};
use crate::cluster::bypass::{Bypass, News, Permission};
use crate::cluster::stream::{Stream, StreamError};
use crate::signal::{SessionState, SignalKind, Streaming};
use crate::stop::Stop;
use earthworm_wire::message::{ToPlugin, ToProbe};
use earthworm_wire::record::{Record, TroubleReason};
use earthworm_wire::{PING_MILLISECONDS, SILENCE_MILLISECONDS};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Records that may be unacknowledged.
const WINDOW_RECORDS: u64 = 16_384;
/// Handled records after which the probe is told.
const ACKNOWLEDGE_EVERY: u64 = WINDOW_RECORDS / 4;
/// A probe that has been silent for this long is looked for anew.
const SILENCE: Duration = Duration::from_millis(SILENCE_MILLISECONDS);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(4);

/// Streams in a row that broke before anything was heard on them, after which
/// whatever says hello there is given up.
const BARREN: u32 = 3;

/// Why streaming stopped for the moment.
enum Break {
    /// The stream is gone; words for people.
    Lost(String),
    /// What comes next is decided.
    Decided(Next),
}

struct Pump<'a> {
    context: &'a Context,
    patient: &'a Patient,
    ticket: &'a Ticket,
    created: &'a Created,
    pod: &'a str,
    /// Highest sequence number that was handed on.
    handled: u64,
    /// The same, as the probe knows it.
    acknowledged: u64,
    last_heard: Instant,
    bypass: Option<Bypass>,
    /// Streams in a row that broke before anything was heard on them.
    barren: u32,
    /// Something was heard on this stream.
    heard: bool,
}

/// Streams until the command ends or the probe is gone.
pub(super) async fn run(
    context: &Context,
    patient: &Patient,
    ticket: &Ticket,
    created: &Created,
    pod: &str,
    mut stream: Stream,
    stop: &mut Stop,
) -> Next {
    let mut pump = Pump {
        context,
        patient,
        ticket,
        created,
        pod,
        handled: 0,
        acknowledged: 0,
        last_heard: Instant::now(),
        bypass: ticket.bypass_token.map(|token| {
            let client = context.cluster.client.clone();
            Bypass::open(client, &context.namespace, pod, ticket.port, &hex(&token))
        }),
        barren: 0,
        heard: false,
    };
    let mut resumed = false;
    loop {
        pump.announce(&stream, resumed).await;
        if let (false, Permission::Denied(why)) = (resumed, &context.bypass) {
            pump.report(SessionState::BypassClosed(why.clone())).await;
        }
        match pump.stream(&mut stream, stop).await {
            Break::Decided(next) => return next,
            Break::Lost(why) => {
                pump.barren = if pump.heard { 0 } else { pump.barren + 1 };
                // One that has told something is worth finding again.
                if pump.barren >= BARREN && pump.handled == 0 {
                    return pump.again(&format!("its stream breaks at once: {why}"));
                }
                pump.report(SessionState::Interrupted(why)).await;
            }
        }
        drop(stream);
        stream = match pump.reconnect(stop).await {
            Ok(stream) => stream,
            Err(next) => return next,
        };
        resumed = true;
    }
}

async fn next_news(bypass: &mut Option<Bypass>) -> News {
    match bypass {
        Some(bypass) => bypass.next().await,
        None => std::future::pending().await,
    }
}

impl Pump<'_> {
    async fn report(&self, state: SessionState) {
        self.patient.reporter.report(SignalKind::Session(state)).await;
    }

    async fn announce(&mut self, stream: &Stream, resumed: bool) {
        let expected = self.handled + 1;
        let lost_records = stream.hello.next_sequence.saturating_sub(expected);
        let choice = &self.ticket.choice;
        self.report(SessionState::Streaming(Streaming {
            resumed,
            lost_records,
            profile: format!("{} ({})", choice.profile, choice.reason),
            image: self.ticket.image.clone(),
            version: stream.hello.version.clone(),
        }))
        .await;
        self.last_heard = Instant::now();
        self.heard = false;
    }

    async fn stream(&mut self, stream: &mut Stream, stop: &mut Stop) -> Break {
        match self.stream_until_lost(stream, stop).await {
            Ok(decided) => Break::Decided(decided),
            // A stream garbles nothing: whoever begins like this is no probe.
            Err(StreamError::Garbage(error)) if !self.heard => Break::Decided(Next::Failed(
                self.patient.not_a_probe(self.context, self.ticket, &error.to_string()),
            )),
            Err(error) => Break::Lost(error.to_string()),
        }
    }

    async fn stream_until_lost(
        &mut self,
        stream: &mut Stream,
        stop: &mut Stop,
    ) -> Result<Next, StreamError> {
        stream.send(&ToProbe::Start(self.patient.request.clone())).await?;
        self.acknowledge(stream).await?;
        let every = Duration::from_millis(PING_MILLISECONDS);
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut extended: Option<Instant> = None;
        loop {
            // The Job's deadline was short for the start; the stream is up.
            if extended.is_none_or(|at| at.elapsed() > self.context.lifetime / 2)
                && self.created.extend(self.context, self.context.lifetime).await.is_ok()
            {
                extended = Some(Instant::now());
            }
            tokio::select! {
                message = stream.next() => {
                    self.last_heard = Instant::now();
                    let message = message?;
                    self.heard = true;
                    match message {
                        ToPlugin::Records { first_sequence, records } => {
                            if let Some(next) = self.records(first_sequence, records).await {
                                return Ok(next);
                            }
                            if self.handled - self.acknowledged >= ACKNOWLEDGE_EVERY {
                                self.acknowledge(stream).await?;
                            }
                        }
                        ToPlugin::Pong(_) => {}
                        ToPlugin::Farewell => {
                            return Ok(self.again("the probe was told to end by somebody else"));
                        }
                    }
                }
                news = next_news(&mut self.bypass) => {
                    if let Some(next) = self.around(news).await {
                        return Ok(next);
                    }
                }
                _ = ping.tick() => {
                    if self.last_heard.elapsed() > SILENCE {
                        return Err(StreamError::Ended(format!(
                            "nothing heard for {} s: the kubelet, which carries the stream, or the \
                             path to it does not answer", SILENCE.as_secs()
                        )));
                    }
                    stream.send(&ToProbe::Ping(self.handled)).await?;
                    if self.handled > self.acknowledged {
                        self.acknowledge(stream).await?;
                    }
                }
                () = stop.wait() => {
                    return Ok(self.farewell(stream).await);
                }
            }
        }
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
    async fn records(&mut self, first_sequence: u64, records: Vec<Record>) -> Option<Next> {
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
                return Some(Next::Again { why: trouble.message.clone(), change: Change::Profile });
            }
            self.patient.reporter.report(SignalKind::Probe(record)).await;
        }
        None
    }

    /// Takes what came around the kubelet. `Some` when it ends this probe.
    async fn around(&mut self, news: News) -> Option<Next> {
        match news {
            News::Open => self.report(SessionState::BypassOpen).await,
            News::Closed(why) => self.report(SessionState::BypassClosed(why)).await,
            // After a gap they wait for the port-forward, which has none.
            News::Records(first_sequence, records) if first_sequence <= self.handled + 1 => {
                return self.records(first_sequence, records).await;
            }
            News::Records(..) => {}
        }
        None
    }

    fn again(&self, why: &str) -> Next {
        // Nothing at all was heard of it: another one may be no better.
        let change = if self.handled == 0 { Change::Unheard } else { Change::Nothing };
        Next::Again { why: why.to_owned(), change }
    }

    /// Says goodbye and takes the last records.
    async fn farewell(&mut self, stream: &mut Stream) -> Next {
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
        Next::Stop
    }
}
