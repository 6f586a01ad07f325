//! One look at the whole cluster and machine after all tests: each of them has
//! only looked at its own nodes.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::cluster::residue::Baseline;
use crate::cluster::{Sandbox, sessions};

/// The promise: everything is gone this long after a session.
const PROMISE: Duration = Duration::from_secs(15);

/// How long a session of somebody else is waited for, in a sandbox that ran
/// before.
const OTHERS: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Waits until nothing is left of any session.
///
/// # Errors
/// With what is left, or when that cannot be found out.
pub(super) fn check(before: &Baseline, sandbox: &Sandbox) -> Result<()> {
    let started = Instant::now();
    loop {
        let left = before.left(sandbox)?;
        if left.is_empty() {
            return Ok(());
        }
        let others = sessions::plugins_of_others();
        if started.elapsed() >= if others.is_empty() { PROMISE } else { OTHERS } {
            bail!("sessions left {}", left.join(", "));
        }
        sleep(POLL_INTERVAL);
    }
}
