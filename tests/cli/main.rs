//! Every help page and every error that needs no cluster, as a person sees
//! it: what was typed, what came out, the exit code.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the real binary with a clean environment and shows all of its answer.
fn run(arguments: &[&str], kubeconfig: Option<&Path>) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-earthworm"));
    command.args(arguments).stdin(Stdio::null()).env_clear().env("HOME", home.path());
    if let Some(path) = kubeconfig {
        command.env("KUBECONFIG", path);
    }
    let output = command.output().unwrap();
    let mut shown = format!("$ kubectl earthworm {}\n", arguments.join(" "));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let text = text.replace(&home.path().display().to_string(), "$HOME");
        if !text.is_empty() {
            let _ = write!(shown, "--- {name}\n{text}");
        }
    }
    let _ = write!(shown, "--- exit {}", output.status.code().unwrap());
    shown
}

/// A kubeconfig of one context whose server nobody listens on.
fn config(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("config");
    std::fs::write(&path, text).unwrap();
    path
}

const CLOSED: &str = "
apiVersion: v1
kind: Config
current-context: closed
contexts:
- {name: closed, context: {cluster: closed, user: nobody}}
clusters:
- {name: closed, cluster: {server: 'https://127.0.0.1:1'}}
users:
- {name: nobody, user: {token: t}}
";

#[test]
fn help_pages() {
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help-short", &["-h"]),
        ("help-pulse", &["pulse", "--help"]),
        ("help-pulse-short", &["pulse", "-h"]),
        ("help-top", &["top", "--help"]),
        ("help-top-flows", &["top", "flows", "--help"]),
        ("help-top-drops", &["top", "drops", "--help"]),
        ("help-top-dns", &["top", "dns", "--help"]),
        ("help-top-pods-short", &["top", "pods", "-h"]),
        ("top-nothing", &["top"]),
        ("help-completion", &["completion", "--help"]),
        ("version", &["--version"]),
        ("nothing", &[]),
    ] {
        insta::assert_snapshot!(name, run(arguments, None));
    }
}

#[test]
fn wrong_usage() {
    for (name, arguments) in [
        ("unknown-command", &["pulze"][..]),
        ("unknown-flag", &["pulse", "--nodes"]),
        ("bad-duration", &["pulse", "node-a", "--for", "60"]),
        ("bad-format", &["pulse", "node-a", "-o", "xml"]),
        ("bad-profile", &["pulse", "node-a", "--profile", "root"]),
        ("conflict-selector", &["pulse", "node-a", "-l", "a=b"]),
        ("conflict-no-probe", &["pulse", "node-a", "--no-probe", "--image", "i"]),
        ("no-node", &["pulse"]),
        ("top-unknown-view", &["top", "sockets", "node-a"]),
        ("top-bad-sort-key", &["top", "flows", "node-a", "--sort-by", "drops"]),
        ("top-drops-sort-key", &["top", "drops", "node-a", "--sort-by", "rtt"]),
        ("top-dns-sort-key", &["top", "dns", "node-a", "--sort-by", "bytes"]),
        ("top-bad-port", &["top", "flows", "node-a", "--port", "abc"]),
        ("top-port-zero", &["top", "flows", "node-a", "--port", "0"]),
        ("top-no-rows", &["top", "flows", "node-a", "--top", "0"]),
        ("top-bad-interval", &["top", "flows", "node-a", "--interval", "100ms"]),
        ("top-bad-protocol", &["top", "flows", "node-a", "--protocol", "icmp"]),
        ("top-bad-format", &["top", "flows", "node-a", "-o", "name"]),
        ("top-once-for", &["top", "flows", "node-a", "--once", "--for", "30s"]),
        ("top-namespaces", &["top", "flows", "node-a", "-n", "shop", "-A"]),
        ("top-no-node", &["top", "flows"]),
        ("local-node", &["top", "flows", "node-a", "--local"]),
        ("local-selector", &["top", "flows", "--local", "-l", "a=b"]),
        ("local-all-nodes", &["top", "ports", "--local", "--all-nodes"]),
        ("local-context", &["--context", "prod", "top", "flows", "--local"]),
        ("local-kubeconfig", &["top", "flows", "--local", "--kubeconfig", "/nonexistent"]),
        ("local-namespace", &["top", "flows", "--local", "-n", "shop"]),
        ("local-all-namespaces", &["top", "flows", "--local", "-A"]),
        ("local-pod", &["top", "latency", "--local", "--pod", "web"]),
        ("local-dry-run", &["top", "flows", "--local", "--dry-run"]),
        ("local-pods", &["top", "pods", "--local"]),
        ("local-services", &["top", "services", "--local"]),
        ("local-pulse", &["pulse", "--local"]),
    ] {
        insta::assert_snapshot!(name, run(arguments, None));
    }
}

