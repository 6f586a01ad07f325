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
    let mut direct = Direct::start(probe, Request::Generate(GenerateRequest { records })).await?;
    let mut tally = Tally::default();
    let taking = async {
        while !tally.is_complete(records) {
            for record in direct.next().await? {
                if let Record::Generated(number) = record {
                    tally.count(number);
                }
            }
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, taking).await.context("the run takes too long")??;
    Ok(tally.report(records, Some(direct.bytes), 0))
}

/// A probe on this machine's loopback device that has been asked for something.
pub(crate) struct Direct {
    probe: Killed,
    stream: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    handled: u64,
    acknowledged: u64,
    /// Bytes that came.
    pub(crate) bytes: u64,
}

impl Direct {
    /// Starts it and asks.
    pub(crate) async fn start(probe: &Path, request: Request) -> Result<Self> {
        let mut token = [0; TOKEN_BYTES];
        getrandom::fill(&mut token)?;
        let file =
            std::env::temp_dir().join(format!("earthworm-bench-token-{}", std::process::id()));
        let digits = token.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        std::fs::write(&file, digits)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let started = Self::start_with(probe, &file, token, request).await;
        let _ = std::fs::remove_file(&file);
        started
    }

    async fn start_with(
        probe: &Path,
        token_file: &Path,
        token: [u8; TOKEN_BYTES],
        request: Request,
    ) -> Result<Self> {
        // A port that was free a moment ago: the probe takes none but a named one.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        let child = Command::new(probe)
            .args(["--port", &port.to_string(), "--token-file"])
            .arg(token_file)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", probe.display()))?;
        let probe = Killed(child);
        let mut stream = connect(port).await?;
        stream.set_nodelay(true)?;
        let mut words = Vec::new();
        encode(Kind::Authentication, &Authentication::new(token, 0).to_bytes(), &mut words)?;
        ToProbe::Start(request).encode(&mut words)?;
        credit(0, &mut words)?;
        stream.write_all(&words).await?;
        Ok(Self {
            probe,
            stream,
            decoder: Decoder::new(),
            buffer: vec![0; 64 << 10],
            handled: 0,
            acknowledged: 0,
            bytes: 0,
        })
    }

    /// The probe's process.
    pub(crate) fn process(&self) -> u32 {
        self.probe.0.id()
    }

    /// The next records, as many as came together; the probe must be asked for
    /// signs of life by whoever waits for long.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>> {
        let count = self.stream.read(&mut self.buffer).await?;
        if count == 0 {
            bail!("the probe has closed the connection");
        }
        self.bytes += count as u64;
        self.decoder.feed(&self.buffer[..count]);
        let mut all = Vec::new();
        while let Some(frame) = self.decoder.next_frame()? {
            match frame.kind {
                Kind::Hello => {}
                Kind::ToPlugin => {
                    if let ToPlugin::Records { first_sequence, records } =
                        from_bytes(&frame.payload)?
                    {
                        self.handled = first_sequence + records.len() as u64 - 1;
                        all.extend(records);
                    }
                }
                other => bail!("unexpected {other:?} frame"),
            }
        }
        if self.handled - self.acknowledged >= ACKNOWLEDGE_EVERY {
            self.acknowledge().await?;
        }
        Ok(all)
    }

    /// Says how far it was read, which is a sign of life too.
    pub(crate) async fn acknowledge(&mut self) -> Result<()> {
        self.acknowledged = self.handled;
        let mut words = Vec::new();
        credit(self.acknowledged, &mut words)?;
        Ok(self.stream.write_all(&words).await?)
    }
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
