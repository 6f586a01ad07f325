//! Kubelets whose executable tells the probe nothing: it says why, and the
//! Leases go on being watched.

use earthworm_tests::kubelet::{Damage, DamagedKubelet, executable, own_executable};
use earthworm_tests::lab::{Claim, Lab, Versions};

#[test]
fn an_executable_that_is_not_of_go() {
    listen_to(
        "a kubelet that does not look like Go",
        Damage::NoSections,
        "not a Go program: neither .go.buildinfo nor .gopclntab is there",
    );
}

#[test]
fn a_truncated_function_table() {
    listen_to(
        "a kubelet with a truncated pclntab",
        Damage::ShortFunctionTable(4096),
        "truncated pclntab: its function table reaches past the end",
    );
}

/// What is told by every format, and that the node's own kubelet runs again.
fn listen_to(test: &'static str, damage: Damage, reason: &str) {
    let Some(mut lab) = Lab::enter(test, Versions::Newest, Claim::NODE.taking(45)) else { return };
    lab.may_restart_kubelet();
    let damaged = DamagedKubelet::start(&lab, lab.node(), damage);

    let ended = lab.pulse_here(&["--for", "25s", "-o", "json", "-v"]).end();
    lab.assert_nothing_left(ended.at);
    ended.assert_contract();
    println!("{test}: exit code {:?}, {}", ended.code, ended.out_text());
    let attached = ended.lines.iter().find(|line| line.is_event("probe-attached")).unwrap();
    assert_eq!(attached.json["leads"].as_array().map(Vec::len), Some(0), "{}", attached.text);
    let refused = attached.json["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 2, "{}", attached.text);
    for lead in refused {
        assert_eq!(lead["message"], reason, "{}", attached.text);
    }
    let problems: Vec<_> = ended.lines.iter().filter(|line| line.kind() == "Problem").collect();
    assert_eq!(problems.len(), 1, "{}", ended.out_text());
    assert_eq!(problems[0].json["reason"], "no-lead");
    assert!(problems[0].json["message"].as_str().unwrap().contains(reason), "{}", problems[0].text);
    let beats: Vec<_> = ended.lines.iter().filter(|line| line.kind() == "Beat").collect();
    assert!(!beats.is_empty(), "{}", ended.out_text());
    assert!(beats.iter().all(|beat| beat.json["lead"] == "api"), "{}", ended.out_text());
    assert_eq!(ended.code, Some(2), "{}", ended.error_text());

    let ended = lab.pulse_here(&["--for", "12s"]).end();
    println!("{test}: exit code {:?}:\n{}{}", ended.code, ended.out_text(), ended.error_text());
    super::bad_input::assert_refused(&ended, &["no lead works on kubelet[", reason, "hint: "]);
    let said = ended.error_text().matches(reason).count();
    assert_eq!(said, 1, "{}", ended.error_text());
    lab.assert_nothing_left(ended.at);

    drop(damaged);
    lab.wait_ready();
    assert_eq!(executable(&lab, lab.node()), own_executable(&lab));
}
