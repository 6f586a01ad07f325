//! Which image the probe's container is made from. Pure.
//!
//! Only the image's being there matters: the command is ours and static, so
//! any image will do. The smallest and most certain come first.

use k8s_openapi::api::core::v1::ContainerImage;

/// Candidates that are tried before giving up: each costs a second.
const TRIED: usize = 4;

/// Names of images that the node already has, best first, at most [`TRIED`].
///
/// `listed` is `node.status.images`, which names 50 at most and the largest
/// first; `running` are the images of containers that run there now, which
/// are certain to be present.
#[must_use]
pub fn candidates(listed: &[ContainerImage], running: &[String]) -> Vec<String> {
    let mut ranked: Vec<(u8, i64, String)> = Vec::new();
    for image in listed {
        let names = image.names.as_deref().unwrap_or_default();
        let size = image.size_bytes.unwrap_or(i64::MAX);
        if let Some(name) = best_name(names) {
            ranked.push((rank(name), size, name.to_owned()));
        }
    }
    for name in running {
        if !ranked.iter().any(|(_, _, known)| known == name) {
            ranked.push((rank(name), i64::MAX, name.clone()));
        }
    }
    ranked.sort();
    ranked.dedup_by(|left, right| left.2 == right.2);
    ranked.into_iter().map(|(_, _, name)| name).take(TRIED).collect()
}

/// Whether the list names the image that is on every node.
#[must_use]
pub fn lists_pause(listed: &[ContainerImage]) -> bool {
    let names = listed.iter().filter_map(|image| best_name(image.names.as_deref()?));
    names.map(rank).any(|rank| rank == 0)
}

/// A tag is what people and admission policies know; a digest is the second
/// choice, and a name without either cannot be asked for.
fn best_name(names: &[String]) -> Option<&str> {
    let usable = |name: &&String| !name.contains("<none>");
    names
        .iter()
        .filter(usable)
        .find(|name| !name.contains('@'))
        .or_else(|| names.iter().find(usable))
        .map(String::as_str)
}

/// The pause image first: it is on every node, tiny, and never updated in
/// place. Then what every cluster runs on every node.
fn rank(name: &str) -> u8 {
    let image = name.rsplit('/').next().unwrap_or(name);
    match image {
        image if image.starts_with("pause") => 0,
        image if image.starts_with("kube-proxy") => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(images: &[(&[&str], i64)]) -> Vec<ContainerImage> {
        images
            .iter()
            .map(|(names, size)| ContainerImage {
                names: Some(names.iter().map(ToString::to_string).collect()),
                size_bytes: Some(*size),
            })
            .collect()
    }

    #[test]
    fn pause_wins_then_kube_proxy_then_the_smallest() {
        let listed = listed(&[
            (&["docker.io/library/big@sha256:aa", "docker.io/library/big:1"], 900),
            (&["registry.k8s.io/kube-proxy:v1.36.3"], 500),
            (&["docker.io/library/small:1"], 10),
            (&["registry.k8s.io/pause@sha256:bb", "registry.k8s.io/pause:3.10"], 300),
        ]);
        assert_eq!(
            candidates(&listed, &[]),
            [
                "registry.k8s.io/pause:3.10",
                "registry.k8s.io/kube-proxy:v1.36.3",
                "docker.io/library/small:1",
                "docker.io/library/big:1"
            ]
        );
    }

    #[test]
    fn running_images_help_when_the_list_is_empty_or_nameless() {
        let nameless = listed(&[(&["<none>@<none>", "<none>:<none>"], 5), (&[], 1)]);
        assert_eq!(candidates(&nameless, &["quay.io/cni:v1".into()]), ["quay.io/cni:v1"]);
        assert!(candidates(&[], &[]).is_empty());
    }
}
