//! The plugin's beats against the renews that the API server showed.

use std::collections::BTreeSet;

use earthworm_tests::leases::Renew;
use earthworm_tests::session::Ended;
use earthworm_tests::timestamp;
use jiff::{SignedDuration, Timestamp};

/// While a stream catches up, a renew that the API server shows is told at once,
/// and what is seen of it on the node adds to the figures alone.
const CATCH_UP: SignedDuration = SignedDuration::from_secs(2);

/// Every renew that the API server showed between `from`, when a probe began to
/// listen, and `until` is a beat that was seen on the node, none is told twice, and none is told that was
/// never shown. Gives the number of beats.
pub(crate) fn assert_same(
    ended: &Ended,
    node: &str,
    shown: &[Renew],
    from: Timestamp,
    until: Timestamp,
) -> usize {
    let mut told = BTreeSet::new();
    for line in ended.lines.iter().filter(|line| line.is_beat_on(node)) {
        let beat = &line.json;
        if beat["outcome"] == "failed" {
            continue;
        }
        let renew_time = timestamp(&beat["renewTime"]);
        assert!(told.insert(renew_time), "told twice: {beat:#}");
        let same = shown.iter().find(|renew| renew.renew_time == renew_time);
        let same = same.unwrap_or_else(|| panic!("never shown by the API server: {beat:#}"));
        assert_eq!(beat["resourceVersion"], *same.resource_version, "{beat:#}");
    }
    for renew in shown {
        if renew.renew_time > from + CATCH_UP && renew.renew_time < until {
            let known = told.contains(&renew.renew_time);
            assert!(known, "not told: {renew:?} in\n{}", ended.out_text());
        }
    }
    told.len()
}

/// Every beat of a node that was seen there went through at the first try, with
/// everything known.
pub(crate) fn assert_healthy(ended: &Ended, node: &str) {
    for (index, line) in ended.lines.iter().filter(|line| line.is_beat_on(node)).enumerate() {
        let beat = &line.json;
        assert_eq!(beat["lead"], "conduction", "{beat:#}");
        // In a sandbox that has just begun, the first beat creates the Lease.
        let created = index == 0 && beat["httpStatus"] == 201;
        assert!(created || beat["httpStatus"] == 200, "{beat:#}");
        assert_eq!(beat["attempts"], 1, "{beat:#}");
        assert_eq!(beat["outcome"], "renewed", "{beat:#}");
        assert_eq!(beat["arrived"], true, "{beat:#}");
    }
}
