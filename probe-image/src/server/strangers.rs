//! Connections that have not shown the token yet: few at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// Connections without a token at a time. One more turns the oldest of them
/// away: no process on the node can exhaust the probe's descriptors, or keep the
/// plugin out by holding all places.
const PLACES: usize = 16;

/// How long a stranger may take to show the token.
pub(super) const AUTHENTICATION: Duration = Duration::from_secs(5);

/// Said once the right token was shown.
pub(super) type Admitted = Arc<AtomicBool>;

/// The strangers at one listener.
#[derive(Debug, Default)]
pub(super) struct Strangers(VecDeque<Stranger>);

#[derive(Debug)]
struct Stranger {
    task: AbortHandle,
    admitted: Admitted,
}

impl Strangers {
    /// Serves one more in `connections`.
    pub(super) fn serve<F>(
        &mut self,
        connections: &mut JoinSet<()>,
        connection: impl FnOnce(Admitted) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        while connections.try_join_next().is_some() {}
        self.0.retain(Stranger::is_waiting);
        if self.0.len() >= PLACES
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.task.abort();
        }
        let admitted = Admitted::default();
        let task = connections.spawn(connection(admitted.clone()));
        self.0.push_back(Stranger { task, admitted });
    }
}

impl Stranger {
    fn is_waiting(&self) -> bool {
        !self.task.is_finished() && !self.admitted.load(Ordering::Relaxed)
    }
}
