//! The bodies that a large cluster's API server would answer with.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

/// Nodes of the made-up cluster, which is the largest that Kubernetes is
/// known to be run with.
pub(super) const NODES: u64 = 15_000;

/// Between two renewals of one Lease: ten seconds of sleep, as kubelets have
/// them, and what the jitter and the request add.
pub(super) const RENEW_INTERVAL: Duration = Duration::from_millis(10_210);

/// Images in a node's status, of up to 50 that a kubelet reports.
const IMAGES: u64 = 30;

/// The cluster's heartbeats: numbered renewals at even distances, in turns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// When renewal number 0 was.
    begun: Timestamp,
}

impl Schedule {
    /// Every Lease was renewed once before now.
    pub(super) fn start() -> Self {
        Schedule { begun: Timestamp::now() - RENEW_INTERVAL }
    }

    /// The renewal that happened last.
    pub(super) fn newest(self, now: Timestamp) -> u64 {
        let nanoseconds = now.duration_since(self.begun).as_nanos().max(0).unsigned_abs();
        let newest = nanoseconds * u128::from(NODES) / RENEW_INTERVAL.as_nanos();
        u64::try_from(newest).unwrap_or(u64::MAX)
    }

    /// When a renewal happens.
    pub(super) fn at(self, renewal: u64) -> Timestamp {
        let nanoseconds = u128::from(renewal) * RENEW_INTERVAL.as_nanos() / u128::from(NODES);
        self.begun + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The last renewal of a node's Lease, as of another renewal.
    fn last_of(node: u64, newest: u64) -> u64 {
        newest - (newest + NODES - node) % NODES
    }

    /// A Lease as this renewal has left it.
    fn lease(self, renewal: u64) -> String {
        let name = name(renewal % NODES);
        let renewed = self.at(renewal).strftime("%Y-%m-%dT%H:%M:%S%.6fZ");
        // What a real one has, managed fields and all.
        format!(
            "{{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{{\
             \"name\":\"{name}\",\"namespace\":\"kube-node-lease\",\
             \"uid\":\"08013bd8-2dd9-45fe-ad6d-{number:012x}\",\"resourceVersion\":\"{version}\",\
             \"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"ownerReferences\":[{{\
             \"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"{name}\",\
             \"uid\":\"70c3c25d-dc3d-4ad3-ba3a-{number:012x}\"}}],\"managedFields\":[{{\
             \"manager\":\"kubelet\",\"operation\":\"Update\",\
             \"apiVersion\":\"coordination.k8s.io/v1\",\"time\":\"2026-01-01T00:00:00Z\",\
             \"fieldsType\":\"FieldsV1\",\"fieldsV1\":{{\"f:metadata\":{{\"f:ownerReferences\":{{\
             \".\":{{}},\"k:{{\\\"uid\\\":\\\"70c3c25d-dc3d-4ad3-ba3a-{number:012x}\\\"}}\":{{}}}}}},\
             \"f:spec\":{{\"f:holderIdentity\":{{}},\"f:leaseDurationSeconds\":{{}},\
             \"f:renewTime\":{{}}}}}}}}]}},\"spec\":{{\"holderIdentity\":\"{name}\",\
             \"leaseDurationSeconds\":40,\"renewTime\":\"{renewed}\"}}}}",
            number = renewal % NODES,
            version = version(renewal),
        )
    }

    /// The frame by which a watch tells of a renewal.
    pub(super) fn event(self, renewal: u64) -> String {
        format!("{{\"type\":\"MODIFIED\",\"object\":{}}}\n", self.lease(renewal))
    }

    /// A page of the list of Leases, as of a renewal.
    pub(super) fn leases(self, page: &Page, newest: u64) -> String {
        list("LeaseList", "coordination.k8s.io/v1", page, newest, |node| {
            self.lease(Self::last_of(node, newest))
        })
    }
}

/// Versions begin somewhere, and grow with each renewal.
const FIRST_VERSION: u64 = 1_000_000;

fn version(renewal: u64) -> u64 {
    FIRST_VERSION + renewal
}

/// The renewal that has left this version.
pub(super) fn renewal(version: u64) -> Option<u64> {
    version.checked_sub(FIRST_VERSION)
}

fn name(node: u64) -> String {
    format!("worker-{node:05}.example.internal")
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) from: u64,
    pub(super) limit: u64,
}

