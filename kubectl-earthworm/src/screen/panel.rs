//! One node: its trace, and its vital signs beside it.

use super::draw::Palette;
use super::state::NodeView;
use super::trace;
use crate::output::escape;
use crate::rhythm::{Class, Grade, ProbeState};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::canvas::{Canvas, Line as Stroke};
use ratatui::widgets::{Block, BorderType, Borders};
use std::time::Duration;

/// Columns of the vital signs.
const VITALS_COLUMNS: u16 = 27;
/// Below this width the vital signs move into the title.
const WIDE: u16 = 64;
/// From this height on a panel has a box around it.
const BOXED: u16 = 8;
/// How long the heart lights up after a beat.
const LIT: Duration = Duration::from_millis(450);
/// Each cell of the trace holds two by four dots.
const DOTS_PER_COLUMN: u16 = 2;
/// The time that a dot stands for, if that shows enough and not too many beats.
const SECONDS_PER_DOT: f64 = 0.2;
const WINDOW_SECONDS: std::ops::RangeInclusive<f64> = 32.0..=90.0;

/// Draws a node into any area.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    node: &NodeView,
    now: Duration,
    selected: bool,
    palette: Palette,
    area: Rect,
) {
    if area.is_empty() {
        return;
    }
    let class = node.class_at(now);
    let border = if selected { Palette::strong() } else { palette.faint() };
    let mut title = vec![
        heart(node, now, palette),
        Span::styled(format!("{} ", escape(&node.id.node)), Palette::strong()),
    ];
    let wide = area.width >= WIDE;
    if !wide {
        title.push(rhythm(class, palette));
        title.push(Span::raw(" "));
    }
    let probe = probe(&node.probe);
    let fits =
        Line::from(title.clone()).width() + probe.chars().count() + 3 <= usize::from(area.width);
    // A low panel needs its rows for the trace: a line above it has to do.
    let boxed = area.height >= BOXED;
    let block = Block::new()
        .borders(if boxed { Borders::ALL } else { Borders::TOP })
        .border_type(if selected { BorderType::Thick } else { BorderType::Rounded })
        .border_style(border)
        .title(Line::from(title));
    let block = if fits {
        block.title(Line::styled(probe, palette.faint()).right_aligned())
    } else {
        block
    };
    let block = if boxed {
        let trace = area.width.saturating_sub(2) - if wide { VITALS_COLUMNS } else { 0 };
        block.title_bottom(Line::styled(scale(trace), palette.faint()))
    } else {
        block
    };
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if wide {
        let [trace_area, vitals] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(VITALS_COLUMNS)])
                .areas(inner);
        draw_trace(frame, node, now, palette, trace_area);
        frame.render_widget(Text::from(vital_signs(node, now, class, palette)), vitals);
    } else {
        draw_trace(frame, node, now, palette, inner);
    }
}

fn heart(node: &NodeView, now: Duration, palette: Palette) -> Span<'static> {
    let lit = node.last.as_ref().is_some_and(|last| now.saturating_sub(last.known) < LIT);
    let succeeded = node.last.as_ref().is_some_and(|last| last.succeeded);
    match (lit, succeeded) {
        (true, true) => Span::styled(" ♥ ", palette.grade(Grade::Unhealthy)),
        (true, false) => Span::styled(" ✕ ", palette.grade(Grade::Unhealthy)),
        _ => Span::styled(" ♡ ", palette.faint()),
    }
}

fn rhythm(class: Class, palette: Palette) -> Span<'static> {
    let title = format!(" {} ", class.title());
    if class >= Class::SuspectedFlatline {
        Span::styled(title.to_uppercase(), palette.alarm())
    } else {
        Span::styled(title, palette.grade(class.grade()))
    }
}

/// The state of the probe in a few words.
fn probe(state: &ProbeState) -> String {
    let words = match state {
        ProbeState::None => "API only".to_owned(),
        ProbeState::Creating => "probe: creating".to_owned(),
        ProbeState::Starting(what) => format!("probe: starting, {what}"),
        ProbeState::Streaming(streaming) => {
            // The reason for the profile is too long for a title.
            let profile = streaming.profile.split([' ', ':', ',']).next().unwrap_or_default();
            format!("probe listens, {profile}")
        }
        ProbeState::Interrupted(_) => "probe: stream broke, reconnecting".to_owned(),
        ProbeState::Restarting(_) => "probe: starting another".to_owned(),
        ProbeState::Detached => "probe detached".to_owned(),
        ProbeState::Failed(reason) => format!("no probe: {reason}"),
    };
    let words: String = escape(&words).chars().take(48).collect();
    format!(" {words} ")
}

