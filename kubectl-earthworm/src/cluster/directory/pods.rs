//! Pods, read without what names do not need: nearly all of them is not for us.

use super::Form;
use super::forms::{addresses, metadata};
use crate::cluster::lean::form_of;
use crate::naming::{Change, ContainerFacts, Controller, PodFacts, What};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use serde::Deserialize;
use std::borrow::Cow;

/// A ReplicaSet's name is its Deployment's and this.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// The uid of a static pod, on its mirror in the API.
pub(super) const CONFIG_HASH: &str = "kubernetes.io/config.hash";

/// A pod.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PodForm {
    #[serde(default, deserialize_with = "metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
    host_network: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: Option<String>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<super::forms::AddressForm>>,
    start_time: Option<Time>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    #[serde(rename = "containerID")]
    container_id: Option<String>,
    state: Option<ContainerState>,
    last_state: Option<ContainerState>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    running: Option<Span>,
    terminated: Option<Span>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Span {
    started_at: Option<Time>,
    finished_at: Option<Time>,
    #[serde(rename = "containerID")]
    container_id: Option<String>,
}

impl ContainerStatus {
    fn terminated(&self) -> Option<&Span> {
        self.state.as_ref()?.terminated.as_ref()
    }

    fn before(&self) -> Option<&Span> {
        self.last_state.as_ref()?.terminated.as_ref()
    }

    /// When it was started first, as far as its status says.
    fn started(&self) -> Option<Timestamp> {
        let state = self.state.as_ref();
        let spans = [
            self.before(),
            state.and_then(|state| state.running.as_ref()),
            state.and_then(|state| state.terminated.as_ref()),
        ];
        spans.into_iter().flatten().filter_map(|span| time(span.started_at.as_ref())).min()
    }

    /// As it is, and as it was before it was started again.
    fn facts(&self) -> impl Iterator<Item = ContainerFacts> {
        let before = self.before().map(|before| id(before.container_id.as_deref()));
        [Some(id(self.container_id.as_deref())), before.filter(Option::is_some)]
            .into_iter()
            .flatten()
            .map(|id| ContainerFacts { name: self.name.clone(), id })
    }
}

impl Form for PodForm {
    const WHAT: What = What::Pods;
    const OBJECT: &'static str = "pods";

    fn shown(self, at: Timestamp) -> Change {
        let Self { metadata, spec, status } = self;
        let mut texts: Vec<String> =
            status.pod_ips.into_iter().flatten().filter_map(|known| known.ip).collect();
        if texts.is_empty() {
            texts.extend(status.pod_ip);
        }
        let all = || {
            [
                &status.container_statuses,
                &status.init_container_statuses,
                &status.ephemeral_container_statuses,
            ]
            .into_iter()
            .flatten()
            .flatten()
        };
        // A pod that never came so far has containers without an end.
        let ends: Option<Vec<Timestamp>> =
            all().map(|container| time(container.terminated()?.finished_at.as_ref())).collect();
        let labels = metadata.labels.unwrap_or_default();
        let annotations = metadata.annotations.unwrap_or_default();
        let controller =
            metadata.owner_references.unwrap_or_default().into_iter().find_map(manager);
        let is_mirror = controller.as_ref().is_some_and(|controller| controller.kind == "Node");
        let pod = PodFacts {
            uid: metadata.uid.unwrap_or_default(),
            // Anybody may write the annotation; only a mirror is owned by a node.
            static_uid: annotations.get(CONFIG_HASH).filter(|_| is_mirror).cloned(),
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            node: spec.node_name.filter(|node| !node.is_empty()),
            host_network: spec.host_network.unwrap_or_default(),
            addresses: addresses(&texts),
            containers: all().flat_map(ContainerStatus::facts).collect(),
            controller,
            template_hash: labels.get(TEMPLATE_HASH).cloned(),
            finished: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
            accepted: time(status.start_time.as_ref()),
            started: all().filter_map(ContainerStatus::started).min(),
            ended: ends.and_then(|ends| ends.into_iter().max()),
        };
        Change::Pod { at, pod: Box::new(pod) }
    }

    fn gone(self, at: Timestamp) -> Change {
        Change::PodGone { at, uid: self.metadata.uid.unwrap_or_default() }
    }
}

fn manager(owner: OwnerReference) -> Option<Controller> {
    let manages = owner.controller == Some(true);
    manages.then_some(Controller { kind: owner.kind, name: owner.name })
}

fn time(time: Option<&Time>) -> Option<Timestamp> {
    // A container that never ran has the first second of 1970.
    time.map(|time| time.0).filter(|time| *time > Timestamp::UNIX_EPOCH)
}

/// `containerd://4f5e...` without the runtime.
fn id(text: Option<&str>) -> Option<String> {
    let text = text?;
    let id = text.split_once("://").map_or(text, |(_, id)| id);
    (!id.is_empty()).then(|| id.to_owned())
}

form_of!(PodForm, Pod, metadata_only: false);
