//! Pictures, as text.

use super::*;
use crate::rhythm::tests::notation::{config, node, play, stamp};
use crate::signal::NodeId;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const HEALTHY: &str = "
    0 creating
    0 listed x -3
    1 attached
    4.1 beats 6 every 10.2 a
    60 end
";

const STOPPED: &str = "
    0 creating
    0 listed x -3
    1 attached
    6 beats 3 every 10.2 b
    33 stopped by=bash\u{1b}[2J[4242]
    60 end
";

const PARTITIONED: &str = "
    0 creating
    0 listed x -3
    1 attached
    2 beats 2 every 10.2 c
    22.4 beat d failed took=0.3
    32.6 beat e failed took=0.3
    42.8 beat f failed took=0.3
    53 beat g failed took=0.3
    60 end
";

/// A screen that has seen these scripts, one per node, until `until`.
fn state(scripts: &[&str], until: f64, color: bool) -> State {
    let names = ["node-a", "node-b", "node-c", "node-d"];
    let nodes: Vec<NodeId> =
        names.iter().map(|name| NodeId { node: (*name).into(), ..node() }).collect();
    let nodes = nodes[..scripts.len()].to_vec();
    let mut state = State::new(Setup { nodes: nodes.clone(), color }, stamp(0.0));
    let mut findings: Vec<Finding> = Vec::new();
    for (script, id) in scripts.iter().zip(nodes) {
        let (found, _) = play(config(), script);
        findings.extend(found.into_iter().map(|finding| Finding { node: id.clone(), ..finding }));
    }
    findings.sort_by_key(|finding| finding.at.monotonic);
    findings.retain(|finding| finding.at.monotonic.as_secs_f64() <= until);
    state.pass_time(stamp(until));
    state.update(Update::Findings(findings));
    state
}

fn drawn(state: &State, width: u16, height: u16) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    terminal.backend().clone()
}

fn picture(state: &State, width: u16, height: u16) -> String {
    drawn(state, width, height).to_string()
}

#[test]
fn three_nodes() {
    let state = state(&[HEALTHY, STOPPED, PARTITIONED], 59.0, true);
    insta::assert_snapshot!(picture(&state, 110, 42));
}

#[test]
fn one_node_in_a_small_terminal() {
    insta::assert_snapshot!(picture(&state(&[HEALTHY], 48.0, true), 60, 14));
}

#[test]
fn help_lies_on_top() {
    let mut state = state(&[HEALTHY], 48.0, false);
    state.act(Action::Help);
    insta::assert_snapshot!(picture(&state, 90, 26));
}

#[test]
fn any_size_will_do() {
    let mut state = state(&[HEALTHY, STOPPED, PARTITIONED, HEALTHY], 59.0, true);
    for help in [false, true] {
        for (width, height) in [(0, 0), (1, 1), (2, 3), (20, 5), (5, 40), (300, 4), (250, 90)] {
            drawn(&state, width, height);
        }
        assert_eq!(state.help, help);
        state.act(Action::Help);
    }
    for width in (0..90).step_by(7) {
        for height in (0..30).step_by(3) {
            drawn(&state, width, height);
        }
    }
}

#[test]
fn the_selected_node_stays_in_sight() {
    let mut state = state(&[HEALTHY, STOPPED, PARTITIONED, HEALTHY], 59.0, true);
    let small = |state: &State| picture(state, 80, 14);
    assert!(small(&state).contains("node-a") && !small(&state).contains("node-d"));
    for _ in 0..9 {
        state.act(Action::Down);
    }
    assert!(small(&state).contains("node-d") && !small(&state).contains("node-a"));
    state.act(Action::Up);
    state.act(Action::Zoom);
    assert!(small(&state).contains("node-c") && !small(&state).contains("node-d"));
}

#[test]
fn a_held_picture_does_not_change() {
    let mut state = state(&[HEALTHY], 48.0, true);
    state.act(Action::Pause);
    let held = picture(&state, 80, 24);
    assert!(held.contains("PAUSED"));
    state.pass_time(stamp(55.0));
    let (found, _) = play(config(), HEALTHY);
    state.update(Update::Findings(found));
    assert_eq!(picture(&state, 80, 24), held);
    state.act(Action::Pause);
    assert_ne!(picture(&state, 80, 24), held);
}

#[test]
fn without_colours_no_cell_has_one() {
    let state = state(&[HEALTHY, STOPPED, PARTITIONED], 59.0, false);
    for cell in drawn(&state, 110, 42).buffer().content() {
        use ratatui::style::Color::Reset;
        assert_eq!((cell.fg, cell.bg), (Reset, Reset), "{cell:?}");
    }
}

#[test]
fn nothing_from_outside_reaches_the_terminal_unescaped() {
    let state = state(&[STOPPED], 59.0, true);
    let picture = picture(&state, 160, 42);
    assert!(picture.contains("bash\\u{1b}[2J[4242]"), "{picture}");
    assert!(!picture.contains('\u{1b}'));
}
