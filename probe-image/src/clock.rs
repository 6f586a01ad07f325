//! Kernel time to wall-clock time.
//!
//! Events carry `CLOCK_MONOTONIC`; records carry the node's wall clock. The
//! difference between the two is sampled for every batch of events, since
//! somebody may set the clock at any time.

use earthworm_wire::record::NodeTime;

/// The wall clock minus the monotonic clock, in nanoseconds, as it was when sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// Samples both clocks.
    ///
    /// The monotonic clock is read before and after, and the narrowest of
    /// three samples counts: being interrupted between the reads would
    /// otherwise shift every instant of a batch.
    #[must_use]
    pub fn sample() -> Self {
        let mut narrowest = i64::MAX;
        let mut offset = 0;
        for _ in 0..3 {
            let before = read(libc::CLOCK_MONOTONIC);
            let wall = read(libc::CLOCK_REALTIME);
            let after = read(libc::CLOCK_MONOTONIC);
            if after - before < narrowest {
                narrowest = after - before;
                offset = wall - (before + (after - before) / 2);
            }
        }
        Self(offset)
    }

    /// A known difference, for replaying.
    #[must_use]
    pub fn from_nanoseconds(offset: i64) -> Self {
        Self(offset)
    }

    /// The wall-clock time of a monotonic instant in nanoseconds.
    #[must_use]
    pub fn wall(self, monotonic_ns: u64) -> NodeTime {
        i64::try_from(monotonic_ns).unwrap_or(i64::MAX).saturating_add(self.0)
    }
}

/// `CLOCK_MONOTONIC` now, in nanoseconds: what `bpf_ktime_get_ns` gives.
#[must_use]
pub fn monotonic_ns() -> u64 {
    u64::try_from(read(libc::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// The wall clock now.
#[must_use]
pub fn now() -> NodeTime {
    read(libc::CLOCK_REALTIME)
}

/// The wall-clock time of an instant in clock ticks since boot, which is how
/// `/proc/PID/stat` says when a process started.
#[must_use]
pub fn boot_ticks_to_wall(ticks: u64) -> NodeTime {
    // SAFETY: sysconf only reads a constant of the system.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1);
    let since_boot =
        i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(1_000_000_000 / per_second);
    now() - (read(libc::CLOCK_BOOTTIME) - since_boot)
}

fn read(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to, and both clocks in use
    // exist on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_of_now_is_now() {
        let offset = ClockOffset::sample();
        let difference = offset.wall(monotonic_ns()) - now();
        assert!(difference.abs() < 50_000_000, "{difference} ns");
    }

    #[test]
    fn a_set_clock_moves_instants_not_distances() {
        let before = ClockOffset::from_nanoseconds(5);
        let after = ClockOffset::from_nanoseconds(-10);
        assert_eq!(before.wall(100) - before.wall(40), after.wall(100) - after.wall(40));
    }
}
