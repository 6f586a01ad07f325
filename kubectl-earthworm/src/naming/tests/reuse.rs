//! An address has many pods, one after the other.

use super::super::EndpointKind;
use super::*;

#[test]
fn an_address_that_is_used_again_never_has_the_old_name() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "old", "10.0.0.5"));
    world.pod_gone(10_000, 1);
    world.pod(10_600, &pod(2, "new", "10.0.0.5"));
    assert_eq!(world.name(9_999, "10.0.0.5"), "old");
    // The new one had it before it was shown; nobody else can have.
    assert_eq!(world.name(10_000, "10.0.0.5"), "new");
    assert_eq!(world.name(10_300, "10.0.0.5"), "new");
    assert_eq!(world.name(60_000, "10.0.0.5"), "new");
}

#[test]
fn until_the_next_pod_is_shown_an_address_is_nobodys() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "old", "10.0.0.5"));
    world.pod_gone(10_000, 1);
    assert_eq!(world.who(10_300, "10.0.0.5").unwrap().kind, EndpointKind::Private);
    world.pod(10_600, &pod(2, "new", "10.0.0.5"));
    assert_eq!(world.name(10_300, "10.0.0.5"), "new");
}

#[test]
fn a_pod_whose_end_is_shown_after_the_beginning_of_the_next_has_lost_its_address() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "old", "10.0.0.5"));
    world.pod(10_000, &pod(2, "new", "10.0.0.5"));
    assert_eq!(world.name(9_000, "10.0.0.5"), "old");
    assert_eq!(world.name(10_000, "10.0.0.5"), "new");
    world.pod_gone(12_000, 1);
    assert_eq!(world.name(9_000, "10.0.0.5"), "old");
    assert_eq!(world.name(11_000, "10.0.0.5"), "new");
    // News of the old one do not give it back.
    world.pod(13_000, &PodFacts { finished: true, ..pod(1, "old", "10.0.0.5") });
    assert_eq!(world.name(14_000, "10.0.0.5"), "new");
}

#[test]
fn a_nodes_clock_says_when_a_container_started_and_is_believed_for_seconds_only() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "old", "10.0.0.5"));
    world.pod(60_000, &PodFacts { started: Some(at(58_000)), ..pod(2, "new", "10.0.0.5") });
    assert_eq!(world.name(57_999, "10.0.0.5"), "old");
    assert_eq!(world.name(58_000, "10.0.0.5"), "new");
    // This node's clock is an hour behind.
    world.pod(90_000, &PodFacts { started: Some(at(-3_600_000)), ..pod(3, "third", "10.0.0.5") });
    assert_eq!(world.name(79_999, "10.0.0.5"), "new");
    assert_eq!(world.name(80_000, "10.0.0.5"), "third");
}

#[test]
fn a_finished_pod_has_its_address_no_longer_although_it_is_still_written_there() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "done", "10.0.0.5"));
    let done = PodFacts { finished: true, ended: Some(at(8_000)), ..pod(1, "done", "10.0.0.5") };
    world.pod(10_500, &done);
    // Its time is cut to whole seconds.
    assert_eq!(world.name(8_999, "10.0.0.5"), "done");
    assert_eq!(world.name(9_000, "10.0.0.5"), "10.0.0.5");
    world.pod(9_500, &pod(2, "new", "10.0.0.5"));
    world.pod(20_000, &PodFacts { template_hash: Some("x".into()), ..done });
    assert_eq!(world.name(20_000, "10.0.0.5"), "new");
    assert_eq!(world.name(8_500, "10.0.0.5"), "done");
}

#[test]
fn of_two_in_one_list_the_finished_one_has_nothing() {
    for finished_first in [true, false] {
        let mut world = World::new();
        let done = PodFacts {
            finished: true,
            started: Some(at(-20_000)),
            ended: Some(at(-10_000)),
            ..pod(1, "done", "10.0.0.5")
        };
        let runs = PodFacts { started: Some(at(-5_000)), ..pod(2, "runs", "10.0.0.5") };
        let mut shown = [done, runs].map(|pod| Change::Pod { at: at(1_000), pod: Box::new(pod) });
        if !finished_first {
            shown.reverse();
        }
        world.list(What::Pods, 1_000, shown);
        assert_eq!(world.name(1_000, "10.0.0.5"), "runs");
        assert_eq!(world.name(-15_000, "10.0.0.5"), "done");
    }
}

#[test]
fn a_pod_that_finished_long_ago_leaves_its_address_to_nobody() {
    let mut world = World::new();
    let done = PodFacts {
        finished: true,
        started: Some(at(-500_000)),
        ended: Some(at(-400_000)),
        ..pod(1, "done", "10.0.0.5")
    };
    let evicted = PodFacts { finished: true, ..pod(2, "evicted", "10.0.0.6") };
    let shown = [done.clone(), evicted];
    let shown = shown.map(|pod| Change::Pod { at: at(1_000), pod: Box::new(pod) });
    world.list(What::Pods, 1_000, shown);
    assert_eq!(world.name(1_000, "10.0.0.5"), "10.0.0.5");
    assert_eq!(world.name(1_000, "10.0.0.6"), "10.0.0.6");
    // Shown again it is no news.
    world.pod(500_000, &PodFacts { template_hash: Some("x".into()), ..done });
    assert_eq!(world.name(480_000, "10.0.0.5"), "10.0.0.5");
}

