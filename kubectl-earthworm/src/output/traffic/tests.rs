//! Intervals in, text out.

mod dns;
mod drops;

use super::*;
use crate::naming::{Endpoint, Workload};
use crate::output::Style;
use crate::rhythm::tests::notation::stamp;
use crate::traffic::tests::notation::{Play, play, query};
use crate::traffic::{News, Observer, Query, Subject};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

const SHOP: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 name pod data/redis-0 10.0.1.3 node-b
    0 name service shop/web 10.96.0.1
    0 node-a creating
    0 node-a streaming
    0 node-b creating
    0 node-b failed
    0 node-a owner 1 shop/client-1 curl
    0 node-a owner 2 shop/web-1 nginx
    0 node-a owner 3 evil\u{1b}[2J\u{202e}
    0 node-a owner 4 shop/web-1 proxy
    0 node-a sweep missing=UDP
    1 node-a 1 > 10.96.0.1:80 peer=2 backend=10.0.0.2:8080 sent=1000 received=9000000 open=2 rtt=200 again=1 peeragain=2
    1 node-a 2 > 10.0.1.3:6379 local=10.0.0.2 sent=40960 received=6000 open=9 older=4 rtt=900 again=5 opened=12 closed=3 refused=1 failed=2 reset=1
    1 node-a 4 > 10.0.1.3:6379 local=10.0.0.3 sent=40 received=60 open=1
    1 node-a 2 > 10.96.0.10:53 udp sent=300 received=300
    1 node-a 3 > 192.0.2.10:6443 sent=500 received=600 open=1 rtt=300
    1 node-a sweep 2 ended=3
    2 node-a broke
    3 node-a resumed
    3 node-a cost
    3 node-a sweep 2
    4 node-a removed
    4 node-b removed
";

const PLAIN: Options = Options { headers: true, out: Style::PLAIN, err: Style::PLAIN };

/// What a script becomes in a format: data and lines for people.
fn render(format: Format, view: View, rows: Option<usize>) -> (String, String) {
    render_played(format, &play(SHOP), &Query { rows, ..query(view) })
}

fn render_played(format: Format, play: &Play, query: &Query) -> (String, String) {
    let nodes: Vec<NodeId> = play.observer.nodes().cloned().collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    {
        let mut sink = traffic_sink(format, &mut out, &mut err, &nodes, PLAIN);
        for news in &play.news {
            if let News::Finding(finding) = news {
                sink.finding(finding).unwrap();
            }
        }
        tell(sink.as_mut(), &play.observer, query);
        sink.finish(&play.observer.summaries(stamp(play.end))).unwrap();
    }
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn tell(sink: &mut dyn TrafficSink, observer: &Observer, query: &Query) {
    let of = sink
        .is_per_node()
        .then(|| (observer.nodes().next().unwrap(), observer.ledger.last(0).unwrap()));
    let mut listing = observer.ledger.listing(query);
    for row in &mut listing.rows {
        if let Subject::Flow(flow) = &mut row.subject {
            belong(&mut flow.source.endpoint);
        } else if let Subject::Drop(drop) = &mut row.subject {
            belong(&mut drop.place);
        } else if let Subject::Dns(dns) = &mut row.subject {
            belong(&mut dns.client);
        } else if let Subject::Pod(pod) = &mut row.subject {
            belong(pod);
        }
    }
    sink.told(&Told { view: query.view, listing: &listing, of }).unwrap();
}

/// The notation knows no workloads.
fn belong(end: &mut Arc<Endpoint>) {
    if &*end.name == "web-1" {
        let workload = Workload { kind: "Deployment".into(), name: "web".into() };
        *end = Arc::new(Endpoint { workload: Some(workload), ..Endpoint::clone(end) });
    }
}

fn both((out, err): (String, String)) -> String {
    format!("{out}--- stderr ---\n{err}")
}

#[test]
fn table_of_flows() {
    insta::assert_snapshot!(both(render(Format::Table, View::Flows, None)));
}

#[test]
fn wide_table_of_flows() {
    insta::assert_snapshot!(render(Format::Wide, View::Flows, Some(3)).0);
}

#[test]
fn tables_of_the_other_views() {
    let views = [View::Pods, View::Services, View::Namespaces, View::Ports];
    let tables = views.map(|view| render(Format::Table, view, None).0);
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn one_header_for_all_intervals() {
    let play = play(SHOP);
    let nodes: Vec<NodeId> = play.observer.nodes().take(1).cloned().collect();
    let mut out = Vec::new();
    {
        let mut sink = traffic_sink(Format::Table, &mut out, Vec::new(), &nodes, PLAIN);
        for rows in [1, 2] {
            tell(sink.as_mut(), &play.observer, &Query { rows: Some(rows), ..query(View::Ports) });
        }
    }
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("PORT  PROTOCOL  SENT") && lines[2].is_empty(), "{text}");
}

#[test]
fn rows_that_are_left_out_are_spoken_of() {
    let (_, err) = render(Format::Table, View::Flows, Some(2));
    assert!(err.contains("2 of 4 rows; see more with --top."), "{err}");
}

#[test]
fn nothing_from_outside_reaches_the_terminal_unescaped() {
    for format in [Format::Table, Format::Wide, Format::Json, Format::Yaml] {
        let (out, err) = render(format, View::Flows, None);
        assert!(out.contains("evil"), "{out}");
        for character in [out, err].concat().chars().filter(|&character| character != '\n') {
            assert!(
                !character.is_control() && character != '\u{202e}',
                "{character:?} in {format:?}"
            );
        }
    }
}

#[test]
fn one_object_per_node_and_interval() {
    let (out, err) = render(Format::Json, View::Flows, None);
    assert_eq!(err, "", "in JSON everything is data");
    insta::assert_snapshot!(out);
}

fn objects() -> Vec<Value> {
    let views = [View::Flows, View::Pods, View::Services, View::Namespaces, View::Ports];
    let texts = views.map(|view| render(Format::Json, view, None).0);
    texts
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/schema/earthworm.v1.json")).unwrap()
}

#[test]
fn every_object_fits_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for mut object in objects() {
        let errors: Vec<String> =
            validator.iter_errors(&object).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{object:#}\n{errors:#?}");
        object["surprise"] = Value::from(1);
        assert!(!validator.is_valid(&object), "{object:#}");
    }
}

#[test]
fn every_kind_and_every_field_is_produced() {
    let schema = schema();
    let objects = objects();
    for (name, kind) in
        [("flowList", "FlowList"), ("trafficList", "TrafficList"), ("flowSummary", "FlowSummary")]
    {
        let of_kind = || objects.iter().filter(|object| object["kind"] == kind);
        let keys = |object: &Value| -> Vec<String> {
            object.as_object().unwrap().keys().cloned().collect()
        };
        let produced: BTreeSet<String> = of_kind().flat_map(keys).collect();
        let fields = &schema["$defs"][name]["properties"];
        // Only when something was forgotten.
        let fields: BTreeSet<String> =
            keys(fields).into_iter().filter(|field| field != "other").collect();
        assert_eq!(fields, produced, "{kind}");
    }
    let items = objects.iter().filter(|object| object["kind"] == "FlowList");
    let ends: BTreeSet<String> = items
        .flat_map(|list| list["items"].as_array().unwrap())
        .flat_map(|item| [&item["source"], &item["destination"]])
        .flat_map(|end| end.as_object().unwrap().keys().cloned())
        .collect();
    let fields = schema["$defs"]["endpoint"]["properties"].as_object().unwrap();
    assert_eq!(fields.keys().cloned().collect::<BTreeSet<_>>(), ends);
}
