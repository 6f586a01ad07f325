//! What DNS servers made of questions, in numbers.

use earthworm_wire::flow::{DNS_BUCKETS, Dns, DnsLatency};
use std::collections::BTreeMap;

/// Questions over UDP and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DnsCounts {
    /// Those that were repeated too.
    pub questions: u64,
    /// Without an answer in time. One that comes later counts all the same.
    pub timeouts: u64,
    /// Answers by their code (RCODE).
    pub answers: BTreeMap<u8, u64>,
    /// Time from question to answer.
    pub latency: DnsLatency,
}

/// Codes that have a column of their own.
pub const NOERROR: u8 = 0;
/// The server failed.
pub const SERVFAIL: u8 = 2;
/// There is no such name.
pub const NXDOMAIN: u8 = 3;

impl DnsCounts {
    /// What one report adds.
    #[must_use]
    pub fn of(dns: &Dns) -> Self {
        let mut counts =
            Self { questions: dns.questions, timeouts: dns.timeouts, ..Self::default() };
        for answers in &dns.answers {
            let count = counts.answers.entry(answers.code).or_default();
            *count = count.saturating_add(answers.count);
            counts.latency_of(&answers.latency);
        }
        counts
    }

    /// Adds others; counters saturate.
    pub fn add(&mut self, other: &Self) {
        self.questions = self.questions.saturating_add(other.questions);
        self.timeouts = self.timeouts.saturating_add(other.timeouts);
        for (code, added) in &other.answers {
            let count = self.answers.entry(*code).or_default();
            *count = count.saturating_add(*added);
        }
        self.latency_of(&other.latency);
    }

    fn latency_of(&mut self, other: &DnsLatency) {
        let latency = &mut self.latency;
        latency.count = latency.count.saturating_add(other.count);
        latency.sum_micros = latency.sum_micros.saturating_add(other.sum_micros);
        for (count, added) in latency.buckets.iter_mut().zip(other.buckets) {
            *count = count.saturating_add(added);
        }
    }

    /// Answers with a code.
    #[must_use]
    pub fn with_code(&self, code: u8) -> u64 {
        self.answers.get(&code).copied().unwrap_or(0)
    }

    /// Codes that have no column of their own, and how many answers had them.
    pub fn other_codes(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        let own = [NOERROR, SERVFAIL, NXDOMAIN];
        self.answers
            .iter()
            .map(|(code, count)| (*code, *count))
            .filter(move |(code, count)| !own.contains(code) && *count > 0)
    }

    /// The mean time to an answer in seconds; `None` when none was measured.
    #[must_use]
    pub fn mean_seconds(&self) -> Option<f64> {
        let DnsLatency { count, sum_micros, .. } = self.latency;
        #[expect(clippy::cast_precision_loss)]
        let mean = sum_micros as f64 / count as f64 / 1e6;
        (count > 0).then_some(mean)
    }

    /// No answer took less than this, in seconds, as closely as the buckets say;
    /// `None` when none was measured.
    #[must_use]
    pub fn at_least_seconds(&self) -> Option<f64> {
        let first = self.latency.buckets.iter().position(|count| *count > 0)?;
        // The first one also has those of less than a microsecond.
        Some(if first == 0 { 0.0 } else { power(first) })
    }

    /// Every answer took less than this, in seconds, likewise; `None` when none
    /// was measured, or one took so long that no bucket bounds it.
    #[must_use]
    pub fn below_seconds(&self) -> Option<f64> {
        let last = self.latency.buckets.iter().rposition(|count| *count > 0)?;
        (last + 1 < DNS_BUCKETS).then(|| power(last + 1))
    }
}

/// So many microseconds as 2 to this power, in seconds.
fn power(exponent: usize) -> f64 {
    #[expect(clippy::cast_precision_loss)]
    let micros = (1_u64 << exponent) as f64;
    micros / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(buckets: &[usize]) -> DnsCounts {
        let mut counts = DnsCounts::default();
        buckets.iter().for_each(|bucket| counts.latency.buckets[*bucket] += 1);
        counts
    }

    #[test]
    fn bounds_are_those_of_the_buckets() {
        assert_eq!((with(&[]).at_least_seconds(), with(&[]).below_seconds()), (None, None));
        let some = with(&[9, 10, 12]);
        assert_eq!(some.at_least_seconds(), Some(0.000_512));
        assert_eq!(some.below_seconds(), Some(0.008_192));
        assert_eq!(with(&[0]).at_least_seconds(), Some(0.0));
        assert_eq!(with(&[DNS_BUCKETS - 1]).below_seconds(), None);
    }
}
