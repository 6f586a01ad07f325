//! Dropped packets as data: `DropList`.

use super::{Body, EndBody, Object, end, end_alone, end_of, object, seconds};
use crate::output::traffic::Told;
use crate::signal::NodeId;
use crate::traffic::{DropRow, Interval, Listing, Row, Subject};
use earthworm_wire::flow::Amount;
use serde::Serialize;

/// What one node dropped in an interval.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::output) struct DropListBody {
    interval: u64,
    interval_seconds: f64,
    matching: usize,
    items: Vec<ItemBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<DroppedBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemBody {
    #[serde(rename = "where")]
    place: EndBody,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<EndBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<EndBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    #[serde(flatten)]
    dropped: DroppedBody,
    since_start: DroppedBody,
}

/// Packets, and their bytes from the IP header on.
#[derive(Debug, Serialize)]
pub(super) struct DroppedBody {
    packets: u64,
    bytes: u64,
}

/// The object of an interval of one node.
pub(super) fn list(told: &Told<'_>, node: &NodeId, interval: &Interval) -> Object {
    let Listing { rows, matching, unplaced, .. } = told.listing;
    let drops = rows.iter().filter_map(|row| match &row.subject {
        Subject::Drop(drop) => Some(item(row, drop)),
        _ => None,
    });
    let body = DropListBody {
        interval: interval.number,
        interval_seconds: seconds(interval.seconds),
        matching: *matching,
        items: drops.collect(),
        other: (unplaced.packets > 0).then(|| dropped_body(*unplaced)),
    };
    object("DropList", end_of(interval), node, Body::DropList(Box::new(body)))
}

fn item(row: &Row, drop: &DropRow) -> ItemBody {
    let port = (drop.port != 0).then_some(drop.port);
    ItemBody {
        place: end_alone(&drop.place),
        reason: drop.reason.to_string(),
        source: drop.source.as_ref().map(|source| end(source, None)),
        destination: drop.destination.as_ref().map(|destination| end(destination, port)),
        protocol: drop.protocol_name(),
        dropped: dropped_body(row.interval.unwrap_or_default().sent),
        since_start: dropped_body(row.total.sent),
    }
}

pub(super) fn dropped_body(amount: Amount) -> DroppedBody {
    DroppedBody { packets: amount.packets, bytes: amount.bytes }
}
