//! Signals in, findings out.

mod beats;
mod clocks;
mod kubelet;
pub(crate) mod notation;
mod outages;
mod silence;

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
