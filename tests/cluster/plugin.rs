//! The binary as a plugin of kubectl, and the flags that it shares with it.

use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::rights::{Grant, Right};
use earthworm_tests::session::{Ended, Session};
use serde_json::{Value, json};

/// A node, and a user who may be given rights.
const CLAIM: Claim = Claim::NODE.and_user();

#[test]
fn kubectl_runs_it_and_completes_it() {
    let Some(lab) = Lab::enter("plugin of kubectl", Versions::All, Claim::NODE) else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["kubectl-earthworm", "kubectl_complete-earthworm"] {
        symlink(lab.binary(), folder.path().join(name)).unwrap();
    }
    let kubectl = |arguments: &[&str]| {
        let mut command = lab.sandbox.kubectl(arguments).unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", folder.path().display()));
        command
    };
    let node = format!("node/{}", lab.node());
    let session =
        Session::start(kubectl(&["earthworm", "pulse", lab.node(), "--for", "12s", "-o", "name"]));
    let ended = session.end();
    assert_eq!(ended.out_text().matches(&node).count(), 1, "{}", ended.error_text());
    lab.assert_nothing_left(ended.at);

    let complete = |words: &[&str]| {
        let output = kubectl(&[&["__complete", "earthworm"], words].concat()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("kubectl earthworm {} <TAB>: {}", words.join(" "), text.replace('\n', " "));
        text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let has = |words: &[&str], wanted: &[&str]| {
        let found = complete(words);
        for name in wanted {
            assert!(found.iter().any(|one| one == name), "{name} is not in {found:?}");
        }
        found
    };
    has(&["pulse", ""], &["node-a", "node-b"]);
    assert!(!has(&["pulse", "node-b"], &["node-b"]).contains(&"node-a".to_owned()));
    has(&["pulse", "node-a", "--context", ""], &["admin@earthworm-sandbox"]);
    has(&["pulse", "node-a", "--namespace", ""], &["default", "kube-system"]);
    has(&["pulse", "node-a", "--probe-namespace", "kube-"], &["kube-system"]);
    has(&["pul"], &["pulse"]);
}

#[test]
fn the_objects_of_a_dry_run_are_accepted() {
    let Some(lab) = Lab::enter("dry run", Versions::Newest, Claim::NODE) else { return };
    let output = lab.plugin(&["pulse", lab.node(), "--dry-run", "-o", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let mut list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut kinds = Vec::new();
    for object in list["items"].as_array_mut().unwrap() {
        kinds.push(object["kind"].as_str().unwrap().to_owned());
        // Known only after creation, and too large to print.
        if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
            owners.iter_mut().for_each(|owner| owner["uid"] = json!("0-0-0-0"));
        }
        if let Some(files) = object["binaryData"].as_object_mut() {
            files.values_mut().for_each(|content| *content = json!(""));
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, ["ConfigMap", "Job", "Secret"]);
    let apply = lab.sandbox.kubectl(["apply", "--dry-run=server", "--filename=-"]).unwrap();
    let applied = feed(apply, &list.to_string());
    println!("{}", String::from_utf8_lossy(&applied.stdout));
    assert!(applied.status.success(), "{}", words(&applied));
    // As YAML it is for people; kubectl reads it all the same.
    let output = lab.plugin(&["pulse", lab.node(), "--dry-run"]).output().unwrap();
    let create = ["create", "--dry-run=client", "--filename=-", "--output=name"];
    let read = feed(lab.sandbox.kubectl(create).unwrap(), &String::from_utf8_lossy(&output.stdout));
    println!("{}", String::from_utf8_lossy(&read.stdout));
    assert!(
        String::from_utf8_lossy(&read.stdout)
            .contains(&format!("job.batch/earthworm-{}-", lab.node()))
    );
    lab.assert_nothing_left(std::time::Instant::now());
}

#[test]
fn impersonation_and_another_namespace() {
    let Some(lab) = Lab::enter("--as, --as-group, --probe-namespace", Versions::Newest, CLAIM)
    else {
        return;
    };
    let ended = lab.pulse_here(&["--for", "1s", "--as", lab.user()]).end();
    assert_eq!(ended.code, Some(2));
    let refused = format!("user {} may not", lab.user());
    assert!(ended.error_text().contains(&refused), "{}", ended.error_text());
    let masters = ["--as", lab.user(), "--as-group", "system:masters"];
    let elsewhere = ["--probe-namespace", "kube-public"];
    let start = ["--for", "10m", "-o", "json"];
    let mut session = lab.pulse_here(&[&start[..], &masters, &elsewhere].concat());
    session.listens_on(&lab.nodes());
    let there = lab.objects();
    let pods = lab.kubectl(&["get", "pods", "--namespace", "kube-public", "--output=name"]);
    assert!(pods.contains(&format!("pod/earthworm-{}-", lab.node())), "{pods} of {there:?}");
    session.signal(libc::SIGINT);
    let ended = session.end();
    lab.assert_nothing_left(ended.at);
}

#[test]
fn leases_alone_need_rights_on_leases_alone() {
    let Some(lab) = Lab::enter("--no-probe", Versions::Newest, CLAIM.taking(30)) else { return };
    let rights = [Right {
        verbs: "list,watch",
        resource: "leases.coordination.k8s.io",
        namespace: Some("kube-node-lease"),
    }];
    let grant = Grant::give(&lab, lab.user(), &rights);
    let ended = no_probe(&lab);
    drop(grant);
    println!("--no-probe: {:?}\n{}", ended.code, ended.error_text());
    let beats = ended.lines.iter().filter(|line| line.json["lead"] == "api").count();
    assert!(beats >= 2, "{beats} beats:\n{}{}", ended.out_text(), ended.error_text());
    assert_eq!(ended.code, Some(0), "{}", ended.error_text());
    ended.assert_contract();
    lab.assert_nothing_left(ended.at);
}

fn no_probe(lab: &Lab) -> Ended {
    let arguments = ["pulse", lab.node(), "--no-probe", "--for", "22s", "-o", "json"];
    Session::start(lab.plugin_as(lab.user(), &arguments)).end_within(Duration::from_secs(60))
}

fn feed(mut command: Command, text: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut input, text.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
