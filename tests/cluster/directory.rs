//! The names of addresses and control groups against what kubectl says.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use earthworm_tests::eventually;
use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::rights::{Grant, Right};
use earthworm_tests::throttle::SlowLine;
use earthworm_wire::flow::{OwnerKind, Transport};
use jiff::Timestamp;
use kubectl_earthworm::cluster::connect::{Target, connect};
use kubectl_earthworm::cluster::directory;
use kubectl_earthworm::naming::{Change, Endpoint, EndpointKind, Names, What};
use kubectl_earthworm::signal::Problem;
use kubectl_earthworm::stop::{self, Stopper};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use xtask::cluster::options::{HOST_ADDRESS, ports};
use xtask::cluster::pause_image::PAUSE_IMAGE;

/// Pods start, and endpoints follow, within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command would know, kept up to date until this is dropped.
struct Directory {
    known: Arc<Mutex<Known>>,
    // The order of dropping: the watches end, then what they run on.
    _stopper: Stopper,
    _runtime: Runtime,
}

#[derive(Default)]
struct Known {
    names: Names,
    synced: Vec<What>,
    unavailable: Vec<(What, Problem)>,
}

impl Directory {
    /// Of the cluster, as the user of a kubeconfig.
    fn open(kubeconfig: PathBuf) -> Self {
        let runtime = Runtime::new().unwrap();
        let (stopper, stop) = stop::pair();
        let target = Target { kubeconfig: Some(kubeconfig), ..Target::default() };
        let known = Arc::new(Mutex::new(Known::default()));
        let told = known.clone();
        runtime.spawn(async move {
            let cluster = connect(&target).await.unwrap();
            let (sender, mut changes) = mpsc::channel(64);
            let watches = directory::run(&cluster, sender, stop);
            let listener = async {
                while let Some(change) = changes.recv().await {
                    told.lock().unwrap().take(change);
                }
            };
            tokio::join!(watches, listener);
        });
        let directory = Self { known, _stopper: stopper, _runtime: runtime };
        let complete = || directory.known.lock().unwrap().names.is_complete();
        let took = eventually("everything is listed", PATIENCE, complete);
        println!("everything is listed after {:.2} s", took.as_secs_f64());
        directory
    }

    fn at(&self, address: &str, port: u16, at: Timestamp) -> Option<Arc<Endpoint>> {
        let address: IpAddr = address.parse().unwrap();
        self.known.lock().unwrap().names.address(address, port, Transport::Tcp, at)
    }

    /// Kind and name of who is there now.
    fn who(&self, address: &str, port: u16) -> (EndpointKind, String) {
        let found = self.at(address, port, Timestamp::now()).unwrap();
        (found.kind, found.name.to_string())
    }

    fn owner(&self, node: &str, owner: &OwnerKind) -> Option<Arc<Endpoint>> {
        self.known.lock().unwrap().names.owner(node, owner)
    }
}

impl Known {
    fn take(&mut self, change: Change) {
        match &change {
            Change::Synced(what) => self.synced.push(*what),
            Change::Unavailable { what, problem } => {
                self.unavailable.push((*what, problem.clone()));
            }
            _ => {}
        }
        self.names.apply(change);
    }
}

/// A Deployment of two pods, a service with a port on every node, and a pod in
/// the node's network; gone when this is dropped.
struct Shop<'a> {
    lab: &'a Lab,
    name: String,
    manifest: tempfile::NamedTempFile,
}

impl<'a> Shop<'a> {
    fn open(lab: &'a Lab) -> Self {
        let name = format!("names-{}", lab.node());
        let host = format!("{name}-host");
        let labels = json!({ "app": name });
        let spec = |network: bool| {
            json!({ "nodeName": lab.node(), "hostNetwork": network,
                "terminationGracePeriodSeconds": 1, "tolerations": [{ "operator": "Exists" }],
                "containers": [
                    { "name": "first", "image": PAUSE_IMAGE, "imagePullPolicy": "Never" },
                    { "name": "second", "image": PAUSE_IMAGE, "imagePullPolicy": "Never" }] })
        };
        let manifest = tempfile::NamedTempFile::new().unwrap();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
            { "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
              "spec": { "replicas": 2, "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": spec(false) } } },
            { "apiVersion": "v1", "kind": "Service", "metadata": { "name": name },
              "spec": { "type": "NodePort", "selector": labels,
                "ports": [{ "port": 80, "targetPort": 8080 }] } },
            { "apiVersion": "v1", "kind": "Pod", "metadata": { "name": host }, "spec": spec(true) },
        ] });
        std::fs::write(manifest.path(), list.to_string()).unwrap();
        let shop = Self { lab, name, manifest };
        let _ = lab.kubectl(&["apply", "--filename", &shop.path()]);
        shop
    }

    fn path(&self) -> String {
        self.manifest.path().display().to_string()
    }

    /// Its pods that run, once there are two.
    fn pods(&self) -> Vec<Value> {
        let mut pods = Vec::new();
        eventually("two pods run", PATIENCE, || {
            let list = self.lab.get(&["pods", "--selector", &format!("app={}", self.name)]);
            let all = list["items"].as_array().unwrap().clone();
            let leaving = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_string();
            let runs = |pod: &Value| pod["status"]["phase"] == "Running" && !leaving(pod);
            pods = all.into_iter().filter(runs).collect();
            pods.len() == 2
        });
        pods
    }
}

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        let path = self.path();
        let words = ["delete", "--now", "--ignore-not-found", "--filename", &path];
        let output = self.lab.try_kubectl(&words);
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} of {object:#}"))
}

