//! What a pod belongs to, from what the pod itself says.
//!
//! A Deployment's pods are owned by a ReplicaSet, a CronJob's by a Job. Their
//! own owners are in those objects, which this user may not be allowed to read,
//! but the controllers make the names by fixed rules.

use super::facts::Controller;

/// A CronJob's Job is named by the minute it was due, in minutes since 1970
/// (before Kubernetes 1.21 in seconds): at least so many digits.
const CRON_DIGITS: usize = 8;

/// Kind and name of what the pod belongs to.
pub(super) fn of<'a>(
    controller: &'a Controller,
    template_hash: Option<&str>,
) -> (&'a str, &'a str) {
    let (kind, name) = (controller.kind.as_str(), controller.name.as_str());
    let above = match kind {
        "ReplicaSet" => template_hash
            .filter(|hash| !hash.is_empty())
            .and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'))
            .map(|deployment| ("Deployment", deployment)),
        "Job" => name
            .rsplit_once('-')
            .filter(|(_, due)| due.len() >= CRON_DIGITS)
            .filter(|(_, due)| due.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|(cron_job, _)| ("CronJob", cron_job)),
        _ => None,
    };
    above.filter(|(_, name)| !name.is_empty()).unwrap_or((kind, name))
}
