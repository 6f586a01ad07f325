//! What a process has used, as `/proc` tells it.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Processor time of a process at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    at: Instant,
    cpu: Duration,
}

impl Usage {
    /// Of a process that runs.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let at = Instant::now();
        let ticks = cpu_ticks(&stat).with_context(|| format!("cannot understand {path}"))?;
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Ok(Usage { at, cpu: Duration::from_millis(ticks * 1000 / per_second) })
    }

    /// Percent of one processor since an earlier moment.
    pub(super) fn percent_since(self, earlier: Usage) -> Option<f64> {
        let elapsed = self.at.duration_since(earlier.at).as_secs_f64();
        let used = self.cpu.saturating_sub(earlier.cpu).as_secs_f64();
        (elapsed > 0.0).then(|| 100.0 * used / elapsed)
    }
}

/// User and system time: fields 14 and 15. The second field is the process's
/// name in parentheses, which may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Resident memory of a process, in bytes: now, and at its largest.
pub(super) fn memory(pid: u32) -> Result<(u64, u64)> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let field = |name| {
        kilobytes(&status, name).map(|kilobytes| kilobytes * 1024).with_context(|| {
            format!("{path} has no {name}; the process has ended or the kernel is another one")
        })
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_hostile_name() {
        let stat = "4711 (a) b 1 2 (c)) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 17 0 0 20 0 9 0";
        assert_eq!(cpu_ticks(stat), Some(267));
        assert_eq!(cpu_ticks("4711 (cut) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn memory_is_in_kilobytes() {
        let status = "Name:\tx\nVmHWM:\t   61440 kB\nVmRSS:\t   51200 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(51_200));
        assert_eq!(kilobytes(status, "VmHWM:"), Some(61_440));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let earlier = Usage::of(std::process::id()).unwrap();
        let (now, peak) = memory(std::process::id()).unwrap();
        assert!(now > 0 && peak >= now);
        std::thread::sleep(Duration::from_millis(2));
        assert!(Usage::of(std::process::id()).unwrap().percent_since(earlier).is_some());
    }
}