#[test]
fn a_pod_that_is_shown_only_when_all_is_over_had_its_address() {
    let mut world = World::new();
    world.pod(5_000, &PodFacts { addresses: Vec::new(), ..pod(1, "short", "10.0.0.5") });
    world.pod(
        7_000,
        &PodFacts {
            finished: true,
            started: Some(at(5_000)),
            ended: Some(at(5_000)),
            ..pod(1, "short", "10.0.0.5")
        },
    );
    assert_eq!(world.name(5_500, "10.0.0.5"), "short");
    assert_eq!(world.name(6_500, "10.0.0.5"), "10.0.0.5");
}

#[test]
fn a_pod_that_is_made_again_with_its_name_is_another() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web-0", "10.0.0.5"));
    world.pod_gone(10_000, 1);
    let again = PodFacts { node: Some("node-b".into()), ..pod(2, "web-0", "10.0.1.9") };
    world.pod(11_000, &again);
    assert_eq!(world.who(9_000, "10.0.0.5").unwrap().node, text("node-a"));
    assert_eq!(world.who(11_500, "10.0.1.9").unwrap().node, text("node-b"));
    assert_eq!(world.name(11_500, "10.0.0.5"), "10.0.0.5");
    // The end of the first is told once more: it is not the second's.
    world.pod_gone(12_000, 1);
    assert_eq!(world.name(13_000, "10.0.1.9"), "web-0");
}

#[test]
fn a_pod_that_gets_another_address_has_the_first_no_longer() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "web", "10.0.0.5"));
    world.pod(9_000, &pod(1, "web", "10.0.0.6"));
    assert_eq!(world.name(8_000, "10.0.0.5"), "web");
    assert_eq!(world.name(9_500, "10.0.0.5"), "10.0.0.5");
    assert_eq!(world.name(9_500, "10.0.0.6"), "web");
}

#[test]
fn what_went_away_during_a_gap_is_gone_after_it() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "stays", "10.0.0.5"));
    world.pod(1_000, &pod(2, "goes", "10.0.0.6"));
    world.service(&service("goes", "10.96.0.9"));
    world.slice(&slice("goes-x", "stays", 80, &["10.0.0.5"]));
    world.node(&node("goes", &["192.0.2.9"]));
    let stays = Change::Pod { at: at(30_000), pod: Box::new(pod(1, "stays", "10.0.0.5")) };
    world.list(What::Pods, 30_000, [stays]);
    for what in [What::Services, What::Backends, What::Nodes] {
        world.list(what, 30_000, []);
    }
    assert_eq!(world.name(31_000, "10.0.0.5"), "stays");
    assert_eq!(world.who(31_000, "10.0.0.5").unwrap().service, None);
    assert_eq!(world.name(29_000, "10.0.0.6"), "goes");
    for address in ["10.0.0.6", "10.96.0.9", "192.0.2.9"] {
        assert_eq!(world.name(31_000, address), address);
    }
}

#[test]
fn a_list_that_breaks_off_takes_nothing_away() {
    let mut world = World::new();
    world.pod(1_000, &pod(1, "stays", "10.0.0.5"));
    world.names.apply(Change::Listing(What::Pods));
    world.names.apply(Change::Listing(What::Pods));
    assert_eq!(world.name(2_000, "10.0.0.5"), "stays");
}

#[test]
fn of_what_ended_nothing_is_kept_for_ever() {
    let mut world = World::new();
    for number in 0..1_000_u32 {
        let millis = i64::from(number) * 1_000;
        let address = format!("10.0.{}.{}", number / 200, number % 200);
        world.pod(millis, &pod(number, &format!("pod-{number}"), &address));
        world.pod_gone(millis + 500, number);
    }
    let ([pods, _, holdings, departed], texts) = world.names.sizes();
    assert!((119..=121).contains(&pods), "{pods}");
    assert_eq!((pods, holdings), (departed, departed));
    assert!(texts < 10, "{texts}");
    assert_eq!(world.names.dropped(), 0);
}

#[test]
fn too_much_at_once_is_let_go_and_counted() {
    let mut world = World::new();
    // One address, a thousand pods within a second.
    for number in 0..1_000_u32 {
        world.pod(i64::from(number), &pod(number, &format!("pod-{number}"), "10.0.0.5"));
        world.pod_gone(i64::from(number) + 1, number);
    }
    let ([_, _, holdings, _], _) = world.names.sizes();
    assert_eq!(holdings, 64);
    assert_eq!(world.names.dropped(), 1_000 - 64);
    assert_eq!(world.name(999, "10.0.0.5"), "pod-999");
    // As many addresses as pods: the oldest are given up.
    for number in 1_000..21_000_u32 {
        let address = format!("10.{}.{}.1", 1 + number / 250, number % 250);
        world.pod(2_000, &pod(number, &format!("pod-{number}"), &address));
        world.pod_gone(2_001, number);
    }
    let ([pods, _, holdings, departed], _) = world.names.sizes();
    assert_eq!((pods, holdings, departed), (16_384, 16_384, 16_384));
    assert!(world.names.dropped() > 4_000);
}
