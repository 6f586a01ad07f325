//! The end of a command, told to everything that runs for it.

use tokio::sync::watch;

/// Tells the end.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears of the end.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A pair; any number of [`Stop`]s may be cloned from the one.
#[must_use]
pub fn pair() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// From now on every [`Stop`] knows.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the end has come.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the end. A [`Stopper`] that is dropped is the end as well.
    pub async fn wait(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