/// What kubectl says of a pod of the shop, the names say as well.
fn assert_same(directory: &Directory, shop: &Shop, pod: &Value) {
    let (address, name) = (text(pod, "/status/podIP"), text(pod, "/metadata/name"));
    eventually("the pod has its service", PATIENCE, || {
        let found = directory.at(address, 8080, Timestamp::now());
        found.is_some_and(|found| &*found.name == name && found.service.is_some())
    });
    let found = directory.at(address, 8080, Timestamp::now()).unwrap();
    assert_eq!(found.kind, EndpointKind::Pod);
    assert_eq!(found.namespace.as_deref(), Some(text(pod, "/metadata/namespace")));
    assert_eq!(found.node.as_deref(), Some(text(pod, "/spec/nodeName")));
    let workload = found.workload.as_ref().unwrap();
    assert_eq!((&*workload.kind, &*workload.name), ("Deployment", &*shop.name));
    assert_eq!(*found.service.as_ref().unwrap().name, *shop.name);
    assert_eq!(directory.at(address, 81, Timestamp::now()).unwrap().service, None);
    assert_containers(directory, pod);
}

fn assert_containers(directory: &Directory, pod: &Value) {
    let statuses = pod["status"]["containerStatuses"].as_array().unwrap();
    assert_eq!(statuses.len(), 2, "{pod:#}");
    for status in statuses {
        let id = text(status, "/containerID").split_once("://").unwrap().1;
        // As the control groups of systemd have it.
        let pod_uid = text(pod, "/metadata/uid").replace('-', "_");
        let owner = OwnerKind::Container { pod_uid, container_id: id.to_owned() };
        let mut found = None;
        eventually("the container is known", PATIENCE, || {
            found = directory.owner(text(pod, "/spec/nodeName"), &owner);
            found.is_some()
        });
        let found = found.unwrap();
        assert_eq!(*found.name, *text(pod, "/metadata/name"));
        assert_eq!(found.container.as_deref(), Some(text(status, "/name")));
    }
}

#[test]
fn names_are_those_that_kubectl_has() {
    let Some(lab) = Lab::enter("names", Versions::All, Claim::NODE) else { return };
    let directory = Directory::open(lab.sandbox.kubeconfig());
    let shop = Shop::open(&lab);
    let pods = shop.pods();
    pods.iter().for_each(|pod| assert_same(&directory, &shop, pod));

    let service = lab.get(&["service", &shop.name]);
    let dialled = directory.who(text(&service, "/spec/clusterIP"), 80);
    assert_eq!(dialled, (EndpointKind::Service, shop.name.clone()));
    let node_port = service["spec"]["ports"][0]["nodePort"].as_u64().unwrap();
    let node = lab.node_spec().address.to_string();
    let dialled = directory.who(&node, u16::try_from(node_port).unwrap());
    assert_eq!(dialled, (EndpointKind::Service, shop.name.clone()));

    // The pod in the node's network is known by its containers alone.
    let host = format!("{}-host", shop.name);
    eventually("it runs", PATIENCE, || lab.get(&["pod", &host])["status"]["phase"] == "Running");
    let pod = lab.get(&["pod", &host]);
    assert_eq!(text(&pod, "/status/podIP"), node);
    assert_containers(&directory, &pod);
    assert_eq!(directory.who(&node, 22), (EndpointKind::Node, lab.node().to_owned()));

    let kubernetes = lab.get(&["service", "kubernetes"]);
    for (address, port) in [
        (text(&kubernetes, "/spec/clusterIP"), 443),
        (&HOST_ADDRESS.to_string(), ports::API_SERVER),
    ] {
        assert_eq!(directory.who(address, port).0, EndpointKind::ApiServer, "{address}");
    }

    // One pod goes, and the Deployment makes another.
    let gone = &pods[0];
    let (address, name) = (text(gone, "/status/podIP"), text(gone, "/metadata/name"));
    let before = Timestamp::now();
    let _ = lab.kubectl(&["delete", "pod", name, "--now"]);
    eventually("its address is not its own", PATIENCE, || {
        directory.who(address, 8080) != (EndpointKind::Pod, name.to_owned())
    });
    assert_eq!(&*directory.at(address, 8080, before).unwrap().name, name, "it was, then");
    let now = shop.pods();
    assert!(now.iter().all(|pod| text(pod, "/metadata/name") != name), "{now:#?}");
    now.iter().for_each(|pod| assert_same(&directory, &shop, pod));

    let known = directory.known.lock().unwrap();
    assert_eq!((known.synced.len(), known.unavailable.len()), (4, 0), "each is told once");
}

