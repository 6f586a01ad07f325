//! What a Job owns: payload and tokens.

use super::{BYPASS_TOKEN, SESSION_TOKEN, text_map};
use crate::cluster::names::{SessionId, payload_name};
use crate::payload::Part;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// What opens one probe, in hexadecimal.
#[derive(Clone)]
pub struct Tokens {
    /// The stream.
    pub session: String,
    /// The way around the kubelet, if there is one.
    pub bypass: Option<String>,
}

/// The ConfigMaps that carry the payload, one per part.
#[must_use]
pub fn payload(
    session: &SessionId,
    namespace: &str,
    hash: &str,
    generation: u32,
    parts: &[Part<'_>],
    owners: &[OwnerReference],
) -> Vec<ConfigMap> {
    parts
        .iter()
        .zip(payload_names(session, hash, generation, parts.len()))
        .map(|(part, name)| ConfigMap {
            metadata: owned(session, namespace, name, owners),
            binary_data: Some(
                part.files
                    .iter()
                    .map(|(name, bytes)| (name.clone(), ByteString(bytes.to_vec())))
                    .collect(),
            ),
            immutable: Some(true),
            ..Default::default()
        })
        .collect()
}

/// Names of the ConfigMaps that [`payload`] makes.
#[must_use]
pub fn payload_names(
    session: &SessionId,
    hash: &str,
    generation: u32,
    parts: usize,
) -> Vec<String> {
    (0..parts).map(|part| format!("{}-{generation}", payload_name(session, hash, part))).collect()
}

/// The Secret with one probe's tokens.
#[must_use]
pub fn secret(
    session: &SessionId,
    namespace: &str,
    name: &str,
    tokens: &Tokens,
    owner: OwnerReference,
) -> Secret {
    let mut files = text_map(&[(SESSION_TOKEN, &tokens.session)]);
    if let Some(bypass) = &tokens.bypass {
        files.insert(BYPASS_TOKEN.to_owned(), bypass.clone());
    }
    Secret {
        metadata: owned(session, namespace, name.to_owned(), &[owner]),
        string_data: Some(files),
        immutable: Some(true),
        type_: Some("Opaque".into()),
        ..Default::default()
    }
}

fn owned(
    session: &SessionId,
    namespace: &str,
    name: String,
    owners: &[OwnerReference],
) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(namespace.to_owned()),
        labels: Some(session.labels()),
        owner_references: Some(owners.to_vec()),
        ..Default::default()
    }
}
