//! What a session may not leave behind.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use xtask::cluster::residue::Baseline;
use xtask::cluster::{Sandbox, sessions};

/// The promise: everything is gone this long after the session.
pub const PROMISE: Duration = Duration::from_secs(15);

/// How long a session of somebody else is waited for.
const OTHERS: Duration = Duration::from_secs(60);

/// Another look at what seemed to be there at the last moment.
const AGAIN: Duration = Duration::from_secs(2);

/// Looks around before a test. Nothing of an earlier session may be on its
/// nodes, or the test could not tell its own.
pub(crate) fn take(sandbox: &Sandbox, elsewhere: &BTreeSet<String>) -> Baseline {
    let deadline = Instant::now() + OTHERS;
    loop {
        let baseline = Baseline::take(elsewhere.clone()).unwrap();
        let earlier = baseline.sessions(sandbox).unwrap();
        if earlier.is_empty() {
            return baseline;
        }
        assert!(Instant::now() < deadline, "an earlier session is still there: {earlier:#?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Waits until nothing is left of sessions that ended at `since`, and gives how
/// many seconds that took.
pub(crate) fn wait_until_clean(before: &Baseline, sandbox: &Sandbox, since: Instant) -> f64 {
    loop {
        let at = since.elapsed();
        if before.is_clean(sandbox).unwrap() {
            return at.as_secs_f64();
        }
        let others = sessions::plugins_of_others();
        let patience = if others.is_empty() { PROMISE } else { OTHERS };
        if at >= patience {
            // What went while it was looked at is gone, once.
            let left = before.left(sandbox).unwrap();
            assert!(
                left.is_empty() && at < patience + AGAIN,
                "left after {:.1} s, beside plugins of others {others:?}: {left:#?}",
                at.as_secs_f64()
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
