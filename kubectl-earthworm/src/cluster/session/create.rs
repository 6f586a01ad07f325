//! Creates the objects of a session: Jobs first, so that everything else has
//! an owner from its first moment, then payload and tokens.

use super::{Context, Ticket};
use crate::cluster::nodes::NodeFacts;
use crate::cluster::objects::{self, ImagePlan, JobPlan};
use crate::cluster::problem;
use crate::payload::Payload;
use crate::signal::Problem;
use crate::stop::Stop;
use futures::StreamExt;
use futures::future::{join_all, try_join_all};
use futures::stream;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, Patch, PatchParams, PostParams};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// Requests that are on the way at a time.
pub(super) const CONCURRENT: usize = 32;

/// A Job that exists.
#[derive(Debug, Clone)]
pub(crate) struct Created {
    owner: OwnerReference,
    at: Instant,
}

/// The payload for an architecture.
pub(crate) fn payload_for(architecture: &str) -> Result<&'static Payload, Problem> {
    Payload::for_architecture(architecture).ok_or_else(|| Problem {
        reason: "no-probe",
        message: format!("this build of kubectl-earthworm carries no probe for {architecture}"),
        hint: Some("use a release build, or name the probe image with --image".into()),
    })
}

/// The Job of a ticket.
pub(crate) fn manifest(
    context: &Context,
    facts: &NodeFacts,
    ticket: &Ticket,
) -> Result<Job, Problem> {
    let image = match &context.image {
        Some(image) => ImagePlan::Published(image),
        None => {
            let payload = payload_for(&facts.architecture)?;
            let names = objects::payload_names(
                &context.session,
                payload.hash,
                ticket.generation,
                payload.parts().len(),
            );
            ImagePlan::OnNode { image: &ticket.image, payload: names }
        }
    };
    Ok(objects::job(&JobPlan {
        session: &context.session,
        name: &ticket.name,
        namespace: &context.namespace,
        node: &facts.name,
        kernel: &facts.kernel,
        image,
        profile: ticket.choice.profile,
        port: ticket.port,
        bypass: ticket.bypass_token.is_some(),
        server_minor: context.cluster.server_minor,
    }))
}

/// The token's Secret and the payload's ConfigMaps of these tickets, for
/// `--dry-run`: the owner's uid is known only after creation.
pub(crate) fn companions(
    context: &Context,
    facts: &NodeFacts,
    ticket: &Ticket,
    owner: OwnerReference,
) -> Result<(Secret, Vec<ConfigMap>), Problem> {
    let secret = objects::secret(
        &context.session,
        &context.namespace,
        &ticket.name,
        &tokens(ticket),
        owner.clone(),
    );
    let maps = payload_maps(context, &facts.architecture, ticket.generation, &[owner])?;
    Ok((secret, maps))
}

fn payload_maps(
    context: &Context,
    architecture: &str,
    generation: u32,
    owners: &[OwnerReference],
) -> Result<Vec<ConfigMap>, Problem> {
    if context.image.is_some() {
        return Ok(Vec::new());
    }
    let payload = payload_for(architecture)?;
    Ok(objects::payload(
        &context.session,
        &context.namespace,
        payload.hash,
        generation,
        &payload.parts(),
        owners,
    ))
}

/// Creates the objects of many nodes; their payload is shared.
pub(crate) async fn all(
    context: &Context,
    wanted: &[(&NodeFacts, &Ticket)],
) -> Vec<Result<Created, Problem>> {
    let jobs: Vec<_> = wanted.iter().map(|(facts, ticket)| job(context, facts, ticket)).collect();
    let mut results: Vec<_> = stream::iter(jobs).buffered(CONCURRENT).collect().await;

    // One payload per architecture, owned by all its Jobs: the garbage
    // collection takes it when the last of them is gone.
    let mut owners: BTreeMap<(&str, u32), Vec<OwnerReference>> = BTreeMap::new();
    for ((facts, ticket), result) in wanted.iter().zip(&results) {
        if let Ok(created) = result {
            let key = (facts.architecture.as_str(), ticket.generation);
            owners.entry(key).or_default().push(created.owner.clone());
        }
    }
    let payloads = owners.iter().map(|((architecture, generation), owners)| async move {
        (*architecture, payload(context, architecture, *generation, owners).await)
    });
    let secrets = wanted.iter().zip(&results).map(|((_, ticket), result)| async move {
        match result {
            Ok(created) => secret(context, ticket, created.owner.clone()).await,
            Err(_) => Ok(()),
        }
    });
    let (payloads, secrets) = tokio::join!(join_all(payloads), join_all(secrets));
    for (((facts, _), result), secret) in wanted.iter().zip(&mut results).zip(secrets) {
        let payload = payloads.iter().find(|(architecture, _)| *architecture == facts.architecture);
        let payload = payload.map_or(Ok(()), |(_, outcome)| outcome.clone());
        if let Err(problem) = secret.and(payload) {
            *result = Err(problem);
        }
    }
    results
}

