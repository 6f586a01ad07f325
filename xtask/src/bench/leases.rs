//! `leases`: a cluster of 15,000 nodes, watched without a probe.

mod objects;
mod server;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Bench;
use super::process::{self, Usage};
use super::report::{Findings, Goal, Table, number};
use super::statistics::ratio;
use crate::cluster::process::ProcessId;
use objects::{NODES, RENEW_INTERVAL};
use server::{Server, Watch};

pub(super) const ABOUT: &str = "`pulse --all-nodes --no-probe` against a made-up API server on the \
    loopback device: 15,000 nodes, each of which renews its Lease every 10.2 s, each renewal in a \
    frame of its own, with the bodies that a real server sends (nodes list 30 images each). The \
    output is the plain table, into a pipe that is read. The peer, at the same time from the same \
    server, is `kubectl get leases --watch -o name`, which prints one word per renewal and draws no \
    conclusion. Plain HTTP: what TLS costs is in neither figure.";

/// Lists and first looks are over; from here on it is steady.
const SETTLE: Duration = Duration::from_secs(6);

/// What is measured.
const STEADY: Duration = Duration::from_secs(50);

/// Until both clients watch.
const START_PATIENCE: Duration = Duration::from_secs(90);

/// Until the plugin has ended.
const END_PATIENCE: Duration = Duration::from_secs(60);

const GOAL_CPU_PERCENT: f64 = 5.0;
const GOAL_RSS_MEGABYTES: f64 = 60.0;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    let plugin = bench.plugin()?;
    let kubectl = bench.kubectl_program();
    let server = Server::start()?;
    let folder = Folder::create()?;
    let kubeconfig = folder.kubeconfig(server.port)?;

    let mut ours = Command::new(plugin);
    ours.args(["pulse", "--all-nodes", "--no-probe"]);
    let mut ours = Client::start(ours, &kubeconfig, &folder)?;
    let mut notes = Vec::new();
    let mut peer = match kubectl {
        Ok(kubectl) => {
            let mut command = Command::new(kubectl);
            command.args(["get", "leases", "--namespace=kube-node-lease", "--watch", "-o", "name"]);
            Some(Client::start(command, &kubeconfig, &folder)?)
        }
        Err(error) => {
            notes.push(format!("**NOT MEASURED: kubectl: {error:#}**"));
            None
        }
    };

    let watch = await_watch(&server, false, &mut ours)?;
    if let Some(peer) = &mut peer {
        await_watch(&server, true, peer)?;
    }
    sleep(SETTLE);
    let begun = ours.look()?;
    let peer_begun = peer.as_ref().map(Client::look).transpose()?;
    let sent_begun = sent(&server);
    sleep(STEADY);
    let ended = ours.look()?;
    let peer_ended = peer.as_ref().map(Client::look).transpose()?;
    let renewals = sent(&server) - sent_begun;
    let rate = renewals as f64 / STEADY.as_secs_f64();

    let started = ours.started;
    let told = ours.end()?;
    let delivered = sent(&server);
    let watches = server.watches(false).len();
    drop(peer);

    let percent = ended.usage.percent_since(begun.usage);
    let peer_percent = peer_ended
        .as_ref()
        .zip(peer_begun.as_ref())
        .and_then(|(ended, begun)| ended.usage.percent_since(begun.usage));
    let megabytes = |bytes: u64| Some(bytes as f64 / 1e6);
    let (rss, peak) = (megabytes(ended.rss), megabytes(ended.peak));
    let peer_rss = peer_ended.as_ref().and_then(|look| megabytes(look.rss));
    let peer_peak = peer_ended.as_ref().and_then(|look| megabytes(look.peak));

    let mut table = Table::new(["", "earthworm", "kubectl", "earthworm / kubectl"]);
    for (name, value, other, unit) in [
        ("processor, of one core", percent, peer_percent, "%"),
        ("resident memory", rss, peer_rss, "MB"),
        ("largest resident memory", peak, peer_peak, "MB"),
    ] {
        table.row([
            name.to_owned(),
            number(value, 1, unit),
            number(other, 1, unit),
            number(ratio(value, other), 2, ""),
        ]);
    }
    let mut beats = Table::new(["renewals", ""]);
    let missing = delivered as f64 - told as f64;
    for (name, value) in [
        ("per second, while it was measured", number(Some(rate), 0, "")),
        ("written to the plugin's watch", number(Some(delivered as f64), 0, "")),
        ("beats in the plugin's output", number(Some(told as f64), 0, "")),
        ("watches that it took", watches.to_string()),
        (
            "from the command to the watch",
            number(Some(watch.began.duration_since(started).as_secs_f64()), 2, "s"),
        ),
    ] {
        beats.row([name.to_owned(), value]);
    }
    notes.push(format!(
        "{} s were measured, {} s after the watch began; {} nodes, a renewal every {} s each.",
        STEADY.as_secs(),
        SETTLE.as_secs(),
        number(Some(NODES as f64), 0, ""),
        RENEW_INTERVAL.as_secs_f64()
    ));
    notes.push(
        "Beats that are missing in the output are those of the last moment, on their way when the \
         command was ended."
            .to_owned(),
    );
    Ok(Findings {
        tables: vec![table, beats],
        goals: vec![
            Goal::at_most("processor", GOAL_CPU_PERCENT, percent, "%", 1),
            Goal::at_most("largest resident memory", GOAL_RSS_MEGABYTES, peak, "MB", 1),
            Goal::at_most("beats missing in the output", rate.ceil(), Some(missing), "", 0),
        ],
        notes,
    })
}

