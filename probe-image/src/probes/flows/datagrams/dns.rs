//! Questions to DNS servers and their answers, as the kernel's maps count them.
//! Those that never had an answer are found here.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};

use aya::Ebpf;
use aya::maps::{HashMap as Map, MapData};
use earthworm_ebpf::flows::{DNS_QUESTIONS, DNS_UNANSWERED, DnsCount, DnsKey, DnsQuestion};
use earthworm_wire::flow::{Dns as Told, DnsAnswers, DnsLatency};

use crate::kernel::take;
use crate::uprobe::KernelError;

/// How long an answer is waited for.
const PATIENCE_NANOSECONDS: u64 = 5_000_000_000;

/// Room of the map `dns`.
const MOST_KINDS: usize = 4_096;

/// Servers, as somebody asks them, of which unanswered questions are counted at
/// once.
const MOST_SERVERS: usize = 4_096;

/// Readings without news after which counters of nobody known are removed.
const IDLE_READINGS: u64 = 60;

/// [`DnsKey`] as a map's key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
struct Key(DnsKey);

// SAFETY: integers and arrays of them, without padding that is not a field.
unsafe impl aya::Pod for Key {}

/// [`DnsCount`] as a map's value.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Count(DnsCount);

// SAFETY: integers and arrays of them, without padding.
unsafe impl aya::Pod for Count {}

/// [`DnsQuestion`] as a map's key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
struct Question(DnsQuestion);

// SAFETY: integers and arrays of them, without padding.
unsafe impl aya::Pod for Question {}

/// Network namespace that asks, and the server's address.
type Server = (u32, [u8; 16]);

/// A counter as it was read last.
#[derive(Clone, Copy)]
struct Seen {
    told: DnsCount,
    now: DnsCount,
    changed: u64,
}

/// What is known of DNS servers since the probe came.
pub(super) struct Dns {
    counts: Map<MapData, Key, Count>,
    pending: Map<MapData, Question, u64>,
    seen: HashMap<DnsKey, Seen>,
    /// Questions that were given up here and are to be told.
    given_up: HashMap<Server, u64>,
    reading: u64,
    waiting: u64,
    overflowed: u64,
}

impl Dns {
    /// Takes the maps of the object.
    ///
    /// # Errors
    /// When it has none of these names.
    pub(super) fn take_maps(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let error = |error: aya::maps::MapError| KernelError::from_error("use the maps", &error);
        Ok(Self {
            counts: Map::try_from(take(ebpf, "dns")?).map_err(error)?,
            pending: Map::try_from(take(ebpf, "dns_pending")?).map_err(error)?,
            seen: HashMap::new(),
            given_up: HashMap::new(),
            reading: 0,
            waiting: 0,
            overflowed: 0,
        })
    }

    /// Gives up questions that have waited for too long; `now` by `CLOCK_MONOTONIC`,
    /// in nanoseconds.
    pub(super) fn expire(&mut self, now: u64) {
        let old: Vec<Question> = self
            .pending
            .iter()
            .flatten()
            .filter(|(_, asked)| now.saturating_sub(*asked) > PATIENCE_NANOSECONDS)
            .map(|(question, _)| question)
            .collect();
        for question in old {
            // One that is gone was answered in this moment.
            if self.pending.remove(&question).is_err() {
                continue;
            }
            let server = (question.0.network, question.0.server);
            if self.given_up.len() >= MOST_SERVERS && !self.given_up.contains_key(&server) {
                self.overflowed += 1;
                continue;
            }
            *self.given_up.entry(server).or_default() += 1;
        }
    }

