//! The workload as Kubernetes objects. Pure.

use serde_json::{Value, json};

use super::image::NAME as IMAGE;

/// The namespace that holds all of it.
pub const NAMESPACE: &str = "shop";

/// The port at which every node answers for the web server.
pub const NODE_PORT: u16 = 30080;

/// A Deployment, so that pods have real owners; there is no scheduler, so its
/// template says on which node they run.
struct Deployment<'a> {
    name: &'a str,
    node: &'a str,
    replicas: u8,
    command: &'a [&'a str],
    port: Option<u16>,
}

/// The namespace itself, which has to be there before everything else.
#[must_use]
pub fn namespace() -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } })
}

/// What is in it, on two nodes, which may be the same: each client is on another
/// node than its server.
#[must_use]
pub fn all(here: &str, there: &str) -> Value {
    // Not `wget -T`: that crashes in Debian's static busybox.
    let visit = "while sleep 0.4; do timeout 2 wget -q -O /dev/null http://web/; done";
    // It ends whenever its server does not answer.
    let order = "while sleep 0.5; do redis-cli -h cart -r -1 -i 0.3 incr orders; done >/dev/null";
    let redis = ["redis-server", "--save", "", "--protected-mode", "no"];
    let deployments = [
        Deployment {
            name: "web",
            node: there,
            replicas: 2,
            command: &["httpd", "-f", "-p", "8080", "-h", "/www"],
            port: Some(8080),
        },
        Deployment {
            name: "visitor",
            node: here,
            replicas: 1,
            command: &["sh", "-c", visit],
            port: None,
        },
        Deployment { name: "cart", node: here, replicas: 1, command: &redis, port: Some(6379) },
        Deployment {
            name: "checkout",
            node: there,
            replicas: 1,
            command: &["sh", "-c", order],
            port: None,
        },
    ];
    let mut items = vec![
        service("web", &json!({ "port": 80, "targetPort": 8080, "nodePort": NODE_PORT }), true),
        service("cart", &json!({ "port": 6379 }), false),
    ];
    items.extend(deployments.iter().map(deployment));
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// The names of the Deployments among objects.
#[must_use]
pub fn deployments(objects: &Value) -> Vec<&str> {
    let items = objects["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter(|item| item["kind"] == "Deployment")
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect()
}

fn service(name: &str, port: &Value, on_nodes: bool) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "type": if on_nodes { "NodePort" } else { "ClusterIP" },
            "selector": { "app": name },
            "ports": [port],
        },
    })
}

fn deployment(deployment: &Deployment<'_>) -> Value {
    let labels = json!({ "app": deployment.name });
    let mut container = json!({
        "name": deployment.name,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": deployment.command,
    });
    if let Some(port) = deployment.port {
        container["ports"] = json!([{ "containerPort": port }]);
        container["readinessProbe"] = json!({ "tcpSocket": { "port": port } });
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": deployment.name, "namespace": NAMESPACE },
        "spec": {
            "replicas": deployment.replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "nodeName": deployment.node,
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 1,
                    "containers": [container],
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_on_another_node_than_its_server() {
        let objects = all("node-a", "node-b");
        let node = |name: &str| {
            let items = objects["items"].as_array().unwrap();
            let deployment =
                |item: &&Value| item["kind"] == "Deployment" && item["metadata"]["name"] == name;
            items.iter().find(deployment).unwrap()["spec"]["template"]["spec"]["nodeName"].clone()
        };
        assert_ne!(node("web"), node("visitor"));
        assert_ne!(node("cart"), node("checkout"));
        assert_eq!(deployments(&objects), ["web", "visitor", "cart", "checkout"]);
    }
}
