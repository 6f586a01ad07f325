//! What it costs to look at a crowd of connections, and whether all of it is
//! counted.

use crate::crowd::{Crowd, SHORT_PORT, churn};
use crate::direct::Direct;
use anyhow::{Context, Result, bail};
use earthworm_wire::record::{Cost, Lost, Record};
use earthworm_wire::request::{FlowsRequest, Request};
use serde::Serialize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Sockets are looked at so often.
const INTERVAL_MILLISECONDS: u32 = 1_000;

/// `ss` is run so often beside it.
const SS_RUNS: u32 = 5;

/// Longest silence of a probe.
const PATIENCE: Duration = Duration::from_secs(20);

/// What there is to see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) new_per_second: u32,
    pub(crate) busy: bool,
    pub(crate) seconds: u64,
}

/// The answer, as it is printed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// From the start of the probe until it counted, in seconds.
    first_sweep_seconds: f64,
    /// Sockets in the last sweep.
    sockets: u64,
    /// What each sweep took, in seconds.
    sweep_seconds: Vec<f64>,
    /// What `ss -tin` took for the same sockets, in seconds.
    ss_seconds: Vec<f64>,
    /// Processor time of the probe per second after its setup.
    cpu_per_second: f64,
    /// Largest resident memory of the probe.
    peak_rss_bytes: u64,
    /// Resident memory of the probe at the end.
    rss_bytes: u64,
    /// Records of flows that came.
    flow_records: u64,
    /// Short connections that were made, and that the probe told.
    made: u64,
    told: u64,
    /// What was lost, by the hop that lost it.
    lost_kernel: u64,
    lost_probe: u64,
    lost_tunnel: u64,
}

/// Lets a probe look at a crowd.
pub(crate) async fn run(probe: &Path, load: Load) -> Result<Report> {
    let crowd = Crowd::open(load.connections, load.busy)?;
    let mut report = Report::default();
    let started = Instant::now();
    let request = FlowsRequest { interval_milliseconds: INTERVAL_MILLISECONDS };
    let mut direct = Direct::start(probe, Request::Flows(request)).await?;
    let mut seen = Seen::default();
    while seen.sweeps == 0 {
        seen.take(&mut direct).await?;
    }
    report.first_sweep_seconds = started.elapsed().as_secs_f64();
    let before = probe_cpu(direct.process())?;
    let from = Instant::now();
    let duration = Duration::from_secs(load.seconds);
    let making = (load.new_per_second > 0)
        .then(|| tokio::task::spawn_blocking(move || churn(load.new_per_second, duration)));
    while from.elapsed() < duration {
        seen.take(&mut direct).await?;
    }
    report.cpu_per_second = (probe_cpu(direct.process())? - before) / from.elapsed().as_secs_f64();
    if let Some(making) = making {
        report.made = making.await??;
    }
    // What ended last is told with the sweep after the next.
    let sweeps = seen.sweeps + 3;
    while seen.sweeps < sweeps {
        seen.take(&mut direct).await?;
    }
    let costs = seen.costs;
    while seen.costs == costs {
        seen.take(&mut direct).await?;
    }
    drop(direct);
    for _ in 0..SS_RUNS {
        report.ss_seconds.push(ss()?);
    }
    drop(crowd);
    let cost = seen.cost.context("the probe tells no price")?;
    let lost = seen.lost;
    Ok(Report {
        sockets: seen.sockets,
        // The first sweep finds everything new.
        sweep_seconds: seen.sweep_seconds.split_off(1.min(seen.sweep_seconds.len())),
        peak_rss_bytes: cost.peak_rss_bytes,
        rss_bytes: cost.rss_bytes,
        flow_records: seen.flows,
        told: seen.closed,
        lost_kernel: lost.kernel,
        lost_probe: lost.probe,
        lost_tunnel: lost.tunnel,
        ..report
    })
}

/// What the probe said so far.
#[derive(Debug, Default)]
struct Seen {
    sweeps: u64,
    held_back: u64,
    sockets: u64,
    sweep_seconds: Vec<f64>,
    flows: u64,
    closed: u64,
    costs: u64,
    cost: Option<Cost>,
    lost: Lost,
    acknowledged: Option<Instant>,
}

impl Seen {
    async fn take(&mut self, direct: &mut Direct) -> Result<()> {
        let records = timeout(PATIENCE, direct.next()).await.context("the probe is silent")??;
        for record in records {
            match record {
                Record::Sweep(sweep) => {
                    self.sweeps += 1;
                    self.held_back = sweep.held_back;
                    self.sockets = sweep.sockets;
                    self.sweep_seconds.push(sweep.sweep_seconds);
                }
                Record::Flow(flow) => {
                    self.flows += 1;
                    if flow.port == SHORT_PORT {
                        self.closed += flow.traffic.connections.closed;
                    }
                }
                Record::Cost(cost) => {
                    self.costs += 1;
                    self.cost = Some(cost);
                }
                Record::Lost(lost) => self.lost = lost,
                Record::Trouble(trouble) => bail!("the probe cannot measure: {}", trouble.message),
                _ => {}
            }
        }
        // A probe that hears nothing takes the plugin for gone.
        if self.acknowledged.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
            self.acknowledged = Some(Instant::now());
            direct.acknowledge().await?;
        }
        Ok(())
    }
}

/// User and system time of a process in seconds.
fn probe_cpu(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> =
        stat.rsplit_once(')').context("no name in stat")?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let used = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
    // SAFETY: sysconf only reads a constant of the system.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Ok(used.context("no times in stat")? / per_second as f64)
}

/// How long `ss` takes to show the same.
fn ss() -> Result<f64> {
    let started = std::time::Instant::now();
    let status = Command::new("ss")
        .args(["--tcp", "--info", "--numeric"])
        .stdout(Stdio::null())
        .status()
        .context("cannot start ss")?;
    if !status.success() {
        bail!("ss has failed");
    }
    Ok(started.elapsed().as_secs_f64())
}
