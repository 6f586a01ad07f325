//! Plays made-up hearts on the live screen: a healthy one, one that is stopped
//! and continued, one behind a partition, and one without a probe.
//!
//!     cargo run -p kubectl-earthworm --example screen -- [SPEED]
//!
//! SPEED lets time run faster than it does: 4 makes a beat every 2.5 seconds.

use earthworm_wire::record::{
    Attached, Attempt, Beat, Incident, IncidentKind, Lead, Outcome, Process, Record,
};
use jiff::{SignedDuration, Timestamp};
use kubectl_earthworm::rhythm::{Config, Heart};
use kubectl_earthworm::screen::{self, Setup, Update};
use kubectl_earthworm::signal::{
    LeaseSeen, NodeId, Problem, SessionState, Signal, SignalKind, Stamp, Streaming,
};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The clocks of the made-up world.
#[derive(Clone, Copy)]
struct Clock {
    begun: Instant,
    wall: Timestamp,
    speed: f64,
}

impl Clock {
    fn now(self) -> Stamp {
        self.at(self.begun.elapsed().mul_f64(self.speed))
    }

    fn at(self, monotonic: Duration) -> Stamp {
        let ahead = SignedDuration::try_from(monotonic).unwrap_or(SignedDuration::ZERO);
        Stamp { wall: self.wall + ahead, monotonic }
    }
}

/// What a made-up node does at a moment.
enum Act {
    Attach,
    Refuse,
    Renew { took: f64, succeeds: bool, on_node: bool },
    Stop,
    Continue,
}

