//! All nodes of a command: signals in, news out.

use super::ledger::Ledger;
use super::names::Names;
use super::node::{Session, Summary};
use crate::rhythm::{Event, EventKind, Finding, FindingKind, ProbeState, Problem};
use crate::signal::{NodeId, SessionState, Signal, SignalKind, Stamp};
use earthworm_wire::record::{Record, Trouble, TroubleReason};
use std::collections::HashMap;
use std::sync::Arc;

/// What is worth telling at once.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// An event, a problem, or progress of the session.
    Finding(Box<Finding>),
    /// Everything on the node with this place is counted from now on.
    Observed(usize),
    /// An interval of the node with this place is complete.
    Interval(usize),
}

/// Takes in signals about all nodes.
#[derive(Debug)]
pub struct Observer {
    /// What the probes reported.
    pub ledger: Ledger,
    sessions: Vec<Session>,
    places: HashMap<Arc<str>, usize>,
}

impl Observer {
    /// For these nodes; news speak of them by their place in the list.
    #[must_use]
    pub fn new(nodes: &[NodeId]) -> Self {
        let places = nodes.iter().enumerate().map(|(place, id)| (id.node.clone(), place)).collect();
        Self {
            ledger: Ledger::new(nodes.iter().map(|id| id.node.clone())),
            sessions: nodes.iter().cloned().map(Session::new).collect(),
            places,
        }
    }

    /// The nodes, in their places.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeId> {
        self.sessions.iter().map(|session| &session.node)
    }

    /// The place of a node.
    #[must_use]
    pub fn place(&self, node: &NodeId) -> Option<usize> {
        self.places.get(&node.node).copied()
    }

    /// Whether nothing more can come of a node.
    #[must_use]
    pub fn has_failed(&self, node: usize) -> bool {
        self.sessions.get(node).is_some_and(|session| session.failed)
    }

    /// Intervals of a node that are complete.
    #[must_use]
    pub fn intervals(&self, node: usize) -> u64 {
        self.ledger.last(node).map_or(0, |last| last.number)
    }

    /// Takes in one signal.
    pub fn feed(&mut self, signal: &Signal, names: &dyn Names) -> Option<News> {
        let node = self.place(&signal.node)?;
        match &signal.kind {
            SignalKind::Probe(record) => self.record(node, record, signal.at, names),
            SignalKind::Session(state) => self.session(node, state, signal.at),
            SignalKind::Lease(_) | SignalKind::Watch(_) | SignalKind::Tick => None,
        }
    }

    /// Nothing more will be told: what waits for another node's word is added.
    pub fn settle(&mut self, names: &dyn Names) {
        self.ledger.settle(names);
    }

    /// The session in numbers, node by node.
    #[must_use]
    pub fn summaries(&self, at: Stamp) -> Vec<Summary> {
        let sessions = self.sessions.iter().enumerate();
        sessions
            .map(|(node, session)| {
                session.summary(at, self.ledger.other(node), self.ledger.dropped(node))
            })
            .collect()
    }

    fn record(
        &mut self,
        node: usize,
        record: &Record,
        at: Stamp,
        names: &dyn Names,
    ) -> Option<News> {
        match record {
            Record::Owner(owner) => self.ledger.owner(node, owner.id, &owner.kind),
            Record::Flow(flow) => self.ledger.flow(node, flow, at.wall, names),
            Record::Dropped(dropped) => self.ledger.drop_of(node, dropped, at.wall, names),
            Record::Dns(dns) => self.ledger.dns_of(node, dns, at.wall, names),
            Record::Sweep(sweep) => {
                let counted = self.ledger.sweep(node, sweep, names);
                let last = self.ledger.last(node).filter(|_| counted);
                self.sessions[node].swept(sweep, last);
                return Some(if counted { News::Interval(node) } else { News::Observed(node) });
            }
            Record::Cost(cost) => self.sessions[node].price.cost_now(cost.clone()),
            Record::Lost(lost) => self.sessions[node].price.lost_now(*lost),
            Record::Trouble(trouble) => {
                let problem = trouble_words(trouble);
                let session = &mut self.sessions[node];
                session.problem = Some(problem.clone());
                // It waits for its end; nothing will ever be counted there.
                session.failed = true;
                self.ledger.gone(node);
                return self.news(node, at, FindingKind::Problem(problem));
            }
            // Records of other requests.
            Record::Attached(_) | Record::Beat(_) | Record::Incident(_) | Record::Generated(_) => {}
        }
        None
    }

    fn session(&mut self, node: usize, state: &SessionState, at: Stamp) -> Option<News> {
        let session = &mut self.sessions[node];
        let event = |kind| FindingKind::Event(Event { time: at.wall, kind });
        let kind = match state {
            SessionState::Creating => {
                session.created = true;
                FindingKind::Probe(ProbeState::Creating)
            }
            SessionState::Starting(what) => {
                session.created = true;
                FindingKind::Probe(ProbeState::Starting(what.clone()))
            }
            SessionState::Streaming(streaming) => {
                session.streaming(streaming);
                let away = session.interrupted.take();
                if !streaming.resumed {
                    self.ledger.gone(node);
                }
                match away.filter(|_| streaming.resumed) {
                    Some(since) => event(EventKind::StreamResumed {
                        gap_seconds: at.monotonic.saturating_sub(since).as_secs_f64(),
                        lost_records: streaming.lost_records,
                    }),
                    None => FindingKind::Probe(ProbeState::Streaming(Box::new(streaming.clone()))),
                }
            }
            SessionState::Interrupted(why) => {
                if session.interrupted.is_some() {
                    return None;
                }
                session.interrupted = Some(at.monotonic);
                event(EventKind::StreamInterrupted(why.clone()))
            }
            SessionState::BypassOpen => event(EventKind::BypassOpen),
            SessionState::BypassClosed(why) => event(EventKind::BypassClosed(why.clone())),
            SessionState::Restarting(why) => {
                session.interrupted = None;
                self.ledger.gone(node);
                event(EventKind::ProbeRestarting(why.clone()))
            }
            SessionState::Detached => FindingKind::Probe(ProbeState::Detached),
            SessionState::Removed(certain) => {
                session.created = true;
                session.removed = Some(*certain);
                return None;
            }
            SessionState::Failed(problem) => {
                session.failed = true;
                let problem = Problem {
                    reason: problem.reason,
                    message: problem.message.clone(),
                    hint: problem.hint.clone(),
                };
                session.problem = Some(problem.clone());
                self.ledger.gone(node);
                FindingKind::Problem(problem)
            }
        };
        self.news(node, at, kind)
    }

    fn news(&self, node: usize, at: Stamp, kind: FindingKind) -> Option<News> {
        let node = self.sessions[node].node.clone();
        Some(News::Finding(Box::new(Finding { at, node, kind })))
    }
}

fn trouble_words(trouble: &Trouble) -> Problem {
    let (reason, hint) = match trouble.reason {
        TroubleReason::NotPermitted => ("not-permitted", Some("try a stronger --profile")),
        TroubleReason::Kernel => ("kernel", Some("a probe needs Linux 5.10 with BTF or newer")),
        TroubleReason::NoKubelet => ("no-kubelet", None),
        TroubleReason::Executable => ("executable", None),
    };
    Problem { reason, message: trouble.message.clone(), hint: hint.map(str::to_owned) }
}
