//! What the person or the program at the other end sees: lines in a format,
//! or the live screen.

use crate::cli::pulse::{OutputFormat, PulseArgs};
use crate::output::{self, Format, Options, Sink, Style};
use crate::rhythm::{EventKind, Finding, FindingKind, ProbeState, Summary};
use crate::signal::{NodeId, Problem};
use crate::ui::{Spinner, Ui};
use std::io::{self, IsTerminal};

/// Where findings go.
pub(super) struct Face {
    sink: Box<dyn Sink>,
    /// Shown until the first data line.
    spinner: Option<Spinner>,
    ui: Ui,
    /// The format is one for people, who want to see less.
    for_people: bool,
    /// Nobody reads any more.
    closed: bool,
}

impl Face {
    /// The face that flags and terminal ask for.
    pub(super) fn open(arguments: &PulseArgs, ui: Ui, nodes: &[NodeId]) -> Self {
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
        let sink = output::sink(format, io::stdout(), Voice(ui), nodes, options);
        let for_people = matches!(format, Format::Table | Format::Wide | Format::Name);
        Self { sink, spinner: Some(ui.spinner()), ui, for_people, closed: false }
    }

    /// Whether the reader of the output has gone: time to end.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Shows one finding.
    pub(super) fn finding(&mut self, finding: &Finding) -> Result<(), Problem> {
        match &finding.kind {
            FindingKind::Probe(state) => {
                self.progress(finding, state);
                return Ok(());
            }
            FindingKind::Beat(_) => self.spinner = None,
            // Which process and which leads: news only for those who ask, and data.
            FindingKind::Event(event)
                if matches!(event.kind, EventKind::Attached(_))
                    && self.for_people
                    && !self.ui.verbose =>
            {
                return Ok(());
            }
            _ => {}
        }
        self.write(|sink| sink.finding(finding))
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
    ) -> Result<(), Problem> {
        let sink = self.sink.as_mut();
        let written = match &self.spinner {
            Some(spinner) => spinner.suspend(|| write(sink)),
            None => write(sink),
        };
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Problem {
                reason: "output",
                message: format!("cannot write the output: {error}"),
                hint: None,
            }),
        }
    }

    fn progress(&mut self, finding: &Finding, state: &ProbeState) {
        let node = output::escape(&finding.node.node);
        let text = match state {
            ProbeState::Creating => format!("{node}: creating the probe"),
            ProbeState::Starting(what) => format!("{node}: waiting for {}", output::escape(what)),
            ProbeState::Streaming(streaming) => {
                if !streaming.resumed {
                    self.detail(&format!(
                        "{node}: probe {} runs with profile {} from image {}",
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

    fn detail(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| self.ui.detail(text)),
            None => self.ui.detail(text),
        }
    }

    /// A line for people.
    pub(super) fn note(&mut self, text: &str) {
        self.spinner = None;
        self.ui.note(text);
    }

    /// Something that concerns no single node.
    pub(super) fn problem(&mut self, problem: &Problem) {
        self.spinner = None;
        self.ui.problem(problem);
    }

    /// The last word about every node.
    pub(super) fn close(mut self, summaries: &[Summary]) -> Result<(), Problem> {
        self.spinner = None;
        self.write(|sink| sink.finish(summaries))
    }
}

/// Lines for people, unless `-q`.
struct Voice(Ui);

impl io::Write for Voice {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.quiet { Ok(bytes.len()) } else { io::stderr().write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
