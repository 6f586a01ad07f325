//! `pulse`: probes and the Lease watch in, findings out.

mod choose;
mod dry_run;
mod face;
mod listen;
mod picker;
mod ward;

use super::terminate::Terminate;
use crate::cli::GlobalArgs;
use crate::cli::pulse::{OutputFormat, ProfileChoice, PulseArgs};
use crate::cluster::bypass::{self, Permission};
use crate::cluster::connect::{Cluster, connect};
use crate::cluster::names::SessionId;
use crate::cluster::nodes;
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
use tokio::runtime;

/// How long a Job may live after its stream came up when `--for` names no
/// end. The session moves it on while it lives.
const OPEN_ENDED: Duration = Duration::from_secs(4 * 3600);

/// What a Job may live longer than `--for`: start, farewell and a slow server.
const MARGIN: Duration = Duration::from_secs(120);

/// Runs the command to its exit code.
///
/// # Errors
/// A [`Problem`] when nothing could be measured at all.
pub fn run(arguments: &PulseArgs, global: &GlobalArgs, ui: Ui) -> Result<Exit, Problem> {
    let clock = Clock::start();
    let selection = choose::selection(arguments);
    if selection.is_none() {
        choose::can_ask()?;
    }
    let runtime = threads(arguments).enable_all().build().map_err(|error| Problem {
        reason: "runtime",
        message: format!("cannot start threads: {error}"),
        hint: None,
    })?;
    let exit = runtime.block_on(async {
        let spinner = ui.spinner();
        spinner.set("asking the API server");
        let cluster = connect(&super::target(global)).await?;
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
                None => return Ok(Exit::Interrupted),
            },
        };
        let selected = async {
            tokio::join!(
                nodes::select(&cluster, &selection, arguments.no_probe),
                may_bypass(arguments, &cluster)
            )
        };
        let (selected, bypass) = tokio::select! {
            selected = selected => selected,
            () = terminate.wait() => return Ok(Exit::Interrupted),
        };
        let (found, mut missing) = selected?;
        // A person who misspelt the only name wants one line; a program that
        // reads objects gets the Problem as one of them.
        let for_programs =
            matches!(arguments.output, Some(OutputFormat::Json | OutputFormat::Yaml));
        if found.is_empty()
            && !for_programs
            && let Some((_, problem)) = missing.pop()
        {
            for (_, other) in &missing {
                ui.problem(other);
            }
            return Err(problem);
        }
        if arguments.dry_run {
            return dry_run::print(
                &context(arguments, cluster, bypass)?,
                &found,
                missing,
                arguments.output,
            )
            .await;
        }
        let context = Arc::new(context(arguments, cluster, bypass)?);
        listen::run(context, arguments, found, missing, ui, clock, terminate).await
    });
    // Tasks that hang in a dead API server must not hold the command.
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}

/// The Lease watch alone is one stream of small things, which would cost more
/// to hand from thread to thread than to deal with.
fn threads(arguments: &PulseArgs) -> runtime::Builder {
    if arguments.no_probe {
        return runtime::Builder::new_current_thread();
    }
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

fn namespace<'a>(arguments: &'a PulseArgs, cluster: &'a Cluster) -> &'a str {
    arguments.probe_namespace.as_deref().unwrap_or(&cluster.namespace)
}

async fn may_bypass(arguments: &PulseArgs, cluster: &Cluster) -> Permission {
    if arguments.no_probe || arguments.no_bypass {
        return Permission::Unwanted;
    }
    bypass::permission(&cluster.client, namespace(arguments, cluster)).await
}

fn context(
    arguments: &PulseArgs,
    cluster: Cluster,
    bypass: Permission,
) -> Result<Context, Problem> {
    let session = SessionId::random().map_err(|error| Problem {
        reason: "no-randomness",
        message: format!("the system's random source failed: {error}"),
        hint: None,
    })?;
    Ok(Context {
        namespace: namespace(arguments, &cluster).to_owned(),
        bypass,
        session,
        image: arguments.image.clone(),
        profile: match arguments.profile {
            ProfileChoice::Auto => None,
            ProfileChoice::Bpf => Some(Profile::Bpf),
            ProfileChoice::Sysadmin => Some(Profile::Sysadmin),
            ProfileChoice::Privileged => Some(Profile::Privileged),
        },
        lifetime: arguments.duration.map_or(OPEN_ENDED, |duration| duration + MARGIN),
        registry: Registry::default(),
        cluster,
    })
}
