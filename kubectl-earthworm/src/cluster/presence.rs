//! Whether there is anything of what was asked for.

use super::connect::Cluster;
use super::problem;
use crate::signal::Problem;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};

/// Fails when a namespace has no pods, or when there is no pod of a name. What
/// this user may not see is taken to be there.
///
/// # Errors
/// A [`Problem`] `no-pods`, or what the API server says.
pub async fn of_pods(
    cluster: &Cluster,
    namespace: Option<&str>,
    pod: Option<&str>,
) -> Result<(), Problem> {
    let client = cluster.client.clone();
    let api: Api<Pod> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let mut wanted = ListParams::default().limit(1);
    if let Some(pod) = pod {
        wanted = wanted.fields(&format!("metadata.name={pod}"));
    }
    match api.list_metadata(&wanted).await {
        Ok(list) if list.items.is_empty() => Err(none(namespace, pod)),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
        Err(error) => Err(problem::from_error(&error, "pods", "list")),
        Ok(_) => Ok(()),
    }
}

fn none(namespace: Option<&str>, pod: Option<&str>) -> Problem {
    let message = match (namespace, pod) {
        (Some(namespace), None) => format!("namespace \"{namespace}\" has no pods"),
        (Some(namespace), Some(pod)) => {
            format!("namespace \"{namespace}\" has no pod \"{pod}\"")
        }
        (None, pod) => format!("no namespace has a pod \"{}\"", pod.unwrap_or_default()),
    };
    let hint = match namespace.filter(|_| pod.is_some()) {
        Some(namespace) => format!("see: kubectl get pods -n {namespace}"),
        None => "see: kubectl get pods -A".into(),
    };
    Problem { reason: "no-pods", message, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::none;

    #[test]
    fn what_is_missing_is_named() {
        let message = |namespace, pod| none(namespace, pod).message;
        assert_eq!(message(Some("shop"), None), "namespace \"shop\" has no pods");
        assert_eq!(message(Some("shop"), Some("web")), "namespace \"shop\" has no pod \"web\"");
        assert_eq!(message(None, Some("web")), "no namespace has a pod \"web\"");
    }
}
