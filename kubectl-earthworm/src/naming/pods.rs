//! Pods by their uid, and the addresses that they have and had.

use super::endpoint::Workload;
use super::facts::PodFacts;
use super::history::{History, KEPT};
use super::intern::Interner;
use super::shelf::MOST_OBJECTS;
use super::uid::{Uid, fingerprint};
use super::workload;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::Arc;

/// A node's clock is believed as far as it says that something happened so much
/// earlier than it was shown. Kubelets tell within a second or two.
const BELIEVED: SignedDuration = SignedDuration::from_secs(10);

/// Times in a pod's status are cut to whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Most pods that were deleted and are still known. The oldest go first, and
/// are counted.
const MOST_DEPARTED: usize = 16_384;

/// What names need of a pod. A cluster may have 150,000 of them: everything that
/// several pods share is shared.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) uid: Uid,
    static_uid: Option<Box<Uid>>,
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) node: Option<Arc<str>>,
    pub(super) workload: Option<Workload>,
    containers: Box<[(NonZeroU64, Arc<str>)]>,
    /// Those that are its own, now.
    addresses: Box<[IpAddr]>,
    finished: bool,
}

#[derive(Debug)]
struct Entry {
    pod: Arc<Pod>,
    /// The number of the list that showed it last.
    list: u32,
    departed: bool,
}

/// A pod that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) pod: &'a Pod,
    /// Nothing more will become known of it.
    pub(super) is_final: bool,
}

#[derive(Debug, Default)]
pub(super) struct Pods {
    by_uid: HashMap<Uid, Entry>,
    by_static_uid: HashMap<Uid, Uid>,
    history: History,
    departed: VecDeque<(Timestamp, Uid)>,
    lists: u32,
    is_listing: bool,
    dropped: u64,
}

impl Pod {
    fn new(facts: &PodFacts, uid: Uid, interner: &mut Interner) -> Self {
        let hash = facts.template_hash.as_deref();
        let workload = facts.controller.as_ref().map(|controller| {
            let (kind, name) = workload::of(controller, hash);
            Workload { kind: interner.get(kind), name: interner.get(name) }
        });
        let created = facts.containers.iter().filter_map(|known| Some((known, known.id.as_ref()?)));
        let containers = created
            .map(|(container, id)| (fingerprint(id), interner.get(&container.name)))
            .collect();
        let owns_addresses = !facts.host_network && !facts.finished;
        let addresses = facts.addresses.iter().filter(|_| owns_addresses);
        Self {
            uid,
            static_uid: facts.static_uid.as_deref().map(|uid| Box::new(Uid::new(uid))),
            namespace: interner.get(&facts.namespace),
            name: facts.name.as_str().into(),
            node: facts.node.as_deref().map(|node| interner.get(node)),
            workload,
            containers,
            addresses: addresses.map(IpAddr::to_canonical).collect(),
            finished: facts.finished,
        }
    }

    /// Name of one of its containers.
    pub(super) fn container(&self, id: &str) -> Option<&Arc<str>> {
        let wanted = fingerprint(id);
        self.containers.iter().find(|(known, _)| *known == wanted).map(|(_, name)| name)
    }
}

impl Pods {
    pub(super) fn begin(&mut self) {
        self.lists = self.lists.wrapping_add(1);
        self.is_listing = true;
    }

    pub(super) fn apply(&mut self, at: Timestamp, facts: &PodFacts, interner: &mut Interner) {
        self.forget(at);
        let uid = Uid::new(&facts.uid);
        if self.by_uid.len() >= MOST_OBJECTS && !self.by_uid.contains_key(&uid) {
            self.dropped += 1;
            return;
        }
        let pod = Arc::new(Pod::new(facts, uid.clone(), interner));
        if let Some(static_uid) = &pod.static_uid {
            self.by_static_uid.insert((**static_uid).clone(), uid.clone());
        }
        let entry = Entry { pod: pod.clone(), list: self.lists, departed: false };
        let old = self.by_uid.insert(uid, entry).map(|entry| entry.pod);
        let had: &[IpAddr] = old.as_ref().map_or(&[], |old| &old.addresses);
        for address in had.iter().filter(|address| !pod.addresses.contains(address)) {
            self.history.release(*address, &pod.uid, self.end(at, facts), at);
        }
        for address in &pod.addresses {
            self.history.hold(*address, &pod, self.beginning(at, facts));
        }
        let is_news = old.as_ref().is_none_or(|old| !old.finished && old.addresses.is_empty());
        if facts.finished && !facts.host_network && is_news {
            self.came_and_went(at, facts, &pod);
        }
    }

