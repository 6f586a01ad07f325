//! Objects of which little is looked at, read without the rest.
//!
//! Half of a Lease and nearly all of a Node is not for us: who wrote which
//! field, images, conditions. In a cluster of thousands of nodes, reading it all
//! into memory costs more than everything that is done with it.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Resource;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// A Lease, as far as it tells of a heartbeat.
#[derive(Debug, Clone, Deserialize)]
pub struct LeanLease {
    /// Name and version alone.
    #[serde(default, deserialize_with = "name_and_version")]
    pub metadata: ObjectMeta,
    /// Holder, duration and time alone.
    #[serde(default)]
    pub spec: LeanLeaseSpec,
}

/// The part of a Lease's `spec` that kubelets fill.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeanLeaseSpec {
    /// Who holds it; untrusted text.
    pub holder_identity: Option<String>,
    /// How long it holds.
    pub lease_duration_seconds: Option<i32>,
    /// When it was renewed, by the node's clock.
    pub renew_time: Option<MicroTime>,
}

/// A Node's name; nothing more is sent by the API server.
#[derive(Debug, Clone, Deserialize)]
pub struct LeanNode {
    /// Name and version alone.
    #[serde(default, deserialize_with = "name_and_version")]
    pub metadata: ObjectMeta,
}

fn name_and_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        name: Option<String>,
        resource_version: Option<String>,
    }
    let Metadata { name, resource_version } = Metadata::deserialize(deserializer)?;
    Ok(ObjectMeta { name, resource_version, ..ObjectMeta::default() })
}

/// Says that a type is another form of a resource.
macro_rules! form_of {
    ($lean:ty, $whole:ty, metadata_only: $metadata_only:literal) => {
        impl Resource for $lean {
            type DynamicType = ();
            type Scope = <$whole as Resource>::Scope;

            fn kind(_: &()) -> Cow<'_, str> {
                <$whole as Resource>::kind(&())
            }
            fn group(_: &()) -> Cow<'_, str> {
                <$whole as Resource>::group(&())
            }
            fn version(_: &()) -> Cow<'_, str> {
                <$whole as Resource>::version(&())
            }
            fn plural(_: &()) -> Cow<'_, str> {
                <$whole as Resource>::plural(&())
            }
            fn metadata_api() -> bool {
                $metadata_only
            }
            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

pub(super) use form_of;

form_of!(LeanLease, Lease, metadata_only: false);
form_of!(LeanNode, Node, metadata_only: true);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_read_without_what_nobody_asks_for() {
        let text = r#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{
            "name":"node-a","namespace":"kube-node-lease","resourceVersion":"77",
            "managedFields":[{"manager":"kubelet","fieldsV1":{"f:spec":{"f:renewTime":{}}}}]},
            "spec":{"holderIdentity":"node-a","leaseDurationSeconds":40,"strategy":null,
            "renewTime":"2026-01-01T00:00:01.000002Z"}}"#;
        let lean: LeanLease = serde_json::from_str(text).unwrap();
        assert_eq!(lean.metadata.name.as_deref(), Some("node-a"));
        assert_eq!(lean.metadata.resource_version.as_deref(), Some("77"));
        assert_eq!(lean.metadata.managed_fields, None);
        let whole = serde_json::from_str::<Lease>(text).unwrap().spec.unwrap();
        assert_eq!(lean.spec.holder_identity, whole.holder_identity);
        assert_eq!(lean.spec.lease_duration_seconds, whole.lease_duration_seconds);
        assert_eq!(lean.spec.renew_time, whole.renew_time);
        assert!(whole.renew_time.is_some());
    }

    #[test]
    fn a_lease_may_be_empty() {
        let lean: LeanLease = serde_json::from_str("{}").unwrap();
        assert_eq!((lean.metadata.name, lean.spec.renew_time), (None, None));
    }

    #[test]
    fn lean_forms_live_where_the_whole_ones_do() {
        assert_eq!(
            LeanLease::url_path(&(), Some("kube-node-lease")),
            Lease::url_path(&(), Some("kube-node-lease"))
        );
        assert_eq!(LeanNode::url_path(&(), None), Node::url_path(&(), None));
    }
}