/// As somebody who is not root, whoever runs the tests. Nothing is started, and
/// nobody is asked.
#[test]
#[cfg(target_os = "linux")]
fn local_needs_root() {
    use std::os::unix::process::CommandExt;
    // A folder that everybody may enter: that of the build need not be one.
    let folder = tempfile::tempdir().unwrap();
    let everybody = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everybody).unwrap();
    let program = folder.path().join("kubectl-earthworm");
    std::fs::copy(env!("CARGO_BIN_EXE_kubectl-earthworm"), &program).unwrap();
    let mut command = Command::new(program);
    command.args(["top", "flows", "--local", "--once"]).stdin(Stdio::null()).env_clear();
    // SAFETY: geteuid only reads.
    if unsafe { libc::geteuid() } == 0 {
        const NOBODY: u32 = 65_534;
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    insta::assert_snapshot!("local-not-root", String::from_utf8(output.stderr).unwrap());
}

#[test]
fn no_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let closed = config(folder.path(), CLOSED);
    insta::assert_snapshot!("no-kubeconfig", run(&["pulse", "node-a"], None));
    insta::assert_snapshot!(
        "kubeconfig-flag-missing",
        run(&["pulse", "node-a", "--kubeconfig", "/nonexistent/config"], None)
    );
    insta::assert_snapshot!("top-no-kubeconfig", run(&["top", "pods", "node-a"], None));
    insta::assert_snapshot!("unreachable", run(&["pulse", "node-a"], Some(&closed)));
    insta::assert_snapshot!(
        "unknown-context",
        run(&["pulse", "node-a", "--context", "prod"], Some(&closed))
    );
}

#[test]
fn broken_kubeconfigs() {
    for (name, text) in [
        ("kubeconfig-empty", ""),
        ("kubeconfig-no-context", "apiVersion: v1\nkind: Config\n"),
        (
            "kubeconfig-dangling",
            "current-context: a\ncontexts:\n- {name: a, context: {cluster: b}}\n",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = config(folder.path(), text);
        insta::assert_snapshot!(name, run(&["pulse", "node-a"], Some(&path)));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), "{ not yaml");
    let answer = run(&["pulse", "node-a"], Some(&path));
    assert!(answer.contains("error: cannot use kubeconfig"), "{answer}");
    assert!(answer.ends_with("--- exit 2"), "{answer}");
}

/// A missing file in a KUBECONFIG list is skipped, as kubectl does.
#[test]
fn kubeconfig_lists_skip_missing_files() {
    let folder = tempfile::tempdir().unwrap();
    let closed = config(folder.path(), CLOSED);
    let list = format!("/nonexistent/config:{}", closed.display());
    let answer = run(&["pulse", "node-a"], Some(Path::new(&list)));
    assert!(answer.contains("cannot reach https://127.0.0.1:1"), "{answer}");
}

/// What can be completed after these words, without a cluster.
fn completions(words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("kubectl_complete-earthworm");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kubectl-earthworm"), &link).unwrap();
    let output = Command::new(link).args(words).env_clear().output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn views_flags_and_keys_of_top_are_completed() {
    let first = |text: &str| -> Vec<String> {
        let names = text.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        names.collect()
    };
    let views = first(&completions(&["top", "na"]));
    assert_eq!(views, ["namespaces", ":4"]);
    let keys = first(&completions(&["top", "flows", "--sort-by", "re"]));
    assert_eq!(keys, ["retransmits", ":4"]);
    let flags = first(&completions(&["top", "pods", "--inter"]));
    assert_eq!(flags, ["--interval", ":4"]);
}

/// kubectl calls the completion by another name of the same binary.
#[test]
fn kubectl_completion_answers_without_a_cluster() {
    let text = completions(&["pulse", "--no-p"]);
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("--no-probe\t"), "{text}");
    assert_eq!(lines.last(), Some(":4"), "{text}");
}
