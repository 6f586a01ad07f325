//! What happens to the kubelet.

use super::notation::{check, config};

#[test]
fn a_killed_kubelet_is_in_asystole_at_once() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 signalled 9 by=bash[4242]
        20.001 killed 9
        24 restarted
        24.5 reattached
        24.6 beat b
        24.61 lease b
        34.8 beats 2 every 10.2 c
        46 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        20.000 event kubelet-signalled
        20.001 event kubelet-killed
        20.001 rhythm asystole kubelet-killed since=20.0
        24.000 event kubelet-restarted
        24.000 rhythm undetermined too-little-data since=24.0
        24.500 event probe-attached
        24.610 beat conduction rr=7.40 renew=0.004 renewed by=renewTime premature-beat
        24.610 rhythm premature-beat kubelet-restarted since=24.6
        34.802 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        34.802 rhythm normal-sinus since=34.8
        45.002 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=5 node=5 api=5 missed=0 gap=0.0 normal-sinus worst=asystole exit=1
    ",
    );
}

#[test]
fn a_stopped_kubelet_and_its_return() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 stopped by=bash[4242]
        50 continued
        50.01 beat b
        50.02 lease b
        61 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        20.000 event kubelet-stopped
        20.000 rhythm asystole kubelet-stopped since=20.0
        50.000 event kubelet-continued
        50.000 rhythm suspected-flatline no-beat since=17.2
        50.020 beat conduction rr=32.81 renew=0.004 renewed by=renewTime missed-beat
        50.020 rhythm missed-beat irregular since=50.0
        total=3 node=3 api=3 missed=0 gap=0.0 missed-beat worst=asystole exit=1
    ",
    );
}

/// The stream stood still for less than it takes to notice: what it held back
/// says when it happened.
#[test]
fn news_that_come_late_are_dated_right() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        22.5 stopped late=2.5
        22.52 continued late=0.1
        27.4 beat b
        27.41 lease b
        30 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        22.500 event kubelet-stopped
        22.500 rhythm asystole kubelet-stopped since=20.0
        22.520 event kubelet-continued
        22.520 rhythm undetermined too-little-data since=22.5
        27.410 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        27.410 rhythm normal-sinus since=27.4
        total=3 node=3 api=3 missed=0 gap=0.0 normal-sinus worst=asystole exit=1
    ",
    );
}

#[test]
fn no_kubelet_on_the_node() {
    check(
        config(),
        "
        0 listed x -3
        1 trouble
        7 leases 3 every 10.2 a
        30 end
    ",
        "
        1.000 problem no-kubelet
        7.002 beat api renewed undetermined
        17.202 beat api rr=10.20 renewed normal-sinus
        17.202 rhythm normal-sinus since=17.2
        27.402 beat api rr=10.20 renewed normal-sinus
        total=3 node=0 api=3 normal-sinus worst=normal-sinus exit=2
    ",
    );
}