fn vital_signs(
    node: &NodeView,
    now: Duration,
    class: Class,
    palette: Palette,
) -> Vec<Line<'static>> {
    let absent = || "–".to_owned();
    let last = node.last.as_ref();
    let interval = last.and_then(|last| last.interval_seconds);
    let interval = interval
        .filter(|&seconds| seconds > 0.0)
        .map_or_else(absent, |seconds| format!("{seconds:.3} s {:>4.1}/min", 60.0 / seconds));
    let beats = match node.failed {
        0 => node.beats.to_string(),
        failed => format!("{}, {failed} failed", node.beats),
    };
    let renew = last.and_then(|last| last.renew_seconds).map_or_else(absent, short);
    let lead = last.map_or_else(absent, |last| last.lead.name().to_owned());
    let field = |name: &'static str, value: String| {
        Line::from(vec![
            Span::styled(format!(" {name:<9}"), palette.faint()),
            Span::styled(value, Palette::strong()),
        ])
    };
    let mut lines = vec![Line::from(rhythm(class, palette))];
    if class.grade() > Grade::Healthy
        && let Some(cause) = node.cause
    {
        let cause = Span::styled(format!(" {cause}"), palette.grade(class.grade()));
        if lines[0].width() + cause.width() <= usize::from(VITALS_COLUMNS) {
            lines[0].spans.push(cause);
        } else {
            lines.push(Line::from(cause));
        }
    }
    lines.push(margin(node, now, palette));
    lines.push(field("interval", interval));
    lines.push(field("renew", renew));
    lines.push(field("lead", lead));
    lines.push(field("beats", beats));
    lines
}

/// What is left of the grace, as a bar that empties.
fn margin(node: &NodeView, now: Duration, palette: Palette) -> Line<'static> {
    const CELLS: u32 = 8;
    let name = Span::styled(format!(" {:<9}", "margin"), palette.faint());
    let Some(margin) = node.margin_seconds(now) else {
        return Line::from(vec![name, Span::raw("–")]);
    };
    let share = if node.grace_seconds > 0.0 { margin / node.grace_seconds } else { 0.0 };
    let full = (0..CELLS).filter(|&cell| share > f64::from(cell) / f64::from(CELLS)).count();
    let grade = match margin {
        margin if margin <= 0.0 => Grade::Unhealthy,
        _ if share < 0.5 => Grade::Unhealthy,
        _ if share < 0.7 => Grade::Notable,
        _ => Grade::Healthy,
    };
    let bar = "■".repeat(full) + &"·".repeat(CELLS as usize - full);
    let style: Style = palette.grade(grade);
    Line::from(vec![name, Span::styled(bar, style), Span::styled(format!(" {margin:.0} s"), style)])
}

fn short(seconds: f64) -> String {
    if seconds >= 0.9995 { format!("{seconds:.2} s") } else { format!("{:.1} ms", seconds * 1e3) }
}

/// Dots of a trace, and the seconds that each stands for.
fn grid(columns: u16) -> (usize, f64) {
    let dots = columns.saturating_mul(DOTS_PER_COLUMN).max(1);
    let window = f64::from(dots) * SECONDS_PER_DOT;
    let window = window.clamp(*WINDOW_SECONDS.start(), *WINDOW_SECONDS.end());
    (usize::from(dots), window / f64::from(dots))
}

/// How much time a trace shows.
fn scale(columns: u16) -> String {
    let (dots, seconds_per_dot) = grid(columns);
    #[expect(clippy::cast_precision_loss)]
    let window = dots as f64 * seconds_per_dot;
    format!(" last {window:.0} s ")
}

fn draw_trace(frame: &mut Frame<'_>, node: &NodeView, now: Duration, palette: Palette, area: Rect) {
    if area.is_empty() {
        return;
    }
    let (dots, seconds_per_dot) = grid(area.width);
    #[expect(clippy::cast_precision_loss)]
    let dots_number = dots as f64;
    let heights = trace::heights(node.pulses.iter().copied(), now, dots, seconds_per_dot);
    let newest = trace::dot_of(now, seconds_per_dot);
    // Dots before the clock's start were never observed: no line there.
    let first = usize::try_from(i64::try_from(dots).unwrap_or(0) - 1 - newest).unwrap_or(0);
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, (dots_number - 1.0).max(1.0)])
        .y_bounds([-0.42, 1.05])
        .paint(|context| {
            for index in first.min(dots)..dots {
                #[expect(clippy::cast_precision_loss)]
                let (x, age) = (index as f64, (dots - 1 - index) as f64);
                let age = Duration::try_from_secs_f64(age * seconds_per_dot).unwrap_or(now);
                let class = node.class_at(now.saturating_sub(age));
                let before = index.saturating_sub(1).max(first);
                #[expect(clippy::cast_precision_loss)]
                let x_before = before as f64;
                context.draw(&Stroke {
                    x1: x_before,
                    y1: heights[before],
                    x2: x,
                    y2: heights[index],
                    color: palette.trace(class.grade()),
                });
            }
        });
    frame.render_widget(canvas, area);
}
