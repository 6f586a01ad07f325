//! Objects as API servers write them, read for their names.

use super::super::Form;
use super::super::backends::{EndpointsForm, SliceForm};
use super::super::pods::PodForm;
use super::{NodeForm, ServiceForm};
use crate::naming::{BackendAddress, BackendPort, Change, ContainerFacts, Controller, ServicePort};
use earthworm_wire::flow::Transport;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::net::IpAddr;

fn shown<K: Form>(object: Value) -> Change {
    serde_json::from_value::<K>(object).unwrap().shown(Timestamp::UNIX_EPOCH)
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn a_pod_is_read_without_what_nobody_asks_for() {
    let change = shown::<PodForm>(json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "web-5d4f8-x2x4z", "namespace": "shop", "uid": "u-1", "resourceVersion": "7",
            "labels": { "app": "web", "pod-template-hash": "5d4f8" },
            "annotations": { "note": "x", "kubernetes.io/config.hash": "not a mirror" },
            "ownerReferences": [
                { "apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "o" },
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f8", "uid": "r",
                  "controller": true, "blockOwnerDeletion": true }],
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }]
        },
        "spec": { "nodeName": "node-a", "containers": [{ "name": "app", "image": "x" }] },
        "status": {
            "phase": "Running", "podIP": "10.0.0.5", "hostIP": "192.0.2.1",
            "podIPs": [{ "ip": "10.0.0.5" }, { "ip": "fd00::5" }],
            "startTime": "2026-01-01T00:00:01Z",
            "containerStatuses": [
                { "name": "app", "containerID": "containerd://aa", "restartCount": 1,
                  "state": { "running": { "startedAt": "2026-01-01T00:00:09Z" } },
                  "lastState": { "terminated": { "containerID": "containerd://before",
                    "startedAt": "2026-01-01T00:00:05Z", "finishedAt": "2026-01-01T00:00:08Z" } } },
                { "name": "late", "state": { "waiting": { "reason": "ContainerCreating" } } }],
            "initContainerStatuses": [
                { "name": "setup", "containerID": "cri-o://cc",
                  "state": { "terminated": { "startedAt": "2026-01-01T00:00:02Z",
                    "finishedAt": "2026-01-01T00:00:03Z", "exitCode": 0 } } }],
            "ephemeralContainerStatuses": [
                { "name": "debugger", "containerID": "dd",
                  "state": { "running": { "startedAt": "2026-01-01T00:01:00Z" } } }]
        }
    }));
    let Change::Pod { pod, .. } = change else { panic!("{change:?}") };
    assert_eq!((pod.namespace.as_str(), pod.name.as_str()), ("shop", "web-5d4f8-x2x4z"));
    assert_eq!((pod.uid.as_str(), pod.node.as_deref()), ("u-1", Some("node-a")));
    assert_eq!(pod.static_uid, None);
    assert_eq!(pod.addresses.len(), 2);
    assert_eq!(pod.template_hash.as_deref(), Some("5d4f8"));
    let replica_set = Controller { kind: "ReplicaSet".into(), name: "web-5d4f8".into() };
    assert_eq!(pod.controller, Some(replica_set));
    let container = |name: &str, id: Option<&str>| ContainerFacts {
        name: name.into(),
        id: id.map(str::to_owned),
    };
    assert_eq!(
        pod.containers,
        [
            container("app", Some("aa")),
            container("app", Some("before")),
            container("late", None),
            container("setup", Some("cc")),
            container("debugger", Some("dd")),
        ]
    );
    assert_eq!(pod.accepted, time("2026-01-01T00:00:01Z"));
    assert_eq!(pod.started, time("2026-01-01T00:00:02Z"));
    assert_eq!((pod.ended, pod.finished, pod.host_network), (None, false, false));
}

