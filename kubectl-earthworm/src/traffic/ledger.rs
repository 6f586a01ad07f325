//! What probes reported of traffic, added up per flow.

mod dns;
mod drops;
mod entry;
mod kept;
mod waiting;
mod who;

use dns::Questions;
pub(super) use dns::{DNS_PORT, DnsEntry};
pub(super) use drops::{DropEntry, Drops};
pub(super) use entry::{Entry, Path};
pub(super) use kept::{Counted, Kind};

use super::amounts::Amounts;
use super::dns::DnsCounts;
use super::names::Names;
use crate::naming::{Endpoint, EndpointKind};
use dns::DnsWire;
use drops::DropWire;
use earthworm_wire::flow::{Amount, Direction, Dns, Dropped, Flow, OwnerKind, Sweep, Transport};
use earthworm_wire::record::NodeTime;
use entry::{Ends, Wire};
use jiff::Timestamp;
use kept::Kept;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use waiting::{Queue, Waiting};
use who::Who;

/// Flows that are kept apart.
const FLOWS_KEPT: usize = 65_536;
/// Owners that are kept for each node.
const OWNERS_KEPT: usize = 65_536;
/// Kinds of dropped packets that are kept apart for each node: twice as many as
/// a probe tells apart, who may be followed by another.
const DROPS_KEPT: usize = 10_240;
/// Pairs of who asks and DNS server that are kept apart for each node, likewise.
const QUESTIONS_KEPT: usize = 8_192;
/// The part of the flows that makes room when there is none.
const FORGET_PART: usize = 8;

/// Adds up what probes report. Its memory is bounded: flows that were idle for
/// the longest time are forgotten when there are too many, and what they moved
/// goes on to be counted as [`Other`].
#[derive(Debug)]
pub struct Ledger {
    pub(super) nodes: Vec<Book>,
    pub(super) entries: Vec<Entry>,
    /// Where what is reported of an identity goes.
    current: HashMap<Wire, usize>,
    queue: Queue,
    limit: usize,
}

/// What is known of one node.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) name: Arc<str>,
    owners: HashMap<u32, OwnerKind>,
    /// Everything is counted from now on.
    observed: bool,
    /// So it was at any time.
    pub(super) counted: bool,
    /// Intervals that are complete.
    pub(super) intervals: u64,
    pub(super) last: Option<Interval>,
    pub(super) other: Other,
    pub(super) drops: Kept<Drops>,
    /// All packets that were dropped, in `drops` or not.
    dropped: Amount,
    pub(super) questions: Kept<Questions>,
}

/// What a probe said at the end of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Intervals of this node until now, this one among them.
    pub number: u64,
    /// When it ended, by the node's clock.
    pub time: NodeTime,
    /// How long it was.
    pub seconds: f64,
    /// What it cost to look at the sockets.
    pub sweep_seconds: f64,
    /// Sockets that were looked at.
    pub sockets: u64,
    /// Connections that ended in it.
    pub ended: u64,
    /// Flows that will tell more later.
    pub held_back: u64,
}

/// Flows that were forgotten for want of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Other {
    /// How many.
    pub flows: u64,
    /// What they moved.
    pub amounts: Amounts,
}

impl Ledger {
    /// For these nodes; they are spoken of by their place in the list.
    #[must_use]
    pub fn new(nodes: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self::with_room_for(nodes, FLOWS_KEPT, DROPS_KEPT, QUESTIONS_KEPT)
    }

    /// The same with room for so many flows, kinds of dropped packets, and pairs that
    /// ask and answer.
    pub(super) fn with_room_for(
        nodes: impl IntoIterator<Item = Arc<str>>,
        limit: usize,
        drops: usize,
        questions: usize,
    ) -> Self {
        let book = |name| Book {
            name,
            owners: HashMap::new(),
            observed: false,
            counted: false,
            intervals: 0,
            last: None,
            other: Other::default(),
            drops: Kept::with_room_for(drops),
            dropped: Amount::default(),
            questions: Kept::with_room_for(questions),
        };
        Self {
            nodes: nodes.into_iter().map(book).collect(),
            entries: Vec::new(),
            current: HashMap::new(),
            queue: Queue::default(),
            limit: limit.max(1),
        }
    }

