//! `Routes`: where each agent wants to go, which way it takes, and what it has asked for.
//!
//! In: wishes (`go`), edits of the grid, answers of jobs, and where agents are. Out: jobs, and for
//! each agent the point to walk to next. It depends on nothing else, so it replays; it is part of
//! a game's state. Knows nothing of speeds, bodies or threads.
//!
//! A game calls, at each tick: [`Routes::job_done`] for the outcomes that are due, `go` and `stop`
//! as it likes, [`Routes::heading`] for each agent that walks, and [`Routes::submit`] once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use glam::Vec2;
use serde::{Deserialize, Serialize};

use super::agent::{Agent, Aim, Ask, Course, Going, Rank};
use super::goals::{Goals, Targets};
use super::grid::NavGrid;
use super::job::{NavJob, pivots_strict};
use super::shared;
use super::square::Square;
use super::walk::{Area, Way, along_field};
use crate::entities::EntityId;
use crate::limits::{NAV_FIELDS_MAX, NAV_PATH_EXPANSIONS};

/// Side of a chunk of a grid. Units: squares.
const CHUNK: usize = 64;

/// Steps of a field that an overlay is shown.
const SHOWN_STEPS: usize = 200;

/// The routes of a game's agents over one grid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Routes {
    #[serde(with = "shared")]
    pub(super) grid: Arc<NavGrid>,
    pub(super) layer: u8,
    /// Of a path. Units: expansions.
    pub(super) budget: u32,
    pub(super) fields_max: usize,
    /// Zero: no tables.
    pub(super) pivots: u8,
    pub(super) agents: BTreeMap<EntityId, Agent>,
    /// Asks that are not in flight.
    pub(super) queue: BTreeSet<(Rank, u64, EntityId)>,
    /// The next ask's.
    pub(super) number: u64,
    pub(super) targets: Targets,
    pub(super) tables: TablesAsked,
    pub(super) tick: u32,
    /// A path was handed back at the last tick.
    pub(super) crowded: bool,
    pub(super) counts: RouteCounts,
}

/// What is known of the tables that the grid should have.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct TablesAsked {
    /// The version that they were last asked for.
    pub(super) version: Option<u64>,
    pub(super) in_flight: bool,
    /// When the grid first changed since then, and when last.
    pub(super) first: Option<u32>,
    pub(super) last: u32,
}

/// What routes have cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteCounts {
    /// Jobs that were taken.
    pub asked: u32,
    /// Jobs of these that ended with an answer.
    pub done: u32,
    /// Jobs that were handed back; a path is asked for again at the next tick.
    pub rejected: u32,
    /// Jobs that were replaced, or whose agent was gone.
    pub cancelled: u32,
    /// Jobs in flight.
    pub in_flight: u32,
    /// Jobs that made a distance field.
    pub fields: u32,
    /// What all jobs spent.
    pub expansions: u64,
}

impl Routes {
    /// No agents yet. A small grid gets a heuristic with as many pivots as a strict job can afford:
    /// 8 at 64 × 64 squares, 1 at 128 × 128, at up to 27 Hz; a larger one if [`Routes::with_tables`] says so.
    pub fn new(grid: NavGrid) -> Self {
        Self {
            pivots: pivots_strict(&grid),
            grid: Arc::new(grid),
            layer: 0,
            budget: NAV_PATH_EXPANSIONS,
            fields_max: NAV_FIELDS_MAX,
            agents: BTreeMap::new(),
            queue: BTreeSet::new(),
            number: 0,
            targets: Targets::default(),
            tables: TablesAsked::default(),
            tick: 0,
            crowded: false,
            counts: RouteCounts::default(),
        }
    }

    /// What a path may spend before it is given as far as it got; the rest is asked for when the
    /// agent is there. Units: expansions.
    #[must_use]
    pub fn with_budget(mut self, expansions: u32) -> Self {
        self.budget = expansions.max(1);
        self
    }

    /// How many pivots the heuristic has; zero for no heuristic.
    ///
    /// With more than [`Routes::new`] would take, it comes whenever it is done, by a job of the kind
    /// `tables-late`: the room then depends on what its journal says, not on its inputs alone.
    #[must_use]
    pub fn with_tables(mut self, pivots: u8) -> Self {
        self.pivots = pivots;
        self
    }

    /// How many distance fields it keeps; zero for a path of its own for each agent.
    #[must_use]
    pub fn with_fields(mut self, most: usize) -> Self {
        self.fields_max = most;
        self
    }

    /// Which of a game's grids this is about: paths on different ones are never the same. A game
    /// with one `Routes` needs no number.
    #[must_use]
    pub fn with_layer(mut self, layer: u8) -> Self {
        self.layer = layer;
        self
    }

    /// The grid as it is.
    pub fn grid(&self) -> &NavGrid {
        &self.grid
    }

