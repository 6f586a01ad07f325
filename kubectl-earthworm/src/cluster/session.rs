//! One probe on each node: create, connect, stream, and begin again when a
//! probe is lost, until the command ends.

mod create;
mod diagnose;
mod manifests;
mod misfit;
mod prepare;
mod pump;
mod start;

pub use manifests::manifests;

use super::bypass::Permission;
use super::connect::Cluster;
use super::names::SessionId;
use super::nodes::NodeFacts;
use super::profile::{Choice, Profile};
use super::remove::{self, Registry};
use super::reporter::Reporter;
use crate::signal::{Problem, SessionState, SignalKind};
use crate::stop::Stop;
use earthworm_wire::greeting::TOKEN_BYTES;
use earthworm_wire::request::Request;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Times a probe is started on a node without a record of it in between.
const TRIES: u32 = 4;

/// What all nodes of a command share.
pub struct Context {
    /// The cluster.
    pub cluster: Cluster,
    /// Where the objects go.
    pub namespace: String,
    /// Labels and names.
    pub session: SessionId,
    /// `--image`.
    pub image: Option<String>,
    /// `--profile`; `None` is auto.
    pub profile: Option<Profile>,
    /// Whether the Leases are watched too: then a node without a probe is seen
    /// all the same.
    pub watches_leases: bool,
    /// Whether probes listen for what comes around their kubelet.
    pub bypass: Permission,
    /// How long a Job may live once its stream is up.
    pub lifetime: Duration,
    /// Everything created so far.
    pub registry: Registry,
}

/// A node, whom to tell about it, and what its probe shall measure.
#[derive(Clone)]
pub struct Patient {
    /// The node.
    pub facts: NodeFacts,
    /// Where its signals go.
    pub reporter: Reporter,
    /// What to measure.
    pub request: Request,
}

/// One attempt to run a probe on one node.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    name: String,
    generation: u32,
    port: u16,
    token: [u8; TOKEN_BYTES],
    /// Opens the way around the kubelet and nothing else; `None` without one.
    bypass_token: Option<[u8; TOKEN_BYTES]>,
    choice: Choice,
    image: String,
}

/// What follows after a part of an attempt.
#[derive(Debug)]
pub(crate) enum Next {
    /// The command ends.
    Stop,
    /// This node is given up.
    Failed(Problem),
    /// A new probe is to be started.
    Again {
        /// Why, for people.
        why: String,
        /// What to do differently.
        change: Change,
    },
}

/// What a new attempt does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: the probe was lost.
    Nothing,
    /// Nothing: the probe was lost before a record of it came.
    Unheard,
    /// The next image.
    Image,
    /// The next stronger profile.
    Profile,
    /// Another port (every attempt has one).
    Port,
}

/// Runs the probes until `stop`; afterwards nothing of the session is left,
/// or every node is told that this could not be confirmed.
pub async fn run(context: Arc<Context>, patients: Vec<Patient>, stop: Stop) {
    for patient in &patients {
        patient.reporter.report(SignalKind::Session(SessionState::Creating)).await;
    }
    let prepared = prepare::all(&context, patients.iter().map(|patient| &patient.facts)).await;
    let mut ready = Vec::new();
    for (patient, prepared) in patients.iter().zip(prepared) {
        match prepared {
            Ok((ticket, plan)) => ready.push((patient.clone(), ticket, plan)),
            Err(problem) => failed(&patient.reporter, problem).await,
        }
    }
    let wanted: Vec<_> =
        ready.iter().map(|(patient, ticket, _)| (&patient.facts, ticket)).collect();
    let created = create::all(&context, &wanted).await;
    let mut tasks = JoinSet::new();
    for ((patient, ticket, plan), created) in ready.into_iter().zip(created) {
        let (context, stop) = (context.clone(), stop.clone());
        tasks.spawn(async move { attend(&context, patient, ticket, plan, created, stop).await });
    }
    while tasks.join_next().await.is_some() {}
    let removed = remove::everything(
        &context.cluster,
        &context.namespace,
        &context.session,
        &context.registry,
    )
    .await;
    for patient in patients {
        patient.reporter.report(SignalKind::Session(SessionState::Removed(removed))).await;
    }
}

