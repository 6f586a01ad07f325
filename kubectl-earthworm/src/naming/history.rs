//! Which pod had an address when.
//!
//! An address is given to the next pod within a second of the end of the one
//! before, and what a probe reports of it comes later than that. So an address
//! has a list of holdings, and the moment that is asked about picks one.

use super::pods::Pod;
use super::uid::Uid;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

/// How long it is known who had an address before.
pub(super) const KEPT: SignedDuration = SignedDuration::from_secs(120);

/// Most holdings that have ended, of all addresses and of one. The oldest go
/// first, and are counted.
const MOST_ENDED: usize = 16_384;
const MOST_ENDED_OF_ONE: usize = 64;

#[derive(Debug)]
struct Holding {
    pod: Arc<Pod>,
    since: Timestamp,
    /// `None` while the pod has the address.
    until: Option<Timestamp>,
}

/// Holdings of addresses.
#[derive(Debug, Default)]
pub(super) struct History {
    by_address: HashMap<IpAddr, Vec<Holding>>,
    /// When a holding ended, as we learned it.
    ended: VecDeque<(Timestamp, IpAddr)>,
    dropped: u64,
}

impl History {
    /// The pod has the address, from `since` on if that is new.
    pub(super) fn hold(&mut self, address: IpAddr, pod: &Arc<Pod>, since: Timestamp) {
        let holdings = self.by_address.entry(address).or_insert_with(|| Vec::with_capacity(1));
        let mut open = holdings.iter_mut().filter(|holding| holding.until.is_none());
        match open.find(|holding| holding.pod.uid == pod.uid) {
            Some(known) => known.pod = pod.clone(),
            None => holdings.push(Holding { pod: pod.clone(), since, until: None }),
        }
    }

    /// The pod has the address no longer; `at` is when that became known.
    pub(super) fn release(&mut self, address: IpAddr, uid: &Uid, until: Timestamp, at: Timestamp) {
        let Some(holdings) = self.by_address.get_mut(&address) else { return };
        let mut open = holdings.iter_mut().filter(|holding| holding.until.is_none());
        let Some(holding) = open.find(|holding| holding.pod.uid == *uid) else { return };
        holding.until = Some(until);
        self.has_ended(address, at);
    }

    /// The pod had the address, which is learned only now.
    pub(super) fn had(
        &mut self,
        address: IpAddr,
        pod: &Arc<Pod>,
        (since, until): (Timestamp, Timestamp),
        at: Timestamp,
    ) {
        let holdings = self.by_address.entry(address).or_insert_with(|| Vec::with_capacity(1));
        if !holdings.iter().any(|holding| holding.pod.uid == pod.uid) {
            holdings.push(Holding { pod: pod.clone(), since, until: Some(until) });
            self.has_ended(address, at);
        }
    }

    /// Who had the address at a moment, and whether it still does.
    ///
    /// Of two that claim the same moment the later one has it: the end of a pod
    /// is shown later than it happens. A moment before a pod's time that is
    /// nobody else's is the pod's: its beginning is shown late as well.
    pub(super) fn at(&self, address: IpAddr, at: Timestamp) -> Option<(&Arc<Pod>, bool)> {
        let holdings = self.by_address.get(&address)?.iter();
        let current = holdings
            .clone()
            .filter(|holding| holding.since <= at)
            .filter(|holding| holding.until.is_none_or(|until| at < until))
            .max_by_key(|holding| holding.since);
        let next = || holdings.filter(|holding| holding.since > at).min_by_key(|next| next.since);
        current.or_else(next).map(|holding| (&holding.pod, holding.until.is_none()))
    }

    /// Lets go of what ended too long ago.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let Ok(limit) = now.checked_sub(KEPT) else { return };
        while let Some((_, address)) = self.ended.pop_front_if(|(at, _)| *at <= limit) {
            self.keep(address, |holding| holding.until.is_none_or(|until| until > limit));
        }
    }

    /// How many holdings were let go before their time.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn has_ended(&mut self, address: IpAddr, at: Timestamp) {
        self.ended.push_back((at, address));
        let of_one = self.by_address.get(&address).map_or(0, |holdings| {
            holdings.iter().filter(|holding| holding.until.is_some()).count()
        });
        if of_one > MOST_ENDED_OF_ONE {
            self.drop_oldest(address);
        }
        if self.ended.len() > MOST_ENDED
            && let Some((_, oldest)) = self.ended.pop_front()
        {
            self.drop_oldest(oldest);
        }
    }

    fn drop_oldest(&mut self, address: IpAddr) {
        let Some(holdings) = self.by_address.get(&address) else { return };
        let Some(oldest) = holdings.iter().filter_map(|holding| holding.until).min() else {
            return;
        };
        self.keep(address, |holding| holding.until != Some(oldest));
        self.dropped += 1;
    }

    fn keep(&mut self, address: IpAddr, which: impl Fn(&Holding) -> bool) {
        if let Some(holdings) = self.by_address.get_mut(&address) {
            holdings.retain(which);
            holdings.shrink_to_fit();
            if holdings.is_empty() {
                self.by_address.remove(&address);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_address.values().map(Vec::len).sum()
    }
}
