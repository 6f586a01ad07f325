//! All nodes at a glance, at the end.

use super::people::node_name;
use super::table::{duration, spans_clusters};
use crate::rhythm::Summary;
use crate::signal::NodeId;
use comfy_table::{ContentArrangement, Table, presets};

/// A table with a line per node.
#[must_use]
pub fn table(summaries: &[Summary]) -> String {
    let nodes: Vec<NodeId> = summaries.iter().map(|summary| summary.node.clone()).collect();
    let with_cluster = spans_clusters(&nodes);
    let mut table = Table::new();
    // As kubectl has it: no lines, no wrapping.
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "NODE",
        "BEATS",
        "API",
        "MISSED",
        "MEAN",
        "SDNN",
        "RENEW-P99",
        "RHYTHM",
        "WORST",
    ]);
    for summary in summaries {
        let absent = || "<none>".to_owned();
        let number = |value: Option<u64>| value.map_or_else(absent, |value| value.to_string());
        let listened = summary.missed.is_some();
        let seconds = |value: Option<f64>| value.map_or_else(absent, |s| format!("{s:.3}s"));
        table.add_row([
            node_name(&summary.node, with_cluster),
            number(listened.then(|| summary.beats.on_node())),
            summary.beats.api.to_string(),
            number(summary.missed),
            seconds(summary.intervals.mean),
            seconds(summary.intervals.sdnn),
            summary.renews.p99.map_or_else(absent, duration),
            summary.rhythm.title().to_owned(),
            summary.worst.title().to_owned(),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