/// Waits until a client holds its watch.
fn await_watch(server: &Server, of_kubectl: bool, client: &mut Client) -> Result<Watch> {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        if let Some(watch) = server.watches(of_kubectl).first() {
            return Ok(watch.clone());
        }
        let ended = client.child.try_wait().context("cannot wait for a client")?;
        if Instant::now() > deadline || ended.is_some() {
            let word = client.last_word.lock().unwrap_or_else(PoisonError::into_inner);
            let name = if of_kubectl { "kubectl" } else { "the plugin" };
            bail!("{name} does not begin its watch; its last word: {word}");
        }
        sleep(Duration::from_millis(20));
    }
}

/// Renewals that were written to the plugin.
fn sent(server: &Server) -> u64 {
    server.watches(false).iter().map(|watch| watch.sent).sum()
}

/// A client whose output is read and counted; ends when dropped.
struct Client {
    child: Child,
    lines: Arc<AtomicU64>,
    /// What it said last to people.
    last_word: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
    started: Instant,
}

/// A client at one moment.
struct Look {
    usage: Usage,
    rss: u64,
    peak: u64,
}

impl Client {
    fn start(mut command: Command, kubeconfig: &Path, folder: &Folder) -> Result<Self> {
        let started = Instant::now();
        let mut child = command
            .env("KUBECONFIG", kubeconfig)
            // Where kubectl keeps what it has found out about a server.
            .env("HOME", &folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut output = child.stdout.take().context("the program has no output")?;
        let lines = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let ends = buffer[..count].iter().filter(|byte| **byte == b'\n').count();
                counted.fetch_add(ends as u64, Ordering::Relaxed);
            }
        });
        let errors = child.stderr.take().context("the program has no error output")?;
        let last_word = Arc::new(Mutex::new(String::from("none")));
        let heard = Arc::clone(&last_word);
        thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = line;
            }
        });
        Ok(Client { child, lines, last_word, reader: Some(reader), started })
    }

    fn look(&self) -> Result<Look> {
        let pid = self.child.id();
        let (rss, peak) = process::memory(pid)?;
        Ok(Look { usage: Usage::of(pid)?, rss, peak })
    }

    /// Ends it as Ctrl-C does. Gives the beats that it told: its lines without
    /// the one with the headers.
    fn end(mut self) -> Result<u64> {
        ProcessId::of(self.child.id())
            .context("the plugin has ended early")?
            .signal(rustix::process::Signal::INT)?;
        let deadline = Instant::now() + END_PATIENCE;
        while self.child.try_wait().context("cannot wait for the plugin")?.is_none() {
            if Instant::now() > deadline {
                bail!("the plugin does not end");
            }
            sleep(Duration::from_millis(10));
        }
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        Ok(self.lines.load(Ordering::Relaxed).saturating_sub(1))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary folder, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("earthworm-bench-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Folder(path))
    }

    fn kubeconfig(&self, port: u16) -> Result<PathBuf> {
        let path = self.0.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{ "name": "bench", "cluster": {
                "server": format!("http://127.0.0.1:{port}") } }],
            "users": [{ "name": "bench", "user": {} }],
            "contexts": [{ "name": "bench", "context": { "cluster": "bench", "user": "bench" } }],
        });
        fs::write(&path, config.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
