//! Who asks for which way, and what came of it.
//!
//! In: players that want to get somewhere, the animals' routes, gates that turn, answers of jobs.
//! Out: jobs, and paths for players. What a job is, is the business of `way`.

use std::collections::BTreeMap;

use downbeat::nav::{NavGrid, NavOutput, Routes, Square};
use downbeat::{Answer, JobDone, Outcome, PlayerId, Room};
use serde::{Deserialize, Serialize};

use super::map::Map;
use super::player::Walker;
use super::way::{Found, Walk, Way};
use super::{Gate, Meadow};

/// The ways of a room: where one can walk, and who has asked for what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ways {
    pub(super) routes: Routes,
    pub(super) walks: Counts,
}

/// What the players' jobs came to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) asked: u32,
    pub(super) done: u32,
    pub(super) rejected: u32,
    pub(super) cancelled: u32,
    /// Wraps.
    pub(super) expansions: u32,
}

/// What came of a question for a path.
pub(super) enum Answered {
    /// The middles of these squares, one after the other.
    Path(Vec<Square>),
    /// It is to be asked anew.
    Again,
    /// It is as near as it gets.
    Nothing,
}

impl Ways {
    pub(super) fn new(map: &Map) -> Self {
        let grid = NavGrid::from_fn(map.width(), map.height(), |Square { x, y }| {
            map.at(x.into(), y.into()).is_ground()
        });
        Self {
            // Ways over a meadow are short: tables would cost more than they spare.
            routes: Routes::new(grid).with_tables(0),
            walks: Counts::default(),
        }
    }

    /// A gate has opened or shut.
    pub(super) fn turn(&mut self, gate: Gate) {
        self.routes.edit(|grid| {
            for (column, row) in gate.tiles() {
                if let (Ok(x), Ok(y)) = (column.try_into(), row.try_into()) {
                    grid.set(Square::new(x, y), gate.open);
                }
            }
            // Who asks for what is behind it goes as near as it gets, so it must be known.
            grid.relabel();
        });
    }

    /// Hands in what players and animals ask for.
    pub(super) fn submit(
        &mut self,
        walkers: &mut BTreeMap<PlayerId, Walker>,
        room: &mut Room<Meadow>,
    ) {
        for (&player, walker) in walkers {
            let body = walker.body;
            let Some(want) = walker.unasked() else {
                continue;
            };
            let Some(from) = room.entity(body).map(|entity| entity.pos) else {
                continue;
            };
            let walk = Walk {
                grid: self.routes.grid_shared(),
                player,
                body,
                from,
                to: want.to,
            };
            // What is handed back is asked for again at the next tick.
            want.asked = room.submit(Way::Walk(walk)).ok();
            let count = match want.asked {
                Some(_) => &mut self.walks.asked,
                None => &mut self.walks.rejected,
            };
            *count = count.wrapping_add(1);
        }
        self.routes.submit(|job| room.submit(job));
    }

    /// Takes a job's outcome.
    pub(super) fn handle_done(
        &mut self,
        done: JobDone<'_, Way>,
        walkers: &mut BTreeMap<PlayerId, Walker>,
        (map, room): (&Map, &Room<Meadow>),
    ) {
        let walk = match done.job {
            Way::Walk(walk) => walk,
            Way::Animals(job) => {
                let outcome = mapped_outcome(done.outcome);
                return self.routes.job_done(job, outcome, done.expansions);
            }
        };
        let counts = &mut self.walks;
        counts.expansions = counts.expansions.wrapping_add(done.expansions);
        let (count, answer) = match done.outcome {
            Outcome::Done(Found::Walk(path)) | Outcome::Partial(Found::Walk(path)) => {
                (&mut counts.done, Answered::Path(path))
            }
            Outcome::Stale(_) => (&mut counts.done, Answered::Again),
            Outcome::Cancelled => (&mut counts.cancelled, Answered::Nothing),
            _ => (&mut counts.done, Answered::Nothing),
        };
        *count = count.wrapping_add(1);
        let at = room.entity(walk.body).map(|entity| entity.pos);
        if let Some(walker) = walkers.get_mut(&walk.player)
            && let Some(at) = at
        {
            walker.handle_path((done.id, walk.to), answer, map, at);
        }
    }

    /// Whether an answer is for gates that have turned since.
    pub(super) fn is_stale(&self, job: &Way) -> bool {
        match job {
            Way::Walk(walk) => walk.grid.version() != self.routes.grid().version(),
            Way::Animals(job) => self.routes.is_stale(job),
        }
    }
}

/// An outcome of an animals' job: what it found is of its kind.
fn mapped_outcome(outcome: Outcome<Found>) -> Outcome<NavOutput> {
    let animals = |found| match found {
        Found::Animals(output) => Some(output),
        Found::Walk(_) => None,
    };
    let answered = |answer| match answer {
        Answer::Done(found) => animals(found).map_or(Answer::NoPath, Answer::Done),
        Answer::Partial(found) => animals(found).map_or(Answer::NoPath, Answer::Partial),
        Answer::NoPath => Answer::NoPath,
    };
    match outcome {
        Outcome::Done(found) => answered(Answer::Done(found)).into(),
        Outcome::Partial(found) => answered(Answer::Partial(found)).into(),
        Outcome::NoPath => Outcome::NoPath,
        Outcome::Stale(answer) => Outcome::Stale(answered(answer)),
        Outcome::Late => Outcome::Late,
        Outcome::Cancelled => Outcome::Cancelled,
        Outcome::Panicked => Outcome::Panicked,
    }
}
