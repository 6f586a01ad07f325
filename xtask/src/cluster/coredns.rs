//! CoreDNS as a program. It is built with the plugins that the sandbox uses and
//! no others, and from the very modules of Kubernetes 1.36.3 where the two have
//! some in common: beside a Kubernetes it costs seconds.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::go_build::{GoBuild, cache_name, cache_root};

/// The program's name.
pub const NAME: &str = "coredns";

/// The version, without a leading `v`. Later ones want newer modules than
/// Kubernetes 1.36.3 has, and would be compiled from scratch.
pub const VERSION: &str = "1.14.1";

/// How it is built.
///
/// # Errors
/// When its source is not there.
pub fn build() -> Result<GoBuild> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cluster/coredns");
    let mut content = Vec::new();
    for file in ["go.sum", "main.go"] {
        let path = source.join(file);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        content.extend(text);
    }
    Ok(GoBuild {
        title: format!("CoreDNS {VERSION}"),
        duration: "less than a minute",
        source,
        packages: vec![".".to_owned()],
        programs: &[NAME],
        // Its image holds no library. Without cgo it needed none either, but
        // then not one package could be shared with Kubernetes.
        linker_flags: "-s -w -linkmode external -extldflags -static".to_owned(),
        folder: cache_root()?.join(NAME).join(cache_name(VERSION, &content)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_pinned() {
        let text = fs::read_to_string(build().unwrap().source.join("go.mod")).unwrap();
        assert!(text.contains(&format!("require github.com/coredns/coredns v{VERSION}\n")));
    }

    /// Else it would be compiled from scratch.
    #[test]
    fn modules_in_common_have_the_versions_of_kubernetes() {
        let source = build().unwrap().source;
        let read = |path: &str| fs::read_to_string(source.join(path)).unwrap();
        let kubernetes = read("../kubernetes/1.36.3/go.mod");
        let requirements = |text: &str| -> Vec<(String, String)> {
            let pairs = text.lines().filter(|line| line.ends_with("// indirect"));
            pairs
                .filter_map(|line| {
                    let mut words = line.split_whitespace();
                    Some((words.next()?.to_owned(), words.next()?.to_owned()))
                })
                .collect()
        };
        let theirs = requirements(&kubernetes);
        for (module, version) in requirements(&read("go.mod")) {
            let other = theirs.iter().find(|(name, _)| *name == module);
            assert!(
                other.is_none_or(|(_, other)| *other == version),
                "{module} {version} and {other:?}"
            );
        }
    }
}
