//! Beats and how two views of them are matched.

use super::notation;
use super::notation::{check, config};
use crate::rhythm::Config;

#[test]
fn a_healthy_minute() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 6 every 10.2 a
        60 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        27.402 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        37.602 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        47.802 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        58.002 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=6 node=6 api=6 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}

#[test]
fn without_a_probe() {
    check(
        Config { expects_probe: false, ..config() },
        "
        0 listed x -3
        7 leases 3 every 10.2 a
        70 end
    ",
        "
        7.002 beat api renewed undetermined
        17.202 beat api rr=10.20 renewed normal-sinus
        17.202 rhythm normal-sinus since=17.2
        27.402 beat api rr=10.20 renewed normal-sinus
        48.500 rhythm suspected-flatline no-beat since=27.4
        67.500 rhythm asystole no-beat since=27.4
        total=3 node=0 api=3 asystole worst=asystole exit=1
    ",
    );
}

#[test]
fn duplicates() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beat a
        7.001 lease a
        7.1 again
        7.2 lease a
        7.3 listed a
        17.2 lease b
        17.3 lease b
        17.4 beat b late=0.2
        27 lease c
        28.5 beat c late=1.5
        37 beat d attempts=2
        37.1 lease d.0
        37.2 lease d.1
        40 end
    ",
        "
        1.000 event probe-attached
        7.001 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.400 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.400 rhythm normal-sinus since=17.4
        28.000 beat api rr=9.80 renewed normal-sinus
        37.100 beat conduction rr=10.10 renew=0.004 attempts=2 renewed by=renewTime premature-beat
        37.100 rhythm premature-beat retries since=37.0
        total=4 node=4 api=4 missed=0 gap=0.0 premature-beat worst=premature-beat exit=0
    ",
    );
}

#[test]
fn conduction_alone() {
    check(
        config(),
        "
        0 listed x -3
        1 attached conduction
        7 beats 2 every 10.2 a
        27.4 beat b
        28.9 lease b
        37.6 lease c
        40 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=time undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=time normal-sinus
        17.202 rhythm normal-sinus since=17.2
        28.500 beat conduction rr=10.20 renew=0.004 renewed normal-sinus
        38.750 beat api renewed normal-sinus
        total=4 node=3 api=4 missed=1 gap=0.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}

#[test]
fn the_api_shows_what_the_probe_does_not() {
    check(
        config(),
        "
        0 listed x -3
        4 leases 1 every 10 z
        5 attached
        14 leases 3 every 10 a
        40 end
    ",
        "
        4.002 beat api renewed undetermined
        5.000 event probe-attached
        15.250 beat api rr=10.00 renewed normal-sinus
        15.250 rhythm normal-sinus since=14.0
        25.250 beat api rr=10.00 renewed normal-sinus
        35.250 beat api rr=10.00 renewed normal-sinus
        total=4 node=0 api=4 missed=3 gap=0.0 normal-sinus worst=normal-sinus exit=2
    ",
    );
}

#[test]
fn several_beats_that_come_at_once_keep_their_order() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 api-down
        21 broke
        45 api-up
        45.1 listed d
        45.2 resumed
        45.3 beat b late=17.9
        45.3 beat c late=7.7
        48 beat d
        48 lease d
        58.2 beats 1 every 10 e
        60 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        20.000 event api-interrupted
        21.000 event stream-interrupted
        21.000 rhythm undetermined not-observed since=21.0
        45.000 event api-recovered gap=25.0
        45.100 rhythm undetermined too-little-data since=45.1
        45.200 event stream-resumed gap=24.2
        46.500 beat conduction rr=10.20 renew=0.004 renewed normal-sinus
        46.500 rhythm normal-sinus since=27.4
        46.500 beat conduction rr=10.20 renew=0.004 renewed normal-sinus
        48.000 beat conduction rr=10.40 renew=0.004 renewed by=renewTime normal-sinus
        58.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=6 node=6 api=4 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}

#[test]
fn a_sporadic_failure() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        27.4 beat b failed status=500
        27.8 beat c
        27.81 lease c
        38 beats 1 every 10 d
        40 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        28.500 beat conduction rr=10.20 renew=0.004 failed not-arrived second-degree-block-type-ii
        28.500 rhythm second-degree-block-type-ii api-refuses since=27.4
        28.500 beat conduction rr=0.40 renew=0.004 renewed by=renewTime premature-beat
        28.500 rhythm premature-beat irregular since=27.8
        38.002 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        38.002 rhythm normal-sinus since=38.0
        total=5 node=5 api=4 missed=0 gap=0.0 normal-sinus worst=second-degree-block-type-ii exit=1
    ",
    );
}

#[test]
fn an_answer_that_was_lost_is_no_failure() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        27.4 lease b
        27.41 beat b unknown
        37.6 beats 1 every 10 c
        40 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        27.410 beat conduction rr=10.21 renew=0.004 unknown by=renewTime normal-sinus
        37.602 beat conduction rr=10.19 renew=0.004 renewed by=renewTime normal-sinus
        total=4 node=4 api=4 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}

#[test]
fn a_kubelet_with_another_interval() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        5 beats 7 every 5.1 a
        40 end
    ",
        "
        1.000 event probe-attached
        5.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        10.102 beat conduction rr=5.10 renew=0.004 renewed by=renewTime premature-beat
        10.102 rhythm premature-beat irregular since=10.1
        15.202 beat conduction rr=5.10 renew=0.004 renewed by=renewTime premature-beat
        20.302 beat conduction rr=5.10 renew=0.004 renewed by=renewTime premature-beat
        25.402 beat conduction rr=5.10 renew=0.004 renewed by=renewTime premature-beat
        30.502 beat conduction rr=5.10 renew=0.004 renewed by=renewTime sinus-tachycardia
        30.502 rhythm sinus-tachycardia since=30.5
        35.602 beat conduction rr=5.10 renew=0.004 renewed by=renewTime sinus-tachycardia
        total=7 node=7 api=7 missed=0 gap=0.0 sinus-tachycardia worst=premature-beat exit=1
    ",
    );
}

#[test]
fn memory_is_bounded() {
    use crate::rhythm::Heart;
    let script = "
        0 listed x -3
        1 attached
        7 beats 2000 every 10.2 a
        20500 end
    ";
    let mut heart = Heart::new(notation::node(), config());
    for signal in notation::signals(script) {
        heart.feed(&signal);
    }
    let summary = heart.summary(notation::stamp(20_500.0));
    assert_eq!((summary.beats.total, summary.missed), (2000, Some(0)));
    assert_eq!(summary.intervals.count, 360);
}
