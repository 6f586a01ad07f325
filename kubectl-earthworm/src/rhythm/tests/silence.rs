//! What silence means, and what it does not.

use super::notation::{check, config};

#[test]
fn from_the_start_nothing_beats() {
    check(
        config(),
        "
        0 listed x -300
        1 attached
        45 end
    ",
        "
        0.000 rhythm suspected-flatline stale-lease since=0.0
        1.000 event probe-attached
        21.250 rhythm suspected-flatline no-beat since=0.0
        40.250 rhythm asystole no-beat since=0.0
        total=0 node=0 api=0 missed=0 gap=0.0 asystole worst=asystole exit=1
    ",
    );
}

#[test]
fn nothing_is_observed() {
    check(
        config(),
        "
        0 creating
        10 failed
        45 end
    ",
        "
        10.000 problem image-refused
        total=0 node=0 api=0 undetermined worst=undetermined exit=2
    ",
    );
}

#[test]
fn the_plugin_sleeps() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 asleep 80
        80 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        80.000 event observer-stalled gap=60.0
        80.000 rhythm undetermined not-observed since=80.0
        total=2 node=2 api=2 missed=0 gap=0.0 undetermined worst=normal-sinus exit=2
    ",
    );
}

#[test]
fn a_slow_clean_up_is_no_silence_of_the_node() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 finish
        21 cost
        21.1 detached
        60 removed
        90 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        total=2 node=2 api=2 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}
