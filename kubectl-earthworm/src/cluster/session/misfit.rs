//! What answers in the place of a probe and is none, or one of another version.

use super::{Change, Context, Next, Patient, Ticket};
use crate::signal::Problem;
use std::time::Duration;
use tokio::time::Instant;

/// As it stands in the name of the probe image that fits.
const PLUGIN_VERSION: &str = env!("CARGO_PKG_VERSION");
/// A probe answers within a second of its container's start; one that was
/// started from an image that nobody here has built gets this long.
const ANSWER: Duration = Duration::from_secs(20);
/// Garbage comes from another process that has the port until the kubelet
/// says that the probe has ended because of it. It says so within this time.
const GARBAGE: Duration = Duration::from_secs(10);

impl Patient {
    /// Something runs in the place of the probe and speaks otherwise.
    pub(super) fn not_a_probe(&self, context: &Context, ticket: &Ticket, words: &str) -> Problem {
        Problem {
            reason: "not-a-probe",
            message: format!(
                "what answers as probe on node {} (port {}) is not an Earthworm probe: {words}",
                self.facts.name, ticket.port
            ),
            hint: context.image_hint(),
        }
    }
}

impl Context {
    /// What to do when an image of the user's does not do what a probe does.
    pub(super) fn image_hint(&self) -> Option<String> {
        let image = self.image.as_ref()?;
        Some(format!(
            "is {image} the probe image of version {PLUGIN_VERSION}? without --image the plugin \
             brings the probe along"
        ))
    }
}

/// Plugin and probe are of different versions.
pub(super) fn misfit(ticket: &Ticket, words: &str) -> Next {
    Next::Failed(Problem {
        reason: "version-mismatch",
        message: format!(
            "image {} holds a probe that does not fit to this plugin {PLUGIN_VERSION}: {words}",
            ticket.image
        ),
        hint: Some(format!(
            "use the probe image of version {PLUGIN_VERSION}, or leave --image out"
        )),
    })
}

/// Gives a container up that runs and does not answer as a probe does.
pub(super) fn answers_as_a_probe(
    context: &Context,
    patient: &Patient,
    ticket: &Ticket,
    running: Instant,
    garbage: bool,
    last_try: &str,
) -> Result<(), Next> {
    let waited = running.elapsed();
    if garbage && waited > GARBAGE {
        let problem = patient.not_a_probe(context, ticket, last_try);
        return Err(match context.image {
            Some(_) => Next::Failed(problem),
            None => Next::Again { why: problem.message, change: Change::Port },
        });
    }
    if context.image.is_some() && waited > ANSWER {
        let words = format!("nothing said within {} s: {last_try}", ANSWER.as_secs());
        return Err(Next::Failed(patient.not_a_probe(context, ticket, &words)));
    }
    Ok(())
}
