//! What the screen knows. Fed with intervals, keys and time, drawn elsewhere.

use crate::output::{Column, columns, escape};
use crate::signal::{NodeId, Stamp};
use crate::traffic::{Listing, Other, Row, SortBy, View};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A filter longer than this matches nothing.
const FILTER_LENGTH: usize = 64;

/// What the screen is about.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What a row is.
    pub view: View,
    /// What comes first, until a key changes it.
    pub sort: SortBy,
    /// The nodes.
    pub nodes: Vec<NodeId>,
    /// Use colours.
    pub color: bool,
}

/// What the screen is told.
#[derive(Debug, Clone)]
pub enum Update {
    /// An interval is complete.
    Interval {
        /// All rows, or as many as a person looks through.
        listing: Box<Listing>,
        /// Of each node; `None` for one that has not told anything yet.
        nodes: Vec<Option<NodeFacts>>,
    },
    /// A line about a node or the command itself.
    Note(String),
}

/// What the header says of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFacts {
    /// Sockets at the last look.
    pub sockets: u64,
}

/// Everything the picture is drawn from.
#[derive(Debug)]
pub struct State {
    pub(super) color: bool,
    pub(super) view: View,
    pub(super) nodes: Vec<NodeId>,
    pub(super) facts: Vec<Option<NodeFacts>>,
    pub(super) columns: Vec<Column>,
    pub(super) sort: SortBy,
    /// Rows that fit the filter, in order.
    pub(super) rows: Vec<Row>,
    pub(super) other: Other,
    /// Dropped packets that are in no row.
    pub(super) unplaced: u64,
    /// Questions to DNS servers that are in no row.
    pub(super) unplaced_dns: u64,
    /// Rows there are beyond those that were sent.
    pub(super) beyond: usize,
    /// All rows that were sent.
    all: Vec<Row>,
    /// What came while the picture was held.
    waiting: Option<Box<Listing>>,
    pub(super) filter: String,
    pub(super) editing: bool,
    pub(super) held: bool,
    pub(super) selected: usize,
    pub(super) note: Option<String>,
    pub(super) begun: Stamp,
    pub(super) now: Stamp,
    pub(super) has_rows: bool,
}

impl State {
    /// A screen that has been told nothing yet.
    #[must_use]
    pub fn new(setup: Setup, now: Stamp) -> Self {
        Self {
            color: setup.color,
            view: setup.view,
            columns: columns(setup.view, false, setup.nodes.len() > 1),
            facts: vec![None; setup.nodes.len()],
            nodes: setup.nodes,
            sort: setup.sort,
            rows: Vec::new(),
            other: Other::default(),
            unplaced: 0,
            unplaced_dns: 0,
            beyond: 0,
            all: Vec::new(),
            waiting: None,
            filter: String::new(),
            editing: false,
            held: false,
            selected: 0,
            note: None,
            begun: now,
            now,
            has_rows: false,
        }
    }

    /// Moves time on.
    pub fn pass_time(&mut self, now: Stamp) {
        self.now = now;
    }

    /// Takes in what is told.
    pub fn update(&mut self, update: Update) {
        match update {
            Update::Interval { listing, nodes } => {
                self.facts = nodes;
                if !self.has_rows {
                    // Progress is of no interest any more.
                    self.note = None;
                }
                self.has_rows = true;
                if self.held {
                    self.waiting = Some(listing);
                } else {
                    self.show(*listing);
                }
            }
            Update::Note(note) => self.note = Some(escape(&note).into_owned()),
        }
    }

    /// Does what a key asks for. True when the user leaves.
    pub fn press(&mut self, key: KeyEvent) -> bool {
        // Some terminals report the release of a key too.
        if key.kind == KeyEventKind::Release {
            return false;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            // In raw mode they are keys and no signals.
            return matches!(key.code, KeyCode::Char('c' | 'd'));
        }
        if self.editing {
            self.edit(key.code);
            return false;
        }
        match key.code {
            KeyCode::Char('q' | 'Q') => return true,
            KeyCode::Char('s') => {
                self.sort = self.sort.next(self.view);
                self.arrange();
            }
            KeyCode::Char('/') => self.editing = true,
            KeyCode::Char('p' | ' ') => {
                self.held = !self.held;
                if let Some(listing) = self.waiting.take() {
                    self.show(*listing);
                }
            }
            KeyCode::Up | KeyCode::Char('k') => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.select(self.selected + 1),
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(10),
            KeyCode::PageDown => self.select(self.selected + 10),
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.select(usize::MAX),
            KeyCode::Esc => {
                self.filter.clear();
                self.arrange();
            }
            _ => {}
        }
        false
    }

    fn edit(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.editing = false,
            KeyCode::Esc => {
                self.editing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(character) if self.filter.len() < FILTER_LENGTH => {
                self.filter.push(character);
            }
            _ => {}
        }
        self.arrange();
    }

    fn select(&mut self, place: usize) {
        self.selected = place.min(self.rows.len().saturating_sub(1));
    }

    fn show(&mut self, listing: Listing) {
        self.beyond = listing.matching.saturating_sub(listing.rows.len());
        self.other = listing.other;
        self.unplaced = listing.unplaced.packets;
        self.unplaced_dns = listing.unplaced_dns.questions;
        self.all = listing.rows;
        self.arrange();
    }

    /// Filters and sorts. The selected row stays selected, unless it is the
    /// first: then it is the first that is looked at, whoever that is.
    fn arrange(&mut self) {
        let chosen = self.rows.get(self.selected).filter(|_| self.selected > 0);
        let chosen = chosen.map(|row| self.names(row));
        let wanted = self.filter.to_lowercase();
        let fits = |row: &&Row| {
            wanted.is_empty()
                || self.names(row).iter().any(|name| name.to_lowercase().contains(&wanted))
        };
        let mut rows: Vec<Row> = self.all.iter().filter(fits).cloned().collect();
        rows.sort_by(|one, other| self.sort.compare(one, other));
        let place = chosen.and_then(|names| rows.iter().position(|row| self.names(row) == names));
        self.rows = rows;
        self.select(place.unwrap_or(self.selected));
    }

    /// What a row is about, as it is shown.
    fn names(&self, row: &Row) -> Vec<String> {
        self.columns.iter().filter(|column| column.is_name).map(|column| column.of(row)).collect()
    }
}
