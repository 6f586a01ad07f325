//! What a pod belongs to.

use super::*;

fn workload(kind: &str, name: &str, hash: Option<&str>) -> String {
    let mut world = World::new();
    let mut pod = pod(1, "x", "10.0.0.5");
    pod.controller = controlled(kind, name);
    pod.template_hash = hash.map(str::to_owned);
    world.pod(1_000, &pod);
    let found = world.who(1_000, "10.0.0.5").unwrap();
    let workload = found.workload.clone().unwrap();
    format!("{}/{}", workload.kind, workload.name)
}

#[test]
fn a_replica_set_with_the_pods_hash_is_a_deployments() {
    assert_eq!(workload("ReplicaSet", "web-5d4f8", Some("5d4f8")), "Deployment/web");
    assert_eq!(workload("ReplicaSet", "a-b-c-5d4f8", Some("5d4f8")), "Deployment/a-b-c");
    assert_eq!(workload("ReplicaSet", "web", None), "ReplicaSet/web");
    assert_eq!(workload("ReplicaSet", "web-other", Some("5d4f8")), "ReplicaSet/web-other");
    assert_eq!(workload("ReplicaSet", "web5d4f8", Some("5d4f8")), "ReplicaSet/web5d4f8");
    assert_eq!(workload("ReplicaSet", "-5d4f8", Some("5d4f8")), "ReplicaSet/-5d4f8");
    assert_eq!(workload("ReplicaSet", "web-", Some("")), "ReplicaSet/web-");
}

#[test]
fn a_job_that_is_named_by_its_time_is_a_cron_jobs() {
    assert_eq!(workload("Job", "backup-28123456", None), "CronJob/backup");
    assert_eq!(workload("Job", "backup-1612345678", None), "CronJob/backup");
    assert_eq!(workload("Job", "nightly-backup-28123456", None), "CronJob/nightly-backup");
    assert_eq!(workload("Job", "backup-1234567", None), "Job/backup-1234567");
    assert_eq!(workload("Job", "backup-2812345x", None), "Job/backup-2812345x");
    assert_eq!(workload("Job", "backup", None), "Job/backup");
    assert_eq!(workload("Job", "-28123456", None), "Job/-28123456");
    assert_eq!(workload("Job", "28123456", None), "Job/28123456");
    assert_eq!(workload("Job", "backup-٢٨١٢٣٤٥٦", None), "Job/backup-٢٨١٢٣٤٥٦");
}

#[test]
fn all_others_are_what_they_say() {
    for kind in ["DaemonSet", "StatefulSet", "Node", "ReplicationController", "Rollout"] {
        assert_eq!(workload(kind, "x-28123456", Some("28123456")), format!("{kind}/x-28123456"));
    }
}

#[test]
fn a_pod_of_nobody_has_no_workload() {
    let mut world = World::new();
    world.pod(1_000, &PodFacts { template_hash: Some("h".into()), ..pod(1, "x-h", "10.0.0.5") });
    assert_eq!(world.who(1_000, "10.0.0.5").unwrap().workload, None);
}
