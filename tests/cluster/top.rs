//! `top` on a real node: rows with names, one table or object per interval, the
//! live table, and an end that leaves nothing.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::pty::Terminal;
use earthworm_tests::session::{Ended, Session};
use serde_json::{Value, json};

/// Until a probe has told its first interval.
const SHOWN: Duration = Duration::from_secs(40);

fn top(lab: &Lab, view: &str, flags: &[&str]) -> Command {
    lab.plugin(&[&["top", view], &lab.nodes()[..], flags].concat())
}

fn of_kind<'a>(ended: &'a Ended, kind: &str) -> Vec<&'a Value> {
    ended.lines.iter().filter(|line| line.kind() == kind).map(|line| &line.json).collect()
}

/// Whatever else runs there: a kubelet talks to its API server all the time.
fn talks_to_the_api_server(flow: &Value) -> bool {
    let ends = [&flow["source"], &flow["destination"]];
    ends.iter().any(|end| end["name"] == "kubelet")
        && ends.iter().any(|end| end["kind"] == "api-server")
}

#[test]
fn one_interval_as_data() {
    let Some(lab) = Lab::enter("top --once", Versions::All, Claim::NODE) else { return };
    let ended = Session::start(top(&lab, "flows", &["--once", "-o", "json"])).end();
    println!("top flows --once: exit code {:?} after {:?}", ended.code, ended.took);
    assert_eq!(ended.code, Some(0), "{}", ended.error_text());
    ended.assert_contract();
    let lists = of_kind(&ended, "FlowList");
    assert_eq!(lists.len(), 1, "{}", ended.out_text());
    assert_eq!(lists[0]["node"], lab.node());
    let items = lists[0]["items"].as_array().unwrap();
    // The session's own stream runs through the kubelet.
    assert!(items.iter().any(talks_to_the_api_server), "{}", ended.out_text());
    let summaries = of_kind(&ended, "FlowSummary");
    assert_eq!(summaries.len(), 1, "{}", ended.out_text());
    assert_eq!(summaries[0]["intervals"], 1);
    assert_eq!(summaries[0]["nothingLeftBehind"], true);
    assert_eq!(summaries[0]["exitCode"], 0);
    lab.assert_nothing_left(ended.at);
}

#[test]
fn intervals_add_up_to_what_there_is_since_the_start() {
    let Some(lab) = Lab::enter("top --for", Versions::Newest, Claim::NODE) else { return };
    let flags = ["--for", "4s", "--interval", "500ms", "-o", "json"];
    let ended = Session::start(top(&lab, "ports", &flags)).end_within(Duration::from_secs(60));
    assert_eq!(ended.code, Some(0), "{}", ended.error_text());
    ended.assert_contract();
    let lists = of_kind(&ended, "TrafficList");
    println!("top ports --for 4s --interval 500ms: {} lists", lists.len());
    assert!(lists.len() >= 4, "{}", ended.out_text());
    let mut ports: BTreeMap<u64, (Value, Value)> = BTreeMap::new();
    for item in lists.iter().flat_map(|list| list["items"].as_array().unwrap()) {
        let port = item["port"].as_u64().unwrap();
        let (sum, last) = ports.entry(port).or_insert((json!([0, 0]), Value::Null));
        let bytes = [item["bytes"]["sent"].as_u64(), item["bytes"]["received"].as_u64()];
        *sum = json!([
            sum[0].as_u64().unwrap() + bytes[0].unwrap(),
            sum[1].as_u64().unwrap() + bytes[1].unwrap()
        ]);
        let since = &item["sinceStart"]["bytes"];
        *last = json!([since["sent"], since["received"]]);
    }
    println!("bytes by port: {ports:?}");
    assert!(!ports.is_empty(), "{}", ended.out_text());
    for (port, (sum, last)) in ports {
        assert_eq!(sum, last, "port {port}");
    }
    lab.assert_nothing_left(ended.at);
}

#[test]
fn a_filter_that_fits_nothing_is_refused() {
    let Some(lab) = Lab::enter("top, bad filters", Versions::Newest, Claim::NODE) else { return };
    for (flags, words) in [
        (vec!["-n", "no-such"], vec!["namespace \"no-such\" has no pods", "kubectl get pods -A"]),
        (vec!["--pod", "no-such"], vec!["no namespace has a pod \"no-such\""]),
        (
            vec!["-n", "kube-system", "--pod", "no-such"],
            vec!["no-such", "kubectl get pods -n kube-system"],
        ),
    ] {
        let ended = Session::start(top(&lab, "flows", &[&["--once"], &flags[..]].concat())).end();
        let text = ended.error_text();
        println!("{}: exit code {:?}\n{text}", flags.join(" "), ended.code);
        assert_eq!((ended.code, ended.out_text().as_str()), (Some(2), ""));
        for word in words {
            assert!(text.contains(word), "{word:?} is not in\n{text}");
        }
    }
    lab.assert_nothing_left(std::time::Instant::now());
}

#[test]
fn an_interrupted_stream_of_tables_ends_clean() {
    let Some(lab) = Lab::enter("top interrupted", Versions::Newest, Claim::NODE) else { return };
    let mut session = Session::start(top(&lab, "flows", &["--interval", "500ms"]));
    let header =
        |line: &earthworm_tests::session::Line| line.text.contains("SOURCE").then(|| line.clone());
    session.wait_for("table", SHOWN, header);
    session.signal(libc::SIGINT);
    let ended = session.end();
    assert_eq!(ended.code, Some(130), "{}", ended.error_text());
    assert_eq!(ended.out_text().matches("SOURCE").count(), 1, "{}", ended.out_text());
    assert!(ended.error_text().contains("Nothing left behind"), "{}", ended.error_text());
    lab.assert_nothing_left(ended.at);
}

#[test]
fn the_live_table_comes_and_goes() {
    let Some(lab) = Lab::enter("top on the screen", Versions::Newest, Claim::NODE) else { return };
    let mut terminal = Terminal::whole(top(&lab, "flows", &["--interval", "500ms"]));
    // The blanks between words are not drawn.
    terminal.wait_for("SOURCE", SHOWN);
    // A row, and not a word about the kubelet that starts the probe.
    terminal.wait_for("default/kubernetes", SHOWN);
    terminal.press(b"s");
    terminal.wait_for("packets", SHOWN);
    terminal.press(b"/kubelet\r");
    terminal.wait_for("\"kubelet\"", SHOWN);
    terminal.press(b"q");
    let left = terminal.end_within(SHOWN);
    println!("q: exit code {:?}, settings restored: {}", left.code, left.restored);
    assert_eq!(left.code, Some(0), "{:?}", left.shown);
    assert!(left.restored && left.has_cursor(), "{:?}", left.shown);
    assert!(left.shown.rfind("\x1b[?1049l") > left.shown.rfind("\x1b[?1049h"));
    assert!(left.shown.contains("Nothing left behind"), "{:?}", left.shown);
    lab.assert_nothing_left(left.at);
}
