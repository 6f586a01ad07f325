//! Wrong names, missing rights, refusing clusters: one line that names the
//! object, a hint, exit code 2, and nothing left.

use std::process::Command;
use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::network::occupy_inside;
use earthworm_tests::rights::{Grant, Right};
use earthworm_tests::session::{Ended, Session};

const LEASES: Option<&str> = Some("kube-node-lease");
const HERE: Option<&str> = Some("default");

/// A node, and a user who may be given rights.
const CLAIM: Claim = Claim::NODE.and_user();

/// What `pulse NODE` needs: all of it, and nothing more.
pub(super) const NEEDED: [Right; 7] = [
    right("get", "nodes", None),
    right("list,watch", "leases.coordination.k8s.io", LEASES),
    right("create,patch,delete,list", "jobs.batch", HERE),
    right("create,delete", "configmaps", HERE),
    right("create,delete", "secrets", HERE),
    right("get,list,watch", "pods", HERE),
    right("get,create", "pods/portforward", HERE),
];

const fn right(
    verbs: &'static str,
    resource: &'static str,
    namespace: Option<&'static str>,
) -> Right {
    Right { verbs, resource, namespace }
}

#[test]
fn names_that_mean_nothing() {
    let Some(lab) = Lab::enter("bad names", Versions::Newest, Claim::NODE) else { return };
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    let text = std::fs::read_to_string(lab.sandbox.kubeconfig()).unwrap();
    std::fs::write(&closed, text.replace("127.0.0.1:26443", "127.0.0.1:1")).unwrap();
    let closed = closed.to_str().unwrap();
    let nowhere = folder.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    for (arguments, words) in [
        (vec!["node-q"], vec!["node \"node-q\"", "known nodes: node-a, "]),
        (
            vec![lab.node(), "--context", "mars"],
            vec!["context \"mars\"", "admin@earthworm-sandbox"],
        ),
        (vec![lab.node(), "--kubeconfig", nowhere], vec![nowhere, "does not exist"]),
        (vec![lab.node(), "--kubeconfig", closed], vec!["https://127.0.0.1:1", "kubectl version"]),
        (vec!["-l", "no=such"], vec!["no node matches", "no=such"]),
        (vec![], vec!["no node named", "--all-nodes"]),
        (vec![lab.node(), "--for", "soon"], vec!["soon", "60s"]),
    ] {
        let ended = lab.pulse(&arguments).end();
        assert_refused(&ended, &words);
    }
    let mut command = lab.plugin(&["pulse", lab.node()]);
    command.env("KUBECONFIG", nowhere).env("HOME", folder.path());
    assert_refused(&Session::start(command).end(), &["no kubeconfig", nowhere]);
    lab.assert_nothing_left(std::time::Instant::now());
}

/// With `--for`, too: nobody waits for a node that is not there.
#[test]
fn an_unknown_node_ends_at_once() {
    let Some(lab) = Lab::enter("unknown node with --for", Versions::Newest, Claim::NODE) else {
        return;
    };
    let ended = lab.pulse(&["node-q", "--for", "20s"]).end();
    let took = ended.took.as_secs_f64();
    println!("unknown node with --for 20s: exit code {:?} after {took:.2} s", ended.code);
    assert_refused(&ended, &["node \"node-q\""]);
    assert!(took < 5.0, "waited {took:.1} s for a node that is not there");
}

#[test]
fn every_missing_right_is_named() {
    let Some(lab) = Lab::enter("missing rights", Versions::Newest, CLAIM.taking(55)) else {
        return;
    };
    each_missing_right(
        &lab,
        &[
            (0, "get"),
            (2, "create"),
            (3, "create"),
            (4, "create"),
            (5, "list"),
            (5, "watch"),
            (6, "get"),
            (1, "list"),
        ],
    );
}

/// From Kubernetes 1.35 on the server demands `create` beside `get`, and does
/// not say so.
#[test]
fn a_missing_create_of_a_forward_is_named() {
    let Some(lab) = Lab::enter("create pods/portforward", Versions::Newest, CLAIM) else { return };
    each_missing_right(&lab, &[(6, "create")]);
}

fn each_missing_right(lab: &Lab, missing: &[(usize, &str)]) {
    for &(index, verb) in missing {
        let resource = NEEDED[index].resource;
        let grant = Grant::give(lab, lab.user(), &without(index, verb));
        let ended = as_user(lab, &["pulse", lab.node(), "--for", "1s"]);
        drop(grant);
        let kind = if NEEDED[index].namespace.is_some() { "role" } else { "clusterrole" };
        println!("without {verb} {resource}: {:?}", ended.code);
        assert_refused(&ended, &[verb, resource, lab.user(), &format!("kubectl create {kind} ")]);
        lab.assert_nothing_left(ended.at);
    }
}

