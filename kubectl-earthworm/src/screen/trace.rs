//! The shape of the cardiogram, from measures of real beats.
//!
//! A renew takes milliseconds and would be a needle on any screen. So each
//! beat is drawn as a complex of fixed width at the place in time where it
//! happened, and its parts say what was measured:
//!
//! * P, the small wave before: the kubelet's lease controller woke up. Not
//!   drawn when only the API server showed the beat. It lies the further in
//!   front, the longer the renew took.
//! * QRS, the spike: the renew succeeded. The longer it took, the lower it is.
//!   A try that failed has a P and no spike.
//! * ST, between spike and last wave: lifted when the answer was slow.
//! * T, the wave after: the control plane has it.
//!
//! Where there is no beat there is a flat line, and nothing is ever added to it.

use std::time::Duration;

/// What the trace shows of one beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pulse {
    /// When it happened.
    pub(super) at: Duration,
    /// Whether the node's own view is there.
    pub(super) on_node: bool,
    /// Whether it succeeded.
    pub(super) succeeded: bool,
    /// Whether the control plane has it.
    pub(super) arrived: bool,
    /// How long the renew took.
    pub(super) renew_seconds: Option<f64>,
    /// How long the answer took.
    pub(super) round_trip_seconds: Option<f64>,
}

/// A renew up to this long has the highest spike.
const QUICK_SECONDS: f64 = 0.01;
/// A renew as long as this, or longer, has the lowest.
const SLOW_SECONDS: f64 = 3.0;

/// Dots that a complex reaches from its middle.
const REACH: i64 = 26;

/// Where a dot lies in time. Dots are counted from the start of the clock, so
/// that a beat keeps its dot, and its shape, while it moves over the screen.
pub(super) fn dot_of(at: Duration, seconds_per_dot: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation)]
    let dot = (at.as_secs_f64() / seconds_per_dot).floor() as i64;
    dot
}

/// Heights of the newest `dots` dots up to `now`, from -0.4 to 1.
pub(super) fn heights(
    pulses: impl Iterator<Item = Pulse>,
    now: Duration,
    dots: usize,
    seconds_per_dot: f64,
) -> Vec<f64> {
    let mut heights = vec![0.0; dots];
    let newest = dot_of(now, seconds_per_dot);
    let oldest = newest - i64::try_from(dots).unwrap_or(i64::MAX) + 1;
    for pulse in pulses {
        let middle = dot_of(pulse.at, seconds_per_dot);
        let first = (middle - REACH).max(oldest);
        let last = (middle + REACH).min(newest);
        for dot in first..=last {
            if let Some(height) =
                usize::try_from(dot - oldest).ok().and_then(|index| heights.get_mut(index))
            {
                #[expect(clippy::cast_precision_loss)]
                let offset = (dot - middle) as f64;
                *height += complex(&pulse, offset);
            }
        }
    }
    heights
}

/// The height of one beat's complex, `offset` dots from its middle.
fn complex(pulse: &Pulse, offset: f64) -> f64 {
    let slowness = slowness(pulse.renew_seconds);
    let mut height = 0.0;
    if pulse.on_node {
        height += 0.17 * wave(offset + 7.0 + 9.0 * slowness, 1.7);
    }
    if pulse.succeeded {
        height += (1.0 - 0.55 * slowness) * wave(offset, 0.55);
        height -= 0.13 * wave(offset + 1.8, 0.6);
        height -= 0.34 * wave(offset - 1.9, 0.6);
        let lift = 0.28 * self::slowness(pulse.round_trip_seconds);
        height += lift * step(offset - 2.5) * step(7.5 - offset);
    }
    if pulse.succeeded && pulse.arrived {
        height += 0.27 * wave(offset - 9.0, 2.3);
    }
    height
}

/// 0 for what is quick, 1 for what is slow, in between by its logarithm.
fn slowness(seconds: Option<f64>) -> f64 {
    let seconds = seconds.unwrap_or(0.0).clamp(QUICK_SECONDS, SLOW_SECONDS);
    (seconds / QUICK_SECONDS).ln() / (SLOW_SECONDS / QUICK_SECONDS).ln()
}

fn wave(offset: f64, width: f64) -> f64 {
    (-0.5 * (offset / width).powi(2)).exp()
}

/// A soft step from 0 to 1.
fn step(offset: f64) -> f64 {
    1.0 / (1.0 + (-2.0 * offset).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(seconds: f64) -> Pulse {
        Pulse {
            at: Duration::from_secs_f64(seconds),
            on_node: true,
            succeeded: true,
            arrived: true,
            renew_seconds: Some(0.004),
            round_trip_seconds: Some(0.003),
        }
    }

    fn draw(pulses: &[Pulse], now: f64) -> Vec<f64> {
        heights(pulses.iter().copied(), Duration::from_secs_f64(now), 100, 0.2)
    }

    #[test]
    fn without_a_beat_the_line_is_flat() {
        assert!(draw(&[], 30.0).iter().all(|height| *height == 0.0));
        assert!(draw(&[pulse(2.0)], 60.0).iter().all(|height| *height == 0.0));
    }

    #[test]
    fn the_spike_is_where_the_beat_was() {
        let heights = draw(&[pulse(20.0)], 30.0);
        let highest = (0..100).max_by(|&a, &b| heights[a].total_cmp(&heights[b]));
        assert_eq!(highest, Some(49));
        assert!(heights[49] > 0.95 && heights[49] < 1.05);
        assert!(heights[51] < -0.1, "an S follows");
        assert!(heights[58] > 0.2, "then a T");
        assert!(heights[42] > 0.1, "a P lies before");
    }

    #[test]
    fn a_slow_renew_is_low_and_its_p_is_far() {
        let slow = Pulse { renew_seconds: Some(2.5), ..pulse(20.0) };
        let heights = draw(&[slow], 30.0);
        assert!(heights[49] < 0.6);
        assert!(heights[34] > 0.1 && heights[42] < 0.05);
    }

    #[test]
    fn a_failed_try_has_a_p_and_no_spike() {
        let failed = Pulse { succeeded: false, arrived: false, ..pulse(20.0) };
        let heights = draw(&[failed], 30.0);
        assert!(heights[42] > 0.1);
        assert!(heights[49].abs() < 0.01 && heights[58].abs() < 0.01);
    }

    #[test]
    fn the_api_server_alone_knows_no_p() {
        let heights = draw(&[Pulse { on_node: false, renew_seconds: None, ..pulse(20.0) }], 30.0);
        assert!(heights[42].abs() < 0.01 && heights[49] > 0.95);
    }

    #[test]
    fn a_beat_keeps_its_shape_while_it_moves() {
        let before = draw(&[pulse(20.0)], 30.05);
        let after = draw(&[pulse(20.0)], 30.25);
        assert_eq!(before[1..], after[..99]);
    }
}