    /// The last interval of a node.
    #[must_use]
    pub fn last(&self, node: usize) -> Option<&Interval> {
        self.nodes.get(node)?.last.as_ref()
    }

    /// Flows of a node that were forgotten.
    #[must_use]
    pub fn other(&self, node: usize) -> Other {
        self.nodes.get(node).map(|book| book.other).unwrap_or_default()
    }

    /// Packets that a node's kernel threw away, with their headers.
    #[must_use]
    pub fn dropped(&self, node: usize) -> Amount {
        self.nodes.get(node).map(|book| book.dropped).unwrap_or_default()
    }

    /// Somebody who has sockets.
    pub fn owner(&mut self, node: usize, id: u32, kind: &OwnerKind) {
        let Some(book) = self.nodes.get_mut(node) else { return };
        if book.owners.len() < OWNERS_KEPT || book.owners.contains_key(&id) {
            book.owners.insert(id, kind.clone());
        }
    }

    /// Traffic that was added.
    pub fn flow(&mut self, node: usize, flow: &Flow, at: Timestamp, names: &dyn Names) {
        if node >= self.nodes.len() {
            return;
        }
        let wire = Wire::of(node, flow);
        let ends = self.ends(&wire, at, names);
        if let (Some(path), Some(other)) = (wire.path(), self.may_be_told_by(&wire, &ends)) {
            let told = self.nodes[other].intervals;
            if self.queue.keep(node, flow, at, path, (other, told)) {
                return;
            }
        }
        let next = self.nodes[node].intervals + 1;
        self.take(next, flow, at, wire, ends, names);
    }

    /// Adds to an interval what needs not wait.
    fn take(
        &mut self,
        interval: u64,
        flow: &Flow,
        at: Timestamp,
        wire: Wire,
        ends: Ends,
        names: &dyn Names,
    ) {
        let covered = self.is_told_by_client(&wire, &ends);
        let before = self.current.get(&wire).copied();
        let place = match before {
            Some(place) if self.fits(place, &ends, covered, names) => {
                self.entries[place].ends = ends;
                place
            }
            _ => {
                if let Some(place) = before {
                    self.entries[place].end();
                }
                self.begin(wire, ends, covered, at)
            }
        };
        self.entries[place].add(interval, flow);
    }

    /// Packets that were thrown away. What was so before the first look at a
    /// node's sockets does not count: nothing does.
    pub fn drop_of(&mut self, node: usize, dropped: &Dropped, at: Timestamp, names: &dyn Names) {
        let Some(book) = self.nodes.get_mut(node).filter(|book| book.observed) else { return };
        let who = Who { node: &book.name, owners: &book.owners, names };
        let amount = Amount { bytes: dropped.bytes, packets: dropped.packets };
        book.dropped.add(amount);
        book.drops.add(book.intervals + 1, DropWire::of(dropped), &amount, at, &who);
    }

    /// What a DNS server made of questions; before the first look it does not
    /// count, likewise.
    pub fn dns_of(&mut self, node: usize, dns: &Dns, at: Timestamp, names: &dyn Names) {
        let Some(book) = self.nodes.get_mut(node).filter(|book| book.observed) else { return };
        let who = Who { node: &book.name, owners: &book.owners, names };
        let counts = DnsCounts::of(dns);
        book.questions.add(book.intervals + 1, DnsWire::of(dns), &counts, at, &who);
    }

    /// All flows of an interval have been told. True when everything was
    /// counted in it, so not for the first look at what was there already.
    pub fn sweep(&mut self, node: usize, sweep: &Sweep, names: &dyn Names) -> bool {
        let Some(book) = self.nodes.get_mut(node) else { return false };
        book.observed = true;
        book.counted = true;
        if sweep.number == 0 {
            return false;
        }
        book.intervals += 1;
        book.last = Some(Interval {
            number: book.intervals,
            time: sweep.time,
            seconds: sweep.seconds,
            sweep_seconds: sweep.sweep_seconds,
            sockets: sweep.sockets,
            ended: sweep.ended,
            held_back: sweep.held_back,
        });
        let who = Who { node: &book.name, owners: &book.owners, names };
        book.drops.name_again(&who);
        book.questions.name_again(&who);
        self.name_again(node, names);
        let nodes = &self.nodes;
        let told = |other: usize| nodes[other].observed.then_some(nodes[other].intervals);
        let released = self.queue.release(told);
        self.add_released(released, 1, names);
        true
    }

