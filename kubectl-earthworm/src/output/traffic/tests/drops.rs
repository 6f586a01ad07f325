//! Dropped packets, as text and as data.

use super::*;
use crate::traffic::SortBy;

const DROPS: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 node-a creating
    0 node-a streaming
    0 node-a owner 1 shop/web-1
    0 node-a owner 2 *
    0 node-a sweep
    1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=11 bytes=11308
    1 node-a drop 1 NO_SOCKET 10.0.0.5 10.0.0.2:9000 proto=17 packets=2 bytes=80
    1 node-a sweep 2
    2 node-a drop 1 NETFILTER_DROP 10.0.0.1 10.0.0.2:80 proto=6 packets=3 bytes=180
    2 node-a drop 2 evil\u{1b}[2J\u{202e} 2001:db8::7 [2001:db8::9]:0 proto=58 packets=1 bytes=84
    2 node-a drop 2 0x20001 10.0.0.5 10.0.0.2:0 proto=132 packets=1 bytes=84
    2 node-a drop 1 NOT_SPECIFIED * packets=900 bytes=36000
    2 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=4 bytes=4112
    2 node-a sweep 2
    4 node-a removed
";

fn render_drops(format: Format) -> (String, String) {
    let query = Query { sort: SortBy::Packets, ..query(View::Drops) };
    render_played(format, &play(DROPS), &query)
}

#[test]
fn table_of_drops() {
    insta::assert_snapshot!(both(render_drops(Format::Table)));
}

#[test]
fn wide_table_of_drops() {
    insta::assert_snapshot!(render_drops(Format::Wide).0);
}

#[test]
fn drops_as_data() {
    let (out, err) = render_drops(Format::Json);
    assert_eq!(err, "", "in JSON everything is data");
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for line in out.lines() {
        let mut object: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&object).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{object:#}\n{errors:#?}");
        for pointer in ["", "/items/0", "/items/0/where", "/items/0/sinceStart", "/dropped"] {
            let Some(Value::Object(fields)) = object.pointer_mut(pointer) else { continue };
            fields.insert("surprise".into(), Value::from(1));
            assert!(!validator.is_valid(&object), "{pointer} in {object:#}");
            object = serde_json::from_str(line).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn every_field_of_drops_is_produced() {
    let out = render_drops(Format::Json).0;
    let list: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    let keys = |object: &Value| -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    };
    let schema = schema();
    let mut fields = keys(&schema["$defs"]["dropList"]["properties"]);
    // Only when there was no room.
    fields.remove("other");
    assert_eq!(fields, keys(&list));
    let items: BTreeSet<String> = list["items"].as_array().unwrap().iter().flat_map(keys).collect();
    assert_eq!(keys(&schema["$defs"]["drop"]["properties"]), items);
}

#[test]
fn what_found_no_room_has_a_line() {
    let told = play(DROPS);
    let unplaced = earthworm_wire::flow::Amount { packets: 7, bytes: 2048 };
    let listing = Listing { unplaced, ..Listing::default() };
    let nodes: Vec<NodeId> = told.observer.nodes().cloned().collect();
    let of = (&nodes[0], told.observer.ledger.last(0).unwrap());
    let text = |format| {
        let mut out = Vec::new();
        let mut sink = traffic_sink(format, &mut out, Vec::new(), &nodes[..1], PLAIN);
        sink.told(&Told { view: View::Drops, listing: &listing, of: Some(of) }).unwrap();
        std::mem::drop(sink);
        String::from_utf8(out).unwrap()
    };
    let table = text(Format::Table);
    assert!(table.lines().last().unwrap().starts_with("<other>"), "{table}");
    assert!(table.contains("7        2.0KiB"), "{table}");
    let object: Value = serde_json::from_str(&text(Format::Json)).unwrap();
    assert_eq!(object["other"], serde_json::json!({ "packets": 7, "bytes": 2048 }));
    assert!(jsonschema::validator_for(&schema()).unwrap().is_valid(&object), "{object:#}");
}

#[test]
fn a_drop_in_words() {
    let told = play(DROPS);
    let query = Query { sort: SortBy::Packets, ..query(View::Drops) };
    let rows = told.observer.ledger.listing(&query).rows;
    let words: Vec<String> = rows.iter().map(|row| detail(row).join("\n")).collect();
    insta::assert_snapshot!(words.join("\n\n"));
}

#[test]
fn no_format_lets_the_terminal_obey_a_reason() {
    for format in [Format::Table, Format::Wide, Format::Json, Format::Yaml] {
        let (out, err) = render_drops(format);
        assert!(out.contains("evil") && out.contains("NO_SOCKET"), "{out}");
        for character in [out, err].concat().chars().filter(|&character| character != '\n') {
            assert!(
                !character.is_control() && character != '\u{202e}',
                "{character:?} in {format:?}"
            );
        }
    }
    assert!(render_drops(Format::Yaml).0.contains("kind: DropList"));
}
