//! From flags and kubeconfig to a client.

use super::problem;
use crate::signal::Problem;
use http::HeaderValue;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How the plugin names itself to API servers.
const USER_AGENT: &str = concat!("kubectl-earthworm/", env!("CARGO_PKG_VERSION"));

/// Longest time for a TCP and TLS handshake with the API server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the first answer of a server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Which cluster, as whom: the flags that every command has.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// `--kubeconfig`; else `$KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; else the current one.
    pub context: Option<String>,
    /// `-n`; else the context's namespace.
    pub namespace: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`, any number.
    pub impersonate_groups: Vec<String>,
}

/// A cluster that has answered.
#[derive(Clone)]
pub struct Cluster {
    /// Client for all calls.
    pub client: Client,
    /// Name of the kubeconfig context.
    pub context: Arc<str>,
    /// URL of the API server.
    pub server: http::Uri,
    /// Namespace of `-n` or the context, else `default`.
    pub namespace: String,
    /// Minor version of the server, such as 36.
    pub server_minor: u32,
    /// The server's version as it says it, such as `v1.36.3`.
    pub server_version: String,
}

/// Reads the kubeconfig as kubectl does.
///
/// # Errors
/// [`Problem`]s `no-kubeconfig` and `bad-kubeconfig`.
pub fn read_kubeconfig(target: &Target) -> Result<Kubeconfig, Problem> {
    let paths = match &target.kubeconfig {
        Some(path) => vec![path.clone()],
        None => default_paths(),
    };
    let mut merged: Option<Kubeconfig> = None;
    for path in &paths {
        // kubectl skips files of a KUBECONFIG list that do not exist.
        if !path.exists() && target.kubeconfig.is_none() {
            continue;
        }
        let next = Kubeconfig::read_from(path).map_err(|error| unreadable(path, &error))?;
        merged = Some(match merged {
            Some(first) => first.merge(next).map_err(|error| unreadable(path, &error))?,
            None => next,
        });
    }
    merged.ok_or_else(|| Problem {
        reason: "no-kubeconfig",
        message: format!("no kubeconfig found at {}", list(&paths)),
        hint: Some("set KUBECONFIG or pass --kubeconfig FILE".into()),
    })
}

fn default_paths() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG") {
        Some(list) if !list.is_empty() => {
            std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect()
        }
        _ => std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if shown.is_empty() { "~/.kube/config".into() } else { shown.join(", ") }
}

fn unreadable(path: &std::path::Path, error: &KubeconfigError) -> Problem {
    let missing = matches!(error, KubeconfigError::ReadConfig(source, _)
        if source.kind() == std::io::ErrorKind::NotFound);
    if missing {
        return Problem {
            reason: "no-kubeconfig",
            message: format!("kubeconfig {} does not exist", path.display()),
            hint: Some("check the path given by --kubeconfig".into()),
        };
    }
    Problem {
        reason: "bad-kubeconfig",
        message: format!("cannot use kubeconfig {}: {error}", path.display()),
        hint: Some("check it with: kubectl config view".into()),
    }
}

/// Names of the contexts in the kubeconfig, sorted.
#[must_use]
pub fn context_names(kubeconfig: &Kubeconfig) -> Vec<String> {
    let mut names: Vec<String> =
        kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    names.sort();
    names
}

/// Connects and asks the server for its version.
///
/// # Errors
/// A [`Problem`] that names the file, the context or the server.
pub async fn connect(target: &Target) -> Result<Cluster, Problem> {
    let kubeconfig = read_kubeconfig(target)?;
    let context = target.context.clone().or_else(|| kubeconfig.current_context.clone());
    let known = context_names(&kubeconfig);
    let Some(context) = context.filter(|name| !name.is_empty()) else {
        return Err(Problem {
            reason: "no-context",
            message: "the kubeconfig names no current context".into(),
            hint: Some("pass --context NAME, or: kubectl config use-context NAME".into()),
        });
    };
    if !known.contains(&context) {
        return Err(Problem {
            reason: "unknown-context",
            message: format!("context \"{context}\" is not in the kubeconfig"),
            hint: Some(format!("known contexts: {}", some_of(&known))),
        });
    }
    let options = KubeConfigOptions { context: Some(context.clone()), ..Default::default() };
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| Problem {
            reason: "bad-kubeconfig",
            message: format!("cannot use context \"{context}\": {error}"),
            hint: Some("check it with: kubectl config view".into()),
        })?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // Audit logs name who asked, as they do for kubectl.
    config.headers.push((http::header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
    if target.impersonate.is_some() {
        config.auth_info.impersonate.clone_from(&target.impersonate);
    }
    if !target.impersonate_groups.is_empty() {
        config.auth_info.impersonate_groups = Some(target.impersonate_groups.clone());
    }
    let url = config.cluster_url.clone();
    let server = url.to_string();
    let namespace = target.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| problem::unreachable(&server, &error))?;
    let version = tokio::time::timeout(ANSWER_TIMEOUT, client.apiserver_version())
        .await
        .map_err(|_| problem::silent(&server, ANSWER_TIMEOUT))?
        .map_err(|error| problem::from_error(&error, &server, "ask for the version of"))?;
    Ok(Cluster {
        client,
        context: context.into(),
        server: url,
        namespace,
        server_minor: leading_number(&version.minor),
        server_version: version.git_version,
    })
}

/// Managed clusters append a `+` to the minor version.
fn leading_number(text: &str) -> u32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// The first few names of a list, so that an error stays one line.
#[must_use]
pub fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0 => "none".into(),
        count if count <= SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}

impl Cluster {
    /// How long the control plane waits for a renewed Lease before it calls a
    /// node Unknown: `--node-monitor-grace-period`, 50 s by default from 1.32
    /// on and 40 s before. The flag itself cannot be read from outside.
    #[must_use]
    pub fn default_grace(&self) -> Duration {
        Duration::from_secs(if self.server_minor >= 32 { 50 } else { 40 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions_of_managed_clusters() {
        assert_eq!(leading_number("30+"), 30);
        assert_eq!(leading_number("36"), 36);
        assert_eq!(leading_number(""), 0);
    }

    #[test]
    fn long_lists_are_shortened() {
        let names: Vec<String> = (0..10).map(|number| format!("c{number}")).collect();
        assert_eq!(some_of(&names), "c0, c1, c2, c3, c4, c5, c6, c7 and 2 more");
        assert_eq!(some_of(&[]), "none");
    }
}
