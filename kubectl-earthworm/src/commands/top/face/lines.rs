//! Tables or objects: data to stdout, lines for people to stderr.

use crate::commands::top::asked::Asked;
use crate::output::{self, Format, Options, Style, Told, TrafficSink};
use crate::rhythm::{EventKind, Finding, FindingKind, ProbeState};
use crate::signal::{NodeId, Problem};
use crate::traffic::{Observer, Query, Summary};
use crate::ui::{Spinner, Ui};
use std::io::{self, BufWriter, IsTerminal};
use std::time::Duration;

/// The sink of a format, and a spinner until the first interval.
pub(super) struct Lines {
    sink: Box<dyn TrafficSink>,
    spinner: Option<Spinner>,
    ui: Ui,
    /// The format is one for people, who want to see less.
    for_people: bool,
    interval: Duration,
    /// The first error of the output.
    failure: Option<io::Error>,
}

impl Lines {
    pub(super) fn open(asked: &Asked, ui: Ui, nodes: &[NodeId], with_spinner: bool) -> Self {
        let style = |color| if color { Style::COLOR } else { Style::PLAIN };
        let options = Options {
            headers: asked.headers,
            out: style(ui.colors(io::stdout().is_terminal())),
            err: style(ui.colors(io::stderr().is_terminal())),
        };
        let format = asked.format.unwrap_or(Format::Table);
        let out = BufWriter::new(io::stdout());
        Self {
            sink: output::traffic_sink(format, out, ui.voice(), nodes, options),
            spinner: with_spinner.then(|| ui.spinner()),
            ui,
            for_people: !asked.for_programs(),
            interval: asked.interval,
            failure: None,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn is_per_node(&self) -> bool {
        self.sink.is_per_node()
    }

    pub(super) fn finding(&mut self, finding: &Finding) {
        match &finding.kind {
            FindingKind::Probe(state) => self.progress(finding, state),
            // How the probe is reached: data, and news for those who ask.
            FindingKind::Event(event)
                if matches!(event.kind, EventKind::BypassOpen | EventKind::BypassClosed(_))
                    && self.for_people
                    && !self.ui.verbose => {}
            _ => self.write(|sink| sink.finding(finding)),
        }
    }

    pub(super) fn interval_of(&mut self, observer: &Observer, node: usize, query: &Query) {
        let query = Query { node: Some(node), moved_only: true, ..query.clone() };
        let Some((id, last)) = observer.nodes().nth(node).zip(observer.ledger.last(node)) else {
            return;
        };
        let listing = observer.ledger.listing(&query);
        let told = Told { view: query.view, listing: &listing, of: Some((id, last)) };
        self.told(&told);
    }

    pub(super) fn interval(&mut self, observer: &Observer, query: &Query) {
        let listing = observer.ledger.listing(query);
        self.told(&Told { view: query.view, listing: &listing, of: None });
    }

    fn told(&mut self, told: &Told<'_>) {
        self.spinner = None;
        self.write(|sink| sink.told(told));
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn TrafficSink) -> io::Result<()>) {
        let sink = self.sink.as_mut();
        let written = match &self.spinner {
            Some(spinner) => spinner.suspend(|| write(sink)),
            None => write(sink),
        };
        if let Err(error) = written {
            self.failure.get_or_insert(error);
        }
    }

    fn progress(&mut self, finding: &Finding, state: &ProbeState) {
        let node = output::escape(&finding.node.node);
        // Where a slow start has lost its time is what `-v` is asked for.
        let after = format!("after {:.2} s", finding.at.monotonic.as_secs_f64());
        let text = match state {
            ProbeState::Creating => format!("{node}: creating the probe"),
            ProbeState::Starting(what) => {
                let text = format!("{node}: waiting for {}", output::escape(what));
                self.detail(&format!("{text}, {after}"));
                text
            }
            ProbeState::Streaming(streaming) => {
                self.detail(&format!(
                    "{node}: probe {} runs with profile {} from image {}, {after}",
                    streaming.version,
                    output::escape(&streaming.profile),
                    output::escape(&streaming.image)
                ));
                let seconds = self.interval.as_secs_f64();
                format!("{node}: counting; the first interval takes {seconds} s")
            }
            _ => return,
        };
        if let Some(spinner) = &self.spinner {
            spinner.set(&text);
        }
    }

    fn detail(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| self.ui.detail(text)),
            None => self.ui.detail(text),
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        self.spinner = None;
        self.ui.note(text);
    }

    pub(super) fn close(mut self, summaries: &[Summary]) -> Result<(), Problem> {
        self.spinner = None;
        self.write(|sink| sink.finish(summaries));
        match self.failure {
            // The reader has seen enough, as `head` does.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(Problem {
                reason: "output",
                message: format!("cannot write the output: {error}"),
                hint: None,
            }),
            None => Ok(()),
        }
    }
}
