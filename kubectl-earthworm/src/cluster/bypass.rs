//! The way around a node's kubelet, through the API server's pod proxy.
//!
//! The port-forward runs through the kubelet. What the probe has to say about a
//! kubelet that is stopped or dead comes this way, if the API server reaches
//! the node's address and the user may use the proxy; else it waits until the
//! kubelet runs again.

use super::problem::one_line;
use earthworm_wire::frame::{Decoder, Kind};
use earthworm_wire::message::{ToPlugin, next_message};
use earthworm_wire::record::Record;
use earthworm_wire::{BYPASS_KEEPALIVE_SECONDS, BYPASS_TOKEN_HEADER};
use futures::AsyncReadExt;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Client;
use kube::api::{Api, PostParams};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Batches between the reader and the session.
const QUEUE: usize = 64;

/// Pause between two tries; it doubles up to the longest one.
const RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(8);

/// How long the answer's first line may take: the proxy dials the node.
const OPENING: Duration = Duration::from_secs(5);

/// Silence after which the way is taken for dead.
const SILENCE: Duration = Duration::from_secs(2 * BYPASS_KEEPALIVE_SECONDS + 5);

/// Failures in a row after which people are told.
const TELL_AFTER: u32 = 5;

/// What comes around the kubelet.
#[derive(Debug)]
pub enum News {
    /// The way is open.
    Open,
    /// It is not, and not for want of time; why.
    Closed(String),
    /// Records with consecutive sequence numbers from the first on.
    Records(u64, Vec<Record>),
}

/// An open way, or one that is being opened; closed on drop.
#[derive(Debug)]
pub struct Bypass {
    news: mpsc::Receiver<News>,
    reader: AbortHandle,
}

impl Drop for Bypass {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Bypass {
    /// Opens the way to `pod`, again and again, until dropped.
    #[must_use]
    pub fn open(client: Client, namespace: &str, pod: &str, port: u16, token: &str) -> Self {
        let (sender, news) = mpsc::channel(QUEUE);
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/");
        let token = token.to_owned();
        let task = tokio::spawn(async move { keep_open(&client, &path, &token, &sender).await });
        Self { news, reader: task.abort_handle() }
    }

    /// The next news. May be dropped while waiting without losing any. Waits
    /// for ever when none can come.
    pub async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }
}

async fn keep_open(client: &Client, path: &str, token: &str, sender: &mpsc::Sender<News>) {
    let mut pause = RETRY;
    let mut failures = 0;
    loop {
        let mut opened = false;
        let why = match read(client, path, token, sender, &mut opened).await {
            Ok(()) => return,
            Err(why) => why,
        };
        if opened {
            (pause, failures) = (RETRY, 0);
        }
        failures += 1;
        // The pod's address appears in its status a second or two after its start.
        if failures == TELL_AFTER && sender.send(News::Closed(why)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LONGEST_RETRY);
    }
}

/// Reads until nobody wants to hear it (`Ok`) or the way is closed; why.
async fn read(
    client: &Client,
    path: &str,
    token: &str,
    sender: &mpsc::Sender<News>,
    opened: &mut bool,
) -> Result<(), String> {
    let request = http::Request::get(path)
        .header(BYPASS_TOKEN_HEADER, token)
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(OPENING, client.request_stream(request))
        .await
        .map_err(|_| "the API server does not reach the node's address".to_owned())?;
    let mut body = pin!(answer.map_err(|error| one_line(&error.to_string()))?);
    *opened = true;
    if sender.send(News::Open).await.is_err() {
        return Ok(());
    }
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        while let Some(message) = next_message(&mut decoder, Kind::ToPlugin)
            .map_err(|error| format!("garbage on the way around the kubelet: {error}"))?
        {
            if let ToPlugin::Records { first_sequence, records } = message
                && sender.send(News::Records(first_sequence, records)).await.is_err()
            {
                return Ok(());
            }
        }
        let count = tokio::time::timeout(SILENCE, body.read(&mut buffer))
            .await
            .map_err(|_| format!("nothing heard for {} s", SILENCE.as_secs()))?
            .map_err(|error| error.to_string())?;
        if count == 0 {
            return Err("closed by the other side".into());
        }
        decoder.feed(&buffer[..count]);
    }
}

/// Whether probes listen for what comes around their kubelet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// The user may use the pod proxy.
    Granted,
    /// The user may not, or it is not known; one line: the missing right, or
    /// what the API server said.
    Denied(String),
    /// The user does not want it.
    Unwanted,
}

/// Whether the user may use the pod proxy in a namespace.
pub async fn permission(client: &Client, namespace: &str) -> Permission {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.into()),
                verb: Some("get".into()),
                resource: Some("pods".into()),
                subresource: Some("proxy".into()),
                ..Default::default()
            }),
            ..Default::default()
        },
        ..Default::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    match reviews.create(&PostParams::default(), &review).await {
        Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => {
            Permission::Granted
        }
        Ok(_) => Permission::Denied(format!("no right to get pods/proxy in namespace {namespace}")),
        Err(error) => Permission::Denied(one_line(&error.to_string())),
    }
}
