//! A compact notation for signals and findings.
//!
//! One signal per line: seconds since the start, a word, arguments. Ticks come
//! by themselves, four a second. The node's clock and ours agree unless
//! `clock` says otherwise. Beats are named, and `lease NAME` shows the beat of
//! that name; a name that no beat had is a beat that the node did not report.
//!
//! ```text
//! 0    listed x -3            a list shows the state renewed at -3 s
//! 1    attached               the stream comes up and the probe attaches
//! 4    beat a took=0.004      the node reports beat a, which ended now
//! 4.1  lease a                the API server shows it
//! 9    clock -5               the node's clock is set back by 5 s
//! ```

use crate::rhythm::{Config, Finding, FindingKind, Heart, Summary};
use crate::signal::{
    LeaseSeen, NodeId, Problem, SessionState, Signal, SignalKind, Stamp, Streaming, WatchState,
};
use earthworm_wire::record::{
    Attached, Attempt, Beat, Cost, Incident, IncidentKind, Lead, Lost, Outcome, Process,
    ProgramCost, Record, Trouble, TroubleReason,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

/// 2026-01-01T00:00:00Z: where both clocks start.
const EPOCH_SECONDS: i64 = 1_767_225_600;

pub(crate) fn config() -> Config {
    Config::new(Duration::from_secs(40), true)
}

pub(crate) fn node() -> NodeId {
    NodeId { cluster: "lab".into(), node: "node-a".into() }
}

/// Our two clocks at `seconds` since the start.
pub(crate) fn stamp(seconds: f64) -> Stamp {
    let wall = Timestamp::from_microsecond(micros(seconds)).unwrap();
    Stamp { wall, monotonic: Duration::from_micros(whole(seconds * 1e6).unsigned_abs()) }
}

fn whole(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation)]
    let whole = value.round() as i64;
    whole
}

fn micros(seconds: f64) -> i64 {
    EPOCH_SECONDS * 1_000_000 + whole(seconds * 1e6)
}

/// What the lines of a script share.
#[derive(Default)]
struct Script {
    /// The node's clock minus ours.
    skew: f64,
    pid: u32,
    renews: HashMap<String, i64>,
    versions: u64,
    leads: Vec<Lead>,
    last: Option<Beat>,
}

/// Arguments of one line: plain words and `key=value`.
struct Arguments<'a>(Vec<&'a str>);

impl<'a> Arguments<'a> {
    fn word(&self, index: usize) -> Option<&'a str> {
        self.0.iter().filter(|word| !word.contains('=')).nth(index).copied()
    }

    fn value(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.value(key).map(|value| value.parse().unwrap())
    }

    fn has(&self, flag: &str) -> bool {
        self.0.contains(&flag)
    }
}

impl Script {
    fn node_time(&self, seconds: f64) -> i64 {
        micros(seconds + self.skew) * 1000
    }

