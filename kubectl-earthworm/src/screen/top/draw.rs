//! Draws the picture. Everything it needs is in the state.

use super::state::State;
use crate::output::{Column, escape, traffic_detail};
use crate::screen::draw::Palette;
use crate::traffic::{SortBy, View};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Paragraph};

/// Blanks between two columns.
const GAP: usize = 2;
/// A name is not cut shorter than this.
const NAME_WIDTH: usize = 10;
/// Rows of the details, their line above among them.
const DETAIL_ROWS: u16 = 4;

/// Draws the whole screen; any size will do.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let palette = Palette::new(state.color);
    let area = frame.area();
    let detail_rows = if area.height < 12 { 0 } else { DETAIL_ROWS };
    let [header, table, detail, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(detail_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_header(frame, state, palette, header);
    draw_table(frame, state, palette, table);
    draw_detail(frame, state, palette, detail);
    draw_footer(frame, state, palette, footer);
}

fn draw_header(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    let elapsed = state.now.monotonic.saturating_sub(state.begun.monotonic).as_secs();
    let elapsed = format!("{:02}:{:02}:{:02}", elapsed / 3600, elapsed / 60 % 60, elapsed % 60);
    let mut clusters: Vec<&str> = state.nodes.iter().map(|node| &*node.cluster).collect();
    clusters.dedup();
    let nodes = match state.nodes.as_slice() {
        [node] => node.node.to_string(),
        nodes => {
            let counting = state.facts.iter().flatten().count();
            format!("{counting} of {} nodes", nodes.len())
        }
    };
    let sockets: u64 = state.facts.iter().flatten().map(|facts| facts.sockets).sum();
    let sockets = if state.has_rows { format!("  {sockets} sockets") } else { String::new() };
    let about = format!(" {}  {nodes}{sockets}", clusters.join(", "));
    let mut left = vec![
        Span::styled(format!(" earthworm top {} ", state.view.name()), Palette::strong()),
        Span::styled(escape(&about).into_owned(), palette.faint()),
    ];
    if let Some(note) = &state.note {
        left.push(Span::styled(format!("  {note}"), palette.faint()));
    }
    let mut right = Vec::new();
    if state.held {
        right.push(Span::styled(" PAUSED ", palette.alarm()));
    }
    right.push(Span::styled(format!(" {elapsed} "), Palette::strong()));
    let right = Line::from(right).right_aligned();
    let width = u16::try_from(right.width()).unwrap_or(u16::MAX);
    let [left_area, right_area] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(Line::from(left), left_area);
    frame.render_widget(right, right_area);
}

fn draw_table(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    if area.is_empty() {
        return;
    }
    // The header, and what is said under the rows.
    let room = usize::from(area.height.saturating_sub(2));
    // The selected row stays in sight.
    let first = (state.selected + 1).saturating_sub(room.max(1));
    let shown: Vec<Vec<String>> = state
        .rows
        .iter()
        .skip(first)
        .take(room)
        .map(|row| state.columns.iter().map(|column| column.of(row)).collect())
        .collect();
    let widths = widths(&state.columns, &shown, usize::from(area.width));
    let mut lines = vec![header(state, &widths)];
    for (place, cells) in (first..).zip(&shown) {
        let text: String =
            cells.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
        let style = if place == state.selected {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new()
        };
        lines.push(Line::styled(format!(" {text}"), style));
    }
    lines.push(Line::styled(remark(state, first + shown.len()), palette.faint()));
    frame.render_widget(Text::from(lines), area);
}

fn header(state: &State, widths: &[usize]) -> Line<'static> {
    let sorted = match state.sort {
        SortBy::Bytes if state.view == View::Drops => "BYTES",
        SortBy::Bytes => "RATE",
        // Only drops have a column of that name.
        SortBy::Packets => "PACKETS",
        SortBy::RoundTrip => "RTT",
        SortBy::Retransmits => "RETRANSMITS",
        SortBy::Connections => "CONNECTIONS",
        SortBy::Queries => "QUERIES",
        SortBy::Timeouts => "TIMEOUTS",
        SortBy::Latency => "LATENCY",
    };
    let mut spans = vec![Span::raw(" ")];
    for (column, width) in state.columns.iter().zip(widths) {
        let style = if column.title == sorted {
            Palette::strong().add_modifier(Modifier::UNDERLINED)
        } else {
            Palette::strong()
        };
        spans.push(Span::styled(cut(column.title, *width), style));
        let taken = column.title.chars().count().min(*width);
        spans.push(Span::raw(" ".repeat(width + GAP - taken)));
    }
    Line::from(spans)
}