/// A page of the list of nodes, or of their metadata alone.
pub(super) fn nodes(page: &Page, newest: u64, metadata_only: bool) -> String {
    let mut images = String::new();
    for image in 0..IMAGES {
        let comma = if image == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(
            images,
            "{comma}{{\"names\":[\"registry.example/team/service-{image}@sha256:{image:064x}\",\
             \"registry.example/team/service-{image}:v1.{image}.0\"],\"sizeBytes\":{}}}",
            (image + 1) * 12_345_678
        );
    }
    let conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map(|condition| {
        let status = if condition == "Ready" { "True" } else { "False" };
        format!(
            "{{\"type\":\"{condition}\",\"status\":\"{status}\",\
             \"lastHeartbeatTime\":\"2026-01-01T00:00:00Z\",\
             \"lastTransitionTime\":\"2026-01-01T00:00:00Z\",\"reason\":\"Kubelet{condition}\",\
             \"message\":\"kubelet is posting status\"}}"
        )
    });
    let conditions = conditions.join(",");
    // Who wrote what: half a kilobyte for each of three managers.
    let fields = ["kube-controller-manager", "kubectl", "kubelet"].map(|manager| {
        let conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map(|name| {
            format!(
                "\"k:{{\\\"type\\\":\\\"{name}\\\"}}\":{{\"f:lastHeartbeatTime\":{{}},\
                 \"f:message\":{{}},\"f:reason\":{{}},\"f:status\":{{}}}}"
            )
        });
        format!(
            "{{\"manager\":\"{manager}\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\
             \"time\":\"2026-01-01T00:00:00Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{{\
             \"f:status\":{{\"f:conditions\":{{{}}}}}}},\"subresource\":\"status\"}}",
            conditions.join(",")
        )
    });
    let fields = fields.join(",");
    let (kind, api_version) = if metadata_only {
        ("PartialObjectMetadataList", "meta.k8s.io/v1")
    } else {
        ("NodeList", "v1")
    };
    list(kind, api_version, page, newest, |node| {
        let name = name(node);
        let metadata = format!(
            "\"metadata\":{{\"name\":\"{name}\",\"uid\":\"70c3c25d-dc3d-4ad3-ba3a-{node:012x}\",\
             \"resourceVersion\":\"{FIRST_VERSION}\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\
             \"labels\":{{\"kubernetes.io/arch\":\"amd64\",\"kubernetes.io/hostname\":\"{name}\",\
             \"kubernetes.io/os\":\"linux\"}},\"managedFields\":[{fields}]}}"
        );
        if metadata_only {
            return format!(
                "{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",{metadata}}}"
            );
        }
        format!(
            "{{{metadata},\"spec\":{{\"podCIDR\":\"198.18.0.0/24\"}},\
             \"status\":{{\"capacity\":{{\"cpu\":\"64\",\"memory\":\"263856000Ki\",\"pods\":\"110\"}},\
             \"conditions\":[{conditions}],\"addresses\":[{{\"type\":\"InternalIP\",\
             \"address\":\"192.0.2.1\"}},{{\"type\":\"Hostname\",\"address\":\"{name}\"}}],\
             \"nodeInfo\":{{\"machineID\":\"{node:032x}\",\"systemUUID\":\"{node:032x}\",\
             \"bootID\":\"{node:032x}\",\"kernelVersion\":\"6.12.0\",\"osImage\":\"Linux\",\
             \"containerRuntimeVersion\":\"containerd://2.0.0\",\"kubeletVersion\":\"v1.36.3\",\
             \"kubeProxyVersion\":\"\",\"operatingSystem\":\"linux\",\"architecture\":\"amd64\"}},\
             \"images\":[{images}]}}}}"
        )
    })
}

fn list(
    kind: &str,
    api_version: &str,
    page: &Page,
    newest: u64,
    item: impl Fn(u64) -> String,
) -> String {
    let end = page.from.saturating_add(page.limit).min(NODES);
    let more = if end < NODES {
        // A continued list stays at its version, as with a real server.
        format!(",\"continue\":\"{end}.{newest}\",\"remainingItemCount\":{}", NODES - end)
    } else {
        String::new()
    };
    let mut text = format!(
        "{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\",\"metadata\":{{\
         \"resourceVersion\":\"{}\"{more}}},\"items\":[",
        version(newest)
    );
    for node in page.from..end {
        if node > page.from {
            text.push(',');
        }
        text.push_str(&item(node));
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn renewals_go_round() {
        assert_eq!(Schedule::last_of(3, NODES + 3), NODES + 3);
        assert_eq!(Schedule::last_of(4, NODES + 3), 4);
        assert_eq!(Schedule::last_of(2, NODES + 3), NODES + 2);
        assert_eq!(renewal(version(77)), Some(77));
        assert_eq!(renewal(1), None);
    }

    #[test]
    fn the_schedule_and_the_clock_agree() {
        let schedule = Schedule::start();
        let now = Timestamp::now();
        let newest = schedule.newest(now);
        assert!(newest >= NODES, "every Lease has been renewed");
        assert!(schedule.at(newest) <= now && schedule.at(newest + 2) > now);
        assert_eq!(schedule.newest(schedule.at(NODES * 3) + Duration::from_nanos(1)), NODES * 3);
    }

    #[test]
    fn bodies_are_what_they_say() {
        let schedule = Schedule::start();
        let event: Value = serde_json::from_str(&schedule.event(NODES + 7)).unwrap();
        assert_eq!(event["object"]["metadata"]["name"], "worker-00007.example.internal");
        let page = Page { from: 14_900, limit: 500 };
        let leases: Value = serde_json::from_str(&schedule.leases(&page, NODES)).unwrap();
        assert_eq!(leases["items"].as_array().unwrap().len(), 100);
        assert_eq!(leases["metadata"].get("continue"), None);
        let first: Value =
            serde_json::from_str(&nodes(&Page { from: 0, limit: 2 }, NODES, false)).unwrap();
        assert_eq!(first["metadata"]["continue"], "2.15000");
        assert_eq!(first["items"][1]["status"]["images"].as_array().unwrap().len(), 30);
    }
}