    /// Adds what waits for another node's word, which will not come any more, to
    /// the last interval.
    pub fn settle(&mut self, names: &dyn Names) {
        let released = self.queue.release(|_| None);
        self.add_released(released, 0, names);
    }

    /// Adds to the last interval or, with 1, to the one under way.
    fn add_released(&mut self, released: Vec<Waiting>, later: u64, names: &dyn Names) {
        for Waiting { node, flow, at, .. } in released {
            let wire = Wire::of(node, &flow);
            let ends = self.ends(&wire, at, names);
            let interval = self.nodes[node].intervals + later;
            self.take(interval, &flow, at, wire, ends, names);
        }
    }

    /// The probe of a node is gone. Another one counts from its own start, with
    /// owners of its own.
    pub fn gone(&mut self, node: usize) {
        let Some(book) = self.nodes.get_mut(node) else { return };
        book.observed = false;
        book.owners.clear();
        book.drops.gone();
        book.questions.gone();
        self.current.retain(|wire, place| {
            if wire.node == node {
                self.entries[*place].end();
            }
            wire.node != node
        });
    }

    /// Whether what these ends moved belongs to an entry. Its own names may have
    /// become known since, as of the time they were wanted for.
    fn fits(&mut self, place: usize, ends: &Ends, covered: bool, names: &dyn Names) -> bool {
        if self.entries[place].takes(ends, covered) {
            return true;
        }
        self.name(place, names);
        self.entries[place].takes(ends, covered)
    }

    /// Makes a new entry, and room for it.
    fn begin(&mut self, wire: Wire, ends: Ends, covered: bool, at: Timestamp) -> usize {
        if self.entries.len() >= self.limit {
            self.forget();
        }
        let place = self.entries.len();
        if let Some(path) = wire.path().filter(|_| wire.direction == Direction::Outgoing) {
            self.queue.told(path);
        }
        self.entries.push(Entry::new(wire, ends, covered, at));
        self.current.insert(wire, place);
        place
    }

    /// Forgets the flows that were idle for the longest time, those without an
    /// open connection first.
    fn forget(&mut self) {
        let count = (self.limit / FORGET_PART).max(1);
        let idle = |entry: &Entry| {
            let intervals = self.nodes[entry.wire.node].intervals;
            (entry.open == 0, intervals.saturating_sub(entry.last_told()))
        };
        let mut order: Vec<_> =
            self.entries.iter().enumerate().map(|(place, entry)| (idle(entry), place)).collect();
        let count = count.min(order.len());
        order.select_nth_unstable_by(count - 1, |one, other| other.cmp(one));
        let mut forgotten = vec![false; self.entries.len()];
        for (_, place) in &order[..count] {
            forgotten[*place] = true;
        }
        for (entry, gone) in self.entries.iter().zip(&forgotten) {
            let book = &mut self.nodes[entry.wire.node];
            if *gone {
                // What the other side told is not told twice as another flow.
                if !entry.covered {
                    book.other.flows += 1;
                    book.other.amounts.add(&entry.total);
                }
            }
        }
        let mut gone = forgotten.iter();
        self.entries.retain(|_| gone.next() == Some(&false));
        self.current.clear();
        for (place, entry) in self.entries.iter().enumerate() {
            if !entry.ended {
                self.current.insert(entry.wire, place);
            }
        }
        let outgoing = |entry: &&Entry| entry.wire.direction == Direction::Outgoing;
        let outgoing = self.entries.iter().filter(outgoing);
        self.queue.told_only(outgoing.filter_map(|entry| entry.wire.path()));
    }