/// Creates the objects of one node as soon as the API server answers; `None`
/// when the command ends before that.
pub(crate) async fn when_reachable(
    context: &Context,
    facts: &NodeFacts,
    ticket: &Ticket,
    stop: &mut Stop,
) -> Option<Result<Created, Problem>> {
    loop {
        if stop.is_set() {
            return None;
        }
        let result = all(context, &[(facts, ticket)]).await.pop()?;
        match result {
            Err(problem)
                if problem.reason == "unreachable" || problem.reason == "too-many-requests" => {}
            result => return Some(result),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            () = stop.wait() => return None,
        }
    }
}

async fn job(context: &Context, facts: &NodeFacts, ticket: &Ticket) -> Result<Created, Problem> {
    let manifest = manifest(context, facts, ticket)?;
    let api: Api<Job> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
    context.registry.job(&ticket.name);
    let at = Instant::now();
    match api.create(&PostParams::default(), &manifest).await {
        Ok(job) => Ok(Created { owner: objects::owner(&job), at }),
        // The answer to an earlier try was lost.
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let job = api
                .get(&ticket.name)
                .await
                .map_err(|error| create_error(&error, "job", &ticket.name))?;
            Ok(Created { owner: objects::owner(&job), at })
        }
        Err(error) => Err(create_error(&error, "job", &ticket.name)),
    }
}

async fn payload(
    context: &Context,
    architecture: &str,
    generation: u32,
    owners: &[OwnerReference],
) -> Result<(), Problem> {
    let api: Api<ConfigMap> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
    let maps = payload_maps(context, architecture, generation, owners)?;
    try_join_all(maps.iter().map(|map| {
        let api = api.clone();
        async move {
            let name = map.metadata.name.clone().unwrap_or_default();
            context.registry.config_map(&name);
            already(api.create(&PostParams::default(), map).await)
                .map_err(|error| create_error(&error, "configmap", &name))
        }
    }))
    .await?;
    Ok(())
}

async fn secret(context: &Context, ticket: &Ticket, owner: OwnerReference) -> Result<(), Problem> {
    let api: Api<Secret> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
    let manifest =
        objects::secret(&context.session, &context.namespace, &ticket.name, &tokens(ticket), owner);
    already(api.create(&PostParams::default(), &manifest).await)
        .map_err(|error| create_error(&error, "secret", &ticket.name))
}

/// Names are unique to an attempt, so an object of that name is ours.
fn already<T>(answer: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

fn create_error(error: &kube::Error, kind: &str, name: &str) -> Problem {
    problem::from_error(error, &format!("{kind} {name}"), "create")
}

impl Created {
    /// Time since the Job was asked for.
    pub(crate) fn age(&self) -> Duration {
        self.at.elapsed()
    }

    /// Moves the Job's deadline to `more` from now.
    ///
    /// # Errors
    /// What the API server said; the old deadline stands.
    pub(crate) async fn extend(
        &self,
        context: &Context,
        more: Duration,
    ) -> Result<(), kube::Error> {
        let api: Api<Job> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
        let seconds = (self.age() + more).as_secs();
        let patch = serde_json::json!({ "spec": { "activeDeadlineSeconds": seconds } });
        api.patch_metadata(&self.owner.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map(drop)
    }
}

fn tokens(ticket: &Ticket) -> objects::Tokens {
    objects::Tokens {
        session: hex(&ticket.token),
        bypass: ticket.bypass_token.map(|token| hex(&token)),
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