#[test]
fn a_finished_pod_says_when_its_last_container_ended() {
    let object = |second: Value| {
        json!({
            "metadata": { "name": "x", "uid": "u" },
            "spec": { "hostNetwork": true },
            "status": { "phase": "Failed", "podIP": "10.0.0.5", "containerStatuses": [
                { "name": "a", "state": { "terminated": { "exitCode": 0,
                  "startedAt": "2026-01-01T00:00:02Z", "finishedAt": "2026-01-01T00:00:03Z" } } },
                { "name": "b", "state": second }] }
        })
    };
    let ended = |second: Value| {
        let Change::Pod { pod, .. } = shown::<PodForm>(object(second)) else { panic!() };
        assert!(pod.finished && pod.host_network);
        assert_eq!(pod.addresses.len(), 1, "an old server writes only the one");
        (pod.started, pod.ended)
    };
    let both = json!({ "terminated": { "finishedAt": "2026-01-01T00:00:09Z" } });
    assert_eq!(ended(both), (time("2026-01-01T00:00:02Z"), time("2026-01-01T00:00:09Z")));
    // One that never came to run has a time that is none.
    let never =
        json!({ "terminated": { "startedAt": null, "finishedAt": "1970-01-01T00:00:00Z" } });
    assert_eq!(ended(never), (time("2026-01-01T00:00:02Z"), None));
    let waiting = json!({ "waiting": {} });
    assert_eq!(ended(waiting), (time("2026-01-01T00:00:02Z"), None));
}

#[test]
fn only_a_mirror_has_the_uid_of_a_static_pod() {
    let object = |owner: &str| {
        json!({
            "metadata": { "name": "etcd-node-a", "uid": "u",
                "annotations": { "kubernetes.io/config.hash": "0123", "kubernetes.io/config.mirror": "0123" },
                "ownerReferences": [{ "apiVersion": "v1", "kind": owner, "name": "node-a", "uid": "n",
                    "controller": true }] },
            "spec": { "nodeName": "node-a", "hostNetwork": true }
        })
    };
    let hash = |owner: &str| {
        let Change::Pod { pod, .. } = shown::<PodForm>(object(owner)) else { panic!() };
        pod.static_uid
    };
    assert_eq!(hash("Node").as_deref(), Some("0123"));
    assert_eq!(hash("ReplicaSet"), None);
}

#[test]
fn a_service_has_addresses_and_ports() {
    let change = shown::<ServiceForm>(json!({
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "type": "LoadBalancer", "clusterIP": "10.96.0.7",
            "clusterIPs": ["10.96.0.7", "fd00:96::7"],
            "externalIPs": ["203.0.113.7"], "externalName": "",
            "ports": [{ "port": 80, "nodePort": 30080, "protocol": "TCP", "targetPort": "http" },
                { "port": 53, "protocol": "UDP" }, { "port": 99, "protocol": "SCTP" }, { "port": 81 }] },
        "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.8" }, { "hostname": "x" }] } }
    }));
    let Change::Service(service) = change else { panic!("{change:?}") };
    let text = |addresses: &[IpAddr]| addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>();
    assert_eq!((service.namespace.as_str(), service.name.as_str()), ("shop", "web"));
    assert_eq!(text(&service.cluster_addresses), ["10.96.0.7", "fd00:96::7"]);
    assert_eq!(text(&service.outer_addresses), ["203.0.113.7", "203.0.113.8"]);
    let port = |transport, port, node_port| ServicePort { transport, port, node_port };
    let tcp = Transport::Tcp;
    let ports = [port(tcp, 80, Some(30080)), port(Transport::Udp, 53, None), port(tcp, 81, None)];
    assert_eq!(service.ports, ports);
}

#[test]
fn a_headless_service_has_no_address() {
    for spec in [
        json!({ "clusterIP": "None", "clusterIPs": ["None"] }),
        json!({ "type": "ExternalName", "externalName": "db.example" }),
        json!({ "clusterIP": "" }),
    ] {
        let object = json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": spec });
        let Change::Service(service) = shown::<ServiceForm>(object) else { panic!() };
        assert_eq!(service.cluster_addresses.len() + service.outer_addresses.len(), 0);
    }
    let old = json!({ "metadata": { "name": "web" }, "spec": { "clusterIP": "10.96.0.7" } });
    let Change::Service(service) = shown::<ServiceForm>(old) else { panic!() };
    assert_eq!(service.cluster_addresses.len(), 1);
}

