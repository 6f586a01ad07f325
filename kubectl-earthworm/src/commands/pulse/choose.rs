//! Which nodes `pulse` is about, from flags or from a list to choose from.

use crate::cli::pulse::PulseArgs;
use crate::cluster::connect::Cluster;
use crate::cluster::nodes::{self, NodeFacts, Readiness, Selection};
use crate::signal::Problem;
use dialoguer::FuzzySelect;
use std::io::IsTerminal;

/// What the flags select; `None` asks the person at the terminal.
pub(super) fn selection(arguments: &PulseArgs) -> Option<Selection> {
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

/// Lets the person choose one node, or all.
pub(super) async fn ask(cluster: &Cluster) -> Result<Selection, Problem> {
    let nodes = nodes::list(cluster, None).await?;
    let width = nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = nodes.iter().map(|node| describe(node, width)).collect();
    if lines.is_empty() {
        return Ok(Selection::All);
    }
    lines.push("all nodes".into());
    let chosen = tokio::task::spawn_blocking(move || {
        FuzzySelect::new().with_prompt("Which node?").items(&lines).default(0).interact_opt()
    })
    .await;
    match chosen {
        Ok(Ok(Some(index))) => Ok(match nodes.into_iter().nth(index) {
            Some(node) => Selection::Named(vec![node.name]),
            None => Selection::All,
        }),
        _ => Err(Problem { reason: "usage", message: "no node chosen".into(), hint: None }),
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
