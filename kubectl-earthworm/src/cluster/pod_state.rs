//! What a Pod's status means for a session. Pure.

use super::problem::one_line;
use earthworm_wire::exit_code;
use k8s_openapi::api::core::v1::{ContainerState, Pod};

/// Where the probe's pod stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodState {
    /// No word from the kubelet yet.
    Unseen,
    /// The kubelet works on it; what it says.
    Waiting(String),
    /// The container runs.
    Running,
    /// This image cannot be used on this node, in the kubelet's words;
    /// another one may.
    ImageRefused(String),
    /// Nothing to wait for, in the kubelet's words.
    Hopeless(String),
    /// The probe has ended.
    Finished {
        /// Its exit code.
        code: i32,
        /// Its last words.
        message: String,
    },
}

/// Reasons of a waiting container that another image may cure.
const IMAGE_REASONS: [&str; 6] = [
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "ImageInspectError",
    "InvalidImageName",
    "ErrImageNotPresent",
];

/// Reasons of a waiting container that waiting does not cure.
const HOPELESS_REASONS: [&str; 4] =
    ["CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"];

/// Reads a Pod's status.
#[must_use]
pub fn judge(pod: &Pod) -> PodState {
    let Some(status) = &pod.status else { return PodState::Unseen };
    let container = status
        .container_statuses
        .as_deref()
        .unwrap_or_default()
        .iter()
        .find(|status| status.name == "probe");
    if let Some(state) = container.and_then(|container| container.state.as_ref()) {
        return judge_container(state);
    }
    let words = |reason: &Option<String>, message: &Option<String>| {
        let parts = [reason.as_deref(), message.as_deref()];
        one_line(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
    };
    if status.phase.as_deref() == Some("Failed") {
        return PodState::Hopeless(words(&status.reason, &status.message));
    }
    let kubelet_has_it = status.start_time.is_some();
    let unready = status.conditions.as_deref().unwrap_or_default().iter().find(|condition| {
        condition.status != "True"
            && condition.message.as_deref().is_some_and(|text| !text.is_empty())
    });
    match (kubelet_has_it, unready) {
        (false, _) => PodState::Unseen,
        (true, Some(condition)) => PodState::Waiting(words(&condition.reason, &condition.message)),
        (true, None) => PodState::Waiting("the kubelet has taken the pod".into()),
    }
}

fn judge_container(state: &ContainerState) -> PodState {
    if let Some(ended) = &state.terminated {
        let words = [ended.message.as_deref(), ended.reason.as_deref()];
        let message =
            words.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or("no reason given");
        // The runtime could not even start it: no words of ours.
        if ended.reason.as_deref().is_some_and(|reason| HOPELESS_REASONS.contains(&reason)) {
            return PodState::Hopeless(one_line(message));
        }
        return PodState::Finished { code: ended.exit_code, message: one_line(message) };
    }
    if state.running.is_some() {
        return PodState::Running;
    }
    let waiting = state.waiting.clone().unwrap_or_default();
    let reason = waiting.reason.unwrap_or_default();
    let said = match waiting.message {
        Some(message) if !message.is_empty() => format!("{reason}: {}", one_line(&message)),
        _ => reason.clone(),
    };
    if IMAGE_REASONS.contains(&reason.as_str()) {
        PodState::ImageRefused(said)
    } else if HOPELESS_REASONS.contains(&reason.as_str()) {
        PodState::Hopeless(said)
    } else {
        PodState::Waiting(said)
    }
}

impl PodState {
    /// Whether the probe ended because its port was taken.
    #[must_use]
    pub fn is_port_in_use(&self) -> bool {
        matches!(self, Self::Finished { code: exit_code::PORT_IN_USE, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: serde_json::Value, expected: PodState) {
        let pod: Pod = serde_json::from_value(serde_json::json!({ "status": status })).unwrap();
        assert_eq!(judge(&pod), expected, "{status}");
    }

    fn container(state: serde_json::Value) -> serde_json::Value {
        serde_json::json!({
            "phase": "Pending",
            "startTime": "2026-01-01T00:00:00Z",
            "containerStatuses": [{
                "name": "probe", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": state
            }]
        })
    }

    #[test]
    fn states() {
        check(serde_json::json!({"phase": "Pending"}), PodState::Unseen);
        check(
            serde_json::json!({"phase": "Pending", "startTime": "2026-01-01T00:00:00Z"}),
            PodState::Waiting("the kubelet has taken the pod".into()),
        );
        check(
            container(serde_json::json!({"waiting": {"reason": "ContainerCreating"}})),
            PodState::Waiting("ContainerCreating".into()),
        );
        check(
            container(serde_json::json!({"waiting": {"reason": "ErrImageNeverPull",
                "message": "Container image \"x\" is not present with pull policy of Never"}})),
            PodState::ImageRefused(
                "ErrImageNeverPull: Container image \"x\" is not present with pull policy of Never"
                    .into(),
            ),
        );
        check(
            container(serde_json::json!({"waiting": {"reason": "CreateContainerConfigError",
                "message": "no"}})),
            PodState::Hopeless("CreateContainerConfigError: no".into()),
        );
        check(container(serde_json::json!({"running": {}})), PodState::Running);
        check(
            container(serde_json::json!({"terminated": {"exitCode": 98, "reason": "Error",
                "message": "cannot listen on 127.0.0.1:61000"}})),
            PodState::Finished { code: 98, message: "cannot listen on 127.0.0.1:61000".into() },
        );
        check(
            serde_json::json!({"phase": "Failed", "reason": "OutOfpods", "message": "Node didn't have enough"}),
            PodState::Hopeless("OutOfpods: Node didn't have enough".into()),
        );
    }
}
