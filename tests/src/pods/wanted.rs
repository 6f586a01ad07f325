//! What a pod is to be. Pure.

use serde_json::{Value, json};
use xtask::cluster::workload::image::NAME as IMAGE;

/// A pod that does not exist yet.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub(super) name: &'a str,
    node: &'a str,
    containers: Vec<(&'a str, &'a [&'a str])>,
    host_network: bool,
    pub(super) in_deployment: bool,
}

impl<'a> Wanted<'a> {
    /// A pod of one container, called `main`, with a network of its own.
    #[must_use]
    pub fn new(name: &'a str, node: &'a str, command: &'a [&'a str]) -> Self {
        let containers = vec![("main", command)];
        Self { name, node, containers, host_network: false, in_deployment: false }
    }

    /// Another container beside it, which shares its network.
    #[must_use]
    pub fn and(mut self, container: &'a str, command: &'a [&'a str]) -> Self {
        self.containers.push((container, command));
        self
    }

    /// On the node's own network. Its address is the node's then, and its ports
    /// are.
    #[must_use]
    pub fn on_host_network(self) -> Self {
        Self { host_network: true, ..self }
    }

    /// Made by a Deployment of this name, as pods are in real life.
    #[must_use]
    pub fn in_deployment(self) -> Self {
        Self { in_deployment: true, ..self }
    }

    /// The object to be created. The labels are those of everything in it.
    pub(super) fn object(&self, name: &str, labels: &Value) -> Value {
        let metadata = json!({ "name": name, "labels": labels });
        if self.in_deployment {
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata,
                "spec": {
                    "selector": { "matchLabels": labels },
                    "template": { "metadata": { "labels": labels }, "spec": self.spec() },
                },
            })
        } else {
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self.spec() })
        }
    }

    fn spec(&self) -> Value {
        let container = |(name, command): &(&str, &[&str])| json!({ "name": name, "image": IMAGE, "imagePullPolicy": "Never", "command": command });
        json!({
            "nodeName": self.node,
            "hostNetwork": self.host_network,
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
            "containers": self.containers.iter().map(container).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_makes_the_same_pod() {
        let labels = json!({ "app": "web-node-a" });
        let bare = Wanted::new("web", "node-a", &["httpd"]).and("side", &["sleep", "1"]);
        let pod = bare.object("web-node-a", &labels);
        let deployment = bare.in_deployment().object("web-node-a", &labels);
        assert_eq!(deployment["spec"]["template"]["spec"], pod["spec"]);
        assert_eq!(deployment["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"]);
        assert_eq!(pod["spec"]["containers"][1]["name"], "side");
        assert_eq!(pod["spec"]["nodeName"], "node-a");
    }
}
