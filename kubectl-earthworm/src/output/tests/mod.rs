//! Findings in, text out.

mod contract;
mod text;

use super::{Format, Options, Sink, Style, sink};
use crate::rhythm::tests::notation::{config, node, play};
use crate::rhythm::{Config, Finding, Summary};

/// Scripts that together produce every kind of object.
pub(crate) const SCRIPTS: [&str; 4] = [HEALTHY, SICK, GAP, REFUSED];

pub(crate) const HEALTHY: &str = "
    0 creating
    0 listed x -3
    1 attached
    7 beats 6 every 10.213 a
    59 cost
    60 detached
    62 removed
";

const SICK: &str = "
    0 listed x -3
    1 attached plaintext
    7 beats 2 every 10.2 a
    27.4 beat b failed status=503
    29.4 beat c attempts=2
    29.5 lease c
    30 signalled 15 by=bash[4242]
    31 stopped by=bash\u{1b}[2J\u{202e}[4242]
    33 continued
    34 killed 9 by=systemd[1]
    35 restarted
    36 reattached
    36.1 beat d took=1.6
    36.2 lease d
    37 exited 137
    38 trouble
    70 end
";

const GAP: &str = "
    0 creating
    0 listed x -3
    1 attached conduction
    7 beats 2 every 10.2 a
    18 cost
    18 lost
    20 broke
    24 resumed lost=4
    27.4 lease b
    30 broke
    40 api-down
    45 api-up
    45.5 listed m 44
    46 restarting
    48 attached
    55 beats 2 every 10.2 c
    66 asleep 75
    75 end
";

const REFUSED: &str = "
    0 creating
    0 listed x -300
    10 failed
    11 leases 1 every 10 a
    24 removed unsure
";

/// What a script becomes in a format: data and lines for people.
pub(crate) fn render(format: Format, options: Options, scripts: &[&str]) -> (String, String) {
    let played: Vec<(Vec<Finding>, Summary)> =
        scripts.iter().map(|script| play(config(), script)).collect();
    render_played(format, options, &played)
}

pub(crate) fn render_played(
    format: Format,
    options: Options,
    played: &[(Vec<Finding>, Summary)],
) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let nodes: Vec<_> = played.iter().map(|(_, summary)| summary.node.clone()).collect();
    {
        let mut sink: Box<dyn Sink> = sink(format, &mut out, &mut err, &nodes, options);
        for finding in played.iter().flat_map(|(findings, _)| findings) {
            sink.finding(finding).unwrap();
        }
        let summaries: Vec<Summary> = played.iter().map(|(_, summary)| summary.clone()).collect();
        sink.finish(&summaries).unwrap();
    }
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

pub(crate) const PLAIN: Options = Options { headers: true, out: Style::PLAIN, err: Style::PLAIN };

/// A summary of the API server's view alone.
pub(crate) fn without_probe(script: &str) -> (Vec<Finding>, Summary) {
    play(Config { expects_probe: false, ..config() }, script)
}

#[test]
fn names_come_once_and_only_from_nodes_that_beat() {
    let (out, err) = render(Format::Name, PLAIN, &[HEALTHY]);
    assert_eq!((out.as_str(), err.as_str()), ("node/node-a\n", ""));
    let (out, err) = render(Format::Name, PLAIN, &["0 creating\n 5 failed\n 10 end"]);
    assert_eq!(out, "");
    assert_eq!(err, "node-a: node node-a: image refused\n  hint: use --image\n");
}

#[test]
fn clusters_are_named_when_there_is_more_than_one() {
    let mut played = vec![play(config(), HEALTHY), play(config(), HEALTHY)];
    let mut other = node();
    other.cluster = "prod".into();
    for finding in &mut played[1].0 {
        finding.node = other.clone();
    }
    played[1].1.node = other;
    let (out, _) = render_played(Format::Table, PLAIN, &played);
    assert!(out.contains("\nlab/node-a   00:00:06.996"), "{out}");
    assert!(out.contains("\nprod/node-a  00:00:06.996"), "{out}");
}
