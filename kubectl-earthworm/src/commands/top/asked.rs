//! What was asked for, from flags to checked values.

use crate::cli::GlobalArgs;
use crate::cli::top::{Protocol, SortKey, TableFormat, ViewCommand};
use crate::output::Format;
use crate::signal::Problem;
use crate::traffic::{Filter, Query, SortBy, View};
use earthworm_wire::flow::Transport;
use earthworm_wire::request::{FlowsRequest, Request};
use std::time::Duration;

/// Between two looks at the sockets.
const INTERVAL: Duration = Duration::from_secs(2);
/// The same with `--once`, where a person waits for the first.
const ONCE_INTERVAL: Duration = Duration::from_secs(1);

/// Rows of a table that goes to people.
const ROWS: usize = 20;

/// What was asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Rows, and which of them.
    pub(super) query: Query,
    /// `-o`; `None` lets the terminal decide.
    pub(super) format: Option<Format>,
    /// Write the header of a table.
    pub(super) headers: bool,
    /// One interval, then the end.
    pub(super) once: bool,
    /// Between two looks at the sockets.
    pub(super) interval: Duration,
    /// `--for`.
    pub(super) duration: Option<Duration>,
    /// A node that cannot be measured is no failure.
    pub(super) allow_missing_nodes: bool,
}

impl Asked {
    /// From the flags.
    ///
    /// # Errors
    /// A [`Problem`] when they contradict each other.
    pub(super) fn new(view: &ViewCommand, global: &GlobalArgs) -> Result<Self, Problem> {
        let arguments = view.arguments();
        if arguments.all_namespaces && global.namespace.is_some() {
            return Err(Problem {
                reason: "usage",
                message: "-n and --all-namespaces exclude each other".into(),
                hint: Some("leave one of them out".into()),
            });
        }
        let format = arguments.output.map(|format| match format {
            TableFormat::Table => Format::Table,
            TableFormat::Wide => Format::Wide,
            TableFormat::Json => Format::Json,
            TableFormat::Yaml => Format::Yaml,
        });
        let for_programs = matches!(format, Some(Format::Json | Format::Yaml));
        let view = match view {
            ViewCommand::Flows(_) => View::Flows,
            ViewCommand::Pods(_) => View::Pods,
            ViewCommand::Services(_) => View::Services,
            ViewCommand::Namespaces(_) => View::Namespaces,
            ViewCommand::Ports(_) => View::Ports,
            ViewCommand::Latency(_) => View::Latency,
            ViewCommand::Retransmits(_) => View::Retransmits,
            ViewCommand::Drops(_) => View::Drops,
            ViewCommand::Dns(_) => View::Dns,
        };
        let sort = match arguments.sort_by {
            Some(SortKey::Bytes) => SortBy::Bytes,
            Some(SortKey::Packets) => SortBy::Packets,
            Some(SortKey::Rtt) => SortBy::RoundTrip,
            Some(SortKey::Retransmits) => SortBy::Retransmits,
            Some(SortKey::Connections) => SortBy::Connections,
            Some(SortKey::Queries) => SortBy::Queries,
            Some(SortKey::Timeouts) => SortBy::Timeouts,
            Some(SortKey::Latency) => SortBy::Latency,
            None => view.sort_keys()[0],
        };
        if !view.sort_keys().contains(&sort) {
            let keys: Vec<&str> = view.sort_keys().iter().map(|key| key.name()).collect();
            return Err(Problem {
                reason: "usage",
                message: format!("rows of {} have no {}", view.name(), sort.name()),
                hint: Some(format!("sort by {}", keys.join(" or "))),
            });
        }
        let filter = Filter {
            namespace: global.namespace.as_deref().map(Into::into),
            pod: arguments.pod.as_deref().map(Into::into),
            port: arguments.port,
            transport: arguments.protocol.map(|protocol| match protocol {
                Protocol::Tcp => Transport::Tcp,
                Protocol::Udp => Transport::Udp,
            }),
        };
        let rows = arguments.top.or((!for_programs).then_some(ROWS));
        let usual = if arguments.once { ONCE_INTERVAL } else { INTERVAL };
        Ok(Self {
            query: Query { view, filter, sort, rows, node: None, moved_only: false },
            format,
            headers: !arguments.no_headers,
            once: arguments.once,
            interval: arguments.interval.unwrap_or(usual),
            duration: arguments.duration,
            allow_missing_nodes: arguments.probe.allow_missing_nodes,
        })
    }

    /// What a probe is asked for.
    pub(super) fn request(&self) -> Request {
        let milliseconds = u32::try_from(self.interval.as_millis()).unwrap_or(u32::MAX);
        Request::Flows(FlowsRequest { interval_milliseconds: milliseconds })
    }

    /// Whether a program reads the output.
    pub(super) fn for_programs(&self) -> bool {
        matches!(self.format, Some(Format::Json | Format::Yaml))
    }
}
