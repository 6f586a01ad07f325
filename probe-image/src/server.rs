//! Serves one session: listens on the node's loopback address, lets in who has
//! the token, keeps the measurement running while connections come and go, and
//! ends when the plugin says so or has been away for too long.

mod connection;

use crate::outbox::Outbox;
use crate::probes::{self, generate};
use earthworm_wire::greeting::TOKEN_BYTES;
use earthworm_wire::request::Request;
use earthworm_wire::{IDLE_EXIT_SECONDS, IDLE_EXIT_WITHOUT_KUBELET_SECONDS};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::Instant;

/// Connections without a token at a time. One more turns the oldest of them
/// away: no process on the node can exhaust the probe's descriptors, or keep the
/// plugin out by holding all places.
const STRANGERS: usize = 16;

/// How often the probe looks whether it is alone.
const IDLE_LOOK: Duration = Duration::from_millis(250);

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
}

impl Session {
    pub(crate) fn heard(&self) {
        *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// When the wait for a plugin ends. The plugin gets the whole usual time
    /// from the moment that the kubelet can carry its connection again.
    async fn idle(&self) {
        let mut waited_from = *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut down_since = None;
        loop {
            tokio::time::sleep(IDLE_LOOK).await;
            let heard = *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner);
            waited_from = waited_from.max(heard);
            let limit = if self.outbox.is_carrier_down() {
                down_since.get_or_insert_with(Instant::now);
                IDLE_EXIT_WITHOUT_KUBELET_SECONDS
            } else {
                if down_since.take().is_some() {
                    waited_from = Instant::now();
                }
                IDLE_EXIT_SECONDS
            };
            if waited_from.elapsed() >= Duration::from_secs(limit) {
                return;
            }
        }
    }
}

/// Serves until the session ends; everything is detached on return.
pub async fn serve(
    listener: TcpListener,
    token: [u8; TOKEN_BYTES],
    stop: impl Future<Output = ()>,
) -> End {
    let session = Arc::new(Session {
        token,
        outbox: Arc::new(Outbox::default()),
        last_heard: Mutex::new(Instant::now()),
        request: watch::Sender::new(None),
        bye: Notify::new(),
        newest: watch::Sender::new(0),
    });
    let shutdown = watch::Sender::new(false);
    let measurement = tokio::spawn(measure(session.clone(), shutdown.subscribe()));
    let mut connections = JoinSet::new();

    let end = {
        tokio::select! {
            () = accept(&listener, &session, &mut connections) => End::Stopped,
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
    let mut strangers: VecDeque<Stranger> = VecDeque::with_capacity(STRANGERS);
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                strangers.retain(Stranger::is_waiting);
                if strangers.len() >= STRANGERS
                    && let Some(oldest) = strangers.pop_front()
                {
                    oldest.task.abort();
                }
                number += 1;
                let admitted = Arc::new(AtomicBool::new(false));
                let task =
                    connections.spawn(serve_one(stream, session.clone(), number, admitted.clone()));
                strangers.push_back(Stranger { task, admitted });
            }
            // Out of descriptors, or the peer went away between knock and
            // entry: neither is a reason to end a session.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A connection that has not shown the token yet.
struct Stranger {
    task: AbortHandle,
    admitted: Arc<AtomicBool>,
}

impl Stranger {
    fn is_waiting(&self) -> bool {
        !self.task.is_finished() && !self.admitted.load(Ordering::Relaxed)
    }
}

async fn serve_one(
    stream: TcpStream,
    session: Arc<Session>,
    number: u64,
    admitted: Arc<AtomicBool>,
) {
    // A record is worth more early than packed well.
    let _ = stream.set_nodelay(true);
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
        Some(Request::Generate(request)) => {
            generate::run(request, &session.outbox, shutdown).await;
        }
        None => {}
    }
}
