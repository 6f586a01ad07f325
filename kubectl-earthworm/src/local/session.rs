//! One probe on this machine: unpack, start, stream, and begin again when it is
//! lost, until the command ends.

use super::Machine;
use super::child::{Probe, connect};
use super::program::{Program, is_refusal};
use crate::cluster::reporter::Reporter;
use crate::conversation::intake::{Ended, Intake};
use crate::conversation::stream::{Stream, StreamError, greet};
use crate::payload::Payload;
use crate::signal::{Problem, SessionState};
use crate::stop::Stop;
use earthworm_wire::exit_code;
use earthworm_wire::greeting::TOKEN_BYTES;
use earthworm_wire::request::Request;
use std::fmt::Write as _;
use std::io;
use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Times a probe is started without a record of it in between.
const TRIES: u32 = 4;

/// How long a hello may take.
const HELLO: Duration = Duration::from_secs(3);

/// How long after its stream a probe may end, to be taken for dead.
const DYING: Duration = Duration::from_millis(500);

/// What follows after a probe.
enum Next {
    /// The command ends.
    Stop,
    /// This machine is given up.
    Failed(Problem),
    /// A new probe is to be started; why.
    Again(String),
}

/// Keeps a probe at work until `stop`; afterwards nothing of it is left, and
/// the last report says so.
pub async fn run(machine: Machine, reporter: Reporter, request: Request, mut stop: Stop) {
    let report = |state| reporter.report(crate::signal::SignalKind::Session(state));
    report(SessionState::Creating).await;
    let mut fruitless = 0;
    let mut gone = true;
    loop {
        let mut intake = Intake::new(&reporter, &request);
        let next = one_probe(&machine, &mut intake, &mut stop, &mut gone).await;
        fruitless = if intake.handled() > 0 { 0 } else { fruitless + 1 };
        match next {
            Next::Stop => break,
            Next::Again(why) if fruitless < TRIES => {
                report(SessionState::Restarting(why)).await;
            }
            Next::Again(why) => {
                let message = format!("the probe could not be started in {TRIES} tries: {why}");
                report(SessionState::Failed(problem("probe-not-started", message, None))).await;
                break;
            }
            Next::Failed(problem) => {
                report(SessionState::Failed(problem)).await;
                break;
            }
        }
    }
    report(SessionState::Removed(gone)).await;
}

/// Runs one probe from its start to its end.
async fn one_probe(
    machine: &Machine,
    intake: &mut Intake<'_>,
    stop: &mut Stop,
    gone: &mut bool,
) -> Next {
    let mut token = [0; TOKEN_BYTES];
    if let Err(error) = getrandom::fill(&mut token) {
        let message = format!("the system's random source failed: {error}");
        return Next::Failed(problem("no-randomness", message, None));
    }
    let (mut probe, place) = match start(machine.payload, &token).await {
        Ok(started) => started,
        Err(error) => {
            let message = format!("cannot start the probe: {error}");
            let hint = "it needs a folder from which programs may run: name one in TMPDIR";
            let hint = is_refusal(&error).then_some(hint);
            return Next::Failed(problem("probe-not-started", message, hint));
        }
    };
    let next = attend(&mut probe, &token, place, intake, stop).await;
    // Whatever happened, it has done its work.
    *gone &= probe.end().await;
    next
}

/// Unpacks the probe and starts it. Of what it was unpacked to nothing is left,
/// not even a name.
async fn start(payload: &'static Payload, token: &[u8]) -> io::Result<(Probe, String)> {
    // A port that was free a moment ago: another try follows when it is taken.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
    let token = hex(token);
    let in_memory = || async {
        let program = tokio::task::spawn_blocking(|| Program::in_memory(payload)).await??;
        Ok((Probe::start(&program, port, &token).await?, program.place()))
    };
    match in_memory().await {
        Err(error) if is_refusal(&error) => {
            let unpack = || Program::in_folder(payload, &std::env::temp_dir());
            let program = tokio::task::spawn_blocking(unpack).await??;
            Ok((Probe::start(&program, port, &token).await?, program.place()))
        }
        started => started,
    }
}

