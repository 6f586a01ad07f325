//! Datagrams: what UDP sockets send and receive, as two kernel programs at the
//! root of the control groups count it, packet by packet.
//!
//! [`counters`] has these counters, [`ledger`] makes flows of them, [`holders`]
//! knows which process has a port. The same programs look into questions to DNS
//! servers and their answers: [`dns`].
//!
//! Who serves is told by the ports: the lower one is the service's when it is
//! below 32,768, where Linux begins to give ports to clients; else whoever did
//! not send first, as far as that was seen. A client's port is no part of what is
//! counted, so all sockets of a client are one flow.

mod counters;
mod dns;
mod holders;
mod ledger;
mod root;

use aya::Ebpf;
use earthworm_wire::flow::{self, Flow};

use self::counters::Counters;
use self::dns::Dns;
use self::ledger::Ledger;
use crate::clock;
use crate::uprobe::KernelError;

pub(super) use self::counters::entries;
pub(super) use self::holders::Holders;
pub(super) use self::ledger::Place;

/// How often the counters are read at once, until it is known of every flow
/// whether its other end is on this node.
const MOST_READS: u32 = 3;

/// Flows whose counters are given back at once.
const MOST_FREED: usize = 1_024;

/// Counters and what was told of them.
pub(super) struct Datagrams {
    counters: Counters,
    ledger: Ledger,
    dns: Dns,
}

impl Datagrams {
    /// Begins to count.
    ///
    /// # Errors
    /// When there are no unified control groups, or the kernel refuses.
    pub(super) fn attach(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let dns = Dns::take_maps(ebpf)?;
        Ok(Self { counters: Counters::attach(ebpf)?, ledger: Ledger::default(), dns })
    }

    /// What was added, at most so many flows; the rest is told later, unless
    /// this is the last time. `owner` gives who has the port at that place, none
    /// for one that is not of this node.
    pub(super) fn take(
        &mut self,
        most: usize,
        is_last: bool,
        mut owner: impl FnMut(&Place, Option<u16>) -> Option<u32>,
    ) -> Vec<Flow> {
        for _ in 0..MOST_READS {
            self.ledger.begin();
            for (place, counted) in self.counters.read() {
                self.ledger.see(place, counted);
            }
            if !self.ledger.is_unsure() {
                break;
            }
        }
        let flows = self.ledger.take(most, is_last, &mut owner);
        // Places that nobody uses any more make room for others.
        if self.ledger.len() > self.counters.room() / 2 {
            for place in self.ledger.idle(MOST_FREED) {
                if let Some(last) = self.counters.remove(&place) {
                    self.ledger.removed(&place, last);
                }
            }
        }
        flows
    }

    /// Gives up questions to DNS servers that have waited for too long.
    pub(super) fn expire(&mut self) {
        self.dns.expire(clock::monotonic_ns());
    }

    /// What DNS servers did since it was last told, at most so many; the rest is
    /// told later. `owner` gives the owner of a network namespace, none for one
    /// that is not of this node.
    pub(super) fn take_dns(
        &mut self,
        most: usize,
        owner: impl FnMut(u32) -> Option<u32>,
    ) -> Vec<flow::Dns> {
        self.dns.take(most, owner)
    }

    /// Flows and DNS servers of which there is more to tell.
    pub(super) fn waiting(&self) -> u64 {
        self.ledger.waiting() + self.dns.waiting()
    }

    /// Unanswered questions that were not counted for want of room.
    pub(super) fn overflowed(&self) -> u64 {
        self.dns.overflowed()
    }
}
