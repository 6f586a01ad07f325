//! The JSON contract: every line of `-o json` against the published schema.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

const SCHEMA: &str = include_str!("../../docs/schema/earthworm.v1.json");

/// Fails unless the schema takes the object.
///
/// # Panics
/// With the object and what is wrong with it.
pub fn assert_fits_schema(object: &Value) {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    let errors: Vec<String> =
        validator.iter_errors(object).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{object:#} breaks the schema: {errors:#?}");
}
