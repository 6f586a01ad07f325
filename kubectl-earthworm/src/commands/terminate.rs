//! Ctrl-C, and SIGTERM where there is such a thing.

/// Hears the wish of the system or the person that the command ends. Signals
/// between two waits are not lost: both streams are kept.
pub struct Terminate {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Terminate {
    /// Listens from now on; must be called inside a runtime.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it takes over the process's signals")]
    pub fn new() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
            Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub async fn wait(&mut self) {
        let waits = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        // Without any stream there is nothing to wait for; never ends then.
        if waits.len() == 0 {
            std::future::pending::<()>().await;
        }
        futures::future::select_all(waits).await;
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
