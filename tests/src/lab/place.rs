//! Where tests run: the sandbox that is there, and what it can give.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use xtask::cluster::Sandbox;

use super::Versions;
use super::claim::{Claim, Lanes};

/// Names the Kubernetes version when it is not the newest.
const VERSION_VARIABLE: &str = "EARTHWORM_TEST_KUBERNETES";
/// Makes a missing cluster a failure.
const REQUIRE_VARIABLE: &str = "EARTHWORM_REQUIRE_CLUSTER";
/// Where the plugin lies, if not in the target folder.
const BINARY_VARIABLE: &str = "EARTHWORM_BIN";
/// Names the nodes that tests may have, with commas, if not all: for a sandbox
/// that is also used for something else. Tests that need the whole cluster then
/// do not run.
const NODES_VARIABLE: &str = "EARTHWORM_TEST_NODES";

/// What all tests of this process share.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) sandbox: Sandbox,
    pub(super) binary: PathBuf,
    /// All nodes of the sandbox.
    pub(super) nodes: Vec<String>,
    pub(super) lanes: Lanes,
}

/// The place for a test; `None`, after saying why, when it does not run.
///
/// # Panics
/// When it cannot run and must.
pub(super) fn for_test(test: &str, versions: Versions, claim: Claim) -> Option<&'static Place> {
    static PLACE: OnceLock<Result<Place, String>> = OnceLock::new();
    let older = env::var(VERSION_VARIABLE).ok().filter(|version| !version.is_empty());
    if let Some(version) = older.filter(|_| versions == Versions::Newest) {
        // Chosen, not missing: the newest version has it.
        eprintln!("{test}: not among the tests for Kubernetes {version}");
        return None;
    }
    let required = env::var_os(REQUIRE_VARIABLE).is_some_and(|value| value == "1");
    let (required, reason) = match PLACE.get_or_init(find) {
        Ok(place) => match place.obstacle(claim) {
            None => return Some(place),
            Some(reason) => (required && place.is_whole(), reason),
        },
        Err(reason) => (required, reason.clone()),
    };
    assert!(!required, "{test} must run and cannot: {reason}");
    eprintln!("\n==== SKIPPED {test}: {reason} ====\n");
    None
}

impl Place {
    fn is_whole(&self) -> bool {
        self.lanes.nodes() == self.nodes.len()
    }

    fn obstacle(&self, claim: Claim) -> Option<String> {
        let (wanted, there) = (claim.wanted(), self.lanes.nodes());
        if claim.is_exclusive() && !self.is_whole() {
            return Some(format!("needs the whole cluster, and {NODES_VARIABLE} is set"));
        }
        (wanted > there).then(|| format!("needs {wanted} nodes, and may have {there}"))
    }
}

fn find() -> Result<Place, String> {
    // SAFETY: geteuid only reads.
    if unsafe { libc::geteuid() } != 0 {
        return Err("needs root".to_owned());
    }
    let sandbox = Sandbox::attach().map_err(|error| format!("{error:#}"))?;
    let binary = match env::var_os(BINARY_VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => {
            let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
            target.join("debug/kubectl-earthworm")
        }
    };
    let binary = binary.canonicalize().map_err(|error| {
        format!("needs the plugin, and {} is not there: {error}", binary.display())
    })?;
    let nodes: Vec<String> = sandbox
        .nodes()
        .map_err(|error| format!("{error:#}"))?
        .into_iter()
        .map(|node| node.name)
        .collect();
    let mine = env::var(NODES_VARIABLE).unwrap_or_default();
    let mine: Vec<&str> = mine.split(',').filter(|name| !name.is_empty()).collect();
    let usable = nodes.iter().filter(|node| mine.is_empty() || mine.contains(&node.as_str()));
    let lanes = Lanes::new(usable.cloned());
    Ok(Place { sandbox, binary, nodes, lanes })
}