    /// Asks again for names that were not known.
    fn name_again(&mut self, node: usize, names: &dyn Names) {
        for place in 0..self.entries.len() {
            let entry = &mut self.entries[place];
            if entry.wire.node == node && entry.waits_for_names() {
                entry.tries = entry.tries.saturating_add(1);
                self.name(place, names);
            }
        }
    }

    /// Asks for the names of an entry as of the time they were wanted for: an
    /// address may have another owner by now.
    fn name(&mut self, place: usize, names: &dyn Names) {
        let entry = &self.entries[place];
        let ends = self.ends(&entry.wire, entry.first, names);
        let covered = self.is_told_by_client(&entry.wire, &ends);
        let entry = &mut self.entries[place];
        entry.covered = covered;
        entry.ends = ends;
    }

    /// The other observed node at whose address the side that connected is: its
    /// probe may tell the same.
    fn may_be_told_by(&self, wire: &Wire, ends: &Ends) -> Option<usize> {
        if wire.direction != Direction::Incoming || wire.peer.is_some() {
            return None;
        }
        let on = ends.source.node.as_ref().filter(|_| ends.source.kind == EndpointKind::Node)?;
        let is_it = |book: &Book| book.observed && book.name == *on;
        self.nodes.iter().position(is_it).filter(|index| *index != wire.node)
    }

    /// Whether the side that connected is a pod on an observed node, where the same
    /// is told: on another one, and for datagrams on the same one too. Of a
    /// connection with both ends there, its probe tells one side anyway; two
    /// sides of datagrams it does not know for the same when an address is
    /// translated between them.
    fn is_told_by_client(&self, wire: &Wire, ends: &Ends) -> bool {
        if wire.direction != Direction::Incoming || wire.peer.is_some() {
            return false;
        }
        let Some(on) = ends.source.node.as_ref().filter(|_| ends.source.kind == EndpointKind::Pod)
        else {
            return false;
        };
        self.nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != wire.node || wire.transport == Transport::Udp)
            .any(|(_, book)| book.observed && book.name == *on)
    }

    /// Names of both ends.
    fn ends(&self, wire: &Wire, at: Timestamp, names: &dyn Names) -> Ends {
        let mut named = true;
        let book = &self.nodes[wire.node];
        let who = Who { node: &book.name, owners: &book.owners, names };
        let own = who.owner(wire.owner, &mut named);
        let peer = wire.peer.map(|peer| who.owner(peer, &mut named));
        let mut address = |address: SocketAddr| {
            who.address(address.ip(), address.port(), wire.transport, at, &mut named)
        };
        let at_port = SocketAddr::new(wire.destination(), wire.port);
        let (source, destination, backend) = match wire.direction {
            Direction::Incoming => {
                let source = peer.unwrap_or_else(|| address(SocketAddr::new(wire.remote, 0)));
                (source, reached(own, || address(at_port)), None)
            }
            Direction::Outgoing => {
                let dialled = address(at_port);
                let answering = match peer {
                    Some(peer) => {
                        let there = wire.backend.unwrap_or(at_port);
                        Some(reached(peer, || address(there)))
                    }
                    None => wire.backend.map(&mut address),
                };
                match answering {
                    Some(answering) if is_service(&dialled) => (own, dialled, Some(answering)),
                    // Who answers has the better name: a pod with its container.
                    Some(answering) => (own, answering, None),
                    None => (own, dialled, None),
                }
            }
        };
        Ends { source, destination, backend, named }
    }
}

/// Whether somebody else answers for it.
fn is_service(endpoint: &Endpoint) -> bool {
    matches!(endpoint.kind, EndpointKind::Service | EndpointKind::ApiServer | EndpointKind::Dns)
}

/// A listening owner with the service that it is reached through, which hangs
/// on the address and port.
fn reached(owner: Arc<Endpoint>, there: impl FnOnce() -> Arc<Endpoint>) -> Arc<Endpoint> {
    if owner.kind != EndpointKind::Pod || owner.service.is_some() {
        return owner;
    }
    match there().service.clone() {
        Some(service) => Arc::new(Endpoint { service: Some(service), ..Endpoint::clone(&owner) }),
        None => owner,
    }
}
