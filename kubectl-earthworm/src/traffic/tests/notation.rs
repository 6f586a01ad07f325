//! A compact notation for what probes report and for rows.
//!
//! One thing per line: seconds since the start, a node or `name`, a word,
//! arguments. `>` is a flow that its owner began, `<` one that its owner takes.
//!
//! ```text
//! 0 name pod shop/web-1 10.0.0.2 node-b    known at once; `known=3` later
//! 0 name service shop/web 10.96.0.1
//! 0 name node node-a 10.1.0.1
//! 0 node-a owner 1 shop/client-1 curl      a container of a pod
//! 0 node-a owner 2 kubelet                 a process of the node
//! 0 node-a sweep                           the first look
//! 1 node-a 1 > 10.96.0.1:80 sent=10 received=20 backend=10.0.0.2:8080
//! 1 node-a 2 < 10.0.0.9:10250 local=10.1.0.1 open=1
//! 0 node-a owner 3 *                       the node itself
//! 1 node-a drop 1 NO_SOCKET 10.0.0.1 10.0.0.2:80 proto=6 packets=1 bytes=40
//! 1 node-a drop 1 NO_SOCKET * packets=9    kinds that were not told apart
//! 1 node-a dns 1 10.96.0.10 asked=5 silent=1 0=3x600 3=1x90   answers by code, CODE=COUNTxMICROS
//! 1 node-a sweep 1                         an interval of 1 s
//! ```

use crate::naming::{Endpoint, EndpointKind, ServiceName};
use crate::rhythm::tests::notation::stamp;
use crate::signal::{NodeId, SessionState, Signal, SignalKind, Streaming};
use crate::traffic::names::{plain_address, plain_owner};
use crate::traffic::{
    Amounts, DnsCounts, DropRow, Filter, Listing, Names, News, Observer, Query, Row,
};
use crate::traffic::{SortBy, Subject, View};
use earthworm_wire::flow::{
    Amount, Connections, DNS_BUCKETS, Direction, Dns, DnsAnswers, DnsLatency, Dropped, Flow, Owner,
    OwnerKind, RoundTrip, Sweep, Traffic, Transport,
};
use earthworm_wire::record::{Cost, Lost, Record, Trouble, TroubleReason};
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// A pod or service, since when it has its address, and since when that is known.
#[derive(Debug)]
struct Known {
    endpoint: Arc<Endpoint>,
    address: IpAddr,
    from: Timestamp,
    known: f64,
}

/// Names as a cluster gives them: some of them late.
#[derive(Debug, Default)]
pub(crate) struct Book {
    known: Vec<Known>,
    now: f64,
}

impl Names for Book {
    fn owner(&self, node: &str, owner: &OwnerKind) -> Option<Arc<Endpoint>> {
        let (uid, container) = match owner {
            OwnerKind::Process { .. } | OwnerKind::Node => {
                return Some(Arc::new(plain_owner(node, owner)));
            }
            OwnerKind::Pod { pod_uid } => (pod_uid, None),
            OwnerKind::Container { pod_uid, container_id } => (pod_uid, Some(container_id)),
        };
        let known = self
            .known
            .iter()
            .find(|known| known.known <= self.now && full_name(&known.endpoint) == *uid)?;
        let container = container.map(|id| id.as_str().into());
        Some(Arc::new(Endpoint { container, ..Endpoint::clone(&known.endpoint) }))
    }

    fn address(
        &self,
        address: IpAddr,
        _: u16,
        _: Transport,
        at: Timestamp,
    ) -> Option<Arc<Endpoint>> {
        let there =
            self.known.iter().rev().find(|known| {
                known.address == address && known.known <= self.now && known.from <= at
            });
        // What is not known yet looks like nobody's.
        let nobody = || Arc::new(plain_address(address));
        Some(there.map_or_else(nobody, |known| known.endpoint.clone()))
    }
}

fn full_name(endpoint: &Endpoint) -> String {
    match &endpoint.namespace {
        Some(namespace) => format!("{namespace}/{}", endpoint.name),
        None => endpoint.name.to_string(),
    }
}

/// Words of a line, and `key=value`.
struct Line<'a>(Vec<&'a str>);

impl<'a> Line<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn count(&self, key: &str) -> u64 {
        self.value(key).map_or(0, |value| value.parse().unwrap())
    }
}