    /// The addresses of a pod are shown for the first time when all is over.
    fn came_and_went(&mut self, at: Timestamp, facts: &PodFacts, pod: &Arc<Pod>) {
        // A pod that was evicted says neither.
        if facts.started.is_none() || (facts.ended.is_none() && self.is_listing) {
            return;
        }
        let (since, until) = (self.beginning(at, facts), self.end(at, facts));
        if since >= until || at.duration_since(until) >= KEPT {
            return;
        }
        for address in &facts.addresses {
            self.history.had(address.to_canonical(), pod, (since, until), at);
        }
    }

    /// Since when a pod certainly has its addresses.
    fn beginning(&self, at: Timestamp, facts: &PodFacts) -> Timestamp {
        if self.is_listing {
            return facts.started.or(facts.accepted).unwrap_or(Timestamp::MIN).min(at);
        }
        facts.started.map_or(at, |started| believed(started, at))
    }

    /// Until when it had them.
    fn end(&self, at: Timestamp, facts: &PodFacts) -> Timestamp {
        let ended = facts.ended.filter(|_| facts.finished);
        let Some(ended) = ended.and_then(|ended| ended.checked_add(SECOND).ok()) else { return at };
        if self.is_listing { ended.min(at) } else { believed(ended, at) }
    }

    pub(super) fn remove(&mut self, at: Timestamp, uid: &str) {
        self.forget(at);
        self.depart(at, &Uid::new(uid));
    }

    /// A list is complete: what it has not shown is gone.
    pub(super) fn sweep(&mut self, at: Timestamp) {
        self.is_listing = false;
        self.forget(at);
        let not_shown = self.by_uid.iter().filter(|(_, entry)| entry.list != self.lists);
        let gone: Vec<Uid> = not_shown.map(|(uid, _)| uid.clone()).collect();
        for uid in gone {
            self.depart(at, &uid);
        }
    }

    /// Gives up what is known.
    pub(super) fn clear(&mut self) {
        *self = Self { dropped: self.dropped(), ..Self::default() };
    }

    /// The pod that a control group is of, on a node.
    pub(super) fn find(&self, uid: &str, node: &str) -> Option<Found<'_>> {
        let uid = Uid::new(uid);
        let entry = self.by_uid.get(&uid).or_else(|| {
            let mirror = self.by_uid.get(self.by_static_uid.get(&uid)?)?;
            // Only the kubelet of that node makes mirrors there.
            (mirror.pod.node.as_deref() == Some(node)).then_some(mirror)
        })?;
        Some(Found { pod: &entry.pod, is_final: entry.departed || entry.pod.finished })
    }

    /// The pod that had an address at a moment, and whether it still does.
    pub(super) fn at(&self, address: IpAddr, at: Timestamp) -> Option<(&Pod, bool)> {
        self.history.at(address, at).map(|(pod, still)| (&**pod, still))
    }

    /// What was not taken in, or let go before its time.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped + self.history.dropped()
    }

    fn depart(&mut self, at: Timestamp, uid: &Uid) {
        let Some(entry) = self.by_uid.get_mut(uid).filter(|entry| !entry.departed) else { return };
        entry.departed = true;
        for address in &entry.pod.addresses {
            self.history.release(*address, uid, at, at);
        }
        self.departed.push_back((at, uid.clone()));
        if self.departed.len() > MOST_DEPARTED
            && let Some((_, oldest)) = self.departed.pop_front()
        {
            self.dropped += 1;
            self.erase(&oldest);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.history.forget(now);
        let Ok(limit) = now.checked_sub(KEPT) else { return };
        while let Some((_, uid)) = self.departed.pop_front_if(|(at, _)| *at <= limit) {
            self.erase(&uid);
        }
    }

    fn erase(&mut self, uid: &Uid) {
        if !self.by_uid.get(uid).is_some_and(|entry| entry.departed) {
            return;
        }
        let Some(entry) = self.by_uid.remove(uid) else { return };
        if let Some(static_uid) = &entry.pod.static_uid
            && self.by_static_uid.get(&**static_uid) == Some(uid)
        {
            self.by_static_uid.remove(&**static_uid);
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 4] {
        let Self { by_uid, by_static_uid, history, departed, .. } = self;
        [by_uid.len(), by_static_uid.len(), history.len(), departed.len()]
    }
}

/// What a node's clock says of something that was shown at `at`.
fn believed(time: Timestamp, at: Timestamp) -> Timestamp {
    time.max(at.checked_sub(BELIEVED).unwrap_or(at)).min(at)
}
