//! A kernel that refuses bpf(2) to the probe's usual rights: an explicit
//! profile is never exceeded, `auto` takes the next stronger one by itself.

use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::policy::NoBpf;
use earthworm_tests::session::Session;

/// Every state of every Job: its node and the capabilities that it asks for.
const SEEN: &str = "jsonpath={.spec.template.spec.nodeName} \
                    {.spec.template.spec.containers[0].securityContext.capabilities.add}{\"\\n\"}";

#[test]
fn an_explicit_profile_is_refused_and_never_exceeded() {
    let Some(lab) = Lab::enter("--profile bpf refused", Versions::Newest, Claim::NODE) else {
        return;
    };
    let policy = NoBpf::on(&lab, lab.node());
    let jobs = watch_jobs(&lab);
    let ended = lab.pulse_here(&["--profile", "bpf", "--for", "30s"]).end();
    println!(
        "--profile bpf: exit code {:?} after {:.1} s: {}",
        ended.code,
        ended.took.as_secs_f64(),
        ended.error_text()
    );
    let asked = capabilities(&jobs, lab.node());
    drop(policy);
    super::bad_input::assert_refused(
        &ended,
        &[
            &format!("kernel of node {}", lab.node()),
            "profile bpf",
            "--profile sysadmin",
            "--profile auto",
        ],
    );
    println!("asked for: {asked:?}");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("BPF") && !asked[0].contains("SYS_ADMIN"), "{asked:?}");
    lab.assert_nothing_left(ended.at);
}

#[test]
fn auto_grows_to_what_the_kernel_accepts() {
    let Some(lab) = Lab::enter("--profile auto grows", Versions::Newest, Claim::NODE) else {
        return;
    };
    let policy = NoBpf::on(&lab, lab.node());
    let jobs = watch_jobs(&lab);
    let mut session = lab.pulse_here(&["--for", "10m", "-o", "json", "-v"]);
    let attached = session.listens_on(&lab.nodes()).remove(0);
    println!("auto: {}", attached.json["message"]);
    let why = session.event("probe-restarting", Duration::from_secs(1));
    println!("auto: {}", why.json["message"]);
    let message = why.json["message"].as_str().unwrap_or_default();
    assert!(message.contains("not permitted"), "{message}");
    let said = session.wait_for_words("with profile sysadmin", Duration::from_secs(1));
    println!("auto: {}", said.text);
    assert!(said.text.contains("bpf was refused"), "{}", said.text);
    assert!(attached.json["leads"].to_string().contains("conduction"), "{}", attached.text);
    let asked = capabilities(&jobs, lab.node());
    println!("asked for: {asked:?}");
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(!asked[0].contains("SYS_ADMIN") && asked[1].contains("SYS_ADMIN"), "{asked:?}");
    session.signal(libc::SIGINT);
    let ended = session.end();
    drop(policy);
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    ended.assert_contract();
    lab.assert_nothing_left(ended.at);
}

/// Follows the Jobs of sessions from now on.
fn watch_jobs(lab: &Lab) -> Session {
    let label = "app.kubernetes.io/managed-by=kubectl-earthworm";
    let arguments = ["get", "jobs", "-A", "-l", label, "--watch", "-o", SEEN];
    let session = Session::start(lab.sandbox.kubectl(arguments).unwrap());
    // The watch's request must be there before the first Job is.
    std::thread::sleep(Duration::from_secs(1));
    session
}

/// What the Jobs for the node asked for, each set once, in order. News of the
/// first one may come late, when there is a second.
fn capabilities(jobs: &Session, node: &str) -> Vec<String> {
    let mut asked = Vec::new();
    for line in jobs.lines() {
        if let Some(set) = line.text.strip_prefix(node)
            && !asked.iter().any(|known| known == set)
        {
            asked.push(set.to_owned());
        }
    }
    asked
}
