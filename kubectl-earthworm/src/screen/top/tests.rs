//! Pictures, as text, and what keys do.

use super::*;
use crate::rhythm::tests::notation::stamp;
use crate::traffic::tests::notation::{node_id, play, query};
use crate::traffic::{Listing, SortBy, View};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const SHOP: &str = "
    0 name pod shop/client-7d9c5b6f4-xk2lp 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 name pod data/redis-0 10.0.1.3 node-b
    0 name service shop/web 10.96.0.1
    0 node-a owner 1 shop/client-7d9c5b6f4-xk2lp curl
    0 node-a owner 2 shop/web-1 nginx
    0 node-a owner 3 kube\u{1b}[2Jlet
    0 node-a sweep
    1 node-a 1 > 10.96.0.1:80 peer=2 backend=10.0.0.2:8080 sent=1000 received=9000000 open=2 rtt=200
    1 node-a 2 > 10.0.1.3:6379 sent=40960 received=6000 open=9 older=4 rtt=900 again=5 opened=12
    1 node-a 2 > 10.96.0.10:53 udp sent=300 received=300
    1 node-a 3 > 192.0.2.10:6443 sent=500 received=600 open=1 rtt=300
    1 node-a sweep 2
";

fn listing(view: View) -> Listing {
    play(SHOP).observer.ledger.listing(&query(view))
}

/// A screen of these nodes that has seen an interval.
fn state(view: View, nodes: &[&str], color: bool) -> State {
    let nodes: Vec<_> = nodes.iter().map(|name| node_id(name)).collect();
    let facts = vec![Some(NodeFacts { sockets: 123 }); nodes.len()];
    let setup = Setup { view, sort: SortBy::Bytes, nodes, color };
    let mut state = State::new(setup, stamp(0.0));
    state.update(Update::Note("node-a: waiting for image".into()));
    state.update(Update::Interval { listing: Box::new(listing(view)), nodes: facts });
    state.pass_time(stamp(61.0));
    state
}

fn press(state: &mut State, code: KeyCode) -> bool {
    state.press(KeyEvent::new(code, KeyModifiers::NONE))
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
fn flows_of_two_nodes() {
    insta::assert_snapshot!(picture(&state(View::Flows, &["node-a", "node-b"], true), 130, 16));
}

#[test]
fn names_are_cut_in_a_narrow_terminal() {
    insta::assert_snapshot!(picture(&state(View::Flows, &["node-a"], false), 90, 14));
}

#[test]
fn pods() {
    insta::assert_snapshot!(picture(&state(View::Pods, &["node-a"], false), 110, 14));
}

const DROPS: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name pod shop/web-1 10.0.0.2 node-a
    0 node-a owner 1 shop/web-1
    0 node-a sweep
    1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:9000 proto=17 packets=11 bytes=440
    1 node-a drop 1 NETFILTER_DROP 10.0.0.1 10.0.0.2:80 proto=6 packets=4 bytes=6000
    1 node-a sweep 2
";

#[test]
fn drops_are_sorted_by_packets_or_bytes() {
    let nodes = vec![node_id("node-a")];
    let setup = Setup { view: View::Drops, sort: SortBy::Packets, nodes, color: false };
    let mut state = State::new(setup, stamp(0.0));
    let mut listing = play(DROPS).observer.ledger.listing(&query(View::Drops));
    listing.unplaced.packets = 3;
    let facts = vec![Some(NodeFacts { sockets: 123 })];
    state.update(Update::Interval { listing: Box::new(listing), nodes: facts });
    insta::assert_snapshot!(picture(&state, 110, 12));
    let top = |state: &State| state.columns[1].of(&state.rows[0]);
    assert_eq!(top(&state), "NO_SOCKET");
    press(&mut state, KeyCode::Char('s'));
    assert_eq!((state.sort, top(&state).as_str()), (SortBy::Bytes, "NETFILTER_DROP"));
    press(&mut state, KeyCode::Char('s'));
    assert_eq!(state.sort, SortBy::Packets);
}

const DNS: &str = "
    0 name pod shop/client-1 10.0.0.1 node-a
    0 name service kube-system/kube-dns 10.96.0.10
    0 node-a owner 1 shop/client-1
    0 node-a owner 2 *
    0 node-a sweep
    1 node-a dns 1 10.96.0.10 asked=9 0=6x500 3=3x100
    1 node-a dns 2 203.0.113.53 asked=4 silent=4
    1 node-a sweep 2
";

#[test]
fn dns_is_sorted_by_queries_timeouts_or_latency() {
    let nodes = vec![node_id("node-a")];
    let setup = Setup { view: View::Dns, sort: SortBy::Queries, nodes, color: false };
    let mut state = State::new(setup, stamp(0.0));
    let mut listing = play(DNS).observer.ledger.listing(&query(View::Dns));
    listing.unplaced_dns.questions = 3;
    let facts = vec![Some(NodeFacts { sockets: 123 })];
    state.update(Update::Interval { listing: Box::new(listing), nodes: facts });
    insta::assert_snapshot!(picture(&state, 110, 12));
    let top = |state: &State| state.columns[0].of(&state.rows[0]);
    assert_eq!(top(&state), "shop/client-1");
    press(&mut state, KeyCode::Char('s'));
    assert_eq!((state.sort, top(&state).as_str()), (SortBy::Timeouts, "node/node-a"));
    press(&mut state, KeyCode::Char('s'));
    assert_eq!((state.sort, top(&state).as_str()), (SortBy::Latency, "shop/client-1"));
    press(&mut state, KeyCode::Char('s'));
    assert_eq!(state.sort, SortBy::Queries);
}

#[test]
fn before_the_first_interval() {
    let setup = Setup {
        view: View::Flows,
        sort: SortBy::Bytes,
        nodes: vec![node_id("node-a")],
        color: false,
    };
    let mut state = State::new(setup, stamp(0.0));
    state.update(Update::Note("node-a: waiting for image\u{1b}[2J".into()));
    insta::assert_snapshot!(picture(&state, 80, 6));
}

#[test]
fn any_size_will_do() {
    let state = state(View::Flows, &["node-a", "node-b"], true);
    for (width, height) in [(0, 0), (1, 1), (2, 3), (20, 5), (5, 40), (300, 4), (250, 90)] {
        drawn(&state, width, height);
    }
}

/// The first column of names, row by row.
fn sources(state: &State) -> Vec<String> {
    state.rows.iter().map(|row| state.columns[0].of(row)).collect()
}

#[test]
fn a_key_sorts_by_the_next_measure() {
    let mut state = state(View::Flows, &["node-a"], false);
    let top = |state: &State| state.columns[2].of(&state.rows[0]);
    assert_eq!((state.sort, top(&state).as_str()), (SortBy::Bytes, "80"));
    press(&mut state, KeyCode::Char('s'));
    press(&mut state, KeyCode::Char('s'));
    assert_eq!((state.sort, top(&state).as_str()), (SortBy::RoundTrip, "6379"));
    for _ in 0..3 {
        press(&mut state, KeyCode::Char('s'));
    }
    assert_eq!(state.sort, SortBy::Bytes);
}

#[test]
fn a_filter_is_typed_and_dropped() {
    let mut state = state(View::Flows, &["node-a"], false);
    press(&mut state, KeyCode::Char('/'));
    for character in "REDISq".chars() {
        assert!(!press(&mut state, KeyCode::Char(character)), "a letter ended the screen");
    }
    assert!(state.rows.is_empty());
    press(&mut state, KeyCode::Backspace);
    assert_eq!(sources(&state), ["shop/web-1"]);
    press(&mut state, KeyCode::Enter);
    // What comes later is filtered as well.
    let nodes = vec![Some(NodeFacts { sockets: 1 })];
    state.update(Update::Interval { listing: Box::new(listing(View::Flows)), nodes });
    assert_eq!(state.rows.len(), 1);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.rows.len(), 4);
}

#[test]
fn a_selected_row_stays_selected_when_it_moves() {
    let mut state = state(View::Flows, &["node-a"], false);
    press(&mut state, KeyCode::Down);
    let chosen = state.columns[3].title;
    let before = (state.columns[0].of(&state.rows[1]), state.columns[2].of(&state.rows[1]));
    press(&mut state, KeyCode::Char('s'));
    press(&mut state, KeyCode::Char('s'));
    let row = &state.rows[state.selected];
    assert_eq!((state.columns[0].of(row), state.columns[2].of(row)), before, "{chosen}");
    press(&mut state, KeyCode::End);
    assert_eq!(state.selected, 3);
    press(&mut state, KeyCode::Down);
    assert_eq!(state.selected, 3);
}

#[test]
fn a_held_picture_shows_nothing_new_until_it_goes_on() {
    let mut state = state(View::Flows, &["node-a"], false);
    press(&mut state, KeyCode::Char('p'));
    let nodes = vec![Some(NodeFacts { sockets: 1 })];
    state.update(Update::Interval { listing: Box::default(), nodes });
    assert_eq!(state.rows.len(), 4);
    press(&mut state, KeyCode::Char('p'));
    assert_eq!(state.rows.len(), 0);
}

#[test]
fn keys_that_end_it() {
    let mut state = state(View::Flows, &["node-a"], false);
    assert!(press(&mut state, KeyCode::Char('q')));
    assert!(state.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
    assert!(!press(&mut state, KeyCode::Char('c')));
}
