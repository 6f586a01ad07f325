//! The same probe after an interruption, if it still is there.

use super::{Next, Pump, next_news};
use crate::cluster::forward;
use crate::cluster::pod_state::{PodState, judge};
use crate::conversation::stream::{Stream, StreamError};
use crate::signal::Problem;
use crate::stop::Stop;
use earthworm_wire::IDLE_EXIT_WITHOUT_KUBELET_SECONDS;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use std::pin::pin;
use std::time::Duration;

/// Pause between two tries to reconnect.
const RETRY: Duration = Duration::from_millis(250);
/// A probe cannot live without a plugin for longer than this, whatever it
/// knows about its kubelet.
const PROBE_LIFE: Duration = Duration::from_secs(IDLE_EXIT_WITHOUT_KUBELET_SECONDS + 2);

impl Pump<'_> {
    /// Finds the same probe again, as long as it can be alive.
    pub(super) async fn reconnect(&mut self, stop: &mut Stop) -> Result<Stream, Next> {
        let pods: Api<Pod> =
            Api::namespaced(self.context.cluster.client.clone(), &self.context.namespace);
        let (pod, port, token) = (self.pod, self.ticket.port, self.ticket.token);
        loop {
            if stop.is_set() {
                return Err(Next::Stop);
            }
            let attempt = forward::open(&pods, pod, port, token, self.intake.handled());
            match self.meanwhile(stop, attempt).await? {
                Ok(stream) => return Ok(stream),
                Err(StreamError::Version(words)) => {
                    return Err(Next::Failed(Problem {
                        reason: "version-mismatch",
                        message: words,
                        hint: None,
                    }));
                }
                // A living probe listens: this one has ended.
                Err(StreamError::NobodyListens(words)) => {
                    return Err(self.again(&format!("the probe has ended: {words}")));
                }
                Err(_) => {
                    let silent = self.intake.silent();
                    if let Some(why) = self.meanwhile(stop, is_gone(&pods, pod, silent)).await? {
                        return Err(self.again(&why));
                    }
                }
            }
            self.meanwhile(stop, tokio::time::sleep(RETRY)).await?;
        }
    }

    /// Does something while listening to what comes around the kubelet.
    async fn meanwhile<T>(
        &mut self,
        stop: &mut Stop,
        work: impl Future<Output = T>,
    ) -> Result<T, Next> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                news = next_news(&mut self.bypass) => {
                    if let Some(next) = self.around(news).await {
                        return Err(next);
                    }
                }
                () = stop.wait() => return Err(Next::Stop),
            }
        }
    }
}

/// Whether the API server knows that the probe, silent for so long, is gone.
/// While the server itself is away nothing is known, and the search goes on.
async fn is_gone(pods: &Api<Pod>, pod: &str, silent: Duration) -> Option<String> {
    match pods.get_opt(pod).await {
        Ok(None) => Some("the probe's pod is gone".into()),
        Ok(Some(pod)) => match judge(&pod) {
            PodState::Finished { code, message } => {
                Some(format!("the probe ended with exit code {code}: {message}"))
            }
            PodState::Hopeless(words) => Some(format!("the probe's pod failed: {words}")),
            _ if silent > PROBE_LIFE => {
                Some(format!("the probe was alone for more than {} s", PROBE_LIFE.as_secs()))
            }
            _ => None,
        },
        Err(kube::Error::Api(status)) if status.code == 403 => {
            // Without `get` on pods only time can tell.
            (silent > PROBE_LIFE).then(|| "the probe does not answer".into())
        }
        Err(_) => None,
    }
}
