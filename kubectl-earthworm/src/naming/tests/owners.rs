//! Whose a control group is.

use super::super::EndpointKind;
use super::*;

#[test]
fn a_container_is_found_by_its_pod_and_id() {
    let mut world = World::new();
    let mut web = pod(1, "web-abc", "10.0.0.5");
    web.containers = vec![
        container("app", "aa"),
        container("sidecar", "bb"),
        container("setup", "cc"),
        container("debugger", "dd"),
        container("app", "before-its-restart"),
    ];
    world.pod(1_000, &web);
    for (id, name) in [
        ("aa", "app"),
        ("bb", "sidecar"),
        ("cc", "setup"),
        ("dd", "debugger"),
        ("before-its-restart", "app"),
    ] {
        let found = world.container(&uid(1), id).unwrap();
        assert_eq!(found.kind, EndpointKind::Pod);
        assert_eq!((&*found.name, &found.container), ("web-abc", &text(name)));
        assert_eq!((&found.namespace, &found.node), (&text("shop"), &text("node-a")));
    }
}

#[test]
fn a_container_that_is_not_shown_yet_is_asked_for_again() {
    let mut world = World::new();
    assert_eq!(world.container(&uid(1), "aa"), None);
    let mut web = pod(1, "web", "10.0.0.5");
    web.containers = vec![ContainerFacts { name: "app".into(), id: None }];
    world.pod(1_000, &web);
    assert_eq!(world.container(&uid(1), "aa"), None);
    web.containers = vec![container("app", "aa")];
    world.pod(2_000, &web);
    assert_eq!(world.container(&uid(1), "aa").unwrap().container, text("app"));
    // Once the pod is gone nothing more will be shown.
    world.pod_gone(3_000, 1);
    let found = world.container(&uid(1), "never-shown").unwrap();
    assert_eq!((&*found.name, &found.container), ("web", &None));
}

#[test]
fn a_pod_without_a_container_is_named_at_once() {
    let mut world = World::new();
    world.pod(1_000, &PodFacts { containers: Vec::new(), ..pod(1, "web", "10.0.0.5") });
    let found = world.names.owner("node-a", &OwnerKind::Pod { pod_uid: uid(1) }).unwrap();
    assert_eq!((found.kind, &*found.name, &found.container), (EndpointKind::Pod, "web", &None));
}

#[test]
fn a_pod_that_has_just_gone_is_still_known() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    world.pod_gone(10_000, 1);
    world.pod(129_999, &pod(2, "other", "10.0.0.6"));
    assert_eq!(&*world.container(&uid(1), "id-1").unwrap().name, "web");
    world.pod(130_000, &pod(2, "other", "10.0.0.6"));
    assert_eq!(world.container(&uid(1), "id-1"), None);
}

#[test]
fn a_uid_is_the_same_in_every_form() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    for form in [uid(1), uid(1).replace('-', "_"), uid(1).replace('-', ""), uid(1).to_uppercase()] {
        assert_eq!(&*world.container(&form, "id-1").unwrap().name, "web", "{form}");
    }
    for form in ["", "-", "web", &uid(1)[1..], &format!("{}0", uid(1)), &uid(2)] {
        assert_eq!(world.container(form, "id-1"), None, "{form}");
    }
}

#[test]
fn a_uid_that_is_none_is_compared_as_text() {
    let mut world = World::new();
    world.pod(1_000, &PodFacts { uid: "made-by-hand".into(), ..pod(1, "web", "10.0.0.5") });
    assert_eq!(&*world.container("made-by-hand", "id-1").unwrap().name, "web");
    assert_eq!(world.container("made_by_hand", "id-1"), None);
}

#[test]
fn a_static_pod_has_the_uid_that_the_kubelet_gave_it() {
    let hash = "0123456789abcdef0123456789abcdef";
    let mut world = World::new();
    let mut mirror = pod(1, "etcd-node-a", "10.0.0.5");
    mirror.static_uid = Some(hash.into());
    mirror.controller = controlled("Node", "node-a");
    world.pod(1_000, &mirror);
    // The probe puts dashes where a uid has them.
    for form in [hash, "01234567-89ab-cdef-0123-456789abcdef"] {
        let found = world.container(form, "id-1").unwrap();
        assert_eq!(&*found.name, "etcd-node-a");
        assert_eq!(&*found.workload.as_ref().unwrap().kind, "Node");
    }
    let owner = OwnerKind::Pod { pod_uid: hash.into() };
    assert_eq!(world.names.owner("node-b", &owner), None, "it is on another node");
    // The mirror is made anew, as the kubelet does when somebody deletes it.
    world.pod(2_000, &PodFacts { uid: uid(2), ..mirror });
    world.pod_gone(2_100, 1);
    world.pod(200_000, &pod(3, "other", "10.0.0.6"));
    assert_eq!(&*world.container(hash, "id-1").unwrap().name, "etcd-node-a");
    world.pod_gone(201_000, 2);
    world.pod(400_000, &pod(3, "other", "10.0.0.6"));
    assert_eq!(world.container(hash, "id-1"), None);
    assert_eq!(world.names.sizes().0[1], 0);
}

#[test]
fn nobody_takes_the_uid_of_another_by_an_annotation() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "victim", "10.0.0.5"));
    world.pod(1_000, &PodFacts { static_uid: Some(uid(1)), ..pod(2, "thief", "10.0.0.6") });
    assert_eq!(&*world.container(&uid(1), "id-1").unwrap().name, "victim");
}

#[test]
fn a_process_of_the_node_is_known_at_once() {
    let names = Names::default();
    for name in ["kubelet", "", "\u{1b}[2J"] {
        let found = names.owner("node-b", &OwnerKind::Process { name: name.into() }).unwrap();
        assert_eq!(found.kind, EndpointKind::Process);
        assert_eq!((&*found.name, &found.node), (name, &text("node-b")));
    }
}

#[test]
fn without_the_right_to_see_pods_an_owner_is_unknown_and_says_so() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    world.unavailable(What::Pods);
    let found = world.container(&uid(1), "id-1").unwrap();
    assert_eq!((found.kind, &*found.name), (EndpointKind::Unknown, &*uid(1)));
    assert_eq!(found.node, text("node-a"));
    assert_eq!(world.name(2_000, "10.0.0.5"), "10.0.0.5");
}

#[test]
fn odd_names_are_kept_as_they_are() {
    let mut world = World::new();
    let odd = "a.b/../\u{202e}\n\u{1b}[31m";
    world.pod(1_000, &PodFacts { namespace: odd.into(), ..pod(1, odd, "10.0.0.5") });
    let found = world.container(&uid(1), "id-1").unwrap();
    assert_eq!((&*found.name, &found.namespace), (odd, &text(odd)));
}