    /// The grid as it is, for jobs of the game's own: what is edited afterwards does not show in it.
    pub fn grid_shared(&self) -> Arc<NavGrid> {
        Arc::clone(&self.grid)
    }

    /// Changes the grid: walls appear or vanish.
    ///
    /// Paths that lead through a new wall are asked for anew, before all others; until the answer
    /// is there, their agents walk as far as the old ones lead. Where a wall is gone, paths stay
    /// as they are, even if there is a shorter one now; who had no way at all asks again.
    pub fn edit(&mut self, change: impl FnOnce(&mut NavGrid)) {
        let before = self.grid.version();
        change(Arc::make_mut(&mut self.grid));
        if self.grid.version() == before {
            return;
        }
        self.tables.first.get_or_insert(self.tick);
        self.tables.last = self.tick;
        let Some(area) = changed_since(&self.grid, before) else {
            return;
        };
        let mut asks = Vec::new();
        for (&id, agent) in &mut self.agents {
            agent.aim = None;
            if let Course::Walk(walk) = &mut agent.course
                && walk.cut(&self.grid, area)
            {
                asks.push((id, Rank::Broken));
            }
            if agent.going == Going::NoWay {
                asks.push((id, Rank::Usual));
            }
        }
        for (id, rank) in asks {
            self.ask(id, rank);
        }
    }

    /// An agent wants to go from where it is to the nearest of some goals.
    ///
    /// While it waits for an answer it follows what it had. Asking for what it is on the way to
    /// costs nothing, so a hunter may ask at each tick where its prey is.
    ///
    /// Shape: 1 to 64 goals; without any, it stops.
    pub fn go(&mut self, agent: EntityId, from: Square, goals: &[Square]) {
        self.set_out(agent, from, goals, false);
    }

    /// Like [`Routes::go`], for somebody who is looked at: goes before others, and always has a
    /// path of its own.
    pub fn go_first(&mut self, agent: EntityId, from: Square, goals: &[Square]) {
        self.set_out(agent, from, goals, true);
    }

    fn set_out(&mut self, id: EntityId, from: Square, goals: &[Square], first: bool) {
        if goals.is_empty() {
            return self.stop(id);
        }
        let number = self.number;
        let fresh = || Agent::new(from, Goals::from(goals), number);
        let agent = self.agents.entry(id).or_insert_with(fresh);
        agent.at = from;
        let goals = if *agent.goals == *goals {
            agent.goals.clone()
        } else {
            Goals::from(goals)
        };
        if agent.goals == goals && agent.first == first && agent.is_settled() {
            return;
        }
        self.leave_queue(id);
        let agent = self.agents.get_mut(&id).expect("entered above");
        agent.goals = goals;
        agent.first = first;
        agent.effort = 0;
        agent.going = Going::Walking;
        self.ask(id, if first { Rank::First } else { Rank::Usual });
    }

    /// Forgets an agent: it stands, or is gone.
    pub fn stop(&mut self, agent: EntityId) {
        self.leave_queue(agent);
        self.agents.remove(&agent);
    }

    /// Where an agent at a point walks next, straight; none if it stands: it is there, or has
    /// nothing to follow. It counts as there at less than 0.2 m from the middle of a goal.
    ///
    /// Units: metres.
    pub fn heading(&mut self, agent: EntityId, at: Vec2) -> Option<Vec2> {
        let id = agent;
        let agent = self.agents.get_mut(&id)?;
        let square = Square::of(at)?;
        agent.at = square;
        if let Some(point) = agent.aimed(square, at) {
            return Some(point);
        }
        let aim = agent.aim.map(|aim| aim.point);
        let way = match &mut agent.course {
            Course::Nothing => return None,
            Course::Walk(walk) => walk.look(&self.grid, at, aim),
            Course::Field(goals) => match self.targets.field(goals) {
                Some(field) => along_field(field, &self.grid, at, square),
                None => Way::Lost,
            },
        };
        match way {
            Way::To(point) => {
                agent.aim = Some(Aim { square, point });
                return Some(point);
            }
            Way::End if agent.is_at_goal() => agent.stand(Going::Arrived),
            Way::End | Way::Lost => {
                if agent.ask.is_none() {
                    self.ask(id, Rank::Usual);
                }
            }
        }
        None
    }

    /// How it goes for an agent; none if it does not want to go anywhere.
    pub fn going(&self, agent: EntityId) -> Option<Going> {
        self.agents.get(&agent).map(|agent| agent.going)
    }

    /// Corners that an agent still has to walk to, if it has a path of its own.
    pub fn path(&self, agent: EntityId) -> Option<&[Square]> {
        match &self.agents.get(&agent)?.course {
            Course::Walk(walk) => Some(walk.corners()),
            Course::Nothing | Course::Field(_) => None,
        }
    }

