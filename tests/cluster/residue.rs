//! Nothing is left, whatever ends the session.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::session::Session;
use earthworm_tests::throttle::SlowLine;

/// What one node has to do with the other is a part of it: the payload is both's.
const BOTH: Claim = Claim::nodes(2);
const PULSE: [&str; 4] = ["--for", "10m", "-o", "json"];

/// Ctrl-C has to come back within this time: the goodbye and the clean-up.
const STOP_PATIENCE: Duration = Duration::from_secs(16);

#[test]
fn after_a_normal_end() {
    let Some(lab) = Lab::enter("residue after a normal end", Versions::All, BOTH) else { return };
    let session = lab.pulse_here(&["--for", "2s", "-o", "json"]);
    session.listens_on(&lab.nodes());
    let ended = session.end();
    let seconds = lab.assert_nothing_left(ended.at);
    // It said so itself, so nothing may have been left when it ended.
    assert_eq!(ended.summary(lab.node())["nothingLeftBehind"], true);
    assert!(seconds < 2.0, "it said that nothing is left, and that took {seconds:.2} s more");
}

#[test]
fn after_an_interrupt_while_streaming() {
    stopped_by(libc::SIGINT, "residue after SIGINT while streaming");
}

#[test]
fn after_a_termination_while_streaming() {
    stopped_by(libc::SIGTERM, "residue after SIGTERM while streaming");
}

fn stopped_by(signal: i32, test: &'static str) {
    let Some(lab) = Lab::enter(test, Versions::Newest, BOTH) else { return };
    let mut session = lab.pulse_here(&PULSE);
    session.listens_on(&lab.nodes());
    std::thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    session.signal(signal);
    let said = session.wait_for_words("stopping", Duration::from_secs(1));
    let ended = session.end_within(STOP_PATIENCE);
    println!(
        "{test}: said {:?}, ended after {:.2} s with {:?}",
        said.text,
        ended.at.duration_since(begun).as_secs_f64(),
        ended.code
    );
    lab.assert_nothing_left(begun);
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    assert_eq!(ended.summary(lab.node())["nothingLeftBehind"], true);
    ended.assert_contract();
}

#[test]
fn after_a_kill_while_streaming() {
    let Some(lab) = Lab::enter("residue after SIGKILL while streaming", Versions::Newest, BOTH)
    else {
        return;
    };
    let session = lab.pulse_here(&PULSE);
    session.listens_on(&lab.nodes());
    std::thread::sleep(Duration::from_secs(1));
    killed(&lab, session);
}

#[test]
fn after_a_kill_as_soon_as_a_job_exists() {
    let Some(lab) = Lab::enter("residue after SIGKILL while creating", Versions::Newest, BOTH)
    else {
        return;
    };
    let job = FirstJob::watch(&lab);
    let session = lab.pulse_here(&PULSE);
    let name = job.wait();
    println!("killed as soon as {name} existed");
    killed(&lab, session);
}

/// The payload has a megabyte, so on a slow line there is time between the Job
/// and the first large ConfigMap.
#[test]
fn after_a_kill_between_the_job_and_its_payload() {
    let Some(lab) = Lab::enter("residue after SIGKILL before the payload", Versions::Newest, BOTH)
    else {
        return;
    };
    let line = SlowLine::open(64 << 10);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    line.kubeconfig(&lab.sandbox.kubeconfig(), &kubeconfig);
    let job = FirstJob::watch(&lab);
    let mut command = lab.plugin(&[&["pulse"], &lab.nodes()[..], &PULSE].concat());
    command.env("KUBECONFIG", &kubeconfig);
    let session = Session::start(command);
    job.wait();
    std::thread::sleep(Duration::from_millis(300));
    let there = lab.objects();
    println!("killed with {there:?}");
    assert!(there.iter().any(|name| name.starts_with("Job/")), "{there:?}");
    // Its last part is small; the first one needs seconds on this line.
    let first = |name: &String| name.starts_with("ConfigMap/") && name.ends_with("-0-0");
    assert!(!there.iter().any(first), "{there:?}");
    killed(&lab, session);
}

#[test]
fn after_a_kill_while_cleaning() {
    let Some(lab) = Lab::enter("residue after SIGKILL while cleaning", Versions::Newest, BOTH)
    else {
        return;
    };
    let mut session = lab.pulse_here(&PULSE);
    session.listens_on(&lab.nodes());
    session.signal(libc::SIGINT);
    session.wait_for_words("stopping", Duration::from_secs(1));
    killed(&lab, session);
}

/// Kills the plugin and waits until nothing is left.
fn killed(lab: &Lab, mut session: Session) {
    let begun = Instant::now();
    session.signal(libc::SIGKILL);
    let ended = session.end_within(Duration::from_secs(2));
    assert_eq!(ended.code, None, "it ended by itself before the signal");
    lab.assert_nothing_left(begun);
}

/// Sees the first Job on the test's nodes within milliseconds of its creation.
struct FirstJob {
    watch: std::process::Child,
    names: Vec<String>,
}

impl FirstJob {
    fn watch(lab: &Lab) -> Self {
        let mut command = lab
            .sandbox
            .kubectl(["get", "jobs", "--watch-only", "--output=name", "--all-namespaces"])
            .unwrap();
        command.args(["--selector", "app.kubernetes.io/managed-by=kubectl-earthworm"]);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        // The watch itself has to be there before the Job.
        std::thread::sleep(Duration::from_secs(1));
        let name = |node| format!("job.batch/earthworm-{node}-");
        Self { watch: child, names: lab.nodes().into_iter().map(name).collect() }
    }

    fn wait(mut self) -> String {
        let lines = BufReader::new(self.watch.stdout.take().unwrap()).lines();
        let is_ours = |line: &String| self.names.iter().any(|name| line.starts_with(name));
        lines.map_while(Result::ok).find(is_ours).unwrap()
    }
}

impl Drop for FirstJob {
    fn drop(&mut self) {
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}
