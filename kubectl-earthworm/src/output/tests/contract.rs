//! The contract of `-o json`, held by its schema.

use super::*;
use crate::rhythm::Class;
use serde_json::Value;
use std::collections::BTreeSet;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/schema/earthworm.v1.json")).unwrap()
}

fn objects() -> Vec<Value> {
    let lines = SCRIPTS.map(|script| render(Format::Json, PLAIN, &[script]).0);
    let partition = crate::rhythm::tests::PARTITION;
    let api_only = render_played(Format::Json, PLAIN, &[without_probe(partition)]).0;
    let lines = lines.iter().chain([&api_only]).flat_map(|lines| lines.lines());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_object_fits_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for object in objects() {
        let errors: Vec<String> =
            validator.iter_errors(&object).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{object:#}\n{errors:#?}");
    }
}

#[test]
fn every_kind_and_every_field_is_produced() {
    let schema = schema();
    let objects = objects();
    for (name, kind) in [
        ("beat", "Beat"),
        ("rhythm", "Rhythm"),
        ("event", "Event"),
        ("problem", "Problem"),
        ("summary", "Summary"),
    ] {
        let fields = schema["$defs"][name]["properties"].as_object().unwrap();
        let produced: BTreeSet<&String> = objects
            .iter()
            .filter(|object| object["kind"] == kind)
            .flat_map(|object| object.as_object().unwrap().keys())
            .collect();
        assert_eq!(fields.keys().collect::<BTreeSet<_>>(), produced, "{kind}");
    }
}

#[test]
fn unknown_fields_and_wrong_kinds_are_rejected() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for mut object in objects() {
        let good = object.clone();
        object["surprise"] = Value::from(1);
        assert!(!validator.is_valid(&object), "{object:#}");
        object = good.clone();
        object["kind"] = Value::from("Flow");
        assert!(!validator.is_valid(&object), "{object:#}");
        for nested in ["diagnosis", "beats", "cost", "probe", "source", "segmentsSeconds"] {
            object = good.clone();
            if object.get(nested).is_some() {
                object[nested]["surprise"] = Value::from(1);
                assert!(!validator.is_valid(&object), "{object:#}");
            }
        }
    }
}

#[test]
fn the_schema_knows_every_class() {
    let names: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
    assert_eq!(schema()["$defs"]["class"]["enum"], serde_json::json!(names));
    assert!(Class::ALL.is_sorted(), "from the least to the most alarming");
}

#[test]
fn one_object_per_line() {
    let (out, err) = render(Format::Json, PLAIN, &[HEALTHY]);
    assert_eq!(err, "", "in JSON everything is data");
    insta::assert_snapshot!(out);
}