    /// Corners that an agent still has to walk to, also if it follows a field: for who looks on.
    pub fn corners(&self, agent: EntityId, most: usize) -> Vec<Square> {
        if let Some(path) = self.path(agent) {
            return path.iter().copied().take(most).collect();
        }
        let Some(agent) = self.agents.get(&agent) else {
            return Vec::new();
        };
        let Course::Field(goals) = &agent.course else {
            return Vec::new();
        };
        let next = |&at: &Square| self.targets.field(goals)?.next(&self.grid, at);
        let steps = std::iter::successors(Some(agent.at), next);
        turns(steps.take(SHOWN_STEPS), most)
    }

    /// Agents that wait for an answer, from where and to where (the first of their goals).
    pub fn waiting(&self) -> impl Iterator<Item = (EntityId, Square, Square)> {
        let asking = self.agents.iter().filter(|(_, agent)| agent.ask.is_some());
        asking.filter_map(|(&id, agent)| Some((id, agent.at, *agent.goals.first()?)))
    }

    /// What routes have cost so far.
    pub fn counts(&self) -> RouteCounts {
        self.counts
    }

    /// Distance fields that there are now.
    pub fn fields(&self) -> usize {
        self.targets.fields()
    }

    /// Asks anew for everything that was in flight: for a room that goes on without its jobs.
    pub fn ask_again(&mut self) {
        let sent = |agent: &Agent| agent.ask.is_some_and(|ask| ask.sent);
        let lost = self.agents.iter().filter(|(_, agent)| sent(agent));
        let lost: Vec<EntityId> = lost.map(|(&id, _)| id).collect();
        for id in lost {
            let Some(agent) = self.agents.get_mut(&id) else {
                continue;
            };
            agent.again = false;
            let rank = agent.ask.take().map_or(Rank::Usual, |ask| ask.rank);
            self.ask(id, rank);
        }
        self.targets.ask_again();
        self.tables.in_flight = false;
        self.tables.version = None;
        self.counts.in_flight = 0;
    }

    /// Puts an agent's question into the queue.
    pub(super) fn ask(&mut self, id: EntityId, rank: Rank) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let mut replaced = false;
        let mut number = self.number;
        if let Some(old) = agent.ask {
            if old.sent && rank == Rank::Broken {
                return; // Whether the answer still holds is seen when it is there.
            }
            if old.sent && old.replaced {
                agent.again = true;
                return;
            }
            replaced = old.sent || old.replaced;
            if !old.sent {
                number = old.number;
                self.leave_queue(id);
            }
        }
        self.number += u64::from(number == self.number);
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.ask = Some(Ask {
            rank,
            number,
            sent: false,
            replaced,
        });
        self.targets.used(&agent.goals).waiting += 1;
        self.queue.insert((rank, number, id));
    }

    /// Takes an agent's question out of the queue, if it is there; it keeps its number.
    pub(super) fn leave_queue(&mut self, id: EntityId) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        if let Some(ask) = agent.ask.filter(|ask| !ask.sent)
            && self.queue.remove(&(ask.rank, ask.number, id))
        {
            self.targets.used(&agent.goals).waiting -= 1;
        }
    }

    /// Whether an answer is for another grid: what [`Game::is_stale`](crate::Game::is_stale) is to
    /// say. The answer is not lost; what still holds of it is used.
    pub fn is_stale(&self, job: &NavJob) -> bool {
        !matches!(job, NavJob::Tables(_)) && job.grid().version() != self.grid.version()
    }
}

/// All chunks that changed after a version, and what lies between.
fn changed_since(grid: &NavGrid, version: u64) -> Option<Area> {
    let rows = (0..grid.height()).step_by(CHUNK);
    let corners = rows.flat_map(|y| (0..grid.width()).step_by(CHUNK).map(move |x| (x, y)));
    let corners = corners.map(|(x, y)| Square::new(x, y));
    let changed = corners.filter(|&at| grid.chunk_version(grid.chunk_of(at)) > version);
    changed.fold(None, |area, at| {
        let high = Square::new(at.x + 63, at.y + 63);
        let area = area.unwrap_or(Area { low: at, high });
        Some(Area {
            low: Square::new(area.low.x.min(at.x), area.low.y.min(at.y)),
            high: Square::new(area.high.x.max(high.x), area.high.y.max(high.y)),
        })
    })
}

/// Where a way turns, and where it ends; without the start.
fn turns(steps: impl Iterator<Item = Square>, most: usize) -> Vec<Square> {
    let steps: Vec<Square> = steps.collect();
    let turns = steps.windows(3).filter(|three| {
        let [a, b, c] = [three[0].middle(), three[1].middle(), three[2].middle()];
        b - a != c - b
    });
    let turns = turns.map(|three| three[1]);
    let end = steps.last().copied().filter(|_| steps.len() > 1);
    turns.chain(end).take(most).collect()
}
