//! From a created Job to the first hello of its probe.
//!
//! The pod's status lags behind the truth by up to seconds, so the
//! port-forward is tried as soon as the pod has a name, again and again, while
//! the pod's watch tells of hopeless states beside it.

use super::create::{self, Created};
use super::misfit::{answers_as_a_probe, misfit};
use super::{Change, Context, Next, Patient, Ticket, diagnose};
use crate::cluster::forward;
use crate::cluster::pod_state::{PodState, judge};
use crate::cluster::problem;
use crate::conversation::stream::{Stream, StreamError};
use crate::signal::{Problem, SessionState, SignalKind};
use crate::stop::Stop;
use earthworm_wire::PROTOCOL;
use futures::future::{BoxFuture, Fuse, FusedFuture};
use futures::{FutureExt, StreamExt, pin_mut};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Pause between two tries of the port-forward.
const RETRY: Duration = Duration::from_millis(100);
/// A Job without a pod after this time is looked into.
const NO_POD: Duration = Duration::from_millis(1500);
/// A job controller that has not created the pod after this time is not coming;
/// after an outage of the API server it needs up to a minute to come back.
const SILENT_CONTROLLER: Duration = Duration::from_secs(20);
const SILENT_CONTROLLER_AFTER_OUTAGE: Duration = Duration::from_secs(90);
/// A kubelet that has not touched the pod this long after its creation is not coming.
const SILENT_KUBELET: Duration = Duration::from_secs(15);
/// After an outage of the API server a kubelet tries to reach it again every
/// half minute, give or take as much (`NewReflector`, client-go/tools/cache).
const SILENT_KUBELET_AFTER_OUTAGE: Duration = Duration::from_secs(75);
/// Longest start from an image that is on the node.
const START: Duration = Duration::from_secs(40);
/// Longest start when the image may have to be pulled.
const START_WITH_PULL: Duration = Duration::from_secs(180);
/// How often the Job's short deadline is moved on, and by how much.
const EXTEND_EVERY: Duration = Duration::from_secs(3);
const EXTEND_BY: Duration =
    Duration::from_secs(crate::cluster::objects::STARTING_DEADLINE_SECONDS.unsigned_abs());

