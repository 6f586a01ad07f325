//! What runs, for people and for programs.

use anyhow::Result;
use serde::Serialize;

use super::layout::Layout;
use super::state::{Component, State};
use super::up;

/// The sandbox at one moment; `status --output json` prints exactly this.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether every component runs.
    pub running: bool,
    /// The Kubernetes version without `v`, none without a sandbox.
    pub kubernetes: Option<String>,
    /// The administrator's kubeconfig, none without a sandbox.
    pub kubeconfig: Option<String>,
    /// The nodes in order.
    pub nodes: Vec<NodeStatus>,
    /// The components in the order of their first start.
    pub components: Vec<ComponentStatus>,
}

/// One node.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// The name in Kubernetes.
    pub name: String,
    /// What Kubernetes says. False also when nobody could be asked.
    pub ready: bool,
    /// The InternalIP.
    pub address: String,
    /// The network namespace, as `ip netns` lists it.
    pub namespace: String,
}

/// One component.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ComponentStatus {
    /// Whether the recorded process runs.
    pub alive: bool,
    /// What was recorded at its start.
    #[serde(flatten)]
    pub component: Component,
}

impl Status {
    /// Looks at the sandbox.
    ///
    /// # Errors
    /// When the state cannot be read or kubectl cannot be started.
    pub fn take(layout: &Layout) -> Result<Status> {
        let Some(state) = State::load(layout)? else {
            return Ok(Status {
                running: false,
                kubernetes: None,
                kubeconfig: None,
                nodes: Vec::new(),
                components: Vec::new(),
            });
        };
        let ready = up::ready_nodes(layout, &state)?;
        let nodes = state.nodes.iter().map(|node| NodeStatus {
            name: node.name.clone(),
            ready: ready.contains(&node.name),
            address: node.address.to_string(),
            namespace: node.namespace.clone(),
        });
        let components: Vec<ComponentStatus> = state
            .components
            .iter()
            .map(|component| ComponentStatus {
                alive: component.process.is_alive(),
                component: component.clone(),
            })
            .collect();
        Ok(Status {
            running: state.complete && components.iter().all(|one| one.alive),
            kubernetes: Some(state.options.kubernetes.clone()),
            kubeconfig: Some(layout.kubeconfig().display().to_string()),
            nodes: nodes.collect(),
            components,
        })
    }

    /// The status as lines for people.
    #[must_use]
    pub fn render(&self) -> String {
        let (Some(kubernetes), Some(kubeconfig)) = (&self.kubernetes, &self.kubeconfig) else {
            return "no sandbox".to_owned();
        };
        let mut lines =
            vec![format!("Kubernetes  {kubernetes}"), format!("kubeconfig  {kubeconfig}")];
        for node in &self.nodes {
            let word = if node.ready { "Ready" } else { "not Ready" };
            lines.push(format!(
                "{:<11} {word}, {}, network namespace {}",
                node.name, node.address, node.namespace
            ));
        }
        for one in &self.components {
            let word = if one.alive { "runs" } else { "DEAD" };
            lines.push(format!(
                "{:<24} {word}  process {:<8} {}",
                one.component.full_name(),
                one.component.process.pid,
                one.component.log.display()
            ));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_sandbox_nothing_runs() {
        let status = Status::take(&Layout::new("/no/such/folder")).unwrap();
        assert!(!status.running);
        assert_eq!(status.render(), "no sandbox");
    }
}
