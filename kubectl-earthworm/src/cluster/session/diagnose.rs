//! Finds out why no pod appears or none gets on: the Job's events, and what
//! admission says to the same pod in a dry run.

use super::Context;
use crate::cluster::problem::{from_error, one_line};
use crate::signal::Problem;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams, PostParams};
use kube::core::Status;

/// Why the Job has no pod, if anything says so. `None`: nothing is known (yet).
pub(super) async fn missing_pod(context: &Context, job: &Job) -> Option<Problem> {
    let name = job.metadata.name.as_deref()?;
    if let Some(words) = last_warning(context, "Job", name).await {
        return Some(refused(&words, name));
    }
    dry_run(context, job).await
}

/// The newest warning about an object; needs the right to list events.
pub(super) async fn last_warning(context: &Context, kind: &str, name: &str) -> Option<String> {
    let events: Api<Event> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
    let about = ListParams::default()
        .fields(&format!("involvedObject.kind={kind},involvedObject.name={name},type=Warning"));
    let list = events.list(&about).await.ok()?;
    list.items.into_iter().filter_map(|event| event.message).next_back()
}

/// Sends the pod of the Job to admission without creating it; needs the
/// right to create pods.
async fn dry_run(context: &Context, job: &Job) -> Option<Problem> {
    let template = job.spec.as_ref()?.template.clone();
    let name = job.metadata.name.clone()?;
    let pod = Pod {
        metadata: ObjectMeta { name: Some(name.clone()), ..template.metadata.unwrap_or_default() },
        spec: template.spec,
        status: None,
    };
    let pods: Api<Pod> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
    let dry = PostParams { dry_run: true, ..Default::default() };
    match pods.create(&dry, &pod).await {
        // Not allowed to ask is no answer.
        Err(kube::Error::Api(status))
            if status.code == 403 && !status.message.contains("cannot create resource") =>
        {
            Some(from_error(&kube::Error::Api(status), &format!("the pod of job {name}"), "create"))
        }
        _ => None,
    }
}

/// The job controller's words are `Error creating: pods "..." is forbidden: ...`.
fn refused(words: &str, job: &str) -> Problem {
    let status = Status { code: 403, message: one_line(words), ..Default::default() };
    super::super::problem::from_status(&status, &format!("the pod of job {job}"), "create")
}
