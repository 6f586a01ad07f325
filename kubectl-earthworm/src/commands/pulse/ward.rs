//! The hearts of one command, and how each of them hears of time.

use crate::rhythm::{Finding, Heart, ProbeState, STALL, Summary};
use crate::signal::{Signal, SignalKind, Stamp};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// In a cluster of thousands of nodes hearts take turns: each hears of time once
/// in this many ticks, so that waiting does not cost more than listening.
const TICKS_PER_ROUND: usize = 20;

/// So many hearts hear of every tick.
const HEARTS_PER_TICK: usize = 512;

/// All hearts, by the name of their node.
pub(super) struct Ward {
    beds: BTreeMap<Arc<str>, Bed>,
    /// The last of the hearts that the last tick was told to; the next one
    /// begins after it, or anew.
    last_ticked: Option<Arc<str>>,
    /// Until when this process is known not to have stood still.
    awake: Stamp,
}

/// Boxed: a map keeps room for more than it holds, and hearts are large.
struct Bed {
    heart: Box<Heart>,
    /// Kept beside the heart, which it saves from being looked at.
    rests_until: Option<Duration>,
}

impl Ward {
    pub(super) fn new(hearts: impl IntoIterator<Item = Heart>, now: Stamp) -> Self {
        let bed = |heart: Heart| {
            let name = heart.node().node.clone();
            (name, Bed { heart: Box::new(heart), rests_until: None })
        };
        Self { beds: hearts.into_iter().map(bed).collect(), last_ticked: None, awake: now }
    }

    pub(super) fn len(&self) -> usize {
        self.beds.len()
    }

    /// Tells the signal to its heart; what follows from it.
    pub(super) fn feed(&mut self, signal: &Signal) -> Vec<Finding> {
        let Some(bed) = self.beds.get_mut(&signal.node.node) else { return Vec::new() };
        bed.hear(signal, self.awake)
    }

    /// Tells hearts the time: those whose turn it is and that do not rest, or
    /// all when this process stood still.
    pub(super) fn tick(&mut self, at: Stamp, mut tell: impl FnMut(Vec<Finding>)) {
        let stalled = at.monotonic.saturating_sub(self.awake.monotonic) > STALL;
        let turn = match self.beds.len() {
            all if stalled => all,
            all => all.div_ceil(TICKS_PER_ROUND).max(HEARTS_PER_TICK),
        };
        let last = self.last_ticked.take().filter(|_| !stalled);
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let beds = self.beds.range_mut((from, Bound::Unbounded)).take(turn);
        for (index, (name, bed)) in beds.enumerate() {
            if index + 1 == turn {
                self.last_ticked = Some(name.clone());
            }
            if stalled || bed.rests_until.is_none_or(|until| at.monotonic >= until) {
                let node = bed.heart.node().clone();
                tell(bed.hear(&Signal { at, node, kind: SignalKind::Tick }, self.awake));
            }
        }
        self.awake = at;
    }

    /// Ends the observation of all hearts.
    pub(super) fn finish(&mut self, at: Stamp, mut tell: impl FnMut(Vec<Finding>)) {
        for bed in self.beds.values_mut() {
            bed.heart.awake(self.awake);
            tell(bed.heart.finish(at));
        }
    }

    /// Whether no node has a probe, or can have one.
    pub(super) fn have_all_failed(&self) -> bool {
        self.beds.values().all(|bed| matches!(bed.heart.probe(), ProbeState::Failed(_)))
    }

    /// The session in numbers, node by node.
    pub(super) fn summaries(&self, at: Stamp) -> Vec<Summary> {
        self.beds.values().map(|bed| bed.heart.summary(at)).collect()
    }
}

impl Bed {
    fn hear(&mut self, signal: &Signal, awake: Stamp) -> Vec<Finding> {
        self.heart.awake(awake);
        let findings = self.heart.feed(signal);
        self.rests_until = self.heart.rests_until();
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::Config;
    use crate::rhythm::tests::notation::{node, signals};

    /// Resting must not change what is found out.
    fn check(script: &str) -> (usize, usize) {
        let config = Config::new(Duration::from_secs(40), false);
        let mut heart = Heart::new(node(), config);
        let signals = signals(script);
        let mut ward = Ward::new([Heart::new(node(), config)], signals[0].at);
        let (mut alone, mut inside, mut ticks, mut heard) = (Vec::new(), Vec::new(), 0, 0);
        for signal in &signals {
            alone.extend(heart.feed(signal));
            if signal.kind == SignalKind::Tick {
                ticks += 1;
                ward.tick(signal.at, |findings| {
                    heard += 1;
                    inside.extend(findings);
                });
            } else {
                inside.extend(ward.feed(signal));
            }
        }
        assert_eq!(inside, alone);
        assert!(!alone.is_empty(), "nothing was found out");
        (ticks, heard)
    }

    #[test]
    fn a_healthy_heart_rests() {
        let (ticks, heard) = check("0 listed x -3\n7 leases 5 every 10.2 a\n60 end");
        assert!(heard < ticks / 2, "told {heard} of {ticks} ticks");
    }

    #[test]
    fn silence_is_noticed_at_the_same_moment() {
        check("0 listed x -3\n7 leases 2 every 10.2 a\n70 leases 2 every 10.2 c\n100 end");
    }

    #[test]
    fn a_command_that_stood_still_says_so() {
        check(
            "0 listed x -3\n7 leases 2 every 10.2 a\n20 asleep 55\n60 leases 2 every 10.2 c\n80 end",
        );
    }
}
