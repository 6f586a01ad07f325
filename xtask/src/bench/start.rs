//! `start`: from the command to the first line of data.

mod kubectl;
mod session;

use anyhow::{Context, Result};

use super::Bench;
use super::report::{Findings, Goal, Table, number};
use super::statistics::{Samples, ratio};
use crate::progress::say;
use session::{STEPS, Step};

pub(super) const ABOUT: &str = "`pulse NODE -v -o json` until the probe is attached, then Ctrl-C. \
    Each step ends when its line arrives, so the start of the process is in the first one. The peer \
    is `kubectl run` of the same image on the same node, host network and all, followed by `kubectl \
    wait` until the pod is Running: what starting any pod costs here. The two take turns.";

const GOAL_P50_SECONDS: f64 = 2.0;
const GOAL_P95_SECONDS: f64 = 3.0;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<Findings> {
    let plugin = bench.plugin()?;
    let node = bench.node()?;
    let sandbox = bench.sandbox()?.clone();
    let runs = bench.arguments.runs;

    let mut sessions = Vec::new();
    let mut pods = Vec::new();
    for number in 0..runs {
        let session = session::run(&sandbox, &plugin, &node)
            .with_context(|| format!("run {} of {runs}", number + 1))?;
        let pod = kubectl::run(&sandbox, &node, &session.image, number)
            .with_context(|| format!("run {} of {runs} of kubectl", number + 1))?;
        say(&format!(
            "start {} of {runs}: attached after {:.2} s, a pod of kubectl runs after {:.2} s",
            number + 1,
            session.at(Step::Attached).unwrap_or(f64::NAN),
            pod.as_secs_f64()
        ));
        sessions.push(session);
        pods.push(pod);
    }

    let seconds = |value| number(value, 2, "s");
    let mut table = Table::new(["step", "N", "p50", "p95", "p50 since the step before"]);
    let mut before: Option<Step> = None;
    for step in STEPS {
        let at = Samples::new(sessions.iter().filter_map(|session| session.at(step)).collect());
        let took = sessions.iter().filter_map(|session| {
            Some(session.at(step)? - before.map_or(Some(0.0), |before| session.at(before))?)
        });
        let took = Samples::new(took.collect());
        table.row([
            step.name().to_owned(),
            at.count().to_string(),
            seconds(at.median()),
            seconds(at.percentile(95.0)),
            seconds(took.median()),
        ]);
        // The pod's status comes late, often after the stream: nothing waits for it.
        if step != Step::PodRunning {
            before = Some(step);
        }
    }
    let ended = Samples::new(sessions.iter().map(|session| session.clean_up_seconds).collect());
    table.row([
        "Ctrl-C to nothing left".to_owned(),
        ended.count().to_string(),
        seconds(ended.median()),
        seconds(ended.percentile(95.0)),
        String::new(),
    ]);

    let attached: Samples =
        Samples::new(sessions.iter().filter_map(|session| session.at(Step::Attached)).collect());
    let pods = Samples::from_iter(pods);
    let mut peer = Table::new(["until", "N", "p50", "p95"]);
    for (name, samples) in
        [("earthworm: attached", &attached), ("kubectl: a pod is Running", &pods)]
    {
        peer.row([
            name.to_owned(),
            samples.count().to_string(),
            seconds(samples.median()),
            seconds(samples.percentile(95.0)),
        ]);
    }
    let ratio =
        |percent| number(ratio(attached.percentile(percent), pods.percentile(percent)), 2, "");
    peer.row(["earthworm / kubectl".to_owned(), String::new(), ratio(50.0), ratio(95.0)]);

    let goal =
        |what, limit, percent| Goal::at_most(what, limit, attached.percentile(percent), "s", 2);
    Ok(Findings {
        tables: vec![table, peer],
        goals: vec![
            goal("attached, p50", GOAL_P50_SECONDS, 50.0),
            goal("attached, p95", GOAL_P95_SECONDS, 95.0),
        ],
        notes: vec![
            "`pod seen running` is when the API server's watch said so. The stream is tried as \
             soon as the pod has a name, so it may be up before, and such runs have no figure there."
                .to_owned(),
        ],
    })
}