    fn kinds(&mut self, at: f64, word: &str, given: &Arguments<'_>) -> Vec<SignalKind> {
        let session = |state| vec![SignalKind::Session(state)];
        let probe = |record| vec![SignalKind::Probe(record)];
        match word {
            "attached" => {
                let attached = self.attached(at, given);
                let streaming = SessionState::Streaming(streaming(false, 0));
                vec![SignalKind::Session(streaming), SignalKind::Probe(Record::Attached(attached))]
            }
            "reattached" => {
                self.pid += 1;
                probe(Record::Attached(self.attached(at, given)))
            }
            "resumed" => {
                let lost = given.number("lost").map_or(0, whole).unsigned_abs();
                session(SessionState::Streaming(streaming(true, lost)))
            }
            "creating" => session(SessionState::Creating),
            "broke" => session(SessionState::Interrupted("connection reset".to_owned())),
            "restarting" => session(SessionState::Restarting("probe is gone".to_owned())),
            "detached" => session(SessionState::Detached),
            "removed" => session(SessionState::Removed(given.word(0) != Some("unsure"))),
            "failed" => session(SessionState::Failed(Problem {
                reason: "image-refused",
                message: "node node-a: image refused".to_owned(),
                hint: Some("use --image".to_owned()),
            })),
            "api-down" => {
                vec![SignalKind::Watch(WatchState::Interrupted("connection refused".to_owned()))]
            }
            "api-up" => vec![SignalKind::Watch(WatchState::Recovered)],
            "lease" | "listed" => vec![SignalKind::Lease(self.lease(at, word == "listed", given))],
            "beat" => {
                let beat = self.beat(at, given);
                self.last = Some(beat.clone());
                probe(Record::Beat(beat))
            }
            "again" => probe(Record::Beat(self.last.clone().unwrap())),
            "clock" => {
                self.skew += given.0[0].parse::<f64>().unwrap();
                Vec::new()
            }
            "cost" => probe(Record::Cost(self.cost(at))),
            "lost" => probe(Record::Lost(Lost { kernel: 1, probe: 2, tunnel: 3 })),
            "trouble" => probe(Record::Trouble(Trouble {
                time: self.node_time(at),
                reason: TroubleReason::NoKubelet,
                message: "no process looks like a kubelet".to_owned(),
            })),
            _ => probe(Record::Incident(self.incident(at, word, given))),
        }
    }

    fn attached(&mut self, at: f64, given: &Arguments<'_>) -> Attached {
        self.pid = self.pid.max(100);
        let all = [Lead::Conduction, Lead::Plaintext];
        let only = given.word(0);
        self.leads = all.into_iter().filter(|l| only.is_none_or(|o| o == l.name())).collect();
        let refused = all.into_iter().filter(|lead| !self.leads.contains(lead));
        Attached {
            time: self.node_time(at),
            process: Process {
                pid: self.pid,
                name: "kubelet".to_owned(),
                go_version: Some("go1.26.8".to_owned()),
                build_id: None,
            },
            leads: self.leads.clone(),
            refused: refused.map(|lead| (lead, "prologue not known".to_owned())).collect(),
            mechanism: Some("uprobe_multi".to_owned()),
            seconds: 0.2,
        }
    }

    /// A beat that ended `late` seconds before `at`, after `took` seconds.
    fn beat(&mut self, at: f64, given: &Arguments<'_>) -> Beat {
        let name = given.word(0).unwrap();
        let took = given.number("took").unwrap_or(0.004);
        let ended = at - given.number("late").unwrap_or(0.0);
        let count = given.number("attempts").map_or(1, whole);
        let start = ended - took;
        let failed = given.has("failed");
        let status = given.value("status").map(|status| status.parse().unwrap());
        let conduction = self.leads.contains(&Lead::Conduction);
        let plaintext = self.leads.contains(&Lead::Plaintext);
        let attempts = (0..count).map(|attempt| {
            let share = took / count as f64;
            let prepared = start + share * attempt as f64;
            let mut renew = micros(prepared + self.skew) + 50;
            if attempt + 1 == count {
                // The API server may have shown it first.
                renew = *self.renews.entry(name.to_owned()).or_insert(renew);
            }
            self.renews.insert(format!("{name}.{attempt}"), renew);
            let answer = !failed || status.is_some();
            Attempt {
                prepared: conduction.then(|| self.node_time(prepared)),
                written: plaintext.then(|| self.node_time(prepared + 0.0004)),
                renew_time_micros: plaintext.then_some(renew),
                answered: (plaintext && answer).then(|| self.node_time(prepared + share)),
                http_status: if plaintext && !failed { Some(200) } else { status },
                round_trip_seconds: (plaintext && answer).then_some(share - 0.0004),
            }
        });
        let attempts = attempts.collect();
        Beat {
            lead: self.leads[0],
            started: conduction.then(|| self.node_time(start)),
            attempts,
            outcome: match (failed, given.has("unknown")) {
                (true, _) => Outcome::Failed,
                (_, true) => Outcome::Unknown,
                _ => Outcome::Renewed,
            },
            ended: self.node_time(ended),
            renew_seconds: Some(took),
        }
    }

