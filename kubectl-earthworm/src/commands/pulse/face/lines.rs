//! Lines in a format: data to stdout, lines for people to stderr.

use crate::cli::pulse::{OutputFormat, PulseArgs};
use crate::output::{self, Format, Options, Sink, Style};
use crate::rhythm::{EventKind, Finding, FindingKind, ProbeState, Summary};
use crate::signal::{NodeId, Problem};
use crate::ui::{Spinner, Ui};
use std::io::{self, BufWriter, IsTerminal};

/// The sink of a format, and a spinner until the first data.
pub(super) struct Lines {
    sink: Box<dyn Sink>,
    spinner: Option<Spinner>,
    ui: Ui,
    /// The format is one for people, who want to see less.
    for_people: bool,
    /// The sink may hold something that is not written yet.
    kept: bool,
    /// The first error of the output.
    failure: Option<io::Error>,
}

impl Lines {
    pub(super) fn open(
        arguments: &PulseArgs,
        ui: Ui,
        nodes: &[NodeId],
        with_spinner: bool,
    ) -> Self {
        let format = match arguments.output {
            None | Some(OutputFormat::Table) => Format::Table,
            Some(OutputFormat::Wide) => Format::Wide,
            Some(OutputFormat::Json) => Format::Json,
            Some(OutputFormat::Yaml) => Format::Yaml,
            Some(OutputFormat::Name) => Format::Name,
        };
        let style = |color| if color { Style::COLOR } else { Style::PLAIN };
        let options = Options {
            headers: !arguments.no_headers,
            out: style(ui.colors(io::stdout().is_terminal())),
            err: style(ui.colors(io::stderr().is_terminal())),
        };
        Self {
            sink: output::sink(format, BufWriter::new(io::stdout()), ui.voice(), nodes, options),
            spinner: with_spinner.then(|| ui.spinner()),
            ui,
            for_people: matches!(format, Format::Table | Format::Wide | Format::Name),
            kept: false,
            failure: None,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            match &finding.kind {
                FindingKind::Probe(state) => self.progress(finding, state),
                // How the probe listens and is reached: data, and news for those who ask.
                FindingKind::Event(event)
                    if matches!(
                        event.kind,
                        EventKind::Attached(_) | EventKind::BypassOpen | EventKind::BypassClosed(_)
                    ) && self.for_people
                        && !self.ui.verbose => {}
                _ => {
                    self.kept = true;
                    self.write(|sink| sink.finding(finding));
                }
            }
            if matches!(finding.kind, FindingKind::Beat(_)) {
                self.spinner = None;
            }
        }
    }

    /// Writes what was kept so far.
    pub(super) fn flush(&mut self) {
        // The spinner would flicker with every look.
        if std::mem::take(&mut self.kept) {
            self.write(|sink| sink.flush());
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn Sink) -> io::Result<()>) {
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
                if !streaming.resumed {
                    self.detail(&format!(
                        "{node}: probe {} runs with profile {} from image {}, {after}",
                        streaming.version,
                        output::escape(&streaming.profile),
                        output::escape(&streaming.image)
                    ));
                }
                format!("{node}: listening; a heart beats every 10 s")
            }
            _ => return,
        };
        if let Some(spinner) = &self.spinner {
            spinner.set(&text);
        }
    }

    fn detail(&mut self, text: &str) {
        self.flush();
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| self.ui.detail(text)),
            None => self.ui.detail(text),
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        self.flush();
        self.spinner = None;
        self.ui.note(text);
    }

    pub(super) fn problem(&mut self, problem: &Problem) {
        self.flush();
        self.spinner = None;
        self.ui.problem(problem);
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
