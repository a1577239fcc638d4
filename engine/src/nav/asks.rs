//! Which questions go out: fields first, since they spare others; then paths, the most urgent and
//! the oldest first; then tables.

use std::ops::Bound;
use std::sync::Arc;

use super::agent::{Agent, Course, Going, Rank};
use super::field::Field;
use super::goals::{Look, Target};
use super::grid::NavGrid;
use super::job::{FieldAsk, NavJob, PathAsk, TablesAsk};
use super::path::Path;
use super::routes::Routes;
use super::square::Square;
use super::walk::Walk;
use crate::entities::EntityId;
use crate::job::{JobId, Rejected};

/// Ticks without an edit after which tables are built; doors that open and close do not cause
/// them at each tick.
const QUIET_TICKS: u32 = 10;

/// Ticks after which they are built even so.
const UNQUIET_TICKS: u32 = 100;

/// Ticks between two looks at which goals are in use.
const SWEEP_TICKS: u32 = 32;

type Key = (Rank, u64, EntityId);

/// What becomes of a question whose turn has come.
enum Turn {
    /// It is answered already.
    Settled,
    /// It waits for a field that is in flight.
    Held,
    Ask(PathAsk),
}

impl Routes {
    /// Hands in what is asked for, once per tick: `routes.submit(|job| room.submit(job))`.
    ///
    /// What is handed back stays in the queue.
    pub fn submit<J: From<NavJob>>(
        &mut self,
        mut submit: impl FnMut(J) -> Result<JobId, Rejected<J>>,
    ) {
        self.tick = self.tick.wrapping_add(1);
        self.targets.tick();
        if self.tick.is_multiple_of(SWEEP_TICKS) {
            for agent in self.agents.values() {
                if agent.going == Going::Walking {
                    self.targets.used(&agent.goals);
                }
            }
            self.targets.forget(self.fields_max);
        }
        let was_crowded = std::mem::take(&mut self.crowded);
        let mut taken = |job: NavJob| submit(J::from(job)).is_ok();
        self.ask_fields(was_crowded, &mut taken);
        self.ask_paths(&mut taken);
        self.ask_tables(&mut taken);
    }

    fn noted(&mut self, taken: bool) -> bool {
        let counts = &mut self.counts;
        let count = if taken {
            counts.in_flight = counts.in_flight.wrapping_add(1);
            &mut counts.asked
        } else {
            &mut counts.rejected
        };
        *count = count.wrapping_add(1);
        taken
    }

    fn ask_fields(&mut self, was_crowded: bool, taken: &mut impl FnMut(NavJob) -> bool) {
        let look = Look {
            version: self.grid.version(),
            price: Field::price(&self.grid),
            most: self.fields_max,
            // What is kept out is kept out by what it declares, not by what it will spend.
            each: was_crowded.then_some(self.budget),
        };
        for goals in self.targets.wanted(&look) {
            let job = NavJob::Field(FieldAsk {
                grid: Arc::clone(&self.grid),
                goals: goals.clone(),
            });
            if self.noted(taken(job)) {
                self.targets.asked(&goals);
            } else {
                self.targets.put_off(&goals);
            }
        }
    }

    fn ask_paths(&mut self, taken: &mut impl FnMut(NavJob) -> bool) {
        let mut after: Option<Key> = None;
        loop {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let mut rest = self.queue.range((from, Bound::Unbounded));
            let Some(&key) = rest.next() else { break };
            after = Some(key);
            match self.turn(key) {
                Turn::Held => {}
                Turn::Settled => {
                    self.leave_queue(key.2);
                    if let Some(agent) = self.agents.get_mut(&key.2) {
                        agent.ask = None;
                    }
                }
                Turn::Ask(ask) => {
                    if !self.noted(taken(NavJob::Path(ask))) {
                        self.crowded = true;
                        break;
                    }
                    self.leave_queue(key.2);
                    let agent = self.agents.get_mut(&key.2);
                    if let Some(ask) = agent.and_then(|agent| agent.ask.as_mut()) {
                        ask.sent = true;
                    }
                }
            }
        }
    }

    fn turn(&mut self, (rank, number, id): Key) -> Turn {
        let Some(agent) = self.agents.get_mut(&id) else {
            return Turn::Settled;
        };
        let grid = &self.grid;
        let target = self.targets.of(&agent.goals);
        if let Some(turn) = with_others(agent, target, grid, rank) {
            return turn;
        }
        if agent.is_at_goal() && grid.is_free(agent.at) {
            let here = Path::new(vec![agent.at]).expect("one corner is a path");
            agent.follow(Course::Walk(Walk::new(here)));
            return Turn::Settled;
        }
        let from = free_near(grid, agent.at);
        let goals = agent.goals.iter();
        let Some(from) = from.filter(|&from| goals.clone().any(|&to| grid.may_reach(from, to)))
        else {
            agent.stand(Going::NoWay);
            return Turn::Settled;
        };
        Turn::Ask(PathAsk {
            grid: Arc::clone(grid),
            agent: id,
            from,
            goals: agent.goals.clone(),
            first: agent.first,
            budget: self.budget.saturating_mul(1 << agent.effort),
            number,
            layer: self.layer,
        })
    }

    fn ask_tables(&mut self, taken: &mut impl FnMut(NavJob) -> bool) {
        let version = self.grid.version();
        let asked = self.tables;
        let since = |tick| self.tick.wrapping_sub(tick);
        let due = (asked.version.is_none() && asked.last == 0)
            || since(asked.last) >= QUIET_TICKS
            || asked
                .first
                .is_some_and(|first| since(first) >= UNQUIET_TICKS);
        if self.pivots == 0 || asked.in_flight || asked.version == Some(version) || !due {
            return;
        }
        let job = NavJob::Tables(TablesAsk {
            grid: Arc::clone(&self.grid),
            pivots: self.pivots,
        });
        if self.noted(taken(job)) {
            self.tables.in_flight = true;
            self.tables.version = Some(version);
            self.tables.first = None;
        } else {
            (self.tables.first, self.tables.last) = (None, self.tick);
        }
    }
}

/// What an agent need not ask alone, if so.
fn with_others(
    agent: &mut Agent,
    target: Option<&Target>,
    grid: &NavGrid,
    rank: Rank,
) -> Option<Turn> {
    if agent.first {
        return None;
    }
    let target = target?;
    let Some(field) = &target.field else {
        return (target.asked && rank == Rank::Usual).then_some(Turn::Held);
    };
    let leads = field.cost(agent.at) == Some(0) || field.next(grid, agent.at).is_some();
    leads.then(|| {
        agent.follow(Course::Field(agent.goals.clone()));
        Turn::Settled
    })
}

/// The square itself, or the free one beside it whose middle is nearest: bodies are wider than the
/// point that says where they are.
fn free_near(grid: &NavGrid, at: Square) -> Option<Square> {
    if grid.is_free(at) {
        return Some(at);
    }
    let rows = at.y.saturating_sub(1)..=at.y.saturating_add(1);
    let near = rows.flat_map(|y| {
        let columns = at.x.saturating_sub(1)..=at.x.saturating_add(1);
        columns.map(move |x| Square::new(x, y))
    });
    let free = near.filter(|&to| grid.is_free(to));
    free.min_by_key(|to| u32::from(at.x.abs_diff(to.x)) + u32::from(at.y.abs_diff(to.y)))
}
