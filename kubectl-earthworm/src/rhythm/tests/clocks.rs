//! Clocks that step.

use super::notation::{check, config};

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
