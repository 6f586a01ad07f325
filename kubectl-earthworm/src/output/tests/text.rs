//! What people read.

use super::*;

fn both(format: Format, options: Options, script: &str) -> String {
    let (out, err) = render(format, options, &[script]);
    format!("{out}--- stderr ---\n{err}")
}

#[test]
fn healthy_table() {
    insta::assert_snapshot!(both(Format::Table, PLAIN, HEALTHY));
}

#[test]
fn healthy_wide() {
    insta::assert_snapshot!(both(Format::Wide, PLAIN, HEALTHY));
}

#[test]
fn sick_table() {
    insta::assert_snapshot!(both(Format::Table, PLAIN, SICK));
}

#[test]
fn gap_table() {
    insta::assert_snapshot!(both(Format::Table, PLAIN, GAP));
}

#[test]
fn refused_table() {
    insta::assert_snapshot!(both(Format::Table, PLAIN, REFUSED));
}

#[test]
fn yaml() {
    insta::assert_snapshot!(render(Format::Yaml, PLAIN, &[SICK]).0);
}

#[test]
fn overview_of_several_nodes() {
    let summaries = SCRIPTS.map(|script| play(config(), script).1);
    insta::assert_snapshot!(super::super::overview(&summaries));
}

#[test]
fn headers_and_colours_are_the_callers_choice() {
    let (out, _) = render(Format::Table, Options { headers: false, ..PLAIN }, &[HEALTHY]);
    assert!(out.starts_with("node-a  00:00:06.996"), "{out}");
    assert!(!out.contains('\u{1b}'));
    let (out, _) = render(Format::Table, Options { out: Style::COLOR, ..PLAIN }, &[HEALTHY]);
    assert!(out.contains("\u{1b}[32mnormal sinus"), "{out}");
}

#[test]
fn nothing_from_outside_reaches_the_terminal_unescaped() {
    for format in [Format::Table, Format::Wide, Format::Json, Format::Yaml] {
        let (out, err) = render(format, PLAIN, &[SICK]);
        for character in [out, err].concat().chars().filter(|&character| character != '\n') {
            assert!(
                !character.is_control() && character != '\u{202e}',
                "{character:?} in {format:?}"
            );
        }
    }
}

#[test]
fn the_last_word_is_honest() {
    let last = |script: &str| {
        let (_, err) = render(Format::Table, PLAIN, &[script]);
        err.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        last(HEALTHY),
        "node-a: 6 beats seen on the node, 6 at the API, 0 missed, mean 10.21 s. Lost: none. \
         Probe cost: 0.02 % CPU, 11 MiB, 61 program runs (0.3 ms). Nothing left behind."
    );
    let (findings, summary) = without_probe("0 listed x -3\n 4 leases 2 every 10 a\n 16 end");
    let (_, err) = render_played(Format::Table, PLAIN, &[(findings, summary)]);
    assert_eq!(
        err.lines().last().unwrap(),
        "node-a: 2 beats seen at the API, mean 10.00 s. No probe: only the API server was asked."
    );
    assert_eq!(
        last("0 creating\n 1 attached\n 7 beats 1 every 10 a\n 9 end"),
        "node-a: 1 beat seen on the node, 1 at the API, 0 missed, too few for a rhythm. \
         Lost: none. Probe cost: not reported. Could not confirm that nothing is left behind: \
         see kubectl get jobs,pods -A -l app.kubernetes.io/managed-by=kubectl-earthworm"
    );
}
