//! The objects of a session. Pure: the same input gives the same manifest.

mod companions;
mod container;

pub use companions::{Tokens, payload, payload_names, secret};

use super::names::SessionId;
use super::profile::Profile;
use container::{container, volumes};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::BTreeMap;

/// Names of the tokens, in their Secret and in the folder where it is mounted.
const SESSION_TOKEN: &str = "token";
const BYPASS_TOKEN: &str = "bypass";

/// How long a Job may live before its stream is up. The plugin extends it
/// while it waits, and to the session's end when the stream is up: a plugin
/// that dies in between leaves a Job that the cluster ends within seconds.
pub const STARTING_DEADLINE_SECONDS: i64 = 10;

/// Everything that one Job says.
#[derive(Debug, Clone)]
pub struct JobPlan<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// Name of Job, Secret and label.
    pub name: &'a str,
    /// Namespace.
    pub namespace: &'a str,
    /// Node to run on.
    pub node: &'a str,
    /// Its `kernelVersion`.
    pub kernel: &'a str,
    /// The image and where the probe comes from.
    pub image: ImagePlan<'a>,
    /// Privileges.
    pub profile: Profile,
    /// Port on the node's loopback address.
    pub port: u16,
    /// Whether the probe also listens on the node's own address, for what
    /// comes around the kubelet.
    pub bypass: bool,
    /// The server's minor version: some fields are errors or unknown before it.
    pub server_minor: u32,
}

/// Where the probe's container comes from.
#[derive(Debug, Clone)]
pub enum ImagePlan<'a> {
    /// An image that is on the node already; the payload is mounted into it.
    OnNode {
        /// Its name.
        image: &'a str,
        /// Names of the ConfigMaps with the payload's parts.
        payload: Vec<String>,
    },
    /// The published probe image, pulled if need be.
    Published(&'a str),
}

/// The Job that runs the probe on one node.
#[must_use]
pub fn job(plan: &JobPlan<'_>) -> Job {
    let labels = plan.session.labels();
    Job {
        metadata: ObjectMeta {
            name: Some(plan.name.to_owned()),
            namespace: Some(plan.namespace.to_owned()),
            labels: Some(labels.clone()),
            annotations: Some(text_map(&[("earthworm.dev/node", plan.node)])),
            ..Default::default()
        },
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(STARTING_DEADLINE_SECONDS),
            ttl_seconds_after_finished: Some(0),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    annotations: Some(pod_annotations(plan)),
                    ..Default::default()
                }),
                spec: Some(pod(plan)),
            },
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn pod_annotations(plan: &JobPlan<'_>) -> BTreeMap<String, String> {
    let mut annotations = text_map(&[
        // A service mesh's sidecar would keep the pod alive for ever.
        ("sidecar.istio.io/inject", "false"),
        ("linkerd.io/inject", "disabled"),
    ]);
    if plan.server_minor < 30 {
        annotations.insert(
            "container.apparmor.security.beta.kubernetes.io/probe".into(),
            "unconfined".into(),
        );
    }
    annotations
}

fn pod(plan: &JobPlan<'_>) -> PodSpec {
    PodSpec {
        // No scheduler: the node is known, and a sick cluster may have none.
        node_name: Some(plan.node.to_owned()),
        // The node's own network: a broken CNI must not stop us.
        host_network: Some(true),
        // The kubelet is found among the node's processes.
        host_pid: Some(true),
        tolerations: Some(vec![Toleration {
            operator: Some("Exists".into()),
            ..Default::default()
        }]),
        restart_policy: Some("Never".into()),
        // The probe never talks to the Kubernetes API.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        dns_policy: Some("Default".into()),
        termination_grace_period_seconds: Some(5),
        containers: vec![container(plan)],
        volumes: Some(volumes(plan)),
        ..Default::default()
    }
}

/// Makes a Job the owner: the cluster's garbage collection deletes what it owns.
#[must_use]
pub fn owner(job: &Job) -> OwnerReference {
    OwnerReference {
        api_version: "batch/v1".into(),
        kind: "Job".into(),
        name: job.metadata.name.clone().unwrap_or_default(),
        uid: job.metadata.uid.clone().unwrap_or_default(),
        ..Default::default()
    }
}

fn text_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}
