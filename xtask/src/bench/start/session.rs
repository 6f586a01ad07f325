//! One session of the plugin, from the command to Ctrl-C, step by step.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::bench::watched::{Line, Watched};
use crate::cluster::Sandbox;

/// How long a start may take before the run is given up.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long the end may take.
const END_PATIENCE: Duration = Duration::from_secs(40);

/// The plugin's exit code after Ctrl-C.
const INTERRUPTED: i32 = 130;

/// What is waited for, in the order in which it usually comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connected,
    Created,
    PodRunning,
    Streaming,
    Attached,
    Data,
}

pub(super) const STEPS: [Step; 6] =
    [Step::Connected, Step::Created, Step::PodRunning, Step::Streaming, Step::Attached, Step::Data];

impl Step {
    pub(super) fn name(self) -> &'static str {
        match self {
            Step::Connected => "connected to the API server",
            Step::Created => "objects created",
            Step::PodRunning => "pod seen running",
            Step::Streaming => "stream up",
            Step::Attached => "probe attached",
            Step::Data => "first line of data",
        }
    }

    /// Whether a line says that this step is done; words are those of `-v`.
    fn is_done_by(self, line: &Line) -> bool {
        let says = |words| !line.is_data && line.text.contains(words);
        match self {
            Step::Connected => says("connected to context "),
            // The first thing a session waits for, once its objects are there.
            Step::Created => says(": waiting for "),
            Step::PodRunning => says(": waiting for the probe to answer"),
            Step::Streaming => says(" runs with profile "),
            Step::Attached => line
                .json()
                .is_some_and(|json| json["kind"] == "Event" && json["reason"] == "probe-attached"),
            Step::Data => line.is_data,
        }
    }
}

/// What one session took.
#[derive(Debug)]
pub(super) struct Session {
    /// Seconds from the start of the command, for each step that was seen.
    seconds: [Option<f64>; STEPS.len()],
    /// The image that the probe started from.
    pub(super) image: String,
    /// From Ctrl-C to the end of the command, which waits for the removal.
    pub(super) clean_up_seconds: f64,
}

impl Session {
    pub(super) fn at(&self, step: Step) -> Option<f64> {
        self.seconds[step as usize]
    }
}

/// Starts a session, and ends it when the probe is attached.
pub(super) fn run(sandbox: &Sandbox, plugin: &Path, node: &str) -> Result<Session> {
    let mut command = Command::new(plugin);
    command.args(["pulse", node, "-v", "-o", "json"]).env("KUBECONFIG", sandbox.kubeconfig());
    let mut watched = Watched::start(command)?;
    let deadline = watched.started + START_PATIENCE;
    let mut seconds = [None; STEPS.len()];
    let mut image = None;
    while seconds[Step::Attached as usize].is_none() {
        let Some(line) = watched.next(deadline)? else {
            bail!("the session ended before its probe was attached: {}", watched.last_words());
        };
        for step in STEPS {
            if seconds[step as usize].is_none() && step.is_done_by(&line) {
                seconds[step as usize] =
                    Some(line.at.duration_since(watched.started).as_secs_f64());
            }
        }
        image = image.or_else(|| image_in(&line.text));
    }
    let interrupted = Instant::now();
    watched.interrupt()?;
    let ended = watched.end(END_PATIENCE)?;
    ended.expect(INTERRUPTED)?;
    let summary = ended.lines.iter().filter_map(Line::json).find(|json| json["kind"] == "Summary");
    if summary.is_none_or(|summary| summary["nothingLeftBehind"] != true) {
        bail!("the session does not say that nothing is left behind");
    }
    Ok(Session {
        seconds,
        image: image.context("the session did not say which image it started from")?,
        clean_up_seconds: ended.at.duration_since(interrupted).as_secs_f64(),
    })
}

/// From `... runs with profile P from image I, after 1.20 s`.
fn image_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(" from image ")?;
    Some(rest.split_once(", after ").map_or(rest, |(image, _)| image).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, is_data: bool) -> Line {
        Line { at: Instant::now(), text: text.to_owned(), is_data }
    }

    fn done_by(line: &Line) -> Vec<Step> {
        STEPS.into_iter().filter(|step| step.is_done_by(line)).collect()
    }

    #[test]
    fn each_step_is_known_by_its_line() {
        let words = |text| done_by(&line(text, false));
        assert_eq!(
            words("connected to context \"admin\", Kubernetes v1.36.3, after 0.05 s"),
            [Step::Connected]
        );
        assert_eq!(
            words("node-a: waiting for the job controller to create the pod, after 0.11 s"),
            [Step::Created]
        );
        assert_eq!(
            words("node-a: waiting for the probe to answer, after 0.90 s"),
            [Step::Created, Step::PodRunning]
        );
        let attached = r#"{"kind":"Event","reason":"probe-attached"}"#;
        assert_eq!(done_by(&line(attached, true)), [Step::Attached, Step::Data]);
        assert_eq!(done_by(&line(r#"{"kind":"Beat"}"#, true)), [Step::Data]);
        assert_eq!(words("node-a: something else"), []);
    }

    #[test]
    fn the_image_is_in_the_line() {
        let line =
            "node-a: probe 0.1.0 runs with profile bpf (why) from image pause:3.9, after 1.21 s";
        assert_eq!(image_in(line).unwrap(), "pause:3.9");
        assert_eq!(image_in("nothing"), None);
    }
}
