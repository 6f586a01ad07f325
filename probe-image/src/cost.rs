//! What the probe's own process costs the node.

use std::io;
use std::time::Duration;

/// Use of processor and memory by this process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessCost {
    /// Time since the process started.
    pub elapsed: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Resident memory now.
    pub rss_bytes: u64,
    /// Largest resident memory so far.
    pub peak_rss_bytes: u64,
}

impl ProcessCost {
    /// Reads `/proc/self` and the process's clocks.
    ///
    /// # Errors
    /// When `/proc` is not mounted or has another format.
    pub fn read() -> io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let start_ticks = start_ticks(&stat)
            .ok_or_else(|| io::Error::other("/proc/self/stat has no start time"))?;
        Ok(Self {
            elapsed: clock(libc::CLOCK_BOOTTIME).saturating_sub(ticks(start_ticks)),
            cpu: clock(libc::CLOCK_PROCESS_CPUTIME_ID),
            rss_bytes: kilobytes(&status, "VmRSS:"),
            peak_rss_bytes: kilobytes(&status, "VmHWM:"),
        })
    }
}

/// Field 22 of `/proc/PID/stat`: when the process started, in clock ticks
/// since boot. With the process id it names a process for good.
///
/// The second field is the process's name in parentheses and may contain
/// anything, also spaces and parentheses.
#[must_use]
pub fn start_ticks(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn kilobytes(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

fn ticks(count: u64) -> Duration {
    // SAFETY: sysconf only reads a constant of the system.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_second = u64::try_from(per_second).unwrap_or(100).max(1);
    Duration::from_secs(count / per_second)
        + Duration::from_millis(count % per_second * 1000 / per_second)
}

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_cost() {
        let cost = ProcessCost::read().unwrap();
        assert!(cost.rss_bytes > 100_000 && cost.peak_rss_bytes >= cost.rss_bytes);
        assert!(cost.elapsed < Duration::from_secs(24 * 3600));
        assert!(cost.cpu > Duration::ZERO);
    }

    #[test]
    fn the_start_time_survives_a_hostile_name() {
        let rest = (3..=21).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(start_ticks(&format!("7 (a) b (c)) {rest} 424242 0 0")), Some(424_242));
        assert_eq!(start_ticks("nothing"), None);
    }
}