/// Streams from a probe until the command ends or the probe has.
async fn attend(
    probe: &mut Probe,
    token: &[u8; TOKEN_BYTES],
    place: String,
    intake: &mut Intake<'_>,
    stop: &mut Stop,
) -> Next {
    let mut resumed = false;
    loop {
        let opened = tokio::select! {
            opened = open(probe, token, intake.handled()) => opened,
            () = stop.wait() => return Next::Stop,
        };
        let mut stream = match opened {
            Ok(stream) => stream,
            Err(next) => return next,
        };
        intake.announce(&stream.hello, resumed, "root".into(), place.clone()).await;
        let why = match listen(&mut stream, intake, stop).await {
            Ok(next) => return next,
            Err(error) => error.to_string(),
        };
        drop(stream);
        if let Ok(status) = timeout(DYING, probe.ended()).await {
            return Next::Again(died(probe, status).await);
        }
        intake.report(SessionState::Interrupted(why)).await;
        resumed = true;
    }
}

/// Connects to a probe that starts or goes on.
async fn open(probe: &mut Probe, token: &[u8; TOKEN_BYTES], after: u64) -> Result<Stream, Next> {
    let port = probe.port();
    let opening = async {
        let carrier = connect(port).await.map_err(|message| {
            let hint = "the probe listens on the loopback device: ip link set lo up";
            Next::Failed(problem("unreachable", message, Some(hint)))
        })?;
        let silent = |why| Next::Again(format!("the probe does not answer: {why}"));
        match timeout(HELLO, greet(carrier, *token, after)).await {
            Ok(greeted) => greeted.map_err(|error| silent(error.to_string())),
            Err(_) => Err(silent(format!("nothing said within {} s", HELLO.as_secs()))),
        }
    };
    let status = tokio::select! {
        opened = opening => match opened {
            Ok(stream) => return Ok(stream),
            // Most likely it has ended, or will: whoever answers in its place had
            // the port first.
            Err(next) => match timeout(DYING, probe.ended()).await {
                Ok(status) => status,
                Err(_) => return Err(next),
            },
        },
        status = probe.ended() => status,
    };
    let code = status.as_ref().ok().and_then(ExitStatus::code);
    let why = died(probe, status).await;
    if code == Some(exit_code::PORT_IN_USE) || after > 0 {
        return Err(Next::Again(why));
    }
    Err(Next::Failed(problem("probe-failed", why, None)))
}

/// Takes records until the stream breaks.
async fn listen(
    stream: &mut Stream,
    intake: &mut Intake<'_>,
    stop: &mut Stop,
) -> Result<Next, StreamError> {
    let mut ping = intake.begin(stream).await?;
    loop {
        tokio::select! {
            message = stream.next() => match intake.message(stream, message).await? {
                None => {}
                Some(Ended::Farewell) => {
                    return Ok(Next::Again("the probe was told to end by somebody else".into()));
                }
                Some(Ended::NotPermitted(why)) => return Ok(Next::Failed(problem(
                    "not-permitted",
                    format!("the kernel of this machine refuses the probe: {why}"),
                    Some("in a container, root needs BPF, PERFMON, NET_ADMIN and SYS_PTRACE"),
                ))),
            },
            _ = ping.tick() => intake.ping(stream, "the probe").await?,
            () = stop.wait() => {
                intake.farewell(stream).await;
                return Ok(Next::Stop);
            }
        }
    }
}

/// How a probe has ended, in its own words as far as there are any.
async fn died(probe: &mut Probe, status: io::Result<ExitStatus>) -> String {
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    match probe.last_words().await.as_str() {
        "" => format!("the probe has ended ({status})"),
        words => format!("the probe has ended ({status}): {words}"),
    }
}

fn problem(reason: &'static str, message: String, hint: Option<&str>) -> Problem {
    Problem { reason, message, hint: hint.map(str::to_owned) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
