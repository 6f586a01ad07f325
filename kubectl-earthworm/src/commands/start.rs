//! What every command does that puts probes on nodes, until the first of them
//! is created: connect, choose the nodes, ask for rights.

mod choose;
mod dry_run;
mod picker;

use super::terminate::Terminate;
use crate::cli::probe::{NodeArgs, ProbeArgs, ProfileChoice};
use crate::cluster::bypass::{self, Permission};
use crate::cluster::connect::{Cluster, Target, connect};
use crate::cluster::names::SessionId;
use crate::cluster::nodes::{self, Missing, NodeFacts, Selection};
use crate::cluster::profile::Profile;
use crate::cluster::remove::Registry;
use crate::cluster::reporter::Clock;
use crate::cluster::session::Context;
use crate::exit::Exit;
use crate::output;
use crate::signal::Problem;
use crate::ui::Ui;
use std::sync::Arc;
use std::time::Duration;

/// How long a Job may live after its stream came up when `--for` names no
/// end. The session moves it on while it lives.
const OPEN_ENDED: Duration = Duration::from_secs(4 * 3600);

/// What a Job may live longer than `--for`: start, farewell and a slow server.
const MARGIN: Duration = Duration::from_secs(120);

/// Formats of `--dry-run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectFormat {
    /// One List.
    Json,
    /// A document per object.
    Yaml,
    /// As `kubectl -o name` prints them.
    Name,
}

/// What is asked for.
pub(super) struct Plan<'a> {
    /// Which cluster, as whom.
    pub(super) target: Target,
    /// How the probes run.
    pub(super) probe: &'a ProbeArgs,
    /// The Leases are watched too.
    pub(super) watches_leases: bool,
    /// No probe at all.
    pub(super) no_probe: bool,
    /// `--for`.
    pub(super) duration: Option<Duration>,
    /// A program reads the output: a [`Problem`] is one of its objects.
    pub(super) for_programs: bool,
    /// How `--dry-run` prints.
    pub(super) object_format: ObjectFormat,
}

/// Everything is known that a session needs.
pub(super) struct Ready {
    /// What the nodes share.
    pub(super) context: Arc<Context>,
    /// Nodes that are there.
    pub(super) found: Vec<NodeFacts>,
    /// Nodes that are not.
    pub(super) missing: Vec<Missing>,
    /// Hears of Ctrl-C from before the first question on.
    pub(super) terminate: Terminate,
}

/// How the start went.
pub(super) enum Start {
    /// The session may begin.
    Ready(Box<Ready>),
    /// There is nothing more to do.
    Ended(Exit),
}

/// What the flags select; `None` asks the person at the terminal.
///
/// # Errors
/// A [`Problem`] when nobody can be asked: to be told before anything else.
pub(super) fn selection(nodes: &NodeArgs) -> Result<Option<Selection>, Problem> {
    let selection = choose::selection(nodes);
    if selection.is_none() {
        choose::can_ask()?;
    }
    Ok(selection)
}

/// Connects and finds the nodes.
///
/// # Errors
/// A [`Problem`] when nothing could be measured at all.
pub(super) async fn start(
    plan: Plan<'_>,
    selection: Option<Selection>,
    ui: Ui,
    clock: Clock,
) -> Result<Start, Problem> {
    let spinner = ui.spinner();
    spinner.set("asking the API server");
    let cluster = connect(&plan.target).await?;
    drop(spinner);
    ui.detail(format!(
        "connected to context \"{}\", Kubernetes {}, after {:.2} s",
        output::escape(&cluster.context),
        output::escape(&cluster.server_version),
        clock.stamp().monotonic.as_secs_f64()
    ));
    let mut terminate = Terminate::new();
    let selection = match selection {
        Some(selection) => selection,
        None => match choose::ask(&cluster, ui, &mut terminate).await? {
            Some(selection) => selection,
            None => return Ok(Start::Ended(Exit::Interrupted)),
        },
    };
    let selected = async {
        tokio::join!(
            nodes::select(&cluster, &selection, plan.no_probe),
            may_bypass(&plan, &cluster)
        )
    };
    let (selected, bypass) = tokio::select! {
        selected = selected => selected,
        () = terminate.wait() => return Ok(Start::Ended(Exit::Interrupted)),
    };
    let (found, mut missing) = selected?;
    // A person who misspelt the only name wants one line; a program that
    // reads objects gets the Problem as one of them.
    if found.is_empty()
        && !plan.for_programs
        && let Some((_, problem)) = missing.pop()
    {
        for (_, other) in &missing {
            ui.problem(other);
        }
        return Err(problem);
    }
    let context = context(&plan, cluster, bypass)?;
    if plan.probe.dry_run {
        let exit = dry_run::print(&context, &found, missing, plan.object_format).await?;
        return Ok(Start::Ended(exit));
    }
    Ok(Start::Ready(Box::new(Ready { context: Arc::new(context), found, missing, terminate })))
}

fn namespace<'a>(plan: &'a Plan<'_>, cluster: &'a Cluster) -> &'a str {
    plan.probe.probe_namespace.as_deref().unwrap_or(&cluster.namespace)
}

async fn may_bypass(plan: &Plan<'_>, cluster: &Cluster) -> Permission {
    if plan.no_probe || plan.probe.no_bypass {
        return Permission::Unwanted;
    }
    bypass::permission(&cluster.client, namespace(plan, cluster)).await
}

fn context(plan: &Plan<'_>, cluster: Cluster, bypass: Permission) -> Result<Context, Problem> {
    let session = SessionId::random().map_err(|error| Problem {
        reason: "no-randomness",
        message: format!("the system's random source failed: {error}"),
        hint: None,
    })?;
    Ok(Context {
        namespace: namespace(plan, &cluster).to_owned(),
        watches_leases: plan.watches_leases,
        bypass,
        session,
        image: plan.probe.image.clone(),
        profile: match plan.probe.profile {
            ProfileChoice::Auto => None,
            ProfileChoice::Bpf => Some(Profile::Bpf),
            ProfileChoice::Sysadmin => Some(Profile::Sysadmin),
            ProfileChoice::Privileged => Some(Profile::Privileged),
        },
        lifetime: plan.duration.map_or(OPEN_ENDED, |duration| duration + MARGIN),
        registry: Registry::default(),
        cluster,
    })
}
