//! Who is in the cluster: the watches that give names to addresses.
//!
//! Each kind of object is watched by itself. One that this user may not see is
//! told as unavailable, and the others give their names without it.

mod backends;
mod forms;
mod pods;

use super::connect::Cluster;
use super::leases::Steady;
use super::problem;
use crate::naming::{Change, What};
use crate::signal::Problem;
use crate::stop::Stop;
use backends::{EndpointsForm, SliceForm};
use forms::{NodeForm, ServiceForm};
use futures::{StreamExt, pin_mut};
use jiff::Timestamp;
use kube::api::{Api, ListParams, WatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource};
use pods::PodForm;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A server that comes back is noticed within this time.
const RETRY: Duration = Duration::from_millis(500);

/// Objects in one page of a list: more than a page is never in memory.
const PAGE: u32 = 500;

/// The rights that a watch needs.
const VERBS: &str = "list,watch";

/// An API server that has just started refuses for a moment what it will allow:
/// so many refusals in a row are meant.
const REFUSALS: u32 = 20;

/// Refusals that are further apart are not in a row.
const IN_A_ROW: Duration = Duration::from_secs(5);

/// A kind of object, read as far as names need it.
trait Form: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static {
    /// What it gives names for.
    const WHAT: What;
    /// What it is called in errors.
    const OBJECT: &'static str;
    /// It is there, in this state.
    fn shown(self, at: Timestamp) -> Change;
    /// It is no longer there.
    fn gone(self, at: Timestamp) -> Change;
}

/// Watches pods, services, their endpoints and nodes of the whole cluster until
/// `stop`, or until nobody listens. Waits when the channel is full.
pub async fn run(cluster: &Cluster, sender: mpsc::Sender<Change>, mut stop: Stop) {
    let all = async {
        if let Some(address) = api_server(&cluster.server) {
            let _ = sender.send(Change::ApiServer(address)).await;
        }
        let client = &cluster.client;
        tokio::join!(
            kind::<PodForm>(client, &sender),
            kind::<ServiceForm>(client, &sender),
            endpoints(client, &sender),
            kind::<NodeForm>(client, &sender),
        );
    };
    tokio::select! {
        () = all => {}
        () = stop.wait() => {}
    }
}

/// The API server's address, when its URL has one and not a name.
fn api_server(url: &http::Uri) -> Option<SocketAddr> {
    let address: IpAddr = url.host()?.trim_matches(['[', ']']).parse().ok()?;
    let usual = if url.scheme_str() == Some("http") { 80 } else { 443 };
    Some(SocketAddr::new(address, url.port_u16().unwrap_or(usual)))
}

/// Why a watch has ended.
enum End {
    /// Nobody listens.
    Unheard,
    /// The server does not have this kind.
    Absent(Problem),
    /// This user may not see it.
    Refused(Problem),
}

async fn kind<K: Form>(client: &Client, sender: &mpsc::Sender<Change>) {
    if let End::Absent(problem) | End::Refused(problem) = watch::<K>(client, sender).await {
        let _ = sender.send(Change::Unavailable { what: K::WHAT, problem }).await;
    }
}

/// EndpointSlices are version 1 since Kubernetes 1.21.
async fn endpoints(client: &Client, sender: &mpsc::Sender<Change>) {
    match watch::<SliceForm>(client, sender).await {
        End::Unheard => {}
        End::Absent(_) => kind::<EndpointsForm>(client, sender).await,
        End::Refused(problem) => {
            let what = SliceForm::WHAT;
            let _ = sender.send(Change::Unavailable { what, problem }).await;
        }
    }
}

async fn watch<K: Form>(client: &Client, sender: &mpsc::Sender<Change>) -> End {
    let api: Api<K> = Api::all(client.clone());
    if let Err(end) = first_look(&api).await {
        return end;
    }
    let mut progress = Progress::default();
    loop {
        // `Expired` begins again from nothing.
        match follow(&api, sender, &mut progress).await {
            Followed::Expired => tokio::time::sleep(RETRY).await,
            Followed::Ended(end) => return end,
        }
    }
}

