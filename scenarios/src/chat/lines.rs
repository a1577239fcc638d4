//! What was said: the last hundred lines, and those that the store has yet to take.

use std::collections::VecDeque;

use downbeat::{EntityId, Room};
use serde::{Deserialize, Serialize};

use super::{Chat, Entry, Kept, Kind, Query};

/// Lines that a room shows: what whoever comes wants to read up on.
pub(super) const LINES_MAX: usize = 100;

/// Lines that wait for a store that does not answer: as many as are shown; older ones are given
/// up.
const UNKEPT_MAX: usize = LINES_MAX;

/// Numbers of lines from before the room opened, which come when others have been said already.
const HISTORY_NUMBERS: u32 = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Lines {
    shown: VecDeque<Shown>,
    newest: u32,
    has_history: bool,
    unkept: VecDeque<Kept>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    entry: EntityId,
    id: String,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            shown: VecDeque::new(),
            newest: HISTORY_NUMBERS,
            has_history: false,
            unkept: VecDeque::new(),
        }
    }
}

impl Lines {
    /// Whether the store has told what was said before.
    pub(super) const fn has_history(&self) -> bool {
        self.has_history
    }

    /// Shows a line as the newest, unless it is there already; one with an id is kept.
    pub(super) fn add(&mut self, room: &mut Room<Chat>, name: &str, text: &str, id: &str) {
        if self.is_shown(id) {
            return;
        }
        self.newest += 1;
        let line = Kept {
            id: id.to_owned(),
            name: name.to_owned(),
            text: text.to_owned(),
            at_s: 0,
        };
        let shown = show(room, self.newest, &line);
        self.shown.push_back(shown);
        self.forget_oldest(room);
        if !id.is_empty() {
            self.unkept.push_back(line.clone());
            if self.unkept.len() > UNKEPT_MAX {
                self.unkept.pop_front();
            }
            ask(room, line);
        }
    }

    fn is_shown(&self, id: &str) -> bool {
        !id.is_empty() && self.shown.iter().any(|shown| shown.id == id)
    }

    fn forget_oldest(&mut self, room: &mut Room<Chat>) {
        while self.shown.len() > LINES_MAX {
            if let Some(oldest) = self.shown.pop_front() {
                room.despawn(oldest.entry);
            }
        }
    }

    /// What was said before the room opened; answers whether that is known now.
    pub(super) fn take_history(&mut self, room: &mut Room<Chat>, lines: Option<Vec<Kept>>) -> bool {
        let Some(lines) = lines else {
            return self.has_history;
        };
        if std::mem::replace(&mut self.has_history, true) {
            return true;
        }
        let space = LINES_MAX - self.shown.len();
        let news = lines.into_iter().filter(|line| !self.is_shown(&line.id));
        let news: Vec<_> = news.collect();
        let newest = news.iter().rev().take(space);
        let shown: Vec<_> = (1..=HISTORY_NUMBERS)
            .rev()
            .zip(newest)
            .map(|(number, line)| show(room, number, line))
            .collect();
        for shown in shown {
            self.shown.push_front(shown);
        }
        true
    }

    /// The store has a line, or has not; answers whether it has.
    pub(super) fn handle_kept(&mut self, room: &mut Room<Chat>, line: Kept, kept: bool) -> bool {
        if !kept {
            return false;
        }
        self.unkept.retain(|waiting| waiting.id != line.id);
        let shown = self.shown.iter().find(|shown| shown.id == line.id);
        if let Some(entry) = shown.and_then(|shown| room.entity_mut(shown.entry)) {
            entry.at_s = line.at_s;
        }
        true
    }

    /// Asks the store once more to keep what it has not.
    pub(super) fn ask_to_keep(&self, room: &mut Room<Chat>) {
        for line in &self.unkept {
            ask(room, line.clone());
        }
    }
}

fn ask(room: &mut Room<Chat>, line: Kept) {
    let name = room.name().to_owned();
    room.query(Query::Keep {
        room: name,
        line,
        kept: false,
    });
}

fn show(room: &mut Room<Chat>, number: u32, line: &Kept) -> Shown {
    let entry = room.spawn(Entry {
        kind: Kind::Line,
        number,
        name: line.name.clone(),
        text: line.text.clone(),
        at_s: line.at_s,
        moderator: false,
        muted: false,
        typing: false,
    });
    Shown {
        entry,
        id: line.id.clone(),
    }
}
