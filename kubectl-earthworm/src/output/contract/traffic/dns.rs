//! Questions to DNS servers as data: `DnsList`.

use super::{Body, EndBody, Object, end, end_alone, end_of, object, seconds};
use crate::output::traffic::Told;
use crate::signal::NodeId;
use crate::traffic::{DnsCounts, DnsRow, Interval, Listing, Subject};
use earthworm_wire::flow::{DnsAnswers, DnsLatency};
use serde::Serialize;

/// What was asked from one node in an interval.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::output) struct DnsListBody {
    interval: u64,
    interval_seconds: f64,
    matching: usize,
    items: Vec<ItemBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<CountsBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemBody {
    client: EndBody,
    server: EndBody,
    #[serde(flatten)]
    counts: CountsBody,
    since_start: CountsBody,
}

#[derive(Debug, Serialize)]
struct CountsBody {
    queries: u64,
    timeouts: u64,
    answers: Vec<AnswersBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<LatencyBody>,
}

/// Answers with one code.
#[derive(Debug, Serialize)]
struct AnswersBody {
    code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    count: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LatencyBody {
    answers: u64,
    mean_seconds: f64,
    at_least_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    below_seconds: Option<f64>,
}

/// The object of an interval of one node.
pub(super) fn list(told: &Told<'_>, node: &NodeId, interval: &Interval) -> Object {
    let Listing { rows, matching, unplaced_dns, .. } = told.listing;
    let items = rows.iter().filter_map(|row| match &row.subject {
        Subject::Dns(dns) => Some(item(dns)),
        _ => None,
    });
    let body = DnsListBody {
        interval: interval.number,
        interval_seconds: seconds(interval.seconds),
        matching: *matching,
        items: items.collect(),
        other: (*unplaced_dns != DnsCounts::default()).then(|| counts_body(unplaced_dns)),
    };
    object("DnsList", end_of(interval), node, Body::DnsList(Box::new(body)))
}

fn item(dns: &DnsRow) -> ItemBody {
    let nothing = DnsCounts::default();
    ItemBody {
        client: end_alone(&dns.client),
        server: end(&dns.server, None),
        counts: counts_body(dns.interval.as_ref().unwrap_or(&nothing)),
        since_start: counts_body(&dns.total),
    }
}

fn counts_body(counts: &DnsCounts) -> CountsBody {
    let answers = counts.answers.iter().map(|(code, count)| AnswersBody {
        code: *code,
        name: DnsAnswers { code: *code, count: 0, latency: DnsLatency::default() }.name(),
        count: *count,
    });
    let latency = counts.mean_seconds().map(|mean| LatencyBody {
        answers: counts.latency.count,
        mean_seconds: seconds(mean),
        at_least_seconds: seconds(counts.at_least_seconds().unwrap_or(0.0)),
        below_seconds: counts.below_seconds().map(seconds),
    });
    CountsBody {
        queries: counts.questions,
        timeouts: counts.timeouts,
        answers: answers.collect(),
        latency,
    }
}
