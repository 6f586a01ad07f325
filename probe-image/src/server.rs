//! Serves one session: listens on the node's loopback address, lets in who has
//! the token, keeps the measurement running while connections come and go, and
//! ends when the plugin says so or has been away for too long.

mod bypass;
mod connection;
mod strangers;

pub use bypass::Bypass;

use crate::outbox::{Carrier, Outbox};
use crate::probes::{self, generate};
use earthworm_wire::greeting::TOKEN_BYTES;
use earthworm_wire::request::Request;
use earthworm_wire::{IDLE_EXIT_SECONDS, IDLE_EXIT_WITHOUT_KUBELET_SECONDS};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use strangers::{Admitted, Strangers};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// How long a detaching measurement and the last records may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The plugin said goodbye and got its farewell.
    Bye,
    /// No plugin for [`IDLE_EXIT_SECONDS`].
    Idle,
    /// The caller's `stop` came, a signal for instance.
    Stopped,
}

/// What connections and the session share.
pub(crate) struct Session {
    token: [u8; TOKEN_BYTES],
    outbox: Arc<Outbox>,
    /// When the plugin was last heard.
    last_heard: Mutex<Instant>,
    /// The plugin's request, once it has come.
    request: watch::Sender<Option<Request>>,
    /// The plugin said goodbye.
    bye: Notify,
    /// Number of the newest authenticated connection; an older one ends itself.
    newest: watch::Sender<u64>,
    /// The same of the bypass.
    newest_bypass: watch::Sender<u64>,
}

impl Session {
    fn new(token: [u8; TOKEN_BYTES]) -> Self {
        Self {
            token,
            outbox: Arc::default(),
            last_heard: Mutex::new(Instant::now()),
            request: watch::Sender::new(None),
            bye: Notify::new(),
            newest: watch::Sender::new(0),
            newest_bypass: watch::Sender::new(0),
        }
    }

    pub(crate) fn heard(&self) {
        *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Ends when no plugin has come for too long. While the kubelet, which
    /// carries its connection, is stopped or dead, the wait is longer; and the
    /// plugin gets the whole usual time from the moment that it runs again.
    async fn idle(&self) {
        let mut news_of_the_carrier = self.outbox.urgent();
        loop {
            let heard = *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner);
            let deadline = match self.outbox.carrier() {
                Carrier::Up { since } => {
                    since.map_or(heard, |since| heard.max(since)) + seconds(IDLE_EXIT_SECONDS)
                }
                Carrier::Down => heard + seconds(IDLE_EXIT_WITHOUT_KUBELET_SECONDS),
            };
            if Instant::now() >= deadline {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {}
                // A kubelet that runs again shortens the wait.
                _ = news_of_the_carrier.changed() => {}
            }
        }
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Serves until the session ends; everything is detached on return.
pub async fn serve(
    listener: TcpListener,
    token: [u8; TOKEN_BYTES],
    bypass: Option<Bypass>,
    stop: impl Future<Output = ()>,
) -> End {
    let session = Arc::new(Session::new(token));
    let shutdown = watch::Sender::new(false);
    let measurement = tokio::spawn(measure(session.clone(), shutdown.subscribe()));
    let mut connections = JoinSet::new();

    let around = {
        let session = session.clone();
        async move {
            match bypass {
                Some(bypass) => bypass::serve(bypass, session).await,
                None => std::future::pending().await,
            }
        }
    };
    let end = {
        tokio::select! {
            () = accept(&listener, &session, &mut connections) => End::Stopped,
            () = around => End::Stopped,
            () = session.bye.notified() => End::Bye,
            () = session.idle() => End::Idle,
            () = stop => End::Stopped,
        }
    };
    // New connections are refused from here on; the one that is served gets
    // the last records and the farewell.
    drop(listener);
    finish(measurement, &shutdown, &session, &mut connections).await;
    end
}

async fn finish(
    measurement: JoinHandle<()>,
    shutdown: &watch::Sender<bool>,
    session: &Session,
    connections: &mut JoinSet<()>,
) {
    shutdown.send_replace(true);
    let abort = measurement.abort_handle();
    if tokio::time::timeout(FAREWELL, measurement).await.is_err() {
        // Whatever it holds is held by descriptors, which go with the process.
        abort.abort();
    }
    session.outbox.close();
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, drained).await;
}

async fn accept(listener: &TcpListener, session: &Arc<Session>, connections: &mut JoinSet<()>) {
    let mut number = 0_u64;
    let mut strangers = Strangers::default();
    loop {
        let stream = next_connection(listener).await;
        number += 1;
        let (session, number) = (session.clone(), number);
        strangers.serve(connections, |admitted| serve_one(stream, session, number, admitted));
    }
}

async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A record is worth more early than packed well.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            // Out of descriptors, or the peer went away between knock and
            // entry: neither is a reason to end a session.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve_one(stream: TcpStream, session: Arc<Session>, number: u64, admitted: Admitted) {
    connection::serve(stream, &session, number, &admitted).await;
}

/// Waits for the request, then measures until told to stop.
async fn measure(session: Arc<Session>, shutdown: watch::Receiver<bool>) {
    let mut requests = session.request.subscribe();
    let mut stop = shutdown.clone();
    let request = tokio::select! {
        request = requests.wait_for(Option::is_some) => request.ok().and_then(|found| found.clone()),
        _ = stop.wait_for(|stop| *stop) => None,
    };
    match request {
        Some(Request::Pulse(request)) => {
            probes::pulse::run(request, session.outbox.clone(), shutdown).await;
        }
        Some(Request::Flows(request)) => {
            probes::flows::run(request, session.outbox.clone(), shutdown).await;
        }
        Some(Request::Generate(request)) => {
            generate::run(request, &session.outbox, shutdown).await;
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::Sink as _;
    use earthworm_wire::record::{Incident, IncidentKind, Record};

    /// Seconds of an idle probe to whose kubelet these things happen.
    async fn idle_seconds(happens: &[(u64, IncidentKind)]) -> u64 {
        let (session, began) = (Session::new([0; TOKEN_BYTES]), Instant::now());
        let kubelet = async {
            for &(at, kind) in happens {
                tokio::time::sleep_until(began + seconds(at)).await;
                let incident = Incident { time: 0, pid: 1, kind, sender: None };
                session.outbox.push(Record::Incident(incident));
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = session.idle() => began.elapsed().as_secs(),
            () = kubelet => unreachable!("it never ends"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_waits_longer_while_its_kubelet_cannot_carry_the_plugin() {
        let (stopped, continued) = (IncidentKind::Stopped, IncidentKind::Continued);
        assert_eq!(idle_seconds(&[]).await, 10);
        assert_eq!(idle_seconds(&[(3, IncidentKind::Signalled(15))]).await, 10);
        assert_eq!(idle_seconds(&[(3, stopped)]).await, 60);
        // The whole usual time from the moment that it runs again, and no more.
        assert_eq!(idle_seconds(&[(3, stopped), (15, continued)]).await, 25);
        assert_eq!(
            idle_seconds(&[(3, IncidentKind::Killed(9)), (55, IncidentKind::Restarted)]).await,
            65
        );
    }
}