/// Waits for the probe; returns its stream and the pod's name.
pub(super) async fn first_stream(
    context: &Context,
    patient: &Patient,
    ticket: &Ticket,
    created: &Created,
    stop: &mut Stop,
) -> Result<(Stream, String), Next> {
    let pods: Api<Pod> = Api::namespaced(context.cluster.client.clone(), &context.namespace);
    let ours = watcher::Config::default().labels(&format!("job-name={}", ticket.name));
    let events = watcher(pods.clone(), ours).default_backoff();
    pin_mut!(events);

    let mut pod: Option<String> = None;
    let mut pod_seen: Option<Instant> = None;
    let mut state = PodState::Unseen;
    let mut told = String::new();
    let mut opening: Fuse<BoxFuture<'static, _>> = Fuse::terminated();
    let mut try_at = Instant::now();
    let mut last_try = String::new();
    let mut garbage = false;
    let mut running: Option<Instant> = None;
    let mut look = interval(Duration::from_millis(500));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut extended = Instant::now();

    loop {
        if let Some(name) = &pod
            && opening.is_terminated()
            && Instant::now() >= try_at
        {
            let (pods, name) = (pods.clone(), name.clone());
            let (port, token) = (ticket.port, ticket.token);
            opening =
                async move { forward::open(&pods, &name, port, token, 0).await }.boxed().fuse();
        }
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Apply(found) | Event::InitApply(found))) => {
                    state = judge(&found);
                    pod = found.metadata.name;
                    pod_seen.get_or_insert_with(Instant::now);
                }
                Some(Ok(Event::Delete(found))) => {
                    // Its last state says why, if anything does.
                    state = match judge(&found) {
                        PodState::Unseen | PodState::Waiting(_) | PodState::Running => {
                            PodState::Hopeless("the pod was deleted".into())
                        }
                        last => last,
                    };
                }
                Some(Ok(Event::Init | Event::InitDone)) => {}
                Some(Err(error)) => final_refusal(&error, &ticket.name)?,
                None => {}
            },
            result = &mut opening, if !opening.is_terminated() => {
                match result {
                    Ok(stream) if stream.hello.protocol == PROTOCOL => {
                        return Ok((stream, pod.unwrap_or_default()));
                    }
                    // This version's probe would have refused; others may not.
                    Ok(stream) => return Err(misfit(ticket, &format!(
                        "the probe is {} with protocol {}, the plugin speaks protocol {PROTOCOL}",
                        stream.hello.version, stream.hello.protocol
                    ))),
                    Err(error) => {
                        garbage = matches!(error, StreamError::Garbage(_));
                        last_try = not_open(context, &pods, pod.as_deref(), ticket, error).await?;
                    }
                }
                try_at = Instant::now() + RETRY;
            }
            () = tokio::time::sleep_until(try_at), if pod.is_some() && opening.is_terminated() => {}
            _ = look.tick() => {
                if extended.elapsed() >= EXTEND_EVERY {
                    extended = Instant::now();
                    // A refusal shows when the deadline ends the Job.
                    let _ = created.extend(context, EXTEND_BY).await;
                }
                if pod.is_none() && created.age() > NO_POD {
                    let job = create::manifest(context, &patient.facts, ticket).map_err(Next::Failed)?;
                    if let Some(problem) = diagnose::missing_pod(context, &job).await {
                        return Err(Next::Failed(problem));
                    }
                }
                out_of_patience(context, patient, ticket, created, &state, pod_seen, pod.as_deref(), &last_try).await?;
                if let Some(running) = running {
                    answers_as_a_probe(context, patient, ticket, running, garbage, &last_try)?;
                }
            }
            () = stop.wait() => return Err(Next::Stop),
        }
        verdict(context, &state, patient, ticket)?;
        if state == PodState::Running {
            running.get_or_insert_with(Instant::now);
        }
        let waiting_for = describe(&state, pod.is_some());
        if waiting_for != told {
            told.clone_from(&waiting_for);
            patient.reporter.report(SignalKind::Session(SessionState::Starting(waiting_for))).await;
        }
    }
}

fn describe(state: &PodState, has_pod: bool) -> String {
    match state {
        PodState::Waiting(words) => words.clone(),
        PodState::Running => "the probe to answer".into(),
        _ if has_pod => "the kubelet to take the pod".into(),
        _ => "the job controller to create the pod".into(),
    }
}

/// Ends the start when the pod's state is final.
fn verdict(
    context: &Context,
    state: &PodState,
    patient: &Patient,
    ticket: &Ticket,
) -> Result<(), Next> {
    let node = &patient.facts.name;
    match state {
        PodState::Unseen | PodState::Waiting(_) | PodState::Running => Ok(()),
        PodState::ImageRefused(words) => {
            Err(Next::Again { why: format!("{}: {words}", ticket.image), change: Change::Image })
        }
        finished if finished.is_port_in_use() => Err(Next::Again {
            why: format!("port {} is in use on node {node}", ticket.port),
            change: Change::Port,
        }),
        PodState::Finished { code, message } => Err(Next::Failed(Problem {
            reason: "probe-failed",
            message: format!("probe on node {node} ended with exit code {code}: {message}"),
            hint: context.image_hint(),
        })),
        PodState::Hopeless(words) => Err(Next::Failed(Problem {
            reason: "pod-failed",
            message: format!("probe's pod on node {node} cannot run: {words}"),
            hint: context.image_hint(),
        })),
    }
}

/// What a failed try of the port-forward means: its words, or the end.
async fn not_open(
    context: &Context,
    pods: &Api<Pod>,
    pod: Option<&str>,
    ticket: &Ticket,
    error: StreamError,
) -> Result<String, Next> {
    match error {
        // Garbage comes from another process that has the port; then the
        // probe says "in use" by its exit code.
        StreamError::NotYet(words)
        | StreamError::NobodyListens(words)
        | StreamError::Ended(words) => Ok(words),
        StreamError::Garbage(error) => Ok(error.to_string()),
        StreamError::Version(words) => Err(misfit(ticket, &words)),
        StreamError::Api(error) => Err(Next::Failed(
            forbidden_forward(context, pods, pod.unwrap_or(&ticket.name), *error).await,
        )),
    }
}

