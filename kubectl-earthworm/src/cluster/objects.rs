//! The objects of a session. Pure: the same input gives the same manifest.

use super::names::{SessionId, payload_name};
use super::profile::{KernelVersion, OLDEST_KERNEL, Profile};
use crate::payload::Part;
use k8s_openapi::ByteString;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    AppArmorProfile, Capabilities, ConfigMap, ConfigMapProjection, Container, EmptyDirVolumeSource,
    EnvVar, EnvVarSource, ObjectFieldSelector, PodSpec, PodTemplateSpec, ProjectedVolumeSource,
    ResourceRequirements, SeccompProfile, Secret, SecretVolumeSource, SecurityContext, Toleration,
    Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::BTreeMap;

/// Where the payload is mounted.
const PAYLOAD_FOLDER: &str = "/earthworm";
/// Where the token is mounted.
const TOKEN_FOLDER: &str = "/earthworm-token";
/// Names of the tokens, in their Secret and in that folder.
const SESSION_TOKEN: &str = "token";
const BYPASS_TOKEN: &str = "bypass";
/// Variable with the node's address.
const NODE_ADDRESS: &str = "NODE_ADDRESS";
/// Where the launcher may write when memory files may not be executed.
const SCRATCH_FOLDER: &str = "/run/earthworm";
/// Where the probe lies in the published image.
const PROBE_IN_IMAGE: &str = "/earthworm-probe";

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

/// What opens one probe, in hexadecimal.
#[derive(Clone)]
pub struct Tokens {
    /// The stream.
    pub session: String,
    /// The way around the kubelet, if there is one.
    pub bypass: Option<String>,
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

fn container(plan: &JobPlan<'_>) -> Container {
    let (image, pull_policy, command, mut mounts) = match &plan.image {
        ImagePlan::OnNode { image, .. } => (
            image,
            "Never",
            vec![format!("{PAYLOAD_FOLDER}/launcher"), PAYLOAD_FOLDER.to_owned()],
            vec![mount("payload", PAYLOAD_FOLDER, true)],
        ),
        ImagePlan::Published(image) => {
            (image, "IfNotPresent", vec![PROBE_IN_IMAGE.to_owned()], Vec::new())
        }
    };
    mounts.push(mount("token", TOKEN_FOLDER, true));
    let mut arguments = vec![
        "--port".to_owned(),
        plan.port.to_string(),
        "--token-file".into(),
        format!("{TOKEN_FOLDER}/{SESSION_TOKEN}"),
    ];
    if plan.bypass {
        arguments.extend([
            "--bypass".into(),
            format!("$({NODE_ADDRESS})"),
            "--bypass-token-file".into(),
            format!("{TOKEN_FOLDER}/{BYPASS_TOKEN}"),
        ]);
    }
    mounts.push(mount("scratch", SCRATCH_FOLDER, false));
    Container {
        name: "probe".into(),
        image: Some((*image).to_owned()),
        image_pull_policy: Some(pull_policy.into()),
        command: Some(command),
        args: Some(arguments),
        env: plan.bypass.then(|| vec![node_address()]),
        // The image's own folder may not exist for a read-only root.
        working_dir: Some("/".into()),
        resources: Some(ResourceRequirements {
            requests: Some(quantities(&[("cpu", "10m"), ("memory", "32Mi")])),
            // Kernel maps are charged to the pod from 5.11 on, and loading
            // peaks well above the steady state.
            limits: Some(quantities(&[("cpu", "1"), ("memory", "128Mi")])),
            ..Default::default()
        }),
        security_context: Some(security_context(plan)),
        volume_mounts: Some(mounts),
        ..Default::default()
    }
}

/// The address by which the API server's pod proxy reaches a pod on the node's network.
fn node_address() -> EnvVar {
    EnvVar {
        name: NODE_ADDRESS.into(),
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: "status.hostIP".into(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn security_context(plan: &JobPlan<'_>) -> SecurityContext {
    let kernel = KernelVersion::parse(plan.kernel).unwrap_or(OLDEST_KERNEL);
    let capabilities = plan.profile.capabilities(kernel);
    let privileged = capabilities.is_none();
    SecurityContext {
        // Images on the node have users of their own (the pause image's is
        // 65535); without this all capabilities would be gone.
        run_as_user: Some(0),
        run_as_group: Some(0),
        run_as_non_root: Some(false),
        read_only_root_filesystem: Some(true),
        privileged: Some(privileged),
        // The API server refuses `false` beside SYS_ADMIN or privileged.
        allow_privilege_escalation: (plan.profile == Profile::Bpf).then_some(false),
        capabilities: capabilities.map(|add| Capabilities {
            drop: Some(vec!["ALL".into()]),
            add: Some(add.into_iter().map(String::from).collect()),
        }),
        seccomp_profile: (!privileged)
            .then(|| SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
        // The default profile forbids a look at other processes' executables.
        app_armor_profile: (plan.server_minor >= 30)
            .then(|| AppArmorProfile { type_: "Unconfined".into(), localhost_profile: None }),
        ..Default::default()
    }
}

fn volumes(plan: &JobPlan<'_>) -> Vec<Volume> {
    let mut volumes = vec![
        Volume {
            name: "token".into(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(plan.name.to_owned()),
                default_mode: Some(0o400),
                ..Default::default()
            }),
            ..Default::default()
        },
        Volume {
            name: "scratch".into(),
            empty_dir: Some(EmptyDirVolumeSource {
                medium: Some("Memory".into()),
                size_limit: Some(Quantity("16Mi".into())),
            }),
            ..Default::default()
        },
    ];
    if let ImagePlan::OnNode { payload, .. } = &plan.image {
        volumes.push(Volume {
            name: "payload".into(),
            projected: Some(ProjectedVolumeSource {
                default_mode: Some(0o755),
                sources: Some(
                    payload
                        .iter()
                        .map(|name| VolumeProjection {
                            config_map: Some(ConfigMapProjection {
                                name: name.clone(),
                                ..Default::default()
                            }),
                            ..Default::default()
                        })
                        .collect(),
                ),
            }),
            ..Default::default()
        });
    }
    volumes
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

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        read_only: Some(read_only),
        ..Default::default()
    }
}

fn quantities(pairs: &[(&str, &str)]) -> BTreeMap<String, Quantity> {
    pairs.iter().map(|(key, value)| ((*key).into(), Quantity((*value).into()))).collect()
}

fn text_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}
