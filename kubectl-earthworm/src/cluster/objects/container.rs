//! The probe's container and what is mounted into it.

use super::{BYPASS_TOKEN, ImagePlan, JobPlan, SESSION_TOKEN};
use crate::cluster::profile::{KernelVersion, OLDEST_KERNEL, Profile};
use k8s_openapi::api::core::v1::{
    AppArmorProfile, Capabilities, ConfigMapProjection, Container, EmptyDirVolumeSource, EnvVar,
    EnvVarSource, ObjectFieldSelector, ProjectedVolumeSource, ResourceRequirements, SeccompProfile,
    SecretVolumeSource, SecurityContext, Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// Where the payload is mounted.
const PAYLOAD_FOLDER: &str = "/earthworm";
/// Where the tokens are mounted.
const TOKEN_FOLDER: &str = "/earthworm-token";
/// Variable with the node's address.
const NODE_ADDRESS: &str = "NODE_ADDRESS";
/// Where the launcher may write when memory files may not be executed.
const SCRATCH_FOLDER: &str = "/run/earthworm";
/// Where the probe lies in the published image.
const PROBE_IN_IMAGE: &str = "/earthworm-probe";

pub(super) fn container(plan: &JobPlan<'_>) -> Container {
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

pub(super) fn volumes(plan: &JobPlan<'_>) -> Vec<Volume> {
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
