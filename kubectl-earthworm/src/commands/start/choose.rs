//! Which nodes a command is about, from flags or from a list to choose from.

use super::picker::{self, Choice};
use crate::cli::probe::NodeArgs;
use crate::cluster::connect::Cluster;
use crate::cluster::nodes::{self, NodeFacts, Readiness, Selection};
use crate::commands::terminate::Terminate;
use crate::signal::Problem;
use crate::ui::Ui;
use std::io::IsTerminal;

/// What the flags select; `None` asks the person at the terminal.
pub(super) fn selection(arguments: &NodeArgs) -> Option<Selection> {
    if arguments.all_nodes {
        return Some(Selection::All);
    }
    if let Some(selector) = &arguments.selector {
        return Some(Selection::Matching(selector.clone()));
    }
    (!arguments.nodes.is_empty()).then(|| Selection::Named(arguments.nodes.clone()))
}

/// Fails early when nobody can be asked.
pub(super) fn can_ask() -> Result<(), Problem> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    Err(Problem {
        reason: "usage",
        message: "no node named".into(),
        hint: Some(
            "name nodes, or select them with -l QUERY or --all-nodes; see: kubectl get nodes"
                .into(),
        ),
    })
}

/// Lets the person choose one node, or all; `None` when interrupted.
pub(super) async fn ask(
    cluster: &Cluster,
    ui: Ui,
    terminate: &mut Terminate,
) -> Result<Option<Selection>, Problem> {
    let nodes = tokio::select! {
        nodes = nodes::list(cluster, None) => nodes?,
        () = terminate.wait() => return Ok(None),
    };
    let width = nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = nodes.iter().map(|node| describe(node, width)).collect();
    if lines.is_empty() {
        return Ok(Some(Selection::All));
    }
    lines.push("all nodes".into());
    match picker::pick("Which node?", lines, ui, terminate).await {
        Choice::Line(index) => Ok(Some(match nodes.into_iter().nth(index) {
            Some(node) => Selection::Named(vec![node.name]),
            None => Selection::All,
        })),
        Choice::Nothing => {
            Err(Problem { reason: "usage", message: "no node chosen".into(), hint: None })
        }
        Choice::Interrupted => Ok(None),
    }
}

fn describe(node: &NodeFacts, width: usize) -> String {
    let state = match &node.readiness {
        Readiness::Ready => "Ready",
        Readiness::NotReady(_) => "NotReady",
        Readiness::Unknown(_) => "Unknown",
    };
    format!("{:width$}  {state:8}  {}", node.name, node.kernel)
}
