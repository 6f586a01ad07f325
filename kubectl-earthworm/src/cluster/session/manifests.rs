//! The objects of a session without creating them: `--dry-run`.

use super::{Context, create, prepare};
use crate::cluster::nodes::NodeFacts;
use crate::cluster::objects;
use crate::signal::Problem;

/// Every object that a session on these nodes would create, in the order of
/// creation. Owners' uids are empty: they exist only after creation. Payloads
/// appear by name and size in an annotation, not by their megabyte.
///
/// # Errors
/// The [`Problem`] of the first node that no probe could be started on.
pub async fn manifests(
    context: &Context,
    nodes: &[NodeFacts],
) -> Result<Vec<serde_json::Value>, Problem> {
    let encode = |object: Result<serde_json::Value, serde_json::Error>| {
        object.map_err(|error| Problem {
            reason: "output",
            message: format!("cannot encode an object: {error}"),
            hint: None,
        })
    };
    let mut objects = Vec::new();
    let mut payloads: Vec<String> = Vec::new();
    for (facts, prepared) in nodes.iter().zip(prepare::all(context, nodes).await) {
        let (ticket, _) = prepared?;
        let job = create::manifest(context, facts, &ticket)?;
        let owner = objects::owner(&job);
        let (secret, maps) = create::companions(context, facts, &ticket, owner)?;
        objects.push(encode(serde_json::to_value(&job))?);
        let mut secret = encode(serde_json::to_value(&secret))?;
        if let Some(tokens) = secret["stringData"].as_object_mut() {
            for token in tokens.values_mut() {
                *token = "<64 random hexadecimal digits>".into();
            }
        }
        objects.push(secret);
        for map in maps {
            let name = map.metadata.name.clone().unwrap_or_default();
            if payloads.contains(&name) {
                continue;
            }
            payloads.push(name);
            let mut shown = encode(serde_json::to_value(&map))?;
            if let Some(files) = shown["binaryData"].as_object_mut() {
                for (file, content) in files {
                    let bytes = map.binary_data.as_ref().and_then(|data| data.get(file));
                    let bytes = bytes.map_or(0, |content| content.0.len());
                    *content = format!("<{bytes} bytes>").into();
                }
            }
            objects.push(shown);
        }
    }
    Ok(objects)
}
