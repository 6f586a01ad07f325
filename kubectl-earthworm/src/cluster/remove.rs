//! Takes away what a session has created, and makes sure of it.

use super::connect::Cluster;
use super::names::SessionId;
use futures::future::join_all;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{Api, DeleteParams, ListParams, PropagationPolicy};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a removal may take before it is reported as unconfirmed; the
/// cluster's own nets go on after that.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(150);

/// Names of everything that a session has asked the API server to create. A
/// name is noted before the request: an answer may be lost.
#[derive(Debug, Default)]
pub struct Registry {
    names: Mutex<Names>,
}

#[derive(Debug, Default, Clone)]
struct Names {
    jobs: BTreeSet<String>,
    config_maps: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Registry {
    fn with<T>(&self, change: impl FnOnce(&mut Names) -> T) -> T {
        change(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a Job and the Secret of the same name.
    pub fn job(&self, name: &str) {
        self.with(|names| {
            names.jobs.insert(name.to_owned());
            names.secrets.insert(name.to_owned());
        });
    }

    /// Notes a ConfigMap.
    pub fn config_map(&self, name: &str) {
        self.with(|names| names.config_maps.insert(name.to_owned()));
    }
}

/// Deletes one Job; the cluster's garbage collection takes its pod.
///
/// # Errors
/// What the API server said; "not found" is success.
pub async fn job(cluster: &Cluster, namespace: &str, name: &str) -> Result<(), kube::Error> {
    let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
    // Without a policy, batch/v1 of old servers would orphan the pod.
    let parameters = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        ..Default::default()
    };
    gone(jobs.delete(name, &parameters).await)
}

fn gone<T>(answer: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Deletes everything of the session and waits until nothing is left, at most
/// [`PATIENCE`]. Returns whether that was confirmed.
pub async fn everything(
    cluster: &Cluster,
    namespace: &str,
    session: &SessionId,
    registry: &Registry,
) -> bool {
    let names = registry.with(|names| names.clone());
    if names.jobs.is_empty() {
        return true;
    }
    let deadline = Instant::now() + PATIENCE;
    tokio::time::timeout_at(deadline, async {
        loop {
            if delete(cluster, namespace, &names).await
                && nothing_left(cluster, namespace, session).await
            {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await
    .is_ok()
}

/// Asks for every deletion once; true when the API server has accepted all.
async fn delete(cluster: &Cluster, namespace: &str, names: &Names) -> bool {
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), namespace);
    let plain = DeleteParams::default();
    let (jobs, maps, tokens) = tokio::join!(
        join_all(names.jobs.iter().map(|name| job(cluster, namespace, name))),
        join_all(names.config_maps.iter().map(|name| config_maps.delete(name, &plain))),
        join_all(names.secrets.iter().map(|name| secrets.delete(name, &plain))),
    );
    jobs.iter().all(Result::is_ok)
        && maps.into_iter().all(|answer| gone(answer).is_ok())
        && tokens.into_iter().all(|answer| gone(answer).is_ok())
}

async fn nothing_left(cluster: &Cluster, namespace: &str, session: &SessionId) -> bool {
    let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let ours = ListParams::default().labels(&session.selector());
    let (jobs, pods) = tokio::join!(jobs.list_metadata(&ours), pods.list_metadata(&ours));
    let empty = |count: Result<usize, kube::Error>| matches!(count, Ok(0));
    empty(jobs.map(|list| list.items.len())) && empty(pods.map(|list| list.items.len()))
}
