//! The plain variant: the same probe and the same words, and a socket.

use crate::tally::{Report, Tally};
use anyhow::{Context, Result, bail};
use earthworm_wire::frame::{Decoder, Kind, encode};
use earthworm_wire::greeting::{Authentication, TOKEN_BYTES};
use earthworm_wire::message::{ToPlugin, ToProbe, from_bytes};
use earthworm_wire::record::Record;
use earthworm_wire::request::{GenerateRequest, Request};
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

/// As the plugin's session engine grants it.
const WINDOW_RECORDS: u64 = 16_384;
const ACKNOWLEDGE_EVERY: u64 = WINDOW_RECORDS / 4;

/// Until the probe listens.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Longest run.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts a probe here and takes its records.
pub(crate) async fn run(probe: &Path, records: u64) -> Result<Report> {
    let mut token = [0; TOKEN_BYTES];
    getrandom::fill(&mut token)?;
    let file = std::env::temp_dir().join(format!("earthworm-bench-token-{}", std::process::id()));
    let digits = token.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    std::fs::write(&file, digits).with_context(|| format!("cannot write {}", file.display()))?;
    let result = timeout(PATIENCE, session(probe, &file, token, records)).await;
    let _ = std::fs::remove_file(&file);
    result.context("the run takes too long")?
}

async fn session(
    probe: &Path,
    token_file: &Path,
    token: [u8; TOKEN_BYTES],
    records: u64,
) -> Result<Report> {
    // A port that was free a moment ago: the probe takes none but a named one.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
    let child = Command::new(probe)
        .args(["--port", &port.to_string(), "--token-file"])
        .arg(token_file)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", probe.display()))?;
    let _probe = Killed(child);
    let mut stream = connect(port).await?;
    stream.set_nodelay(true)?;

    let mut words = Vec::new();
    encode(Kind::Authentication, &Authentication::new(token, 0).to_bytes(), &mut words)?;
    ToProbe::Start(Request::Generate(GenerateRequest { records })).encode(&mut words)?;
    credit(0, &mut words)?;
    stream.write_all(&words).await?;

    let mut tally = Tally::default();
    let (mut handled, mut acknowledged, mut bytes) = (0, 0, 0);
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 64 << 10];
    while !tally.is_complete(records) {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            bail!("the probe has closed the connection");
        }
        bytes += count as u64;
        decoder.feed(&buffer[..count]);
        while let Some(frame) = decoder.next_frame()? {
            match frame.kind {
                Kind::Hello => {}
                Kind::ToPlugin => {
                    if let ToPlugin::Records { first_sequence, records } =
                        from_bytes(&frame.payload)?
                    {
                        handled = first_sequence + records.len() as u64 - 1;
                        for record in records {
                            if let Record::Generated(number) = record {
                                tally.count(number);
                            }
                        }
                    }
                }
                other => bail!("unexpected {other:?} frame"),
            }
            if handled - acknowledged >= ACKNOWLEDGE_EVERY {
                acknowledged = handled;
                let mut words = Vec::new();
                credit(acknowledged, &mut words)?;
                stream.write_all(&words).await?;
            }
        }
    }
    Ok(tally.report(records, Some(bytes), 0))
}

fn credit(acknowledged: u64, words: &mut Vec<u8>) -> Result<()> {
    ToProbe::Credit { acknowledged, window_records: WINDOW_RECORDS }.encode(words)?;
    Ok(())
}

async fn connect(port: u16) -> Result<TcpStream> {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > deadline => {
                return Err(error).context("the probe does not listen");
            }
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// A probe that ends with its run.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
