//! The way between node and API server, and the API server itself.

use super::PARTITION;
use super::notation::{check, config};

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