/// An observer that has heard a script.
pub(crate) struct Play {
    pub(crate) observer: Observer,
    pub(crate) news: Vec<News>,
    pub(crate) names: Book,
    pub(crate) end: f64,
}

pub(crate) fn node_id(name: &str) -> NodeId {
    NodeId { cluster: "lab".into(), node: name.into() }
}

/// Plays a script for the nodes `node-a` and `node-b`.
pub(crate) fn play(script: &str) -> Play {
    let nodes = ["node-a", "node-b"].map(node_id);
    let observer = Observer::new(&nodes);
    let mut play = Play { observer, news: Vec::new(), names: Book::default(), end: 0.0 };
    let mut sweeps: HashMap<String, (u64, f64)> = HashMap::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at: f64 = words[0].parse().unwrap();
        (play.names.now, play.end) = (at, at);
        let line = Line(words[2..].to_vec());
        if words[1] == "name" {
            let known = known(&line, at);
            play.names.known.push(known);
            continue;
        }
        let kind = kind(words[1], &line, at, &mut sweeps);
        let signal = Signal { at: stamp(at), node: node_id(words[1]), kind };
        play.news.extend(play.observer.feed(&signal, &play.names));
    }
    play
}

fn known(line: &Line<'_>, at: f64) -> Known {
    if line.0[0] == "node" {
        let address = line.0[2].parse().unwrap();
        let endpoint = Endpoint {
            kind: EndpointKind::Node,
            name: line.0[1].into(),
            node: Some(line.0[1].into()),
            ..plain_address(address)
        };
        return Known { endpoint: Arc::new(endpoint), address, from: stamp(at).wall, known: at };
    }
    let (namespace, name) = line.0[1].split_once('/').unwrap();
    let service = ServiceName { namespace: namespace.into(), name: name.into() };
    let is_pod = line.0[0] == "pod";
    let address = line.0[2].parse().unwrap();
    let endpoint = Endpoint {
        kind: if is_pod { EndpointKind::Pod } else { EndpointKind::Service },
        namespace: Some(namespace.into()),
        name: name.into(),
        container: None,
        workload: None,
        service: if is_pod { line.value("service").map(service_name) } else { Some(service) },
        node: is_pod.then(|| line.0[3].into()),
        address: Some(address),
    };
    let known = line.value("known").map_or(at, |known| known.parse().unwrap());
    Known { endpoint: Arc::new(endpoint), address, from: stamp(at).wall, known }
}

fn service_name(text: &str) -> ServiceName {
    let (namespace, name) = text.split_once('/').unwrap();
    ServiceName { namespace: namespace.into(), name: name.into() }
}

fn kind(
    node: &str,
    line: &Line<'_>,
    at: f64,
    sweeps: &mut HashMap<String, (u64, f64)>,
) -> SignalKind {
    let session = SignalKind::Session;
    SignalKind::Probe(match line.0[0] {
        "owner" => {
            let name = line.0[2].to_owned();
            let kind = match line.0.get(3) {
                Some(container) => {
                    OwnerKind::Container { pod_uid: name, container_id: (*container).to_owned() }
                }
                None if name == "*" => OwnerKind::Node,
                None if name.contains('/') => OwnerKind::Pod { pod_uid: name },
                None => OwnerKind::Process { name },
            };
            Record::Owner(Owner { id: line.0[1].parse().unwrap(), kind })
        }
        "sweep" => {
            let next = sweeps.get(node).map_or((0, 0.0), |(number, _)| (number + 1, 1.0));
            let (number, _) = next;
            sweeps.insert(node.to_owned(), (number, at));
            let seconds = line.0.get(1).and_then(|word| word.parse().ok()).unwrap_or(next.1);
            let time = i64::try_from(stamp(at).wall.as_nanosecond()).unwrap();
            Record::Sweep(Sweep {
                number,
                time,
                seconds,
                sweep_seconds: 0.002,
                sockets: 7,
                ended: line.count("ended"),
                held_back: line.count("held"),
                missing: line.value("missing").map(words).into_iter().collect(),
            })
        }
        "drop" => Record::Dropped(Box::new(dropped(line))),
        "dns" => Record::Dns(Box::new(dns(line))),
        "cost" => Record::Cost(Cost {
            elapsed_seconds: at,
            cpu_seconds: 0.01,
            rss_bytes: 9 << 20,
            ..Cost::default()
        }),
        "lost" => Record::Lost(Lost { kernel: 0, probe: 3, tunnel: 0 }),
        "trouble" => Record::Trouble(Trouble {
            time: 0,
            reason: TroubleReason::Kernel,
            message: "no iterator over files".into(),
        }),
        "creating" => return session(SessionState::Creating),
        "restarting" => {
            sweeps.remove(node);
            return session(SessionState::Restarting("probe is gone".into()));
        }
        "broke" => return session(SessionState::Interrupted("connection reset".into())),
        "removed" => return session(SessionState::Removed(true)),
        word @ ("streaming" | "resumed") => {
            return session(SessionState::Streaming(Streaming {
                resumed: word == "resumed",
                lost_records: line.count("lost"),
                profile: "bpf".into(),
                image: "pause".into(),
                version: "0.1.0".into(),
            }));
        }
        "failed" => {
            return session(SessionState::Failed(crate::signal::Problem {
                reason: "image-refused",
                message: format!("node {node}: image \u{1b}[2J refused"),
                hint: Some("use --image".into()),
            }));
        }
        _ => Record::Flow(Box::new(flow(line))),
    })
}

