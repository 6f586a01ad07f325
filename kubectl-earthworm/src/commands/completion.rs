//! `completion`, and the completion that kubectl asks for: kubectl runs
//! `kubectl_complete-earthworm` with the words typed so far and takes lines of
//! `value<TAB>description`, the last of them a directive.

use crate::cli::{Cli, CompletionTarget};
use crate::cluster::connect::{self, Target, connect, read_kubeconfig};
use crate::cluster::nodes;
use crate::exit::Exit;
use crate::signal::Problem;
use crate::ui::Ui;
use clap::{CommandFactory, FromArgMatches};
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, ListParams};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name under which kubectl looks for a plugin's completion.
pub const KUBECTL_COMPLETE: &str = "kubectl_complete-earthworm";

/// cobra's `ShellCompDirectiveNoFileComp`: no file names.
const NO_FILES: &str = ":4";

/// A shell waits for us: better no names than late ones.
const PATIENCE: Duration = Duration::from_secs(2);

/// More names help nobody to choose.
const MANY_PODS: u32 = 500;

/// Prints a script, or installs the link that kubectl looks for.
///
/// # Errors
/// A [`Problem`] when the link cannot be made or stdout is gone.
pub fn run(target: CompletionTarget, ui: &Ui) -> Result<Exit, Problem> {
    let shell = match target {
        CompletionTarget::Install => return install(ui),
        CompletionTarget::Bash => Shell::Bash,
        CompletionTarget::Zsh => Shell::Zsh,
        CompletionTarget::Fish => Shell::Fish,
        CompletionTarget::PowerShell => Shell::PowerShell,
    };
    crate::output::raw(&script(shell)).map_err(|error| Problem {
        reason: "output",
        message: format!("cannot write to stdout: {error}"),
        hint: None,
    })?;
    Ok(Exit::Healthy)
}

/// The completion script of a shell.
#[must_use]
pub fn script(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    let mut command = Cli::command().bin_name("kubectl-earthworm");
    clap_complete::generate(shell, &mut command, "kubectl-earthworm", &mut text);
    text
}

fn install(ui: &Ui) -> Result<Exit, Problem> {
    let problem = |message: String| Problem {
        reason: "not-installed",
        message,
        hint: Some(format!(
            "put a link named {KUBECTL_COMPLETE} to this binary into a folder of PATH"
        )),
    };
    // Where PATH has it, since that is where kubectl looks; a plugin manager
    // puts a link there and the binary itself elsewhere.
    let binary = match on_path() {
        Some(binary) => binary,
        None => std::env::current_exe()
            .map_err(|error| problem(format!("cannot tell where this binary lies: {error}")))?,
    };
    let link = binary.with_file_name(KUBECTL_COMPLETE);
    if link.exists() {
        ui.note(format_args!("{} is there already", link.display()));
        return Ok(Exit::Healthy);
    }
    make_link(&binary, &link)
        .map_err(|error| problem(format!("cannot create {}: {error}", link.display())))?;
    ui.note(format_args!("created {}", link.display()));
    Ok(Exit::Healthy)
}

fn on_path() -> Option<PathBuf> {
    let name = format!("kubectl-earthworm{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file())
}

#[cfg(unix)]
fn make_link(binary: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(binary, link)
}

#[cfg(not(unix))]
fn make_link(binary: &Path, link: &Path) -> std::io::Result<()> {
    std::fs::copy(binary, link.with_extension("exe")).map(drop)
}

/// Answers kubectl: the arguments are the words after `kubectl earthworm`, the
/// last of them the one to complete (maybe empty).
pub fn answer_kubectl(words: &[OsString], out: &mut dyn Write) -> std::io::Result<()> {
    let mut typed = vec![OsString::from("kubectl-earthworm")];
    typed.extend_from_slice(words);
    if words.is_empty() {
        typed.push(OsString::new());
    }
    let index = typed.len() - 1;
    let mut command = with_completers(target_of(&typed));
    let candidates = complete(&mut command, typed, index, None).unwrap_or_default();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        match candidate.get_help() {
            Some(help) => writeln!(out, "{value}\t{help}")?,
            None => writeln!(out, "{value}")?,
        }
    }
    writeln!(out, "{NO_FILES}")
}

/// The cluster that the words typed so far mean. The line is unfinished, so
/// errors are expected and the flags found before them count.
fn target_of(typed: &[OsString]) -> Target {
    let finished = &typed[..typed.len() - 1];
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(finished);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => super::target(&cli.global),
        Err(_) => Target::default(),
    }
}

/// The command line with completers that ask the cluster.
fn with_completers(target: Target) -> clap::Command {
    let nodes = {
        let target = target.clone();
        completer(move || block_on(node_names(&target)))
    };
    let namespaces = {
        let target = target.clone();
        completer(move || block_on(namespace_names(&target)))
    };
    let pods = {
        let target = target.clone();
        completer(move || block_on(pod_names(&target)))
    };
    let contexts = completer(move || {
        read_kubeconfig(&target).map(|config| connect::context_names(&config)).unwrap_or_default()
    });
    Cli::command()
        .mut_arg("context", |argument| argument.add(contexts))
        .mut_arg("namespace", {
            let namespaces = namespaces.clone();
            |argument| argument.add(namespaces)
        })
        .mut_subcommand("pulse", |pulse| probed(pulse, &nodes, &namespaces))
        .mut_subcommand("top", |top| {
            top.mut_subcommands(|view| {
                probed(view, &nodes, &namespaces)
                    .mut_arg("pod", |argument| argument.add(pods.clone()))
            })
        })
}

/// Completers for the flags that all commands with probes have.
fn probed(
    command: clap::Command,
    nodes: &ArgValueCompleter,
    namespaces: &ArgValueCompleter,
) -> clap::Command {
    command
        .mut_arg("nodes", |argument| argument.add(nodes.clone()))
        .mut_arg("probe_namespace", |argument| argument.add(namespaces.clone()))
}

fn completer(names: impl Fn() -> Vec<String> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let prefix = current.to_string_lossy();
        names()
            .into_iter()
            .filter(|name| name.starts_with(prefix.as_ref()))
            .map(CompletionCandidate::new)
            .collect()
    })
}

fn block_on(names: impl Future<Output = Option<Vec<String>>>) -> Vec<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    runtime
        .block_on(async { tokio::time::timeout(PATIENCE, names).await })
        .ok()
        .flatten()
        .unwrap_or_default()
}

async fn node_names(target: &Target) -> Option<Vec<String>> {
    let cluster = connect(target).await.ok()?;
    let nodes = nodes::list(&cluster, None).await.ok()?;
    Some(nodes.into_iter().map(|node| node.name).collect())
}

async fn namespace_names(target: &Target) -> Option<Vec<String>> {
    let cluster = connect(target).await.ok()?;
    let namespaces: Api<Namespace> = Api::all(cluster.client);
    let list = namespaces.list_metadata(&ListParams::default()).await.ok()?;
    Some(list.items.into_iter().filter_map(|item| item.metadata.name).collect())
}

/// Names of the pods of the namespace that was typed, else of all.
async fn pod_names(target: &Target) -> Option<Vec<String>> {
    let cluster = connect(target).await.ok()?;
    let pods: Api<Pod> = match &target.namespace {
        Some(namespace) => Api::namespaced(cluster.client, namespace),
        None => Api::all(cluster.client),
    };
    let list = pods.list_metadata(&ListParams::default().limit(MANY_PODS)).await.ok()?;
    Some(list.items.into_iter().filter_map(|item| item.metadata.name).collect())
}
