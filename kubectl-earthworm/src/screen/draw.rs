//! Draws the picture. Everything it needs is in the state.

use super::panel;
use super::state::State;
use crate::output::{clock_time, escape};
use crate::rhythm::Grade;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

/// Rows of a node's panel: what it needs, and what it takes at most.
const PANEL_ROWS: std::ops::RangeInclusive<u16> = 5..=11;
/// A higher trace would no longer look like one.
const ZOOMED_ROWS: u16 = 22;
/// Rows of the log, its title among them.
const LOG_ROWS: u16 = 9;

/// Colours, or what stands for them without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    color: bool,
}

impl Palette {
    pub(super) fn new(color: bool) -> Self {
        Self { color }
    }

    pub(super) fn grade(self, grade: Grade) -> Style {
        let style = Style::new();
        if !self.color {
            return match grade {
                Grade::Unknown => style.add_modifier(Modifier::DIM),
                Grade::Healthy => style,
                Grade::Notable | Grade::Unhealthy => style.add_modifier(Modifier::BOLD),
            };
        }
        match grade {
            Grade::Unknown => style.fg(Color::DarkGray),
            Grade::Healthy => style.fg(Color::LightGreen),
            Grade::Notable => style.fg(Color::LightYellow),
            Grade::Unhealthy => style.fg(Color::LightRed),
        }
    }

    /// Colour of a trace; the terminal's own without colours.
    pub(super) fn trace(self, grade: Grade) -> Color {
        self.grade(grade).fg.unwrap_or(Color::Reset)
    }

    pub(super) fn faint(self) -> Style {
        if self.color {
            Style::new().fg(Color::DarkGray)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    pub(super) fn strong() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn alarm(self) -> Style {
        if self.color {
            Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        }
    }
}

/// Draws the whole screen; any size will do.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let palette = Palette::new(state.color);
    let area = frame.area();
    let log_rows = match area.height {
        0..=15 => 0,
        16..=23 => 5,
        _ => LOG_ROWS,
    };
    let [header, hearts, log, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(log_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_header(frame, state, palette, header);
    draw_hearts(frame, state, palette, hearts);
    draw_log(frame, state, palette, log);
    draw_footer(frame, state, palette, footer);
    if state.help {
        draw_help(frame, palette, area);
    }
}

fn draw_header(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    let shown = state.shown();
    let elapsed = shown.now.monotonic.saturating_sub(shown.begun.monotonic).as_secs();
    let elapsed = format!("{:02}:{:02}:{:02}", elapsed / 3600, elapsed / 60 % 60, elapsed % 60);
    let mut clusters: Vec<&str> = shown.nodes.iter().map(|node| &*node.id.cluster).collect();
    clusters.dedup();
    let clusters = escape(&clusters.join(", ")).into_owned();
    let nodes = match shown.nodes.len() {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    };
    let mut left = vec![
        Span::styled(" earthworm pulse ", Palette::strong()),
        Span::styled(format!(" {clusters}  {nodes}"), palette.faint()),
    ];
    if let Some(note) = &shown.note {
        left.push(Span::styled(format!("  {note}"), palette.faint()));
    }
    let mut right = Vec::new();
    if state.is_held() {
        right.push(Span::styled(" PAUSED ", palette.alarm()));
    }
    right.push(Span::styled(format!(" {elapsed} "), Palette::strong()));
    let right = Line::from(right).right_aligned();
    let right_width = u16::try_from(right.width()).unwrap_or(u16::MAX);
    let [left_area, right_area] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(right_width)]).areas(area);
    frame.render_widget(Line::from(left), left_area);
    frame.render_widget(right, right_area);
}

fn draw_hearts(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    let shown = state.shown();
    if area.is_empty() || shown.nodes.is_empty() {
        return;
    }
    let (first, count) = if state.zoomed {
        (state.selected, 1)
    } else {
        let fit = usize::from(area.height / PANEL_ROWS.start()).max(1);
        let count = fit.min(shown.nodes.len());
        // The selected node stays in sight.
        (state.selected.saturating_sub(count - 1), count)
    };
    let panels = u16::try_from(count).unwrap_or(1).max(1);
    let (even, rest) = (area.height / panels, area.height % panels);
    let several = shown.nodes.len() > 1;
    let mut y = area.y;
    for (place, (index, node)) in (0..panels).zip(shown.nodes.iter().enumerate().skip(first)) {
        let most = if state.zoomed { ZOOMED_ROWS } else { *PANEL_ROWS.end() };
        let rows = (even + u16::from(place < rest)).min(most);
        let panel = Rect { y, height: rows, ..area }.intersection(area);
        let selected = several && index == state.selected;
        panel::draw(frame, node, shown.now.monotonic, selected, palette, panel);
        y = y.saturating_add(rows);
    }
}

fn draw_log(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    if area.is_empty() {
        return;
    }
    let shown = state.shown();
    let block = Block::new()
        .borders(ratatui::widgets::Borders::TOP)
        .border_style(palette.faint())
        .title(Span::styled(" events ", palette.faint()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let names = shown.nodes.iter().map(|node| escape(&node.id.node).chars().count());
    let width = names.max().unwrap_or(0).min(24);
    let newest = shown.log.iter().rev().take(usize::from(inner.height));
    let mut lines: Vec<Line<'_>> = newest
        .map(|line| {
            let text = match line.grade {
                Grade::Unknown => Style::new(),
                grade => palette.grade(grade),
            };
            Line::from(vec![
                Span::styled(format!(" {}  ", clock_time(line.time)), palette.faint()),
                Span::styled(format!("{:<width$}  ", line.node), Palette::strong()),
                Span::styled(line.text.as_str(), text),
            ])
        })
        .collect();
    lines.reverse();
    frame.render_widget(Text::from(lines), inner);
}

fn draw_footer(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    let mut keys = vec![("q", "quit"), ("p", if state.is_held() { "go on" } else { "pause" })];
    if state.nodes.len() > 1 {
        keys.extend([("↑↓", "select"), ("enter", if state.zoomed { "all nodes" } else { "zoom" })]);
    }
    keys.push(("?", "help"));
    let mut spans = Vec::new();
    for (key, meaning) in keys {
        spans.push(Span::styled(format!(" {key} "), Palette::strong()));
        spans.push(Span::styled(format!("{meaning}  "), palette.faint()));
    }
    frame.render_widget(Line::from(spans), area);
}

const HELP: &str = "\
One line per node, one complex per renewed Lease:

P    small wave before   the kubelet woke up (seen on the node)
QRS  the spike           the renew succeeded; low and late: it was slow
ST   lifted              the API server's answer was slow
T    wave after          the control plane has it
     P without a spike   the kubelet tried and failed
     flat line           no beat

margin  time until Kubernetes may call the node Unknown
lead    who saw the beat: conduction and plaintext on the node, or api alone
The width of a complex means nothing: a renew takes milliseconds.
Times are UTC.

q, Ctrl-C  quit     p, space  pause     ↑ ↓ j k  select
enter      zoom     ?         help      esc      back";

fn draw_help(frame: &mut Frame<'_>, palette: Palette, area: Rect) {
    let text = Text::from(HELP);
    let size = |inner: usize, most: u16| u16::try_from(inner + 4).unwrap_or(most).min(most);
    let (width, height) = (size(text.width(), area.width), size(text.height() - 2, area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(palette.faint())
        .title(Span::styled(" what you see ", Palette::strong()))
        .padding(ratatui::widgets::Padding::horizontal(1));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(text).block(block), place);
}