/// A refused upgrade carries no words; the same request without the upgrade does.
async fn forbidden_forward(
    context: &Context,
    pods: &Api<Pod>,
    pod: &str,
    error: kube::Error,
) -> Problem {
    let object = format!("pod {pod}");
    let uri = format!("{}/{pod}/portforward", pods.resource_url());
    // Empty bodies are what GET requests have; the address is made of checked names.
    if let Ok(request) = http::Request::get(uri).body(Vec::new())
        && let Err(spoken @ kube::Error::Api(_)) =
            context.cluster.client.request::<serde_json::Value>(request).await
        // From 1.35 on the refusal of `create` carries no words either.
        && matches!(&spoken, kube::Error::Api(status)
            if status.code == 403 && status.message.contains("cannot"))
    {
        return problem::from_error(&spoken, &object, "forward a port of");
    }
    match who_am_i(context).await {
        // From 1.35 on the server demands `create` beside `get`.
        Some(user) => problem::missing_right(
            &user,
            "create",
            "pods/portforward",
            &context.namespace,
            &object,
            "forward a port of",
        ),
        None => problem::from_error(&error, &object, "forward a port of"),
    }
}

/// The name that the API server knows this user by; from 1.28 on.
async fn who_am_i(context: &Context) -> Option<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(context.cluster.client.clone());
    let review =
        reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.ok()?;
    review.status?.user_info?.username
}

/// A watch that is forbidden stays forbidden; all else passes.
fn final_refusal(error: &watcher::Error, job: &str) -> Result<(), Next> {
    let object = format!("the pods of job {job}");
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
            if matches!(status.code, 401 | 403) =>
        {
            Err(Next::Failed(problem::from_status(status, &object, "watch")))
        }
        _ => Ok(()),
    }
}

#[expect(clippy::too_many_arguments, reason = "everything that is known about one start")]
async fn out_of_patience(
    context: &Context,
    patient: &Patient,
    ticket: &Ticket,
    created: &Created,
    state: &PodState,
    pod_seen: Option<Instant>,
    pod: Option<&str>,
    last_try: &str,
) -> Result<(), Next> {
    let node = &patient.facts.name;
    // What ended the last probe may have been that.
    let after_outage = ticket.generation > 0;
    let Some(pod_seen) = pod_seen else {
        let patience =
            if after_outage { SILENT_CONTROLLER_AFTER_OUTAGE } else { SILENT_CONTROLLER };
        return if created.age() <= patience {
            Ok(())
        } else {
            Err(Next::Failed(Problem {
                reason: "no-pod",
                message: format!(
                    "the job controller has not created the pod of job {} for node {node} within {} s",
                    ticket.name,
                    patience.as_secs()
                ),
                hint: Some(
                    "see whether kube-controller-manager runs: kubectl get leases -n kube-system"
                        .into(),
                ),
            }))
        };
    };
    if *state == PodState::Unseen {
        let patience = if after_outage { SILENT_KUBELET_AFTER_OUTAGE } else { SILENT_KUBELET };
        if pod_seen.elapsed() <= patience {
            return Ok(());
        }
        return Err(Next::Failed(Problem {
            reason: "kubelet-silent",
            message: format!(
                "the kubelet of node {node} has not taken the probe's pod within {} s",
                patience.as_secs()
            ),
            hint: Some(format!("see: kubectl describe node {node}")),
        }));
    }
    let mut limit = if context.image.is_some() { START_WITH_PULL } else { START };
    if after_outage {
        limit += SILENT_KUBELET_AFTER_OUTAGE;
    }
    if pod_seen.elapsed() <= limit {
        return Ok(());
    }
    let waiting = describe(state, pod.is_some());
    let event = match pod {
        Some(pod) => diagnose::last_warning(context, "Pod", pod).await,
        None => None,
    };
    let words = event.unwrap_or_else(|| last_try.to_owned());
    Err(Next::Failed(Problem {
        reason: "start-timeout",
        message: format!(
            "probe on node {node} has not answered within {} s; it waits for {waiting}: {words}",
            limit.as_secs()
        ),
        hint: Some(format!("see: kubectl describe job {} -n {}", ticket.name, context.namespace)),
    }))
}