fn remark(state: &State, last: usize) -> String {
    let below = state.rows.len().saturating_sub(last);
    let mut parts = Vec::new();
    if !state.has_rows {
        parts.push("waiting for the first interval".to_owned());
    } else if state.rows.is_empty() {
        parts.push("nothing that was asked for has been seen".to_owned());
    }
    if below > 0 {
        parts.push(format!("{below} more below"));
    }
    if state.beyond > 0 {
        parts.push(format!("{} more not shown", state.beyond));
    }
    if state.other.flows > 0 {
        parts.push(format!("{} flows forgotten for want of room", state.other.flows));
    }
    if state.unplaced > 0 {
        parts.push(format!("{} dropped packets in no row for want of room", state.unplaced));
    }
    if state.unplaced_dns > 0 {
        parts.push(format!("{} questions in no row for want of room", state.unplaced_dns));
    }
    format!(" {}", parts.join("; "))
}

fn draw_detail(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    if area.is_empty() {
        return;
    }
    let block = Block::new().borders(Borders::TOP).border_style(palette.faint());
    let lines = state.rows.get(state.selected).map(traffic_detail).unwrap_or_default();
    let lines = lines.map(|line| Line::raw(format!(" {line}")));
    frame.render_widget(Paragraph::new(lines.to_vec()).block(block), area);
}

fn draw_footer(frame: &mut Frame<'_>, state: &State, palette: Palette, area: Rect) {
    let mut spans = Vec::new();
    if state.editing {
        spans.push(Span::styled(format!(" /{}▏", escape(&state.filter)), Palette::strong()));
        spans.push(Span::styled("  enter keeps it, esc drops it", palette.faint()));
        frame.render_widget(Line::from(spans), area);
        return;
    }
    let sort = format!("sorted by {}", state.sort.name());
    let filter = if state.filter.is_empty() {
        "filter".to_owned()
    } else {
        format!("only \"{}\" (esc: all)", escape(&state.filter))
    };
    let pause = if state.held { "go on" } else { "pause" };
    for (key, meaning) in
        [("q", "quit"), ("s", sort.as_str()), ("/", &filter), ("p", pause), ("↑↓", "select")]
    {
        spans.push(Span::styled(format!(" {key} "), Palette::strong()));
        spans.push(Span::styled(format!("{meaning}  "), palette.faint()));
    }
    frame.render_widget(Line::from(spans), area);
}

/// Widths that hold what is shown. When that is too much, names are cut: the
/// widest first.
fn widths(columns: &[Column], shown: &[Vec<String>], room: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.title.len()).collect();
    for cells in shown {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let taken = |widths: &[usize]| 1 + widths.iter().map(|width| width + GAP).sum::<usize>();
    while taken(&widths) > room {
        let names = columns.iter().zip(&widths).enumerate();
        let names = names.filter(|(_, (column, width))| {
            column.is_name && **width > NAME_WIDTH.max(column.title.len())
        });
        match names.max_by_key(|(_, (_, width))| **width).map(|(place, _)| place) {
            Some(place) => widths[place] -= 1,
            None => break,
        }
    }
    widths
}

fn padded(cell: &str, width: usize) -> String {
    format!("{:<1$}", cut(cell, width), width + GAP)
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}