/// The hint is typed as it stands.
#[test]
fn the_hint_helps() {
    let Some(lab) = Lab::enter("hints followed", Versions::Newest, CLAIM.taking(30)) else {
        return;
    };
    for (index, verb, undo) in [
        (0, "get", vec!["clusterrole,clusterrolebinding", "earthworm-get-nodes"]),
        (2, "create", vec!["role,rolebinding", "earthworm-create-jobs", "-n", "default"]),
        (6, "get", vec!["role,rolebinding", "earthworm-get-pods-portforward", "-n", "default"]),
    ] {
        let mut grant = Grant::give(&lab, lab.user(), &without(index, verb));
        grant.also_undo(&[&["delete", "--ignore-not-found"], &undo[..]].concat());
        let ended = as_user(&lab, &["pulse", lab.node(), "--for", "1s"]);
        let text = ended.error_text();
        let hint = text.split_once("hint: ").map(|(_, hint)| hint.lines().next().unwrap());
        let hint = hint.unwrap_or_else(|| panic!("no hint in\n{text}"));
        println!("typed: {hint}");
        let kubectl = lab.sandbox.state().unwrap().binaries;
        let path = format!("{}:{}", kubectl.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", hint]).env("PATH", path).env("KUBECONFIG", lab.sandbox.kubeconfig());
        let typed = shell.output().unwrap();
        assert!(typed.status.success(), "{hint}: {}", String::from_utf8_lossy(&typed.stderr));
        let arguments = ["pulse", lab.node(), "--for", "1s", "-o", "json"];
        let ended = as_user(&lab, &arguments);
        let listens = ended.lines.iter().any(|line| line.is_event("probe-attached"));
        assert!(listens, "{hint} did not help:\n{}", ended.error_text());
        lab.assert_nothing_left(ended.at);
    }
}

#[test]
fn a_namespace_with_pod_security_is_named() {
    let Some(lab) = Lab::enter("Pod Security", Versions::Newest, Claim::NODE) else { return };
    let name = "earthworm-test-restricted";
    let _ = lab.try_kubectl(&["create", "namespace", name]);
    let label = "pod-security.kubernetes.io/enforce=restricted";
    let _ = lab.kubectl(&["label", "namespace", name, label, "--overwrite"]);
    let ended = lab.pulse_here(&["--probe-namespace", name, "--for", "1s"]).end();
    let _ = lab.try_kubectl(&["delete", "namespace", name, "--wait=false"]);
    println!("Pod Security: after {:.1} s: {}", ended.took.as_secs_f64(), ended.error_text());
    assert_refused(&ended, &["violates PodSecurity", "--probe-namespace"]);
    lab.assert_nothing_left(ended.at);
}

#[test]
fn an_image_that_cannot_be_had_is_named() {
    let Some(lab) = Lab::enter("no image", Versions::Newest, Claim::NODE) else { return };
    for image in ["registry.invalid/earthworm/probe:none", "Not An Image"] {
        let ended = lab.pulse_here(&["--image", image, "--for", "1s"]).end();
        println!("{image}: after {:.1} s: {}", ended.took.as_secs_f64(), ended.error_text());
        assert_refused(&ended, &[lab.node(), image]);
        lab.assert_nothing_left(ended.at);
    }
}

/// All ports that a probe may take are taken.
#[test]
fn a_node_without_a_free_port_is_named() {
    let Some(lab) = Lab::enter("no free port", Versions::Newest, Claim::NODE) else { return };
    let taken = occupy_inside(&lab.node_spec(), 61_000..=65_535);
    let ended = lab.pulse_here(&["--for", "1s"]).end_within(Duration::from_secs(60));
    println!(
        "{} ports taken: after {:.1} s: {}",
        taken.len(),
        ended.took.as_secs_f64(),
        ended.error_text()
    );
    drop(taken);
    assert_refused(&ended, &[lab.node(), "port", "in use"]);
    lab.assert_nothing_left(ended.at);
}

/// All rights but one verb on one resource.
fn without(index: usize, verb: &str) -> Vec<Right> {
    let mut rights = NEEDED.to_vec();
    let left: Vec<&str> = rights[index].verbs.split(',').filter(|one| *one != verb).collect();
    if left.is_empty() {
        rights.remove(index);
    } else {
        // A handful of short texts in a test's process.
        rights[index].verbs = String::leak(left.join(","));
    }
    rights
}

fn as_user(lab: &Lab, arguments: &[&str]) -> Ended {
    Session::start(lab.plugin_as(lab.user(), arguments)).end_within(Duration::from_secs(60))
}

/// Exit code 2, one line that says what is wrong, and all of `words` somewhere.
pub(crate) fn assert_refused(ended: &Ended, words: &[&str]) {
    let text = ended.error_text();
    assert_eq!(ended.code, Some(2), "{text}{}", ended.out_text());
    assert!(!text.contains("panicked"), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    let begin = |start: &str| {
        let lines = ended.errors.iter();
        lines.filter(|line| line.text.trim_start().starts_with(start)).count()
    };
    let (errors, hints) = (begin("error: "), begin("hint: "));
    assert!(errors <= 1 && hints <= 1, "{text}");
}
