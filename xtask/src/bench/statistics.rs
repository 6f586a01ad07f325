//! Figures from repeated measurements.

use std::time::Duration;

/// Measurements of one thing, in the order of size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    /// Of any number of measurements, in any order.
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Samples(values)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// By nearest rank: the smallest measurement that at least this percentage
    /// of them does not exceed. Every figure is one that was really measured.
    pub(super) fn percentile(&self, percent: f64) -> Option<f64> {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied()
    }

    /// The 50th percentile.
    pub(super) fn median(&self) -> Option<f64> {
        self.percentile(50.0)
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        Samples::new(durations.into_iter().map(|duration| duration.as_secs_f64()).collect())
    }
}

/// How many times `other` is in `value`; nothing when that cannot be said.
pub(super) fn ratio(value: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (value, other) {
        (Some(value), Some(other)) if other > 0.0 => Some(value / other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let samples = Samples::new((1..=20).rev().map(f64::from).collect());
        assert_eq!(samples.count(), 20);
        assert_eq!(samples.percentile(50.0), Some(10.0));
        assert_eq!(samples.percentile(95.0), Some(19.0));
        assert_eq!(samples.percentile(100.0), Some(20.0));
        assert_eq!(samples.percentile(0.0), Some(1.0));
    }

    #[test]
    fn few_measurements_are_measurements_too() {
        assert_eq!(Samples::new(vec![]).median(), None);
        assert_eq!(Samples::new(vec![7.0]).percentile(95.0), Some(7.0));
        assert_eq!(Samples::new(vec![3.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(Samples::from_iter([Duration::from_millis(1500)]).median(), Some(1.5));
    }

    #[test]
    fn a_ratio_needs_both() {
        assert_eq!(ratio(Some(3.0), Some(2.0)), Some(1.5));
        assert_eq!(ratio(Some(3.0), Some(0.0)), None);
        assert_eq!(ratio(None, Some(2.0)), None);
    }
}