async fn failed(reporter: &Reporter, problem: Problem) {
    reporter.report(SignalKind::Session(SessionState::Failed(problem))).await;
}

/// Keeps a probe on one node until the command ends or the node is given up.
async fn attend(
    context: &Context,
    patient: Patient,
    mut ticket: Ticket,
    mut images: prepare::Plan,
    mut created: Result<create::Created, Problem>,
    mut stop: Stop,
) {
    let mut cures = 0;
    loop {
        let next = match created {
            Ok(created) => {
                let next = one_probe(context, &patient, &ticket, &created, &mut stop).await;
                // Whatever happened, this Job has done its work.
                if !matches!(next, Next::Stop) {
                    let _ = remove::job(&context.cluster, &context.namespace, &ticket.name).await;
                }
                next
            }
            Err(problem) => Next::Failed(problem),
        };
        let (why, change) = match next {
            Next::Stop => return,
            Next::Failed(problem) => return failed(&patient.reporter, problem).await,
            Next::Again { why, change } => (why, change),
        };
        cures = if change == Change::Nothing { 0 } else { cures + 1 };
        let mut choice = ticket.choice.clone();
        let mut image = ticket.image.clone();
        let given_up = match change {
            Change::Nothing | Change::Unheard | Change::Port => None,
            Change::Image => match images.next() {
                Some(next) => {
                    image = next;
                    None
                }
                None if context.image.is_some() => Some(Problem {
                    reason: "image-refused",
                    message: format!("image cannot be used on node {}: {why}", patient.facts.name),
                    hint: Some(
                        "check its name, or leave --image out to start from an image of the node"
                            .into(),
                    ),
                }),
                None => Some(prepare::no_image(&patient.facts, &why)),
            },
            Change::Profile => match choice.profile.stronger().filter(|_| choice.may_grow) {
                Some(stronger) => {
                    choice.reason = format!("{} was refused: {why}", choice.profile);
                    choice.profile = stronger;
                    None
                }
                None => Some(not_permitted(&patient.facts, &choice, &why)),
            },
        };
        if let Some(problem) = given_up {
            return failed(&patient.reporter, problem).await;
        }
        if cures >= TRIES {
            let problem = Problem {
                reason: "probe-not-started",
                message: format!(
                    "probe on node {} could not be started in {TRIES} tries: {why}",
                    patient.facts.name
                ),
                hint: context.image_hint(),
            };
            return failed(&patient.reporter, problem).await;
        }
        patient.reporter.report(SignalKind::Session(SessionState::Restarting(why))).await;
        ticket =
            match prepare::ticket(context, &patient.facts, ticket.generation + 1, choice, image) {
                Ok(ticket) => ticket,
                Err(problem) => return failed(&patient.reporter, problem).await,
            };
        created = match create::when_reachable(context, &patient.facts, &ticket, &mut stop).await {
            Some(created) => created,
            None => return,
        };
    }
}

fn not_permitted(facts: &NodeFacts, choice: &Choice, why: &str) -> Problem {
    let hint = match choice.profile.stronger() {
        Some(stronger) => format!("allow more with --profile {stronger}, or use --profile auto"),
        None => "the kernel forbids it even to a privileged container (lockdown?)".into(),
    };
    Problem {
        reason: "not-permitted",
        message: format!(
            "the kernel of node {} refuses the probe with profile {}: {why}",
            facts.name, choice.profile
        ),
        hint: Some(hint),
    }
}

async fn one_probe(
    context: &Context,
    patient: &Patient,
    ticket: &Ticket,
    created: &create::Created,
    stop: &mut Stop,
) -> Next {
    match start::first_stream(context, patient, ticket, created, stop).await {
        Ok((stream, pod)) => pump::run(context, patient, ticket, created, &pod, stream, stop).await,
        Err(next) => next,
    }
}
