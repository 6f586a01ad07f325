//! Which container of which pod a process belongs to, by the paths of its
//! control groups.
//!
//! The kubelet makes one group per pod and the runtime one per container in it:
//! `kubepods/burstable/pod<uid>/<id>` with cgroupfs,
//! `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope`
//! with systemd, which writes `_` for the `-` of a uid.

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Container {
    /// `metadata.uid`.
    pub(super) pod_uid: String,
    /// Without the runtime's prefix; empty for a process in the pod's own group.
    pub(super) id: String,
}

/// The group of all pods of this node, as this process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// Path of the own pod's node group, when the own group is one of a pod.
    prefix: Option<String>,
}

impl Root {
    /// From the content of `/proc/self/cgroup`.
    pub(super) fn of_own(own: &str) -> Self {
        let prefix = paths(own).find_map(|path| {
            pod_component(path)?;
            let mut prefix = String::new();
            for component in components(path) {
                prefix.push('/');
                prefix.push_str(component);
                if is_all_pods(component) {
                    return Some(prefix);
                }
            }
            None
        });
        Self { prefix }
    }

    /// The container of a process, from the content of its `/proc/PID/cgroup`;
    /// `None` when it is in none, or in one of another node on the same kernel.
    pub(super) fn container(&self, content: &str) -> Option<Container> {
        let path = paths(content).find(|path| pod_component(path).is_some())?;
        if !self.contains(path) {
            return None;
        }
        let (uid, rest) = pod_component(path)?;
        Some(Container { pod_uid: uid.replace('_', "-"), id: container_id(rest) })
    }

    fn contains(&self, path: &str) -> bool {
        // With a control-group namespace of its own this process sees the
        // others relative to itself. What lies outside of the node's group of
        // all pods then names another such group on the way down.
        if path.starts_with("/..") {
            return !components(path).any(is_all_pods);
        }
        match &self.prefix {
            Some(prefix) => {
                path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('/'))
            }
            None => true,
        }
    }
}

/// The paths in the lines of a `/proc/PID/cgroup`: `number:controllers:path`.
fn paths(content: &str) -> impl Iterator<Item = &str> {
    content.lines().filter_map(|line| line.splitn(3, ':').nth(2))
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

fn is_all_pods(component: &str) -> bool {
    component == "kubepods" || component == "kubepods.slice"
}

/// The uid in the first component that names a pod, and the path below it.
fn pod_component(path: &str) -> Option<(&str, &str)> {
    let mut rest = path;
    while let Some(at) = rest.find("pod") {
        let begins = at == 0 || matches!(rest.as_bytes()[at - 1], b'/' | b'-');
        let after = &rest[at + 3..];
        let (component, below) = after.split_once('/').unwrap_or((after, ""));
        let uid = component.strip_suffix(".slice").unwrap_or(component);
        if begins && is_uid(uid) {
            return Some((uid, below));
        }
        rest = after;
    }
    None
}

/// A UUID, or the hash that static pods have.
fn is_uid(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let others = text.bytes().filter(|byte| matches!(byte, b'-' | b'_')).count();
    digits == 32 && digits + others == text.len()
}

/// The runtime's id: `cri-containerd-<id>.scope`, `crio-<id>.scope` or bare.
fn container_id(below: &str) -> String {
    let component = below.split('/').next().unwrap_or_default();
    let scope = component.strip_suffix(".scope").unwrap_or(component);
    scope.rsplit('-').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "1d2e3f40-5162-7384-95a6-b7c8d9eafb0c";
    const ID: &str = "8f0d5c0b6a4e2f1908172635445362718091a2b3c4d5e6f708192a3b4c5d6e7f";

    fn container(own: &str, other: &str) -> Option<(String, String)> {
        let found = Root::of_own(own).container(other)?;
        Some((found.pod_uid, found.id))
    }

    fn expected() -> Option<(String, String)> {
        Some((UID.to_owned(), ID.to_owned()))
    }

    #[test]
    fn version_1_with_cgroupfs() {
        let own = "4:memory:/kubepods/besteffort/pod00000000-0000-0000-0000-000000000000/aa\n0::/";
        let other = format!("9:cpu:/\n4:memory:/kubepods/burstable/pod{UID}/{ID}\n0::/");
        assert_eq!(container(own, &other), expected());
        let guaranteed = format!("4:memory:/kubepods/pod{UID}/{ID}");
        assert_eq!(container(own, &guaranteed), expected());
        assert_eq!(container(own, "4:memory:/system.slice/kubelet.service\n0::/"), None);
    }

    #[test]
    fn version_2_with_systemd() {
        let uid = UID.replace('-', "_");
        let other = format!(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice/cri-containerd-{ID}.scope"
        );
        assert_eq!(container("0::/system.slice/ssh.service", &other), expected());
        let crio = format!("0::/kubepods.slice/kubepods-pod{uid}.slice/crio-{ID}.scope");
        assert_eq!(container("0::/", &crio), expected());
    }

    #[test]
    fn from_inside_of_a_namespace() {
        let other = format!("0::/../../burstable/pod{UID}/{ID}");
        assert_eq!(container("0::/", &other), expected());
        // Another node on the same kernel.
        let foreign = format!("0::/../../../../node-b/kubepods/burstable/pod{UID}/{ID}");
        assert_eq!(container("0::/", &foreign), None);
    }

    #[test]
    fn another_nodes_pods_are_not_this_nodes() {
        let own = format!("4:memory:/node-a/kubepods/besteffort/pod{UID}/{ID}");
        let neighbour = format!("4:memory:/node-b/kubepods/besteffort/pod{UID}/{ID}");
        let nearly = format!("4:memory:/node-a/kubepods2/besteffort/pod{UID}/{ID}");
        assert_eq!(container(&own, &own), expected());
        assert_eq!(container(&own, &neighbour), None);
        assert_eq!(container(&own, &nearly), None);
    }

    #[test]
    fn static_pods_have_a_hash() {
        let hash = "0123456789abcdef0123456789abcdef";
        let other = format!("4:memory:/kubepods/burstable/pod{hash}/{ID}");
        assert_eq!(container("0::/", &other), Some((hash.to_owned(), ID.to_owned())));
    }

    #[test]
    fn names_that_only_look_alike() {
        for path in ["/podman/libpod-1234", "/kubepods/podium/abc", "/a-pod/x", "", "/.."] {
            assert_eq!(container("0::/", &format!("0::{path}")), None, "{path}");
        }
    }
}