fn dns(line: &Line<'_>) -> Dns {
    let answers = |word: &&str| {
        let (code, answers) = word.split_once('=')?;
        let (count, micros) = answers.split_once('x')?;
        let (count, micros): (u64, u64) = (count.parse().unwrap(), micros.parse().unwrap());
        let mut latency = DnsLatency { count, sum_micros: count * micros, ..Default::default() };
        let bucket = usize::try_from(micros.max(1).ilog2()).unwrap();
        latency.buckets[bucket.min(DNS_BUCKETS - 1)] = count;
        Some(DnsAnswers { code: code.parse().unwrap(), count, latency })
    };
    Dns {
        owner: line.0[1].parse().unwrap(),
        server: line.0[2].parse().unwrap(),
        questions: line.count("asked"),
        timeouts: line.count("silent"),
        answers: line.0.iter().filter_map(answers).collect(),
    }
}

fn dropped(line: &Line<'_>) -> Dropped {
    let ends = (line.0[3] != "*").then(|| {
        let destination: SocketAddr = line.0[4].parse().unwrap();
        (line.0[3].parse().unwrap(), destination)
    });
    Dropped {
        owner: line.0[1].parse().unwrap(),
        reason: line.0[2].to_owned(),
        protocol: line.count("proto").try_into().unwrap(),
        source: ends.map(|(source, _)| source),
        destination: ends.map(|(_, destination)| destination.ip()),
        port: ends.map_or(0, |(_, destination)| destination.port()),
        packets: line.count("packets"),
        bytes: line.count("bytes"),
    }
}

fn flow(line: &Line<'_>) -> Flow {
    let outgoing = line.0[1] == ">";
    let remote: SocketAddr = line.0[2].parse().unwrap();
    let local = line
        .value("local")
        .map_or(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), |local| local.parse().unwrap());
    let amount = |key: &str| {
        let bytes = line.count(key);
        Amount { bytes, packets: bytes.div_ceil(1000) }
    };
    let round_trip = line.value("rtt").map(|micros| {
        let micros = micros.parse().unwrap();
        RoundTrip::of_one(micros, micros / 2)
    });
    Flow {
        owner: line.0[0].parse().unwrap(),
        peer: line.value("peer").map(|peer| peer.parse().unwrap()),
        transport: if line.0.contains(&"udp") { Transport::Udp } else { Transport::Tcp },
        direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
        local,
        remote: remote.ip(),
        port: remote.port(),
        backend: line.value("backend").map(|backend| backend.parse().unwrap()),
        traffic: Traffic {
            sent: amount("sent"),
            received: amount("received"),
            retransmits: line.count("again"),
            peer_retransmits: line.value("peeragain").map(|count| count.parse().unwrap()),
            connections: Connections {
                open: line.count("open"),
                opened: line.count("opened"),
                closed: line.count("closed"),
                refused: line.count("refused"),
                failed: line.count("failed"),
                reset: line.count("reset"),
                older: line.count("older"),
            },
            round_trip,
        },
    }
}

