//! Numbers about intervals and renews, from a bounded memory.

/// Intervals that are kept per node: an hour of beats, 1.4 kB.
const INTERVALS_KEPT: usize = 360;
/// Renew times that are kept per node: what percentiles are taken over.
const RENEWS_KEPT: usize = 100;

/// The last values of a series, at most `capacity` of them.
#[derive(Debug, Clone)]
struct Ring {
    values: Vec<f32>,
    /// Where the next value goes once the ring is full.
    next: usize,
    capacity: usize,
}

impl Ring {
    fn new(capacity: usize) -> Self {
        Self { values: Vec::new(), next: 0, capacity }
    }

    fn push(&mut self, value: f64) {
        // Milliseconds matter, microseconds of an interval do not: f32 keeps
        // a 10 s interval to the microsecond.
        #[expect(clippy::cast_possible_truncation)]
        let value = value as f32;
        if self.values.len() < self.capacity {
            self.values.push(value);
        } else {
            self.values[self.next] = value;
            self.next = (self.next + 1) % self.capacity;
        }
    }

    /// Oldest first.
    fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        let (newer, older) = self.values.split_at(self.next);
        older.iter().chain(newer).map(|&value| f64::from(value))
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    /// The value below which `share` of the values lie, by the nearest-rank
    /// rule: always a value that was measured.
    fn percentile(&self, share: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.iter().collect();
        sorted.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss)]
        let rank = (share * sorted.len() as f64).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = (rank as usize).saturating_sub(1);
        sorted.get(index).copied().map(to_microseconds)
    }
}

/// To the microsecond: what a stored value is good for.
fn to_microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// Statistics of the intervals between beats, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intervals {
    /// How many intervals they are taken from; an hour's worth at most.
    pub count: usize,
    /// The newest.
    pub last: Option<f64>,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Standard deviation of all intervals (n - 1); needs two.
    pub sdnn: Option<f64>,
    /// Root mean square of successive differences; needs two.
    pub rmssd: Option<f64>,
}

/// Statistics of the time a renew takes, over the last 100, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Renews {
    /// Half of them took at most this long.
    pub p50: Option<f64>,
    /// 99 of 100 took at most this long.
    pub p99: Option<f64>,
}

/// Memory of one heart's intervals and renew times.
#[derive(Debug, Clone)]
pub(super) struct Statistics {
    intervals: Ring,
    last_interval: Option<f64>,
    renews: Ring,
}

impl Statistics {
    pub(super) fn new() -> Self {
        Self {
            intervals: Ring::new(INTERVALS_KEPT),
            last_interval: None,
            renews: Ring::new(RENEWS_KEPT),
        }
    }

    pub(super) fn push_interval(&mut self, seconds: f64) {
        self.intervals.push(seconds);
        self.last_interval = Some(seconds);
    }

    pub(super) fn push_renew(&mut self, seconds: f64) {
        self.renews.push(seconds);
    }

    /// Median of the newest `count` intervals; `None` with fewer.
    pub(super) fn recent_median(&self, count: usize) -> Option<f64> {
        let skip = self.intervals.len().checked_sub(count)?;
        let mut recent = Ring::new(count);
        for value in self.intervals.iter().skip(skip) {
            recent.push(value);
        }
        recent.percentile(0.5)
    }

    pub(super) fn intervals(&self) -> Intervals {
        let count = self.intervals.len();
        #[expect(clippy::cast_precision_loss)]
        let n = count as f64;
        let mean = (count > 0).then(|| self.intervals.iter().sum::<f64>() / n);
        let (sdnn, rmssd) = match mean {
            Some(mean) if count > 1 => {
                let deviations: f64 = self.intervals.iter().map(|rr| (rr - mean).powi(2)).sum();
                let differences: f64 = self
                    .intervals
                    .iter()
                    .zip(self.intervals.iter().skip(1))
                    .map(|(before, after)| (after - before).powi(2))
                    .sum();
                let pairs = n - 1.0;
                (Some((deviations / pairs).sqrt()), Some((differences / pairs).sqrt()))
            }
            _ => (None, None),
        };
        Intervals {
            count,
            last: self.last_interval,
            mean: mean.map(to_microseconds),
            sdnn: sdnn.map(to_microseconds),
            rmssd: rmssd.map(to_microseconds),
        }
    }

    pub(super) fn renews(&self) -> Renews {
        Renews { p50: self.renews.percentile(0.5), p99: self.renews.percentile(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_series_give_known_numbers() {
        let mut statistics = Statistics::new();
        for rr in [10.0, 10.2, 10.4, 10.2] {
            statistics.push_interval(rr);
        }
        let intervals = statistics.intervals();
        let close = |value: Option<f64>, expected: f64| {
            assert!((value.unwrap() - expected).abs() < 1e-5, "{value:?} is not {expected}");
        };
        close(intervals.mean, 10.2);
        close(intervals.sdnn, (0.08_f64 / 3.0).sqrt());
        close(intervals.rmssd, 0.2);
        close(intervals.last, 10.2);
    }

    #[test]
    fn one_interval_has_no_spread() {
        let mut statistics = Statistics::new();
        assert_eq!(statistics.intervals(), Intervals::default());
        statistics.push_interval(10.0);
        let intervals = statistics.intervals();
        assert_eq!((intervals.count, intervals.sdnn, intervals.rmssd), (1, None, None));
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_newest() {
        let mut statistics = Statistics::new();
        for beat in 0..1000 {
            statistics.push_interval(f64::from(beat));
            statistics.push_renew(f64::from(beat));
        }
        assert_eq!(statistics.intervals().count, INTERVALS_KEPT);
        assert_eq!(statistics.recent_median(5), Some(997.0));
        assert_eq!(statistics.renews(), Renews { p50: Some(949.0), p99: Some(998.0) });
        assert!(statistics.intervals.values.capacity() <= 512);
    }
}
