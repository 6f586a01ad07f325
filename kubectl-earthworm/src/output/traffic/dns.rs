//! The columns of questions to DNS servers, and one row of them in words.

use super::columns::{Column, NODE, addresses, end_name, workload};
use crate::output::sentence::count;
use crate::output::table::duration;
use crate::traffic::{DnsCounts, DnsRow, NOERROR, NXDOMAIN, Row, SERVFAIL, Subject};
use earthworm_wire::flow::{DnsAnswers, DnsLatency};

/// Columns that say who asked whom, and what came of it.
pub(super) fn columns(wide: bool, several_nodes: bool) -> Vec<Column> {
    let mut columns: Vec<Column> = several_nodes.then_some(NODE).into_iter().collect();
    columns.extend(WHO);
    columns.extend(MEASURES);
    if wide {
        columns.extend(WIDE);
    }
    columns
}

const WHO: [Column; 2] = [
    Column::name("CLIENT", |row| Some(end_name(&dns(row)?.client))),
    Column::name("SERVER", |row| Some(end_name(&dns(row)?.server.endpoint))),
];

const MEASURES: [Column; 8] = [
    Column::new("QUERIES", |row| total(row, "QUERIES")),
    Column::new("NOERROR", |row| total(row, "NOERROR")),
    Column::new("NXDOMAIN", |row| total(row, "NXDOMAIN")),
    Column::new("SERVFAIL", |row| total(row, "SERVFAIL")),
    Column::new("OTHER", |row| total(row, "OTHER")),
    Column::new("TIMEOUTS", |row| total(row, "TIMEOUTS")),
    Column::new("LATENCY", |row| total(row, "LATENCY")),
    Column::new("RATE", |row| Some(format!("{:.1}/s", row.rate))),
];

const WIDE: [Column; 5] = [
    Column::new("LATENCY-MIN", |row| total(row, "LATENCY-MIN")),
    Column::new("LATENCY-MAX", |row| total(row, "LATENCY-MAX")),
    Column::new("OTHER-CODES", |row| total(row, "OTHER-CODES")),
    Column::new("CLIENT-WORKLOAD", |row| workload(&dns(row)?.client)),
    Column::new("SERVER-ADDRESS", |row| Some(addresses(&dns(row)?.server))),
];

fn dns(row: &Row) -> Option<&DnsRow> {
    match &row.subject {
        Subject::Dns(dns) => Some(dns),
        _ => None,
    }
}

fn total(row: &Row, title: &str) -> Option<String> {
    value(&dns(row)?.total, title)
}

/// What stands in a column of numbers; `None` when there is nothing to say.
pub(super) fn value(counts: &DnsCounts, title: &str) -> Option<String> {
    Some(match title {
        "QUERIES" => counts.questions.to_string(),
        "NOERROR" => counts.with_code(NOERROR).to_string(),
        "NXDOMAIN" => counts.with_code(NXDOMAIN).to_string(),
        "SERVFAIL" => counts.with_code(SERVFAIL).to_string(),
        "OTHER" => counts.other_codes().map(|(_, count)| count).sum::<u64>().to_string(),
        "TIMEOUTS" => counts.timeouts.to_string(),
        "LATENCY" => duration(counts.mean_seconds()?),
        "LATENCY-MIN" => format!(">={}", duration(counts.at_least_seconds()?)),
        "LATENCY-MAX" => format!("<{}", duration(counts.below_seconds()?)),
        "OTHER-CODES" => {
            let codes = counts.other_codes();
            let codes: Vec<String> =
                codes.map(|(code, count)| format!("{}={count}", code_name(code))).collect();
            codes.join(",")
        }
        _ => return None,
    })
}

/// The code's name, or its number when it has none.
fn code_name(code: u8) -> String {
    let answers = DnsAnswers { code, count: 0, latency: DnsLatency::default() };
    answers.name().map_or_else(|| code.to_string(), str::to_owned)
}

/// The same where a bare number would not say what it is.
fn code_in_words(code: u8) -> String {
    let name = code_name(code);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("with code {name}")
    } else {
        name
    }
}

/// Who asked whom; unescaped.
pub(super) fn title(dns: &DnsRow) -> String {
    format!(
        "{} asks {} at {}",
        end_name(&dns.client),
        end_name(&dns.server.endpoint),
        addresses(&dns.server)
    )
}

/// How much it was; unescaped.
pub(super) fn amounts(dns: &DnsRow) -> String {
    let amount = |counts: &DnsCounts| {
        let mut text = count(counts.questions, "question");
        for (code, answers) in &counts.answers {
            text += &format!(", {answers} {}", code_in_words(*code));
        }
        text + &format!(", {} without an answer", counts.timeouts)
    };
    let mut text = amount(&dns.total);
    if let Some(interval) = &dns.interval {
        text += &format!("; in the last interval {}", amount(interval));
    }
    text
}

/// How long answers took; unescaped.
pub(super) fn latency(dns: &DnsRow) -> String {
    let Some(mean) = dns.total.mean_seconds() else {
        return "no answer was timed".to_owned();
    };
    let least = duration(dns.total.at_least_seconds().unwrap_or(0.0));
    let below = dns.total.below_seconds();
    let below = below.map(|below| format!(" and less than {}", duration(below)));
    let below = below.unwrap_or_default();
    format!("an answer took {} on average, at least {least}{below}", duration(mean))
}
