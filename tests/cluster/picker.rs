//! `pulse` without a node, at a terminal: a list to choose from.

use std::time::Duration;

use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::pty::{Left, Terminal};
use serde_json::Value;

const SHOWN: Duration = Duration::from_secs(10);
const ENDED: Duration = Duration::from_secs(40);

#[test]
fn a_node_is_chosen_by_typing() {
    let Some(lab) = Lab::enter("node chosen from a list", Versions::Newest, Claim::NODE) else {
        return;
    };
    let mut terminal = ask(&lab);
    terminal.press(lab.node().as_bytes());
    terminal.wait_for(&format!("Which node? {}|", lab.node()), SHOWN);
    terminal.press(b"\r");
    let left = terminal.end_within(ENDED);
    report("Enter", &left);
    let nodes: Vec<Value> = left
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|object| object["kind"] == "Summary")
        .map(|summary| summary["node"].clone())
        .collect();
    assert_eq!(nodes, [lab.node()], "{}", left.out);
    // A second is too short for a rhythm.
    assert_eq!(left.code, Some(2), "{}", left.shown);
    assert!(left.restored && left.has_cursor(), "{:?}", left.shown);
    lab.assert_nothing_left(left.at);
}

#[test]
fn the_list_can_be_left() {
    let Some(lab) = Lab::enter("list left", Versions::Newest, Claim::NODE) else { return };
    for (key, name, code) in [(b"\x1b", "Esc", 2), (b"\x03", "Ctrl-C", 130)] {
        let mut terminal = ask(&lab);
        terminal.press(key);
        assert_left(&lab, name, &terminal.end_within(SHOWN), code);
    }
    let terminal = ask(&lab);
    let pid = i32::try_from(terminal.pid()).unwrap();
    // SAFETY: the child has not been waited for, so the id is still its own.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    assert_left(&lab, "SIGTERM", &terminal.end_within(SHOWN), 130);
}

#[test]
fn a_search_without_a_match_says_so() {
    let Some(lab) = Lab::enter("nothing in the list matches", Versions::Newest, Claim::NODE) else {
        return;
    };
    let mut terminal = ask(&lab);
    terminal.press(b"mars");
    terminal.wait_for("nothing matches", SHOWN);
    // There is nothing to be chosen.
    terminal.press(b"\r");
    terminal.press(b"\x1b");
    assert_left(&lab, "Enter, then Esc", &terminal.end_within(SHOWN), 2);
}

/// Starts the command and waits for its list.
fn ask(lab: &Lab) -> Terminal {
    let terminal = Terminal::start(lab.plugin(&["pulse", "--for", "1s", "-o", "json"]));
    terminal.wait_for("type to search, Enter to choose, Esc to leave", SHOWN);
    terminal.wait_for("all nodes", SHOWN);
    terminal
}

fn assert_left(lab: &Lab, name: &str, left: &Left, code: i32) {
    report(name, left);
    assert_eq!(left.code, Some(code), "{}", left.shown);
    assert!(left.restored, "{name} leaves the terminal as it was while it asked");
    assert!(left.has_cursor(), "{name} leaves no cursor: {:?}", left.shown);
    assert_eq!(left.shown.contains("no node chosen"), code == 2, "{:?}", left.shown);
    assert!(left.out.is_empty(), "{}", left.out);
    lab.assert_nothing_left(left.at);
}

fn report(name: &str, left: &Left) {
    println!(
        "{name}: exit code {:?}, settings restored: {}, cursor shown: {}",
        left.code,
        left.restored,
        left.has_cursor()
    );
}