    fn lease(&mut self, at: f64, listed: bool, given: &Arguments<'_>) -> LeaseSeen {
        let name = given.word(0).unwrap().to_owned();
        let renewed = given.word(1).map_or(at - 0.004, |seconds| seconds.parse().unwrap());
        let made_up = micros(renewed + self.skew);
        let renew = *self.renews.entry(name).or_insert(made_up);
        self.versions += 1;
        LeaseSeen {
            renew_time_micros: Some(renew),
            resource_version: self.versions.to_string(),
            holder: Some("node-a".to_owned()),
            lease_duration_seconds: Some(40),
            listed,
        }
    }

    fn cost(&self, at: f64) -> Cost {
        Cost {
            time: self.node_time(at),
            elapsed_seconds: 60.0,
            cpu_seconds: 0.012,
            setup_seconds: 0.0,
            setup_cpu_seconds: 0.0,
            rss_bytes: 11 << 20,
            peak_rss_bytes: 12 << 20,
            sent_bytes: 4096,
            programs: vec![ProgramCost {
                name: "lease_sync".to_owned(),
                runs: 61,
                run_seconds: 0.0003,
            }],
            kernel_statistics: false,
        }
    }

    fn incident(&self, at: f64, word: &str, given: &Arguments<'_>) -> Incident {
        let number = || given.0[0].parse().unwrap();
        let kind = match word {
            "stopped" => IncidentKind::Stopped,
            "continued" => IncidentKind::Continued,
            "signalled" => IncidentKind::Signalled(number()),
            "exited" => IncidentKind::Exited(number()),
            "killed" => IncidentKind::Killed(number()),
            "restarted" => IncidentKind::Restarted,
            other => panic!("no such word: {other}"),
        };
        let late = given.number("late").unwrap_or(0.0);
        let sender = given.value("by").map(str::to_owned);
        Incident { time: self.node_time(at - late), pid: self.pid, kind, sender }
    }
}

fn streaming(resumed: bool, lost_records: u64) -> Streaming {
    Streaming {
        resumed,
        lost_records,
        profile: "bpf: the weakest that works here".to_owned(),
        image: "registry.example/pause:3".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

/// The signals of a script, with ticks, in order. The last line's time is when it ends.
///
/// `T beats N every S NAME` stands for N healthy beats, seen by node and API
/// server; `T leases N every S NAME` for those of the API server alone.
pub(crate) fn signals(script: &str) -> Vec<Signal> {
    let mut lines: Vec<(f64, String)> = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (at, rest) = line.split_once(' ').unwrap();
        let at: f64 = at.parse().unwrap();
        let words: Vec<&str> = rest.split_whitespace().collect();
        if let ["beats" | "leases", count, "every", every, name] = words[..] {
            for beat in 0..count.parse::<u32>().unwrap() {
                let at = at + every.parse::<f64>().unwrap() * f64::from(beat);
                if words[0] == "beats" {
                    lines.push((at, format!("beat {name}{beat}")));
                }
                lines.push((at + 0.002, format!("lease {name}{beat}")));
            }
        } else {
            lines.push((at, rest.trim().to_owned()));
        }
    }
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut state = Script::default();
    let mut signals = Vec::new();
    let mut next_tick = 0.0;
    for (at, line) in &lines {
        while next_tick <= *at {
            signals.push(Signal { at: stamp(next_tick), node: node(), kind: SignalKind::Tick });
            next_tick += 0.25;
        }
        let mut words = line.split_whitespace();
        let word = words.next().unwrap();
        if word == "asleep" {
            // The plugin's process stands still: no tick until the next line.
            next_tick = words.next().unwrap().parse().unwrap();
        } else if word != "end" && word != "finish" {
            for kind in state.kinds(*at, word, &Arguments(words.collect())) {
                signals.push(Signal { at: stamp(*at), node: node(), kind });
            }
        }
    }
    signals
}

/// Everything that follows from a script. A line `finish` ends the observation
/// there; without one it ends with the script.
pub(crate) fn play(config: Config, script: &str) -> (Vec<Finding>, Summary) {
    let mut heart = Heart::new(node(), config);
    let signals = signals(script);
    let last = signals.last().unwrap().at;
    let finish = script.lines().find_map(|line| line.trim().strip_suffix(" finish"));
    let mut finish = finish.map(|at| stamp(at.trim().parse().unwrap()));
    let mut findings = Vec::new();
    for signal in &signals {
        if let Some(end) = finish.take_if(|end| end.monotonic <= signal.at.monotonic) {
            findings.extend(heart.finish(end));
        }
        findings.extend(heart.feed(signal));
    }
    findings.extend(heart.finish(last));
    (findings, heart.summary(last))
}

/// Findings in the notation of the expectations.
pub(crate) fn notate(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let Some(line) = line(&finding.kind) else { continue };
        writeln!(text, "{:.3} {line}", finding.at.monotonic.as_secs_f64()).unwrap();
    }
    text
}

