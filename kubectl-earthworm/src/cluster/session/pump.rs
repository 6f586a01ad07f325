//! Streams records from a probe that has said hello, and finds it again after
//! an interruption.

mod reconnect;

use super::create::{Created, hex};
use super::{Change, Context, Next, Patient, Ticket};
use crate::cluster::bypass::{Bypass, News, Permission};
use crate::conversation::intake::{Ended, Intake};
use crate::conversation::stream::{Stream, StreamError};
use crate::signal::SessionState;
use crate::stop::Stop;
use tokio::time::Instant;

/// Who is silent when nothing comes.
const CARRIER: &str = "the kubelet, which carries the stream, or the path to it";

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
    intake: Intake<'a>,
    bypass: Option<Bypass>,
    /// Streams in a row that broke before anything was heard on them.
    barren: u32,
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
        intake: Intake::new(&patient.reporter, &patient.request),
        bypass: ticket.bypass_token.map(|token| {
            let client = context.cluster.client.clone();
            Bypass::open(client, &context.namespace, pod, ticket.port, &hex(&token))
        }),
        barren: 0,
    };
    let mut resumed = false;
    loop {
        pump.announce(&stream, resumed).await;
        if let (false, Permission::Denied(why)) = (resumed, &context.bypass) {
            pump.intake.report(SessionState::BypassClosed(why.clone())).await;
        }
        match pump.stream(&mut stream, stop).await {
            Break::Decided(next) => return next,
            Break::Lost(why) => {
                pump.barren = if pump.intake.heard() { 0 } else { pump.barren + 1 };
                // One that has told something is worth finding again.
                if pump.barren >= BARREN && pump.intake.handled() == 0 {
                    return pump.again(&format!("its stream breaks at once: {why}"));
                }
                pump.intake.report(SessionState::Interrupted(why)).await;
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
    async fn announce(&mut self, stream: &Stream, resumed: bool) {
        let choice = &self.ticket.choice;
        let profile = format!("{} ({})", choice.profile, choice.reason);
        self.intake.announce(&stream.hello, resumed, profile, self.ticket.image.clone()).await;
    }

    async fn stream(&mut self, stream: &mut Stream, stop: &mut Stop) -> Break {
        match self.stream_until_lost(stream, stop).await {
            Ok(decided) => Break::Decided(decided),
            // A stream garbles nothing: whoever begins like this is no probe.
            Err(StreamError::Garbage(error)) if !self.intake.heard() => {
                Break::Decided(Next::Failed(self.patient.not_a_probe(
                    self.context,
                    self.ticket,
                    &error.to_string(),
                )))
            }
            Err(error) => Break::Lost(error.to_string()),
        }
    }

    async fn stream_until_lost(
        &mut self,
        stream: &mut Stream,
        stop: &mut Stop,
    ) -> Result<Next, StreamError> {
        let mut ping = self.intake.begin(stream).await?;
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
                    if let Some(ended) = self.intake.message(stream, message).await? {
                        return Ok(self.ended(ended));
                    }
                }
                news = next_news(&mut self.bypass) => {
                    if let Some(next) = self.around(news).await {
                        return Ok(next);
                    }
                }
                _ = ping.tick() => self.intake.ping(stream, CARRIER).await?,
                () = stop.wait() => {
                    self.intake.farewell(stream).await;
                    return Ok(Next::Stop);
                }
            }
        }
    }

    /// Takes what came around the kubelet. `Some` when it ends this probe.
    async fn around(&mut self, news: News) -> Option<Next> {
        match news {
            News::Open => self.intake.report(SessionState::BypassOpen).await,
            News::Closed(why) => self.intake.report(SessionState::BypassClosed(why)).await,
            // After a gap they wait for the port-forward, which has none.
            News::Records(first_sequence, records)
                if first_sequence <= self.intake.handled() + 1 =>
            {
                let ended = self.intake.records(first_sequence, records).await;
                return ended.map(|ended| self.ended(ended));
            }
            News::Records(..) => {}
        }
        None
    }

    fn ended(&self, ended: Ended) -> Next {
        match ended {
            Ended::NotPermitted(why) => Next::Again { why, change: Change::Profile },
            Ended::Farewell => self.again("the probe was told to end by somebody else"),
        }
    }

    fn again(&self, why: &str) -> Next {
        // Nothing at all was heard of it: another one may be no better.
        let change = if self.intake.handled() == 0 { Change::Unheard } else { Change::Nothing };
        Next::Again { why: why.to_owned(), change }
    }
}