#[test]
fn slices_and_endpoints_say_the_same() {
    let slice = shown::<SliceForm>(json!({
        "metadata": { "name": "web-x", "namespace": "shop",
            "labels": { "kubernetes.io/service-name": "web", "other": "x" } },
        "addressType": "IPv4",
        "endpoints": [
            { "addresses": ["10.0.0.5"], "conditions": { "ready": true }, "nodeName": "node-a",
              "targetRef": { "kind": "Pod", "name": "web-0", "namespace": "shop", "uid": "u-1" } },
            { "addresses": ["10.0.0.6"], "conditions": { "ready": false },
              "targetRef": { "kind": "VirtualMachine", "uid": "u-2" } }],
        "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" },
            { "port": null, "protocol": "UDP" }, { "port": 99, "protocol": "SCTP" }]
    }));
    let endpoints = shown::<EndpointsForm>(json!({
        "metadata": { "name": "web", "namespace": "shop" },
        "subsets": [{
            "addresses": [{ "ip": "10.0.0.5", "nodeName": "node-a",
                "targetRef": { "kind": "Pod", "uid": "u-1" } }],
            "notReadyAddresses": [{ "ip": "10.0.0.6" }],
            "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" },
                { "protocol": "UDP" }, { "port": 99, "protocol": "SCTP" }] }]
    }));
    let (Change::Backends(slice), Change::Backends(endpoints)) = (slice, endpoints) else {
        panic!()
    };
    assert_eq!((slice.name.as_str(), slice.service.as_str()), ("web-x", "web"));
    assert_eq!((endpoints.name.as_str(), endpoints.service.as_str()), ("web", "web"));
    assert_eq!(slice.groups, endpoints.groups);
    let address = |text: &str, pod_uid: Option<&str>| BackendAddress {
        address: text.parse().unwrap(),
        pod_uid: pod_uid.map(str::to_owned),
    };
    let group = &slice.groups[0];
    assert_eq!(group.addresses, [address("10.0.0.5", Some("u-1")), address("10.0.0.6", None)]);
    let port = |transport, port| BackendPort { transport, port };
    assert_eq!(group.ports, [port(Transport::Tcp, Some(8080)), port(Transport::Udp, None)]);
}

#[test]
fn a_slice_of_no_service_has_nothing() {
    let object = json!({
        "metadata": { "name": "x", "namespace": "shop" },
        "endpoints": [{ "addresses": ["10.0.0.5"] }], "ports": [{ "port": 80 }]
    });
    let Change::Backends(slice) = shown::<SliceForm>(object) else { panic!() };
    assert_eq!(slice.groups, []);
}

#[test]
fn a_node_has_addresses_and_names_that_are_none() {
    let change = shown::<NodeForm>(json!({
        "metadata": { "name": "node-a" },
        "status": { "addresses": [
            { "type": "Hostname", "address": "node-a" }, { "type": "InternalIP", "address": "192.0.2.1" },
            { "type": "InternalIP", "address": "2001:db8::1" },
            { "type": "ExternalIP", "address": "192.0.2.1" }] }
    }));
    let Change::Node(node) = change else { panic!("{change:?}") };
    assert_eq!(node.addresses.len(), 2);
}

#[test]
fn objects_may_be_empty_or_odd() {
    for object in [
        json!({}),
        json!({ "metadata": { "labels": null, "annotations": null, "ownerReferences": null } }),
        json!({ "metadata": {}, "spec": {}, "status": {} }),
    ] {
        let _ = shown::<PodForm>(object.clone());
        let _ = shown::<ServiceForm>(object.clone());
        let _ = shown::<SliceForm>(object.clone());
        let _ = shown::<EndpointsForm>(object.clone());
        let _ = shown::<NodeForm>(object);
    }
    let odd = json!({ "metadata": { "name": "x" },
        "spec": { "clusterIPs": ["999.1.1.1"], "ports": [{ "port": 70000 }, { "port": -1 }, { "port": 0 }] } });
    let Change::Service(service) = shown::<ServiceForm>(odd) else { panic!() };
    assert_eq!((service.ports, service.cluster_addresses), (vec![], vec![]));
}

#[test]
fn forms_live_where_the_whole_objects_do() {
    use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery};
    use kube::Resource;
    assert_eq!(PodForm::url_path(&(), None), core::Pod::url_path(&(), None));
    assert_eq!(ServiceForm::url_path(&(), None), core::Service::url_path(&(), None));
    assert_eq!(EndpointsForm::url_path(&(), None), core::Endpoints::url_path(&(), None));
    assert_eq!(SliceForm::url_path(&(), None), discovery::EndpointSlice::url_path(&(), None));
    assert_eq!(NodeForm::url_path(&(), None), core::Node::url_path(&(), None));
}
