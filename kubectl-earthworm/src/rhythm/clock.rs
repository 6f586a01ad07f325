//! Arithmetic on the clocks that meet in a heart.

use earthworm_wire::record::NodeTime;
use jiff::Timestamp;
use std::time::Duration;

/// Seconds from `from` to `to` on the monotonic clock; negative when `to` is earlier.
pub(super) fn seconds_between(from: Duration, to: Duration) -> f64 {
    to.as_secs_f64() - from.as_secs_f64()
}

/// Seconds between two instants of the node's clock.
pub(super) fn node_seconds(from: NodeTime, to: NodeTime) -> f64 {
    #[expect(clippy::cast_precision_loss)]
    let nanoseconds = to.saturating_sub(from) as f64;
    nanoseconds / 1e9
}

/// An instant of the node's clock as a timestamp. What lies outside of the
/// years that a timestamp can hold was never a clock: the epoch stands for it.
pub(super) fn timestamp(time: NodeTime) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(time)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A renewTime as a timestamp; `None` for one that no clock shows.
pub(super) fn renew_timestamp(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// Nanoseconds of a monotonic instant.
pub(super) fn nanoseconds(monotonic: Duration) -> i128 {
    i128::try_from(monotonic.as_nanos()).unwrap_or(i128::MAX)
}
