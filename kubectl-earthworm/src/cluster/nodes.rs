//! Which nodes a command is about, and what is known of each before it starts.

use super::connect::{Cluster, some_of};
use super::lean::LeanNode;
use super::problem;
use crate::signal::Problem;
use futures::future::join_all;
use k8s_openapi::api::core::v1::{ContainerImage, Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Nodes in one page of a list: an API server answers large lists in pieces.
const PAGE: u32 = 500;

/// What the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These, by name.
    Named(Vec<String>),
    /// All that match a label selector.
    Matching(String),
    /// Every node.
    All,
}

/// What the API server knows of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFacts {
    /// `metadata.name`.
    pub name: String,
    /// The Ready condition.
    pub readiness: Readiness,
    /// `nodeInfo.kernelVersion`.
    pub kernel: String,
    /// `nodeInfo.architecture`: `amd64`, `arm64`.
    pub architecture: String,
    /// `nodeInfo.operatingSystem`.
    pub operating_system: String,
    /// `status.images`.
    pub images: Vec<ContainerImage>,
}

/// The Ready condition of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// `True`.
    Ready,
    /// `False`: the kubelet lives and says that it cannot run pods; why.
    NotReady(String),
    /// `Unknown` or absent: the control plane has not heard of the kubelet; why.
    Unknown(String),
}

impl NodeFacts {
    /// Nothing but a name.
    fn named(name: &str) -> Self {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
        Self::from_node(Node { metadata, ..Default::default() })
    }

    fn from_node(node: Node) -> Self {
        let status = node.status.unwrap_or_default();
        let info = status.node_info.unwrap_or_default();
        let ready = status
            .conditions
            .unwrap_or_default()
            .into_iter()
            .find(|condition| condition.type_ == "Ready");
        let readiness = match ready {
            Some(condition) => {
                let why = problem::one_line(&condition.message.unwrap_or_default());
                match condition.status.as_str() {
                    "True" => Readiness::Ready,
                    "False" => Readiness::NotReady(why),
                    _ => Readiness::Unknown(why),
                }
            }
            None => Readiness::Unknown("the node has no Ready condition".into()),
        };
        Self {
            name: node.metadata.name.unwrap_or_default(),
            readiness,
            kernel: info.kernel_version,
            architecture: info.architecture,
            operating_system: info.operating_system,
            images: status.images.unwrap_or_default(),
        }
    }
}

/// A node that cannot be measured, and why.
pub type Missing = (String, Problem);

/// Finds the nodes. One bad name never spoils the others: it comes back as
/// [`Missing`]. With `on_trust` names are enough: one that this user may not
/// look up is taken as it is, since to watch a Lease needs no right on nodes,
/// and of many nodes nothing but the names is asked for.
///
/// # Errors
/// A [`Problem`] when nothing can be found at all.
pub async fn select(
    cluster: &Cluster,
    selection: &Selection,
    on_trust: bool,
) -> Result<(Vec<NodeFacts>, Vec<Missing>), Problem> {
    match selection {
        Selection::Named(names) => Ok(by_name(cluster, names, on_trust).await),
        Selection::Matching(selector) => {
            let found = many(cluster, Some(selector), on_trust).await?;
            if found.is_empty() {
                return Err(Problem {
                    reason: "no-nodes",
                    message: format!("no node matches the selector \"{selector}\""),
                    hint: Some("see the labels with: kubectl get nodes --show-labels".into()),
                });
            }
            Ok((found, Vec::new()))
        }
        Selection::All => {
            let found = many(cluster, None, on_trust).await?;
            if found.is_empty() {
                return Err(Problem {
                    reason: "no-nodes",
                    message: format!("cluster of context \"{}\" has no nodes", cluster.context),
                    hint: None,
                });
            }
            Ok((found, Vec::new()))
        }
    }
}

async fn by_name(
    cluster: &Cluster,
    names: &[String],
    on_trust: bool,
) -> (Vec<NodeFacts>, Vec<Missing>) {
    let api: Api<Node> = Api::all(cluster.client.clone());
    let mut distinct: Vec<&String> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    let answers = join_all(distinct.iter().map(|name| api.get(name))).await;
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (name, answer) in distinct.into_iter().zip(answers) {
        match answer {
            Ok(node) => found.push(NodeFacts::from_node(node)),
            Err(kube::Error::Api(status)) if on_trust && status.code == 403 => {
                found.push(NodeFacts::named(name));
            }
            Err(error) => missing.push((name.clone(), absent(cluster, name, &error).await)),
        }
    }
    (found, missing)
}

async fn absent(cluster: &Cluster, name: &str, error: &kube::Error) -> Problem {
    if !matches!(error, kube::Error::Api(status) if status.code == 404) {
        return problem::from_error(error, &format!("node {name}"), "read");
    }
    let known = match list(cluster, None).await {
        Ok(nodes) => nodes.into_iter().map(|node| node.name).collect(),
        Err(_) => Vec::new(),
    };
    Problem {
        reason: "unknown-node",
        message: format!(
            "node \"{name}\" is not in the cluster of context \"{}\"",
            cluster.context
        ),
        hint: (!known.is_empty()).then(|| format!("known nodes: {}", some_of(&known))),
    }
}

/// Names of the images of containers that run on a node now, as far as the user
/// may see them: without the right to list pods there are none.
pub async fn running_images(cluster: &Cluster, node: &str) -> Vec<String> {
    let api: Api<Pod> = Api::all(cluster.client.clone());
    let there = ListParams::default().fields(&format!("spec.nodeName={node}")).limit(PAGE);
    let Ok(pods) = api.list(&there).await else { return Vec::new() };
    let statuses = pods.items.into_iter().filter_map(|pod| pod.status?.container_statuses);
    let running = statuses
        .flatten()
        .filter(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
    // Some runtimes give the id of an image that has lost its name.
    let mut names: Vec<String> = running
        .map(|container| container.image)
        .filter(|name| !name.is_empty() && !name.starts_with("sha256:"))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Every node, or those that match, sorted by name.
///
/// # Errors
/// A [`Problem`] from the API server.
pub async fn list(cluster: &Cluster, selector: Option<&str>) -> Result<Vec<NodeFacts>, Problem> {
    let api: Api<Node> = Api::all(cluster.client.clone());
    pages(&api, selector, NodeFacts::from_node).await
}

async fn many(
    cluster: &Cluster,
    selector: Option<&str>,
    names_only: bool,
) -> Result<Vec<NodeFacts>, Problem> {
    if !names_only {
        return list(cluster, selector).await;
    }
    // A Node has kilobytes of status: in a large cluster that makes a list of
    // names a hundred megabytes long.
    let api: Api<LeanNode> = Api::all(cluster.client.clone());
    pages(&api, selector, |node| NodeFacts::named(&node.metadata.name.unwrap_or_default())).await
}

/// A list, page by page, sorted by name.
async fn pages<K: Clone + DeserializeOwned + Debug>(
    api: &Api<K>,
    selector: Option<&str>,
    facts: impl Fn(K) -> NodeFacts,
) -> Result<Vec<NodeFacts>, Problem> {
    let mut parameters = ListParams::default().limit(PAGE);
    if let Some(selector) = selector {
        parameters = parameters.labels(selector);
    }
    let mut nodes = Vec::new();
    loop {
        let page = api
            .list(&parameters)
            .await
            .map_err(|error| problem::from_error(&error, "nodes", "list"))?;
        nodes.extend(page.items.into_iter().map(&facts));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => break,
        }
    }
    nodes.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(nodes)
}