    /// What was added, at most so many servers; the rest is told later. `owner`
    /// gives the owner of a network namespace, none for one that is not of this
    /// node.
    pub(super) fn take(
        &mut self,
        most: usize,
        mut owner: impl FnMut(u32) -> Option<u32>,
    ) -> Vec<Told> {
        self.read();
        let mut servers: BTreeMap<Server, Vec<DnsKey>> = BTreeMap::new();
        for (key, seen) in &self.seen {
            if seen.now.count != seen.told.count {
                servers.entry((key.network, key.server)).or_default().push(*key);
            }
        }
        for server in self.given_up.keys() {
            servers.entry(*server).or_default();
        }
        self.waiting = 0;
        let mut told = Vec::new();
        for ((network, server), mut keys) in servers {
            let Some(owner) = owner(network) else {
                self.given_up.remove(&(network, server));
                continue;
            };
            if told.len() >= most {
                self.waiting += 1;
                continue;
            }
            keys.sort_unstable_by_key(|key| key.kind);
            let mut dns = Told {
                owner,
                server: address(server),
                questions: 0,
                timeouts: self.given_up.remove(&(network, server)).unwrap_or_default(),
                answers: Vec::new(),
            };
            for key in keys {
                let Some(seen) = self.seen.get_mut(&key) else { continue };
                let added = since(&seen.now, &seen.told);
                seen.told = seen.now;
                enter(&mut dns, key.kind, &added);
            }
            told.push(dns);
        }
        if self.seen.len() > MOST_KINDS / 2 {
            self.make_room(owner);
        }
        told
    }

    /// Servers of which there is more to tell.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Questions that were not counted as unanswered, for want of room.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    fn read(&mut self) {
        self.reading += 1;
        let reading = self.reading;
        for (Key(key), Count(now)) in self.counts.iter().flatten() {
            let seen = self.seen.entry(key).or_insert_with(|| Seen {
                told: DnsCount::default(),
                now: DnsCount::default(),
                changed: reading,
            });
            if now.count != seen.now.count {
                seen.changed = reading;
            }
            seen.now = now;
        }
    }

    /// Removes counters that are nobody's of this node and have been idle: their
    /// network is another node's, or gone.
    fn make_room(&mut self, mut owner: impl FnMut(u32) -> Option<u32>) {
        let Self { counts, seen, reading, .. } = self;
        seen.retain(|key, seen| {
            let is_idle = *reading - seen.changed > IDLE_READINGS;
            !is_idle || owner(key.network).is_some() || counts.remove(&Key(*key)).is_err()
        });
    }
}

fn since(now: &DnsCount, told: &DnsCount) -> DnsCount {
    let mut added = DnsCount {
        count: now.count.saturating_sub(told.count),
        timed: now.timed.saturating_sub(told.timed),
        micros: now.micros.saturating_sub(told.micros),
        buckets: now.buckets,
    };
    for (bucket, told) in added.buckets.iter_mut().zip(told.buckets) {
        *bucket = bucket.saturating_sub(told);
    }
    added
}

/// Adds one counter of a server to what is told of it.
fn enter(dns: &mut Told, kind: u8, added: &DnsCount) {
    match kind {
        DNS_QUESTIONS => dns.questions += added.count,
        DNS_UNANSWERED => dns.timeouts += added.count,
        code => dns.answers.push(DnsAnswers {
            code,
            count: added.count,
            latency: DnsLatency {
                count: added.timed,
                sum_micros: added.micros,
                buckets: added.buckets,
            },
        }),
    }
}

fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_become_what_is_told() {
        let mut buckets = [0; earthworm_ebpf::flows::DNS_BUCKETS];
        buckets[9] = 4;
        let told = DnsCount { count: 5, timed: 4, micros: 2_400, buckets };
        buckets[9] = 5;
        buckets[10] = 1;
        let now = DnsCount { count: 8, timed: 6, micros: 4_400, buckets };
        let mut dns =
            Told { owner: 1, server: address([0; 16]), questions: 0, timeouts: 2, answers: vec![] };
        enter(&mut dns, 3, &since(&now, &told));
        enter(&mut dns, DNS_QUESTIONS, &since(&now, &told));
        enter(&mut dns, DNS_UNANSWERED, &since(&now, &told));
        assert_eq!((dns.questions, dns.timeouts), (3, 5));
        let [answers] = dns.answers.try_into().unwrap();
        assert_eq!((answers.count, answers.name()), (3, Some("NXDOMAIN")));
        assert_eq!((answers.latency.count, answers.latency.sum_micros), (2, 2_000));
        assert_eq!(answers.latency.buckets[8..=11], [0, 1, 1, 0]);
    }
}
