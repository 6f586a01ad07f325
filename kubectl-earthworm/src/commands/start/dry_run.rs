//! `--dry-run`: the objects of a session, as they would be created.

use super::ObjectFormat;
use crate::cluster::nodes::{Missing, NodeFacts};
use crate::cluster::session::{Context, manifests};
use crate::exit::Exit;
use crate::signal::Problem;
use serde_json::Value;

/// Prints the objects as YAML documents, or as one JSON List.
pub(super) async fn print(
    context: &Context,
    nodes: &[NodeFacts],
    missing: Vec<Missing>,
    format: ObjectFormat,
) -> Result<Exit, Problem> {
    if let Some((_, problem)) = missing.into_iter().next() {
        return Err(problem);
    }
    let objects = manifests(context, nodes).await?;
    let failed = |error: &dyn std::fmt::Display| Problem {
        reason: "output",
        message: format!("cannot print the objects: {error}"),
        hint: None,
    };
    let text = match format {
        ObjectFormat::Json => {
            let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            let mut text = serde_json::to_string_pretty(&list).map_err(|error| failed(&error))?;
            text.push('\n');
            text
        }
        ObjectFormat::Name => objects.iter().map(name).collect(),
        ObjectFormat::Yaml => {
            let documents: Result<Vec<String>, _> =
                objects.iter().map(serde_saphyr::to_string).collect();
            documents.map_err(|error| failed(&error))?.join("---\n")
        }
    };
    crate::output::raw(text.as_bytes()).map_err(|error| failed(&error))?;
    Ok(Exit::Healthy)
}

/// As `kubectl -o name` prints it.
fn name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/'));
    let group = group.map(|(group, _)| format!(".{group}")).unwrap_or_default();
    format!("{kind}{group}/{}\n", object["metadata"]["name"].as_str().unwrap_or_default())
}
