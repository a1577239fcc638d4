//! The meadow's jobs: ways around what stands in the way, for players and for animals.

use std::collections::BTreeMap;

use downbeat::nav::{NavGrid, NavJob, NavOutput, Path, Routes, Square, find_path};
use downbeat::{
    Answer, EntityId, Job, JobDone, JobKind, Meter, Outcome, PlayerId, Priority, Room, Vec2,
};
use serde::{Deserialize, Serialize};

use super::map::Map;
use super::player::{Answered, Walker};
use super::walk::is_clear_over;
use super::{Gate, Meadow};

/// What a player's path may spend: several times what the longest one on a meadow takes, and so
/// little that a crowd that clicks is served within a few ticks. Units: expansions.
const WALK_EXPANSIONS: u32 = 2_000;

/// A way that is to be found.
#[derive(Clone, Debug)]
pub enum Way {
    /// For a player.
    Walk(Walk),
    /// For animals.
    Animals(NavJob),
}

/// A player's way to a place, or to the place nearest to it.
#[derive(Clone, Debug)]
pub struct Walk {
    pub(super) grid: NavGrid,
    pub(super) player: PlayerId,
    pub(super) body: EntityId,
    pub(super) from: Vec2,
    pub(super) to: Square,
}

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Found {
    /// For a player: squares whose middles are walked to one after the other.
    Walk(Vec<Square>),
    /// For animals.
    Animals(NavOutput),
}

impl From<NavJob> for Way {
    fn from(job: NavJob) -> Self {
        Self::Animals(job)
    }
}

/// All kinds: the players' and then those of [`NavJob`].
const KINDS: [JobKind; 1 + NavJob::KINDS.len()] = {
    let mut kinds = [JobKind::new("walk").priority(Priority::High); _];
    let mut n = 0;
    while n < NavJob::KINDS.len() {
        kinds[n + 1] = NavJob::KINDS[n];
        n += 1;
    }
    kinds
};

impl Job for Way {
    type Output = Found;

    const KINDS: &'static [JobKind] = &KINDS;

    fn kind(&self) -> usize {
        match self {
            Self::Walk(_) => 0,
            Self::Animals(job) => 1 + job.kind(),
        }
    }

    fn budget(&self) -> u32 {
        match self {
            Self::Walk(_) => WALK_EXPANSIONS,
            Self::Animals(job) => job.budget(),
        }
    }

    fn owner(&self) -> Option<EntityId> {
        match self {
            Self::Walk(walk) => Some(walk.body),
            Self::Animals(job) => job.owner(),
        }
    }

    fn same(&self) -> Option<u128> {
        match self {
            Self::Walk(_) => None,
            Self::Animals(job) => job.same(),
        }
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<Found> {
        match self {
            Self::Walk(walk) => mapped(walk.run(meter), Found::Walk),
            Self::Animals(job) => mapped(job.run(meter), Found::Animals),
        }
    }
}

impl Walk {
    fn run(&self, meter: &mut Meter<'_>) -> Answer<Vec<Square>> {
        let side = self.grid.width().max(self.grid.height());
        let ends = Square::of(self.from).and_then(|start| {
            let end = self.grid.nearest_reachable(start, self.to, side)?;
            Some((start, end))
        });
        let Some((start, end)) = ends else {
            return Answer::NoPath;
        };
        let path = find_path(&self.grid, start, &[end], meter);
        mapped(path, |path| self.pulled(&path))
    }

    /// The corners that are left when a path is pulled tight.
    fn pulled(&self, path: &Path) -> Vec<Square> {
        let free = |at| Square::of(at).is_some_and(|square| self.grid.is_free(square));
        let mut tight = Vec::new();
        let mut from = self.from;
        // The start's middle is always in sight: whoever stands there has room on all sides.
        for pair in path.corners().windows(2) {
            if !is_clear_over(from, pair[1].middle(), free) {
                tight.push(pair[0]);
                from = pair[0].middle();
            }
        }
        tight.push(path.end());
        tight
    }
}

fn mapped<T, U>(answer: Answer<T>, into: impl FnOnce(T) -> U) -> Answer<U> {
    match answer {
        Answer::Done(found) => Answer::Done(into(found)),
        Answer::Partial(found) => Answer::Partial(into(found)),
        Answer::NoPath => Answer::NoPath,
    }
}

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

impl Ways {
    pub(super) fn new(map: &Map) -> Self {
        let grid = NavGrid::from_fn(map.width(), map.height(), |Square { x, y }| {
            map.at(x.into(), y.into()).is_ground()
        });
        Self {
            routes: Routes::new(grid),
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
                grid: self.routes.grid().clone(),
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