/// The watcher retries for ever: what would be refused for ever is seen here.
async fn first_look<K: Form>(api: &Api<K>) -> Result<(), End> {
    loop {
        let (error, verb) = match look(api).await {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        if let kube::Error::Api(status) = &error {
            let problem = problem::from_refusal(status, K::OBJECT, verb, VERBS);
            match status.code {
                401 | 403 => return Err(End::Refused(problem)),
                404 => return Err(End::Absent(problem)),
                _ => {}
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Whether a list and a watch are allowed, without reading either.
async fn look<K: Form>(api: &Api<K>) -> Result<(), (kube::Error, &'static str)> {
    let list = api.list_metadata(&ListParams::default().limit(1)).await;
    let version = list.map_err(|error| (error, "list"))?.metadata.resource_version;
    let watch = api.watch_metadata(&WatchParams::default(), &version.unwrap_or_default()).await;
    watch.map(drop).map_err(|error| (error, "watch"))
}

/// How far the watch of one kind has come.
#[derive(Default)]
struct Progress {
    synced: bool,
    refusals: u32,
    refused: Option<Instant>,
}

impl Progress {
    /// Whether a refusal is one too many.
    fn refused(&mut self) -> bool {
        let now = Instant::now();
        let before = self.refused.replace(now);
        let in_a_row = before.is_some_and(|before| now.duration_since(before) < IN_A_ROW);
        self.refusals = if in_a_row { self.refusals + 1 } else { 1 };
        self.refusals >= REFUSALS
    }
}

/// How [`follow`] ends.
enum Followed {
    /// The server has forgotten where the watch was.
    Expired,
    /// For good.
    Ended(End),
}

async fn follow<K: Form>(
    api: &Api<K>,
    sender: &mpsc::Sender<Change>,
    progress: &mut Progress,
) -> Followed {
    let config = watcher::Config::default().page_size(PAGE);
    let stream = watcher(api.clone(), config).backoff(Steady(RETRY));
    pin_mut!(stream);
    while let Some(event) = stream.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => match ending::<K>(&error, progress) {
                Some(end) => return end,
                None => continue,
            },
        };
        let listed = matches!(event, Event::InitDone);
        if sender.send(change(event)).await.is_err() {
            return Followed::Ended(End::Unheard);
        }
        if listed
            && !std::mem::replace(&mut progress.synced, true)
            && sender.send(Change::Synced(K::WHAT)).await.is_err()
        {
            return Followed::Ended(End::Unheard);
        }
    }
    Followed::Expired
}

/// Whether the watcher cannot go on after an error by itself.
fn ending<K: Form>(error: &watcher::Error, progress: &mut Progress) -> Option<Followed> {
    let (status, verb) = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) => (status, "list"),
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) => (status, "watch"),
        _ => return None,
    };
    match status.code {
        // It would ask for the same version for ever.
        410 if verb == "watch" => Some(Followed::Expired),
        401 | 403 if progress.refused() => {
            let problem = problem::from_refusal(status, K::OBJECT, verb, VERBS);
            Some(Followed::Ended(End::Refused(problem)))
        }
        _ => None,
    }
}

fn change<K: Form>(event: Event<K>) -> Change {
    let at = Timestamp::now();
    match event {
        Event::Init => Change::Listing(K::WHAT),
        Event::InitApply(object) | Event::Apply(object) => object.shown(at),
        Event::InitDone => Change::Listed { what: K::WHAT, at },
        Event::Delete(object) => object.gone(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Option<String> {
        api_server(&url.parse().unwrap()).map(|address| address.to_string())
    }

    #[test]
    fn an_api_server_is_known_by_its_address_alone() {
        assert_eq!(at("https://192.0.2.1:6443/").as_deref(), Some("192.0.2.1:6443"));
        assert_eq!(at("https://[2001:db8::1]/").as_deref(), Some("[2001:db8::1]:443"));
        assert_eq!(at("http://192.0.2.1").as_deref(), Some("192.0.2.1:80"));
        assert_eq!(at("https://api.example:6443"), None);
    }
}
