//! A probe on this machine, without a cluster.

use super::asked::Asked;
use crate::cli::GlobalArgs;
use crate::cli::probe::ProfileChoice;
use crate::cli::top::{ViewArgs, ViewCommand};
use crate::cluster::reporter::Clock;
use crate::exit::Exit;
use crate::signal::Problem;
use crate::ui::Ui;

/// Refuses what means nothing without a cluster.
///
/// # Errors
/// A [`Problem`] that names it.
pub(super) fn check(view: &ViewCommand, global: &GlobalArgs) -> Result<(), Problem> {
    let unknown = match view {
        ViewCommand::Services(_) => "services",
        ViewCommand::Namespaces(_) => "namespaces",
        ViewCommand::Pods(_) => "pods",
        _ => return excluded(view.arguments(), global).map_or(Ok(()), |flag| refuse(&flag)),
    };
    Err(Problem {
        reason: "usage",
        message: format!("top {unknown} needs the API server, which --local does not ask"),
        hint: Some("see flows, ports, latency, retransmits or drops of this machine".into()),
    })
}

fn refuse(flag: &str) -> Result<(), Problem> {
    Err(Problem {
        reason: "usage",
        message: format!("--local and {flag} exclude each other"),
        hint: Some("--local looks at this machine and asks no cluster".into()),
    })
}

/// The first argument that is about a cluster.
fn excluded(arguments: &ViewArgs, global: &GlobalArgs) -> Option<String> {
    let ViewArgs { nodes, probe, .. } = arguments;
    if let Some(node) = nodes.nodes.first() {
        return Some(format!("the node {node}"));
    }
    let flags = [
        ("-l", nodes.selector.is_some()),
        ("--all-nodes", nodes.all_nodes),
        ("--kubeconfig", global.kubeconfig.is_some()),
        ("--context", global.context.is_some()),
        ("-n", global.namespace.is_some()),
        ("-A", arguments.all_namespaces),
        ("--pod", arguments.pod.is_some()),
        ("--as", global.impersonate.is_some()),
        ("--as-group", !global.impersonate_groups.is_empty()),
        ("--allow-missing-nodes", probe.allow_missing_nodes),
        ("--probe-namespace", probe.probe_namespace.is_some()),
        ("--image", probe.image.is_some()),
        ("--profile", probe.profile != ProfileChoice::Auto),
        ("--no-bypass", probe.no_bypass),
        ("--dry-run", probe.dry_run),
    ];
    flags.into_iter().find(|(_, is_there)| *is_there).map(|(flag, _)| flag.to_owned())
}

/// Looks whether it can be done, and returns what is to be done.
///
/// # Errors
/// A [`Problem`] when no probe can run on this machine.
#[cfg(target_os = "linux")]
pub(super) fn run(
    asked: &Asked,
    ui: Ui,
    clock: Clock,
) -> Result<impl Future<Output = Result<Exit, Problem>>, Problem> {
    use super::listen::{self, Sources};
    use crate::cluster::reporter::Reporter;
    use crate::commands::terminate::Terminate;
    use crate::local::{self, Machine};
    use crate::naming::Names;
    use crate::stop;
    use tokio::sync::mpsc;

    let machine = Machine::here()?;
    Ok(async move {
        let terminate = Terminate::new();
        let (sender, signals) = mpsc::channel(listen::QUEUE);
        let (stopper, stop) = stop::pair();
        let node = machine.node.clone();
        let reporter = Reporter::new(clock, node.clone(), sender);
        // Ends with its last report, and so does the command.
        tokio::spawn(local::run(machine, reporter, asked.request(), stop));
        // Nobody tells of a cluster.
        let (_, changes) = mpsc::channel(1);
        let sources = Sources {
            nodes: vec![node],
            signals,
            names: Names::without_cluster(),
            changes,
            watches: None,
            stopper,
            terminate,
            without_clean_up: "not waiting for the probe's last words; it ends with this command",
        };
        listen::run(sources, asked, ui, clock).await
    })
}

/// There are eBPF programs for Linux alone.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(super) fn run(
    _asked: &Asked,
    _ui: Ui,
    _clock: Clock,
) -> Result<std::future::Pending<Result<Exit, Problem>>, Problem> {
    Err(Problem {
        reason: "unsupported",
        message: format!("--local needs Linux; this machine runs {}", std::env::consts::OS),
        hint: Some("name nodes of a cluster instead".into()),
    })
}
