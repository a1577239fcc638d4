//! `Goals`: where somebody wants to go, and who else wants to go there.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::field::Field;
use super::square::Square;
use crate::limits::NAV_GOALS_MAX;

/// Ticks over which the expansions of paths to the same goals are added up.
const WINDOW_TICKS: u32 = 200;

/// Ticks after which goals that nobody has are forgotten, with their field.
const UNUSED_TICKS: u32 = 400;

/// The same where others would like to have one; use is noted every 32 ticks.
const UNUSED_FULL_TICKS: u32 = 64;

/// Fewer agents are not worth a field.
const FIELD_AGENTS_MIN: u32 = 4;

/// What a path is thought to spend before any was found. Units: expansions.
const TYPICAL: u32 = 64;

/// Squares, any of which will do.
///
/// Shape: in growing order, each once; at most 64, and what is beyond is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Vec<Square>", into = "Vec<Square>")]
pub struct Goals(Arc<[Square]>);

impl From<Vec<Square>> for Goals {
    fn from(mut squares: Vec<Square>) -> Self {
        squares.sort_unstable();
        squares.dedup();
        squares.truncate(NAV_GOALS_MAX);
        Self(squares.into())
    }
}

impl From<&[Square]> for Goals {
    fn from(squares: &[Square]) -> Self {
        Self::from(squares.to_vec())
    }
}

impl From<Goals> for Vec<Square> {
    fn from(goals: Goals) -> Self {
        goals.0.to_vec()
    }
}

impl Deref for Goals {
    type Target = [Square];

    fn deref(&self) -> &[Square] {
        &self.0
    }
}

/// What is known of some goals: what the ways there have cost, and perhaps a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) field: Option<Field>,
    /// Asked for, and not answered yet.
    pub(crate) asked: bool,
    /// No field was to be had: it panicked.
    refused: bool,
    /// Paths that were answered in this window, and what they spent.
    answers: u32,
    spent: u32,
    window_began: u32,
    /// Agents whose asks are queued.
    pub(crate) waiting: u32,
    used_at: u32,
}

impl Target {
    fn paid(&mut self, expansions: u32, tick: u32) {
        if tick.wrapping_sub(self.window_began) >= WINDOW_TICKS {
            (self.answers, self.spent, self.window_began) = (0, 0, tick);
        }
        self.answers += 1;
        self.spent = self.spent.saturating_add(expansions);
    }

    /// Whether a field is the cheaper way: what paths spent and what those who wait will spend, if
    /// they are like others, is more than the field's price. Not before somebody waits.
    fn wants_field(&self, look: &Look, typical: u32) -> bool {
        let usual = || self.spent.checked_div(self.answers).unwrap_or(typical);
        let waiting = self.waiting.saturating_mul(look.each.unwrap_or_else(usual));
        !self.asked
            && !self.refused
            && self.field.is_none()
            && self.waiting > 0
            && self.answers + self.waiting >= FIELD_AGENTS_MIN
            && self.spent.saturating_add(waiting) > look.price
    }
}

/// By what it is decided who gets a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The grid's.
    pub(crate) version: u64,
    /// What a field spends at most.
    pub(crate) price: u32,
    /// So many fields there may be.
    pub(crate) most: usize,
    /// What a path counts for that waits; none for what paths usually spend.
    pub(crate) each: Option<u32>,
}

/// All goals of the agents.
///
/// What is a field, and what is a path each, depends on the expansions that jobs reported and on
/// ticks, so that it replays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Targets {
    all: BTreeMap<Goals, Target>,
    /// What a path spends, smoothed: an estimate for goals that are new.
    typical: u32,
    tick: u32,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            typical: TYPICAL,
            tick: 0,
        }
    }
}

impl Targets {
    pub(crate) fn of(&self, goals: &Goals) -> Option<&Target> {
        self.all.get(goals)
    }

    /// Notes that somebody wants to go there.
    pub(crate) fn used(&mut self, goals: &Goals) -> &mut Target {
        if !self.all.contains_key(goals) {
            let target = Target {
                window_began: self.tick,
                ..Target::default()
            };
            self.all.insert(goals.clone(), target);
        }
        let target = self.all.get_mut(goals).expect("inserted just above");
        target.used_at = self.tick;
        target
    }

    pub(crate) fn field(&self, goals: &Goals) -> Option<&Field> {
        self.all.get(goals)?.field.as_ref()
    }

    pub(crate) fn fields(&self) -> usize {
        self.all
            .values()
            .filter(|target| target.field.is_some())
            .count()
    }

    /// A path there was answered, and spent so much.
    pub(crate) fn paid(&mut self, goals: &Goals, expansions: u32) {
        self.typical = (self.typical.saturating_mul(7).saturating_add(expansions)) / 8;
        let tick = self.tick;
        self.used(goals).paid(expansions, tick);
    }

    /// A field was answered; none if there is none to be had.
    pub(crate) fn answered(&mut self, goals: &Goals, field: Option<Field>) {
        if let Some(target) = self.all.get_mut(goals) {
            target.asked = false;
            target.answers = 0;
            target.spent = 0;
            if field.is_some() {
                target.field = field;
            }
        }
    }

    /// There will be no field for these goals.
    pub(crate) fn refused(&mut self, goals: &Goals) {
        if let Some(target) = self.all.get_mut(goals) {
            target.asked = false;
            target.refused = true;
        }
    }

    /// A tick has passed.
    pub(crate) fn tick(&mut self) {
        self.tick = self.tick.wrapping_add(1);
    }

    /// Asks anew for all that was in flight.
    pub(crate) fn ask_again(&mut self) {
        for target in self.all.values_mut() {
            target.asked = false;
        }
    }

    /// Forgets what nobody has used for long; fields sooner, if there are as many as there may be.
    pub(crate) fn forget(&mut self, most: usize) {
        let tick = self.tick;
        let full = self.fields() >= most;
        self.all.retain(|_, target| {
            let unused = tick.wrapping_sub(target.used_at);
            let limit = match target.field {
                Some(_) if full => UNUSED_FULL_TICKS,
                Some(_) => UNUSED_TICKS,
                None => WINDOW_TICKS,
            };
            target.asked || target.waiting > 0 || unused < limit
        });
    }

    /// Goals that should have a field, or a new one since the grid is another; at most so many
    /// fields in all.
    pub(crate) fn wanted(&self, look: &Look) -> Vec<Goals> {
        let taken = |target: &&Target| target.asked || target.field.is_some();
        let mut room = look
            .most
            .saturating_sub(self.all.values().filter(taken).count());
        let wanted = self.all.iter().filter(|(_, target)| {
            let Some(field) = &target.field else {
                let wanted = room > 0 && target.wants_field(look, self.typical);
                room -= usize::from(wanted);
                return wanted;
            };
            let unused = self.tick.wrapping_sub(target.used_at);
            !target.asked && unused < WINDOW_TICKS && field.version() != look.version
        });
        wanted.map(|(goals, _)| goals.clone()).collect()
    }

    /// A field was handed back: paths must do for now.
    pub(crate) fn put_off(&mut self, goals: &Goals) {
        if let Some(target) = self.all.get_mut(goals) {
            (target.answers, target.spent) = (0, 0);
        }
    }

    pub(crate) fn asked(&mut self, goals: &Goals) {
        self.used(goals).asked = true;
    }
}