#[test]
fn what_happens_while_the_line_is_cut_is_known_after_it() {
    let Some(lab) = Lab::enter("names after a gap", Versions::Newest, Claim::NODE) else { return };
    let line = SlowLine::open(64 << 20);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    line.kubeconfig(&lab.sandbox.kubeconfig(), &kubeconfig);
    let directory = Directory::open(kubeconfig);
    let shop = Shop::open(&lab);
    let pods = shop.pods();
    pods.iter().for_each(|pod| assert_same(&directory, &shop, pod));
    let service = lab.get(&["service", &shop.name]);
    let cluster_address = text(&service, "/spec/clusterIP");

    line.cut();
    let names: Vec<&str> = pods.iter().map(|pod| text(pod, "/metadata/name")).collect();
    let _ = lab.kubectl(&[&["delete", "pod", "--now"], &names[..]].concat());
    let _ = lab.kubectl(&["delete", "service", &shop.name]);
    let now = shop.pods();
    // Nobody has told yet.
    for pod in &pods {
        let known = directory.who(text(pod, "/status/podIP"), 8080);
        assert_eq!(known, (EndpointKind::Pod, text(pod, "/metadata/name").to_owned()));
    }
    line.mend();
    let took = eventually("all are known", PATIENCE, || {
        let known = |pod| directory.who(text(pod, "/status/podIP"), 8080);
        now.iter().all(|pod| known(pod).1 == text(pod, "/metadata/name"))
            && pods.iter().all(|pod| known(pod).1 != text(pod, "/metadata/name"))
            && directory.who(cluster_address, 80).0 != EndpointKind::Service
    });
    println!("all is known {:.2} s after the line is mended", took.as_secs_f64());
    let found = directory.at(text(&now[0], "/status/podIP"), 8080, Timestamp::now()).unwrap();
    assert_eq!(found.service, None);
    let known = directory.known.lock().unwrap();
    assert_eq!((known.synced.len(), known.unavailable.len()), (4, 0), "each is told once");
}

#[test]
fn what_a_user_may_not_see_has_no_names_and_the_rest_has() {
    let claim = Claim::NODE.and_user();
    let Some(lab) = Lab::enter("names without rights", Versions::Newest, claim) else { return };
    let user = lab.user();
    let right = |verbs, resource| Right { verbs, resource, namespace: None };
    let rights = [right("list,watch", "nodes"), right("list", "services")];
    let grant = Grant::give(&lab, user, &rights);
    let directory = Directory::open(lab.sandbox.kubeconfig_for(user).unwrap());
    let node = lab.node_spec().address.to_string();
    assert_eq!(directory.who(&node, 22), (EndpointKind::Node, lab.node().to_owned()));
    let known = directory.known.lock().unwrap();
    assert_eq!(known.synced, [What::Nodes]);
    let mut told = known.unavailable.clone();
    told.sort_by_key(|(what, _)| *what);
    let resources = ["list pods", "watch services", "list endpointslices.discovery.k8s.io"];
    assert_eq!(told.len(), resources.len(), "{told:#?}");
    for ((what, problem), right) in told.iter().zip(resources) {
        println!("{}: {}\n    hint: {:?}", what.name(), problem.message, problem.hint);
        assert_eq!(problem.reason, "forbidden");
        let words = format!("user {user} may not {right} at the cluster scope");
        assert!(problem.message.ends_with(&words), "{}", problem.message);
        let (_, resource) = right.split_once(' ').unwrap();
        let hint = problem.hint.as_deref().unwrap();
        assert!(hint.contains(&format!("--verb=list,watch --resource={resource}")), "{hint}");
    }
    drop(known);
    drop(grant);
}
