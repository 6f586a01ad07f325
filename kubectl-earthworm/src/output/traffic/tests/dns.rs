//! Questions to DNS servers, as text and as data.

use super::*;
use crate::traffic::SortBy;

const DNS: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 name service kube-system/kube-dns 10.96.0.10
    0 node-a creating
    0 node-a streaming
    0 node-a owner 1 shop/web-1
    0 node-a owner 2 *
    0 node-a owner 3 evil\u{1b}[2J\u{202e}
    0 node-a sweep
    1 node-a dns 1 10.96.0.10 asked=40 silent=1 0=30x500 2=1x8200 3=5x100 5=2x90 14=1x90
    1 node-a sweep 2
    2 node-a dns 1 10.96.0.10 asked=3 0=3x700
    2 node-a dns 2 203.0.113.53 asked=4 silent=4
    2 node-a dns 3 2001:db8::53 asked=1 0=1x9000000
    2 node-a sweep 2
    4 node-a removed
";

fn render_dns(format: Format) -> (String, String) {
    let query = Query { sort: SortBy::Queries, ..query(View::Dns) };
    render_played(format, &play(DNS), &query)
}

#[test]
fn table_of_dns() {
    insta::assert_snapshot!(both(render_dns(Format::Table)));
}

#[test]
fn wide_table_of_dns() {
    insta::assert_snapshot!(render_dns(Format::Wide).0);
}

#[test]
fn dns_as_data() {
    let (out, err) = render_dns(Format::Json);
    assert_eq!(err, "", "in JSON everything is data");
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for line in out.lines() {
        let mut object: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&object).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{object:#}\n{errors:#?}");
        let item = "/items/0";
        for below in ["", "/client", "/sinceStart", "/sinceStart/answers/0", "/latency"] {
            let pointer = format!("{item}{below}");
            let Some(Value::Object(fields)) = object.pointer_mut(&pointer) else { continue };
            fields.insert("surprise".into(), Value::from(1));
            assert!(!validator.is_valid(&object), "{pointer} in {object:#}");
            object = serde_json::from_str(line).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn every_field_of_dns_is_produced() {
    let out = render_dns(Format::Json).0;
    let list: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    let keys = |object: &Value| -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    };
    let schema = schema();
    let mut fields = keys(&schema["$defs"]["dnsList"]["properties"]);
    // Only when there was no room.
    fields.remove("other");
    assert_eq!(fields, keys(&list));
    let items: BTreeSet<String> = list["items"].as_array().unwrap().iter().flat_map(keys).collect();
    assert_eq!(keys(&schema["$defs"]["dns"]["properties"]), items);
}

#[test]
fn what_found_no_room_has_a_line() {
    let told = play(DNS);
    let mut listing = Listing::default();
    listing.unplaced_dns.questions = 7;
    listing.unplaced_dns.answers.insert(3, 5);
    let nodes: Vec<NodeId> = told.observer.nodes().cloned().collect();
    let of = (&nodes[0], told.observer.ledger.last(0).unwrap());
    let text = |format| {
        let mut out = Vec::new();
        let mut sink = traffic_sink(format, &mut out, Vec::new(), &nodes[..1], PLAIN);
        sink.told(&Told { view: View::Dns, listing: &listing, of: Some(of) }).unwrap();
        std::mem::drop(sink);
        String::from_utf8(out).unwrap()
    };
    let table = text(Format::Table);
    let words: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words[..5], ["<other>", "<none>", "7", "0", "5"], "{table}");
    let object: Value = serde_json::from_str(&text(Format::Json)).unwrap();
    assert_eq!((&object["other"]["queries"]), &Value::from(7));
    assert!(jsonschema::validator_for(&schema()).unwrap().is_valid(&object), "{object:#}");
}

#[test]
fn dns_in_words() {
    let told = play(DNS);
    let query = Query { sort: SortBy::Queries, ..query(View::Dns) };
    let rows = told.observer.ledger.listing(&query).rows;
    let words: Vec<String> = rows.iter().map(|row| detail(row).join("\n")).collect();
    insta::assert_snapshot!(words.join("\n\n"));
}
