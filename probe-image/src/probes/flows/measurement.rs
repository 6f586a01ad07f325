//! Kernel, owners and ledger as one thing that can be carried to another thread.

use std::net::SocketAddr;

use earthworm_wire::flow::{DNS_NOT_COUNTED, DROPS_NOT_COUNTED, Dns, Dropped, Flow, Owner};

use super::datagrams::{Holders, Place};
use super::kernel::{EndedRing, Kernel};
use super::ledger::{Ledger, Whose};
use super::nat::Nat;
use super::owners::Owners;
use super::socket::{self, Socket, State};
use crate::kernel::Accounts;
use crate::uprobe::KernelError;

/// Connections that may have ended between two sweeps; more are counted as lost.
const MOST_ENDED: usize = 65_536;

/// Everything that measures flows.
pub(super) struct Measurement {
    kernel: Kernel,
    whose: Directory,
    ledger: Ledger,
    /// Ended since the last sweep.
    ended: Vec<Socket>,
    overflowed: u64,
    is_first: bool,
    /// Why connection tracking cannot be asked.
    missing: Option<std::io::Error>,
}

/// Whose sockets are, and where their connections lead.
struct Directory {
    owners: Owners,
    holders: Holders,
    nat: Option<Nat>,
}

impl Measurement {
    /// Loads the programs.
    ///
    /// # Errors
    /// When the kernel refuses them, or `/proc` cannot be read.
    pub(super) fn load() -> Result<(Self, EndedRing), KernelError> {
        let owners = Owners::new()
            .map_err(|error| KernelError::from_io("look at the own control groups", error))?;
        let (kernel, ring) = Kernel::load()?;
        let (nat, missing) = match Nat::open() {
            Ok(nat) => (Some(nat), None),
            Err(error) => (None, Some(error)),
        };
        let measurement = Self {
            kernel,
            whose: Directory { owners, holders: Holders::default(), nat },
            missing,
            ledger: Ledger::default(),
            ended: Vec::new(),
            overflowed: 0,
            is_first: true,
        };
        Ok((measurement, ring))
    }

    /// Takes connections that ended out of the ring.
    pub(super) fn drain(&mut self, ring: &mut EndedRing) {
        while let Some(bytes) = ring.next() {
            let Some(socket) = socket::decode(&bytes) else { continue };
            if self.ended.len() < MOST_ENDED {
                self.ended.push(socket);
            } else {
                self.overflowed += 1;
            }
        }
    }

    /// Walks all open sockets.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn sweep(&mut self) -> Result<(), KernelError> {
        let Self { kernel, whose, ledger, .. } = self;
        whose.owners.begin_sweep();
        whose.holders.begin_sweep();
        if let Some(nat) = &mut whose.nat {
            nat.begin_sweep();
        }
        if std::mem::take(&mut self.is_first) {
            // Which end of a connection listens is known only once all
            // listening sockets are.
            kernel.sweep(|socket| {
                if socket.state == State::Listening {
                    whose.owners.listening(&socket);
                }
            })?;
        }
        ledger.begin();
        kernel.sweep(|socket| match socket.state {
            State::Listening => {
                if whose.owners.listening(&socket) {
                    ledger.listening(&socket);
                }
            }
            State::Connecting | State::Open => ledger.open(&socket, whose),
            State::Datagrams => {
                if let Some(owner) = whose.owners.of_process(&socket) {
                    whose.holders.enter(socket.network, socket.local, owner);
                }
            }
            State::Ended(_) => {}
        })
    }

    /// Takes in what ended, and attributes everything.
    pub(super) fn finish(&mut self) {
        for socket in self.ended.drain(..) {
            if let State::Ended(end) = socket.state {
                self.ledger.ended(&socket, end, &mut self.whose);
            }
        }
        self.ledger.finish(&mut self.whose);
        if let Ok(datagrams) = self.kernel.datagrams() {
            datagrams.expire();
        }
    }

    /// What cannot be measured here, one line for people each.
    pub(super) fn missing(&mut self) -> Vec<String> {
        let mut missing = vec!["ICMP is not measured".to_owned()];
        if let Err(error) = self.kernel.datagrams() {
            missing.push(format!("{DNS_NOT_COUNTED}: {error}"));
        }
        if let Some(error) = &self.missing {
            missing.push(format!(
                "who answers at a service's address is known only for pods of this node: \
                 connection tracking does not tell ({error})"
            ));
        }
        if let Err(error) = self.kernel.drops() {
            missing.push(format!("{DROPS_NOT_COUNTED}: {error}"));
        }
        missing
    }

    /// At most so many kinds of dropped packets.
    pub(super) fn take_drops(&mut self, most: usize) -> Vec<Dropped> {
        let Self { kernel, whose, .. } = self;
        match kernel.drops() {
            Ok(drops) => drops.take(most, |network| whose.owners.of_network(network)),
            Err(_) => Vec::new(),
        }
    }

    /// What DNS servers did, at most so many.
    pub(super) fn take_dns(&mut self, most: usize) -> Vec<Dns> {
        let Self { kernel, whose, .. } = self;
        match kernel.datagrams() {
            Ok(datagrams) => datagrams.take_dns(most, |network| whose.owners.of_network(network)),
            Err(_) => Vec::new(),
        }
    }

    /// At most so many flows with news; `is_last` when nothing more is told after.
    pub(super) fn take_flows(&mut self, most: usize, is_last: bool) -> Vec<Flow> {
        let Self { kernel, whose, ledger, .. } = self;
        let mut flows = match kernel.datagrams() {
            // The rest is for TCP, which may have much more to tell.
            Ok(datagrams) => datagrams.take(most / 2, is_last, |place, port| whose.at(place, port)),
            Err(_) => Vec::new(),
        };
        flows.extend(ledger.take(most - flows.len()));
        flows
    }

    /// Owners that were not told yet.
    pub(super) fn take_owners(&mut self) -> Vec<Owner> {
        self.whose.owners.take_untold()
    }

    /// Flows that have more to tell.
    pub(super) fn waiting(&mut self) -> u64 {
        let datagrams = self.kernel.datagrams().map_or(0, |datagrams| datagrams.waiting());
        self.ledger.waiting() + datagrams
    }

    /// Open sockets and ended connections of the last sweep.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.ledger.counts()
    }

    /// Connections that were not measured for want of room.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed + self.ledger.overflowed() + self.kernel.overflowed()
    }

    /// What the programs cost and lost.
    pub(super) fn accounts(&self) -> &Accounts {
        self.kernel.accounts()
    }
}

impl Directory {
    /// Who sends and receives datagrams at a place: the one process or container
    /// that has the port, else the pod or the node itself.
    fn at(&mut self, place: &Place, own_port: Option<u16>) -> Option<u32> {
        own_port
            .and_then(|port| self.holders.at(place.network, place.local, port))
            .or_else(|| self.owners.of_network(place.network))
    }
}

impl Whose for Directory {
    fn owner(&mut self, socket: &Socket) -> Option<u32> {
        self.owners.of(socket)
    }

    fn is_listened_to(&self, socket: &Socket) -> bool {
        self.owners.listener_at(socket).is_some()
    }

    fn backend(&mut self, client: SocketAddr, server: SocketAddr) -> Option<SocketAddr> {
        self.nat.as_mut()?.backend(client, server)
    }
}