fn line(kind: &FindingKind) -> Option<String> {
    Some(match kind {
        FindingKind::Beat(beat) => {
            let mut words = vec!["beat".to_owned(), beat.lead.name().to_owned()];
            words.extend(beat.interval_seconds.map(|rr| format!("rr={rr:.2}")));
            words.extend(beat.renew_seconds.map(|renew| format!("renew={renew:.3}")));
            words.extend(
                beat.attempts.filter(|&attempts| attempts != 1).map(|a| format!("attempts={a}")),
            );
            words.push(
                match beat.outcome {
                    Outcome::Renewed => "renewed",
                    Outcome::Failed => "failed",
                    Outcome::Unknown => "unknown",
                }
                .to_owned(),
            );
            words
                .extend(beat.arrived.filter(|&arrived| !arrived).map(|_| "not-arrived".to_owned()));
            words.extend(beat.matched_by.map(|by| format!("by={}", by.name())));
            words.push(beat.rhythm.name().to_owned());
            words.join(" ")
        }
        FindingKind::Rhythm(rhythm) => {
            let since = rhythm.since.duration_since(stamp(0.0).wall).as_secs_f64();
            let cause = rhythm.cause.map_or("", |cause| cause.name());
            format!("rhythm {} {cause} since={since:.1}", rhythm.class.name()).replace("  ", " ")
        }
        FindingKind::Event(event) => match &event.kind {
            crate::rhythm::EventKind::StreamResumed { gap_seconds, .. }
            | crate::rhythm::EventKind::ProbeRestarted { gap_seconds }
            | crate::rhythm::EventKind::ObserverStalled { gap_seconds }
            | crate::rhythm::EventKind::ApiRecovered { gap_seconds } => {
                format!("event {} gap={gap_seconds:.1}", event.kind.reason())
            }
            kind => format!("event {}", kind.reason()),
        },
        FindingKind::Problem(problem) => format!("problem {}", problem.reason),
        FindingKind::Probe(_) => return None,
    })
}

/// A summary in the notation of the expectations.
pub(crate) fn notate_summary(summary: &Summary) -> String {
    let beats = summary.beats;
    let mut words =
        vec![format!("total={} node={} api={}", beats.total, beats.on_node(), beats.api)];
    words.extend(summary.missed.map(|missed| format!("missed={missed}")));
    words.extend(summary.gap_seconds.map(|gap| format!("gap={gap:.1}")));
    words.push(format!("{} worst={}", summary.rhythm.name(), summary.worst.name()));
    words.push(format!("exit={}", summary.exit_code));
    words.join(" ")
}

/// Plays a script and compares what follows with what is expected; the last
/// line of the expectation is the summary.
#[track_caller]
pub(crate) fn check(config: Config, script: &str, expected: &str) {
    let (findings, summary) = play(config, script);
    let found = notate(&findings) + &notate_summary(&summary);
    let expected: Vec<&str> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found: Vec<&str> = found.lines().collect();
    assert!(
        found == expected,
        "found:\n{}\n\nexpected:\n{}\n",
        found.join("\n"),
        expected.join("\n")
    );
}
