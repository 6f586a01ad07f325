//! The columns of dropped packets, and one row of them in words.

use super::columns::{Column, NODE, addresses, end_name, workload};
use super::reasons::meaning;
use super::size;
use crate::output::sentence::count;
use crate::traffic::{Amounts, DropRow, End, Row, Subject};

/// Instead of the ends of a crowd.
const MANY: &str = "(many)";

/// Columns that say what was dropped where, and how much of it.
pub(super) fn columns(wide: bool, several_nodes: bool) -> Vec<Column> {
    let mut columns: Vec<Column> = several_nodes.then_some(NODE).into_iter().collect();
    columns.extend(WHAT);
    columns.extend(MEASURES);
    if wide {
        columns.extend(WIDE);
    }
    columns
}

const WHAT: [Column; 6] = [
    Column::name("WHERE", |row| Some(end_name(&drop(row)?.place))),
    Column::name("REASON", |row| Some(drop(row)?.reason.to_string())),
    Column::name("SOURCE", |row| end(row, |drop| drop.source.as_ref())),
    Column::name("DESTINATION", |row| end(row, |drop| drop.destination.as_ref())),
    Column::name("PORT", |row| port(drop(row)?)),
    Column::name("PROTOCOL", |row| drop(row)?.protocol_name()),
];

const MEASURES: [Column; 3] = [
    Column::new("PACKETS", |row| Some(row.total.sent.packets.to_string())),
    Column::new("BYTES", |row| Some(size::bytes(row.total.sent.bytes))),
    Column::new("RATE", |row| Some(format!("{:.1}/s", row.rate))),
];

const WIDE: [Column; 6] = [
    Column::new("WORKLOAD", |row| workload(&drop(row)?.place)),
    Column::new("SOURCE-WORKLOAD", |row| workload(&drop(row)?.source.as_ref()?.endpoint)),
    Column::new("SOURCE-ADDRESS", |row| Some(addresses(drop(row)?.source.as_ref()?))),
    Column::new("DESTINATION-WORKLOAD", |row| workload(&drop(row)?.destination.as_ref()?.endpoint)),
    Column::new("DESTINATION-ADDRESS", |row| Some(addresses(drop(row)?.destination.as_ref()?))),
    Column::new("MEANING", |row| meaning(&drop(row)?.reason).map(str::to_owned)),
];

fn drop(row: &Row) -> Option<&DropRow> {
    match &row.subject {
        Subject::Drop(drop) => Some(drop),
        _ => None,
    }
}

fn end(row: &Row, which: impl FnOnce(&DropRow) -> Option<&End>) -> Option<String> {
    let drop = drop(row)?;
    if drop.is_crowd() {
        return Some(MANY.to_owned());
    }
    which(drop).map(|end| end_name(&end.endpoint))
}

fn port(drop: &DropRow) -> Option<String> {
    (drop.port != 0).then(|| drop.port.to_string())
}

/// What was dropped, and where; unescaped.
pub(super) fn title(drop: &DropRow) -> String {
    let place = end_name(&drop.place);
    let what = match drop.protocol_name() {
        None => "from and to many".to_owned(),
        Some(protocol) => {
            let name = |end: &Option<End>| {
                end.as_ref().map_or("nobody".to_owned(), |end| end_name(&end.endpoint))
            };
            let port = match port(drop) {
                Some(port) => format!("port {port}/{protocol}"),
                None => format!("protocol {protocol}"),
            };
            format!("{} to {}, {port}", name(&drop.source), name(&drop.destination))
        }
    };
    format!("{what}; dropped in the network of {place}")
}

/// How much it was; unescaped.
pub(super) fn amounts(row: &Row) -> String {
    let amount = |amounts: &Amounts| {
        let sent = amounts.sent;
        format!("{} with {}", count(sent.packets, "packet"), size::bytes(sent.bytes))
    };
    let mut text = amount(&row.total);
    if let Some(interval) = &row.interval {
        text += &format!("; in the last interval {}", amount(interval));
    }
    text
}

/// Why, by the kernel's word and in plainer ones; unescaped.
pub(super) fn why(drop: &DropRow) -> String {
    match meaning(&drop.reason) {
        Some(meaning) => format!("{}: {meaning}", drop.reason),
        None => drop.reason.to_string(),
    }
}
