//! Signals in, findings out.

pub(crate) mod notation;

use crate::rhythm::Config;
use notation::{check, config};

pub(crate) const PARTITION: &str = "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        37.4 beat b failed took=10
        48 beat c failed took=10
        59 beat d failed took=10
        70 beat e failed took=10
        80 beats 2 every 10.2 f
        91 end
    ";

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
fn a_partition_is_told_apart() {
    check(
        config(),
        PARTITION,
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        38.250 rhythm suspected-flatline no-beat since=17.2
        38.500 beat conduction rr=10.20 renew=10.000 failed not-arrived third-degree-block
        38.500 rhythm third-degree-block partition since=17.2
        49.000 beat conduction rr=10.60 renew=10.000 failed not-arrived third-degree-block
        60.000 beat conduction rr=11.00 renew=10.000 failed not-arrived third-degree-block
        71.000 beat conduction rr=11.00 renew=10.000 failed not-arrived third-degree-block
        80.002 beat conduction rr=20.00 renew=0.004 renewed by=renewTime normal-sinus
        80.002 rhythm normal-sinus since=80.0
        90.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=8 node=8 api=4 missed=0 gap=0.0 normal-sinus worst=third-degree-block exit=1
    ",
    );
}

#[test]
fn a_slow_api() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        29 beat b took=1.6
        28.9 lease b
        39.2 beat c
        39.21 lease c
        42 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        29.000 beat conduction rr=10.20 renew=1.600 renewed by=renewTime first-degree-block
        29.000 rhythm first-degree-block slow-api since=27.4
        39.210 beat conduction rr=11.80 renew=0.004 renewed by=renewTime normal-sinus
        39.210 rhythm normal-sinus since=39.2
        total=4 node=4 api=4 missed=0 gap=0.0 normal-sinus worst=first-degree-block exit=0
    ",
    );
}

#[test]
fn api_down_four_seconds() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        25 broke
        25.1 api-down
        29.1 api-up
        29.2 listed b
        29.3 resumed
        29.4 beat b late=1.5
        37.6 beats 2 every 10.2 c
        50 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        25.000 event stream-interrupted
        25.100 event api-interrupted
        25.100 rhythm undetermined not-observed since=25.1
        29.100 event api-recovered gap=4.0
        29.200 rhythm normal-sinus since=17.2
        29.300 event stream-resumed gap=4.3
        29.400 beat conduction rr=10.70 renew=0.004 renewed by=renewTime normal-sinus
        37.602 beat conduction rr=9.70 renew=0.004 renewed by=renewTime normal-sinus
        47.802 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=5 node=5 api=5 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}

#[test]
fn api_down_thirty_seconds() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        18 cost
        20 broke
        20.1 api-down
        50.1 api-up
        50.2 listed m 49
        50.5 restarting
        53 attached
        59.2 beats 2 every 10.2 c
        72 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        20.000 event stream-interrupted
        20.100 event api-interrupted
        20.100 rhythm undetermined not-observed since=20.1
        50.100 event api-recovered gap=30.0
        50.200 rhythm undetermined too-little-data since=50.2
        50.500 event probe-restarting
        53.000 event probe-restarted gap=35.0
        53.000 event probe-attached
        59.202 beat conduction renew=0.004 renewed by=renewTime undetermined
        69.402 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        69.402 rhythm normal-sinus since=69.4
        total=4 node=4 api=4 missed=0 gap=35.0 normal-sinus worst=normal-sinus exit=0
    ",
    );
}

#[test]
fn the_clock_steps_back() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 3 every 10.2 a
        30 clock -25
        37.6 beats 5 every 10.2 b
        80 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        27.402 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        37.600 rhythm retrograde clock-step since=37.6
        37.602 beat conduction rr=10.20 renew=0.004 renewed by=renewTime retrograde
        47.802 beat conduction rr=10.20 renew=0.004 renewed by=renewTime retrograde
        58.002 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        58.002 rhythm normal-sinus since=58.0
        68.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        78.402 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=8 node=8 api=8 missed=0 gap=0.0 normal-sinus worst=retrograde exit=1
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
fn the_api_is_down_for_a_minute_and_the_probe_lives() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 api-down
        37.4 beat b failed took=10
        48 beat c failed took=10
        62 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        20.000 event api-interrupted
        38.250 rhythm suspected-flatline no-beat since=17.2
        38.500 beat conduction rr=10.20 renew=10.000 failed third-degree-block
        38.500 rhythm third-degree-block api-unreachable since=17.2
        49.000 beat conduction rr=10.60 renew=10.000 failed third-degree-block
        total=4 node=4 api=2 missed=0 gap=0.0 third-degree-block worst=third-degree-block exit=1
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

#[test]
fn what_waited_on_the_node_comes_in_order_after_an_interruption() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 api-down
        20 broke
        29 resumed
        29.1 beat b late=1.7
        33 api-up
        33.1 listed c
        33.2 broke
        37.6 lease c2
        42 resumed
        42.1 beat c2 late=4.5
        47.8 beats 1 every 10 d
        50 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        20.000 event api-interrupted
        20.000 event stream-interrupted
        20.000 rhythm undetermined not-observed since=20.0
        29.000 event stream-resumed gap=9.0
        29.100 rhythm normal-sinus since=17.2
        30.250 beat conduction rr=10.20 renew=0.004 renewed normal-sinus
        33.000 event api-recovered gap=13.0
        33.200 event stream-interrupted
        42.000 event stream-resumed gap=8.8
        42.100 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        47.802 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=5 node=5 api=4 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
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
fn the_node_steps_its_clock_forward() {
    check(
        config(),
        "
        0 listed x -3
        1 attached
        7 beats 2 every 10.2 a
        20 clock 3600
        27.4 beats 3 every 10.2 b
        50 end
    ",
        "
        1.000 event probe-attached
        7.002 beat conduction renew=0.004 renewed by=renewTime undetermined
        17.202 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        17.202 rhythm normal-sinus since=17.2
        27.402 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        37.602 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        47.802 beat conduction rr=10.20 renew=0.004 renewed by=renewTime normal-sinus
        total=5 node=5 api=5 missed=0 gap=0.0 normal-sinus worst=normal-sinus exit=0
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