/// A made-up node's life: seconds and acts, in order.
fn life(kind: &str) -> Vec<(f64, Act)> {
    let healthy = |took| Act::Renew { took, succeeds: true, on_node: true };
    let mut acts = vec![(0.8, if kind == "edge" { Act::Refuse } else { Act::Attach })];
    let mut at = 2.0 + f64::from(u8::try_from(kind.len()).unwrap_or(0)) * 0.7;
    for beat in 0..360_u32 {
        // One to 1.04 intervals of sleep, as the kubelet has it, from a fixed sequence.
        let jitter = f64::from(beat * 7919 % 100) / 100.0 * 0.4;
        let took = 0.0036 + jitter * 0.004;
        match kind {
            "stopped" if (33.0..75.0).contains(&at) => {}
            "partition" if at > 40.0 => {
                acts.push((at, Act::Renew { took: 0.4, succeeds: false, on_node: true }));
            }
            "slow" if (50.0..90.0).contains(&at) => acts.push((at, healthy(1.3 + jitter))),
            "edge" => acts.push((at, Act::Renew { took, succeeds: true, on_node: false })),
            _ => acts.push((at, healthy(took))),
        }
        at += 10.0 + jitter;
    }
    if kind == "stopped" {
        acts.push((33.0, Act::Stop));
        acts.push((75.0, Act::Continue));
        acts.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    acts
}

/// The signals that an act leads to, each with the second it arrives at.
fn signals(clock: Clock, at: f64, act: &Act) -> Vec<(f64, SignalKind)> {
    let second = |at: f64| clock.at(Duration::from_secs_f64(at)).wall;
    let nanos = |at: f64| i64::try_from(second(at).as_nanosecond()).unwrap_or(0);
    let incident = |kind| {
        let sender = Some("bash[4242]".to_owned());
        vec![(
            at,
            SignalKind::Probe(Record::Incident(Incident {
                time: nanos(at),
                pid: 912,
                kind,
                sender,
            })),
        )]
    };
    match *act {
        Act::Refuse => {
            let problem = Problem {
                reason: "image-refused",
                message: "this cluster admits signed images only".to_owned(),
                hint: Some("use --image".to_owned()),
            };
            vec![(at, SignalKind::Session(SessionState::Failed(problem)))]
        }
        Act::Attach => {
            let streaming = Streaming {
                resumed: false,
                lost_records: 0,
                profile: "bpf: it gives the full result here".to_owned(),
                image: "registry.example/pause:3.10".to_owned(),
                version: "0.1.0".to_owned(),
            };
            let attached = Attached {
                time: nanos(at),
                process: Process {
                    pid: 912,
                    name: "kubelet".to_owned(),
                    go_version: Some("go1.26.8".to_owned()),
                    build_id: None,
                },
                leads: vec![Lead::Conduction, Lead::Plaintext],
                refused: Vec::new(),
                mechanism: Some("uprobe_multi".to_owned()),
                seconds: 0.3,
            };
            vec![
                (at - 0.5, SignalKind::Session(SessionState::Creating)),
                (at - 0.1, SignalKind::Session(SessionState::Streaming(streaming))),
                (at, SignalKind::Probe(Record::Attached(attached))),
            ]
        }
        Act::Stop => incident(IncidentKind::Stopped),
        Act::Continue => incident(IncidentKind::Continued),
        Act::Renew { took, succeeds, on_node } => {
            let renew_time_micros = Some(second(at).as_microsecond());
            let mut signals = Vec::new();
            if on_node {
                let beat = Beat {
                    lead: Lead::Conduction,
                    started: Some(nanos(at)),
                    attempts: vec![Attempt {
                        prepared: Some(nanos(at)),
                        written: Some(nanos(at)),
                        renew_time_micros,
                        answered: succeeds.then(|| nanos(at + took)),
                        http_status: succeeds.then_some(200),
                        round_trip_seconds: succeeds.then_some(took),
                    }],
                    outcome: if succeeds { Outcome::Renewed } else { Outcome::Failed },
                    ended: nanos(at + took),
                    renew_seconds: Some(took),
                };
                signals.push((at + took, SignalKind::Probe(Record::Beat(beat))));
            }
            if succeeds {
                let lease = LeaseSeen {
                    renew_time_micros,
                    resource_version: format!("{:.0}", at * 10.0),
                    holder: None,
                    lease_duration_seconds: Some(40),
                    listed: false,
                };
                signals.push((at + took + 0.002, SignalKind::Lease(lease)));
            }
            signals
        }
    }
}

fn main() -> std::io::Result<()> {
    let speed = std::env::args().nth(1).and_then(|speed| speed.parse().ok());
    let speed = speed.filter(|speed| (0.1..=100.0).contains(speed)).unwrap_or(1.0);
    let clock = Clock { begun: Instant::now(), wall: Timestamp::now(), speed };
    let kinds = ["healthy", "slow", "stopped", "partition", "edge"];
    let nodes: Vec<NodeId> = kinds
        .iter()
        .map(|kind| NodeId { cluster: "made-up".into(), node: format!("node-{kind}").into() })
        .collect();

    let mut planned: Vec<Signal> = Vec::new();
    for (kind, node) in kinds.iter().zip(&nodes) {
        for (at, act) in life(kind) {
            for (at, kind) in signals(clock, at, &act) {
                let at = clock.at(Duration::from_secs_f64(at));
                planned.push(Signal { at, node: node.clone(), kind });
            }
        }
    }
    planned.sort_by_key(|signal| signal.at.monotonic);

    let (updates, received) = mpsc::channel();
    let hearts: Vec<Heart> = nodes
        .iter()
        .map(|node| Heart::new(node.clone(), Config::new(Duration::from_secs(50), true)))
        .collect();
    let play = std::thread::spawn(move || play(clock, hearts, planned, &updates));
    let ending = screen::run(
        Setup { nodes, color: std::env::var_os("NO_COLOR").is_none() },
        &received,
        || clock.now(),
    );
    drop(received);
    // The player ends when nobody listens any more.
    if play.join().is_err() {
        return Err(std::io::Error::other("the player failed"));
    }
    ending.map(|_| ())
}

/// Sends every signal at its time, and ticks in between, until nobody listens.
fn play(
    clock: Clock,
    mut hearts: Vec<Heart>,
    planned: Vec<Signal>,
    updates: &mpsc::Sender<Update>,
) {
    let mut planned = planned.into_iter().peekable();
    while planned.peek().is_some() {
        let now = clock.now();
        let mut findings = Vec::new();
        while let Some(signal) = planned.next_if(|signal| signal.at.monotonic <= now.monotonic) {
            let heart = hearts.iter_mut().find(|heart| *heart.node() == signal.node);
            findings.extend(heart.map(|heart| heart.feed(&signal)).unwrap_or_default());
        }
        for heart in &mut hearts {
            let node = heart.node().clone();
            findings.extend(heart.feed(&Signal { at: now, node, kind: SignalKind::Tick }));
        }
        if updates.send(Update::Findings(findings)).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
