//! `top dns` on a real node: a pod asks the cluster's DNS server a known number
//! of questions, of names that exist and of names that do not.

use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::pods::{Pods, WAIT, Wanted};
use earthworm_tests::session::{Line, Session};
use serde_json::Value;
use xtask::cluster::options::DNS_ADDRESS;

/// Until a probe has told its first interval, and until it has told what was asked.
const SHOWN: Duration = Duration::from_secs(40);

const KNOWN: u64 = 7;
const UNKNOWN: u64 = 4;

fn items(line: &Line) -> &[Value] {
    line.json["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Answers with a code, in what follows a pointer of an item.
fn answers(counts: &Value, name: &str) -> u64 {
    let answers = counts["answers"].as_array().unwrap().iter();
    answers.filter(|one| one["name"] == name).map(|one| one["count"].as_u64().unwrap()).sum()
}

#[test]
fn questions_are_counted_one_by_one_with_their_answers() {
    let Some(lab) = Lab::enter("top dns", Versions::All, Claim::NODE.taking(30)) else { return };
    let pods = Pods::new(&lab);
    let client = pods.start(&Wanted::new("asker", lab.node(), &WAIT));
    let bystander = pods.start(&Wanted::new("bystander", lab.node(), &WAIT));

    let command = ["top", "dns", lab.node(), "--pod", &client.name];
    let flags = ["--interval", "500ms", "-o", "json"];
    let mut session = Session::start(lab.plugin(&[&command[..], &flags].concat()));
    let list = |line: &Line| (line.kind() == "DnsList").then(|| line.clone());
    let first = session.wait_for("interval", SHOWN, list);
    assert!(items(&first).is_empty(), "{}", first.text);
    // One question each: only addresses of version 4, and no search list.
    let ask = |count: u64, name: &str| {
        format!("for i in $(seq {count}); do nslookup -type=a {name} {DNS_ADDRESS} || true; done; ")
    };
    let known = ask(KNOWN, "kubernetes.default.svc.cluster.local.");
    let unknown = ask(UNKNOWN, "nobody.default.svc.cluster.local.");
    let heard = pods.exec(&bystander, &["sh", "-c", &format!("({known}) 2>&1")]);
    assert!(!heard.contains("NXDOMAIN"), "{heard}");
    let heard = pods.exec(&client, &["sh", "-c", &format!("({known}{unknown}) 2>&1")]);
    assert!(heard.contains("NXDOMAIN"), "{heard}");
    let told = session.wait_for("every answer", SHOWN, |line| {
        let since_start = |item: &Value| {
            let counts = &item["sinceStart"];
            answers(counts, "NOERROR") + answers(counts, "NXDOMAIN")
        };
        let told: u64 = items(line).iter().map(since_start).sum();
        list(line).filter(|_| told >= KNOWN + UNKNOWN)
    });
    session.signal(libc::SIGINT);
    let ended = session.end();
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    ended.assert_contract();

    println!("{}", told.text);
    let [item] = items(&told) else { panic!("not one item: {}", told.text) };
    let since_start = &item["sinceStart"];
    assert_eq!(answers(since_start, "NOERROR"), KNOWN, "{item:#}");
    assert_eq!(answers(since_start, "NXDOMAIN"), UNKNOWN, "{item:#}");
    assert_eq!(since_start["queries"], KNOWN + UNKNOWN, "{item:#}");
    assert_eq!(since_start["timeouts"], 0, "{item:#}");
    assert_eq!(since_start["latency"]["answers"], KNOWN + UNKNOWN, "{item:#}");
    assert_eq!(item["client"]["pod"], client.name.as_str(), "{item:#}");
    assert_eq!(item["server"]["service"]["name"], "kube-dns", "{item:#}");
    assert_eq!(item["server"]["address"], DNS_ADDRESS.to_string(), "{item:#}");
    // What was told interval by interval adds up to the same, and stays so.
    let lists = ended.lines.iter().filter(|line| line.kind() == "DnsList");
    let each: u64 = lists.flat_map(items).map(|item| item["queries"].as_u64().unwrap()).sum();
    assert_eq!(each, KNOWN + UNKNOWN);
    let summary = ended.lines.iter().find(|line| line.kind() == "FlowSummary").unwrap();
    assert_eq!(summary.json["nothingLeftBehind"], true);
    drop(pods);
    lab.assert_nothing_left(ended.at);
}