pub(crate) fn query(view: View) -> Query {
    let (filter, sort) = (Filter::default(), SortBy::Bytes);
    Query { view, filter, sort, rows: None, node: None, moved_only: false }
}

/// Plays a script and compares the rows of a question.
#[track_caller]
pub(crate) fn check(script: &str, query: &Query, expected: &str) {
    let play = play(script);
    assert_rows(&play.observer.ledger.listing(query), expected);
}

#[track_caller]
pub(crate) fn assert_rows(listing: &Listing, expected: &str) {
    let found: Vec<String> = listing.rows.iter().map(row).collect();
    let expected: Vec<&str> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected);
}

fn drop_words(drop: &DropRow) -> String {
    let DropRow { place, reason, port, .. } = drop;
    let name = |end: &Option<crate::traffic::End>| full_name(&end.as_ref().unwrap().endpoint);
    let ends = match drop.protocol_name() {
        Some(protocol) => {
            format!("{} > {}:{port}/{protocol}", name(&drop.source), name(&drop.destination))
        }
        None => "many".to_owned(),
    };
    format!("in {} {reason} {ends}", full_name(place))
}

/// Questions, those without an answer, and answers by code.
fn dns_counts(counts: &DnsCounts) -> String {
    let answers: Vec<String> =
        counts.answers.iter().map(|(code, count)| format!("{code}={count}")).collect();
    let mean = counts.mean_seconds().map_or("?".to_owned(), |mean| format!("{:.0}", mean * 1e6));
    format!("{}-{} {} {mean}us", counts.questions, counts.timeouts, answers.join(" "))
}

/// `_` stands for a space.
fn words(text: &str) -> String {
    text.replace('_', " ")
}

/// A row: who, sent/received (of what was dropped, packets/bytes) since the start, what of it in the last interval.
fn row(row: &Row) -> String {
    let mut text = match &row.subject {
        Subject::Flow(flow) => {
            let end = |end: &crate::traffic::End| {
                let containers = end.containers.values();
                let inside = if containers.is_empty() {
                    String::new()
                } else {
                    format!("[{}]", containers.join(","))
                };
                full_name(&end.endpoint) + &inside
            };
            let (source, destination) = (end(&flow.source), end(&flow.destination));
            let transport = flow.transport.name();
            format!("{source} > {destination}:{}/{transport}", flow.port)
        }
        Subject::Pod(pod) => full_name(pod),
        Subject::Service(service) => format!("{}/{}", service.namespace, service.name),
        Subject::Namespace(name) => name.to_string(),
        Subject::Port(port, transport) => format!("{port}/{}", transport.name()),
        Subject::Drop(drop) => drop_words(drop),
        Subject::Dns(dns) => {
            format!("{} ? {}", full_name(&dns.client), full_name(&dns.server.endpoint))
        }
    };
    if let Some(node) = &row.node {
        text = format!("{node} {text}");
    }
    if let Subject::Dns(dns) = &row.subject {
        text += &format!(" {}", dns_counts(&dns.total));
        if let Some(interval) = &dns.interval {
            text += &format!(" last {} rate={}", dns_counts(interval), row.rate);
        }
        return text;
    }
    let is_drop = matches!(row.subject, Subject::Drop(_));
    let bytes = |amounts: &Amounts| match amounts.sent {
        dropped if is_drop => format!("{}/{}", dropped.packets, dropped.bytes),
        sent => format!("{}/{}", sent.bytes, amounts.received.bytes),
    };
    text += &format!(" {}", bytes(&row.total));
    if let Some(interval) = &row.interval {
        text += &format!(" last {} rate={}", bytes(interval), row.rate);
    }
    if let Some(trip) = &row.round_trip {
        text += &format!(" rtt={:.1}ms", trip.mean_seconds() * 1e3);
    }
    let known = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let (source, destination) = (row.total.source_retransmits, row.total.destination_retransmits);
    if row.total.retransmits().is_some_and(|count| count > 0) {
        text += &format!(" again={}+{}", known(source), known(destination));
    }
    if row.open > 0 {
        text += &format!(" open={}", row.open);
    }
    if row.older > 0 {
        text += &format!(" older={}", row.older);
    }
    if let Subject::Flow(flow) = &row.subject
        && !flow.backends.values().is_empty()
    {
        text += &format!(" by={}", flow.backends.values().join(","));
    }
    text
}
