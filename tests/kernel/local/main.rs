//! `top --local`: the real program and its probe on this machine's kernel, in
//! networks of the tests' own. Needs root; says so and passes elsewhere.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests may fail and speak like tests"
)]

#[path = "../support/leftovers.rs"]
mod leftovers;
mod network;
mod plugin;
#[path = "../../../kubectl-earthworm/tests/launcher/sandbox.rs"]
#[expect(dead_code, reason = "the launcher needs more of it")]
mod sandbox;

use network::Network;
use plugin::{Plugin, command};
use serde_json::Value;
use std::time::Duration;

/// Where the server listens.
const PORT: u16 = 8080;

/// Connections, and what each carries.
const CONNECTIONS: u64 = 7;
const REQUEST_BYTES: u64 = 1_234;
const ANSWER_BYTES: u64 = 567_891;

/// Why a test cannot run here; it says so loudly and passes.
fn cannot_run(test: &str) -> bool {
    // SAFETY: geteuid only reads.
    let reason = if unsafe { libc::geteuid() } != 0 {
        "needs root"
    } else if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        "needs a kernel with BTF"
    } else if kubectl_earthworm::payload::Payload::all().is_empty() {
        "needs a plugin that was built with its probe"
    } else {
        return false;
    };
    eprintln!("\n==== SKIPPED {test}: {reason} ====\n");
    true
}

#[test]
fn known_traffic_comes_out_exactly() {
    if cannot_run("known_traffic_comes_out_exactly") {
        return;
    }
    let network = Network::new();
    let listener = network.listen(PORT);
    let plugin = Plugin::start(&network, &["--interval", "500ms", "--port", &PORT.to_string()]);
    // Everything is counted from before the first interval on.
    plugin.next_object("FlowList", |_| true);
    network.exchange(&listener, CONNECTIONS, REQUEST_BYTES, ANSWER_BYTES);
    let list = plugin.next_object("FlowList", |list| {
        of_processes(list)
            .iter()
            .any(|flow| flow["sinceStart"]["connections"]["closed"] == CONNECTIONS)
    });

    let flows = of_processes(&list);
    assert_eq!(flows.len(), 1, "{list:#}");
    let flow = flows[0];
    let total = &flow["sinceStart"];
    assert_eq!(total["bytes"]["sent"], CONNECTIONS * REQUEST_BYTES, "{flow:#}");
    assert_eq!(total["bytes"]["received"], CONNECTIONS * ANSWER_BYTES, "{flow:#}");
    assert_eq!(total["connections"]["opened"], CONNECTIONS, "{flow:#}");
    for end in ["source", "destination"] {
        assert_eq!(flow[end]["kind"], "process", "{flow:#}");
        assert_eq!(flow[end]["name"], network::name(), "{flow:#}");
        assert_eq!(flow[end]["node"], list["node"], "{flow:#}");
    }
    assert_eq!(flow["destination"]["port"], PORT);
    assert_eq!(list["cluster"], "local");

    plugin.interrupt();
    let summary = plugin.next_object("FlowSummary", |_| true);
    assert_eq!(summary["nothingLeftBehind"], true, "{summary:#}");
    assert_eq!(summary["lost"], serde_json::json!({"kernel": 0, "probe": 0, "tunnel": 0}));
    assert_eq!(summary["exitCode"], 0);
    assert!(summary["cost"]["probeCpuSeconds"].as_f64().unwrap() > 0.0);
    plugin.ended_with(130);
}

#[test]
fn one_table_and_the_end() {
    if cannot_run("one_table_and_the_end") {
        return;
    }
    let network = Network::new();
    let ended = command(&network, &["--once"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let (table, words) = (text(&ended.stdout), text(&ended.stderr));
    assert!(table.starts_with("SOURCE"), "{table}");
    // The command and its own probe talk to each other.
    assert!(table.contains("earthworm-probe"), "{table}");
    assert!(words.contains("1 look at "), "{words}");
    assert!(words.ends_with("Nothing left behind.\n"), "{words}");
    // Whatever a kubeconfig says: nobody asked for one.
    assert!(!words.contains("kubeconfig"), "{words}");
}

#[test]
fn a_killed_command_leaves_nothing() {
    if cannot_run("a_killed_command_leaves_nothing") {
        return;
    }
    let network = Network::new();
    let plugin = Plugin::start(&network, &["--interval", "500ms"]);
    plugin.next_object("FlowList", |_| true);
    let probe = plugin.probe();
    assert!(probe.executable().starts_with("/memfd:earthworm-probe"), "{}", probe.executable());
    let objects = probe.kernel_objects();
    assert!(!objects.is_empty(), "a probe at work holds programs");
    plugin.kill();
    probe.is_gone_within(Duration::from_secs(earthworm_wire::IDLE_EXIT_SECONDS + 5));
    leftovers::assert_gone(&objects);
}

#[test]
fn a_lost_probe_is_started_again() {
    if cannot_run("a_lost_probe_is_started_again") {
        return;
    }
    let network = Network::new();
    let plugin = Plugin::start(&network, &["--interval", "500ms"]);
    plugin.next_object("FlowList", |_| true);
    let first = plugin.probe();
    first.kill();
    let event = plugin.next_object("Event", |event| event["reason"] == "probe-restarting");
    assert!(event["message"].as_str().unwrap().contains("signal: 9"), "{event:#}");
    plugin.next_object("FlowList", |_| true);
    assert_ne!(plugin.probe(), first);
    plugin.interrupt();
    plugin.next_object("FlowSummary", |summary| summary["nothingLeftBehind"] == true);
    plugin.ended_with(130);
}

#[test]
fn a_file_takes_the_place_of_refused_memory() {
    if cannot_run("a_file_takes_the_place_of_refused_memory") {
        return;
    }
    let network = Network::new();
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&network, &["--once", "-v"]);
    sandbox::refuse_call(&mut command, libc::SYS_memfd_create, libc::EPERM);
    let ended = command.env("TMPDIR", folder.path()).output().unwrap();
    let words = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{words}");
    assert!(words.contains(&format!("from image {}/", folder.path().display())), "{words}");
    assert!(words.ends_with("Nothing left behind.\n"), "{words}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file is left");
}

#[test]
fn what_the_kernel_says_comes_to_people() {
    if cannot_run("what_the_kernel_says_comes_to_people") {
        return;
    }
    let network = Network::new();
    let mut command = command(&network, &["--once", "-o", "json"]);
    sandbox::refuse_call(&mut command, libc::SYS_bpf, libc::EPERM);
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let objects: Vec<Value> =
        text(&ended.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let problem = objects.iter().find(|object| object["kind"] == "Problem").unwrap();
    assert_eq!(problem["reason"], "not-permitted", "{problem:#}");
    let summary = objects.iter().find(|object| object["kind"] == "FlowSummary").unwrap();
    assert_eq!(summary["nothingLeftBehind"], true, "{summary:#}");
}

/// Flows of processes in the network of the command. Pods that this machine may
/// have are shown too.
fn of_processes(list: &Value) -> Vec<&Value> {
    let items = list["items"].as_array().unwrap().iter();
    items.filter(|item| item["source"]["kind"] == "process").collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
