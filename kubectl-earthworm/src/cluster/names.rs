//! Names and labels of everything a session creates. Pure.

use std::collections::BTreeMap;

/// Label that every object of ours carries.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubectl-earthworm");

/// Label with the session's id.
pub const SESSION_LABEL: &str = "earthworm.dev/session";

/// One run of a command: eight hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// A new one.
    ///
    /// # Errors
    /// The system's random source failed.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(format!("{:08x}", getrandom::u32()?)))
    }

    /// For tests and printed examples.
    #[must_use]
    pub fn fixed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Labels of every object of this session.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        [("app.kubernetes.io/name", "earthworm"), MANAGED_BY, (SESSION_LABEL, self.as_str())]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// Selects the objects of this session.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{SESSION_LABEL}={}", self.0)
    }
}

/// Name of a node's Job and Secret: readable, unique per attempt, and no
/// longer than the 63 characters that a label value (`job-name`) may have.
#[must_use]
pub fn job_name(session: &SessionId, node: &str, attempt: u32) -> String {
    const NODE_CHARACTERS: usize = 35;
    let slug: String = node
        .chars()
        .map(
            |letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' },
        )
        .take(NODE_CHARACTERS)
        .collect();
    format!("earthworm-{}-{}-{attempt}", slug.trim_matches('-'), session.as_str())
}

/// Name of a ConfigMap with one part of the payload.
#[must_use]
pub fn payload_name(session: &SessionId, hash: &str, part: usize) -> String {
    format!("earthworm-payload-{hash}-{}-{part}", session.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_names_fit_a_label() {
        let session = SessionId::fixed("0a1b2c3d");
        assert_eq!(job_name(&session, "node-a", 0), "earthworm-node-a-0a1b2c3d-0");
        let long = job_name(&session, &"ip-10-0-0-1.eu-central-1.compute.internal.".repeat(5), 12);
        assert!(long.len() <= 63, "{long}");
        assert_eq!(job_name(&session, "10.0.0.1", 0), "earthworm-10-0-0-1-0a1b2c3d-0");
    }
}
