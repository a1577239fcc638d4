//! The meadow's jobs: ways around what stands in the way, for players and for animals.

use std::sync::Arc;

use downbeat::nav::{NavGrid, NavJob, NavOutput, Path, Square, find_path};
use downbeat::{Answer, EntityId, Job, JobKind, Meter, PlayerId, Priority, Vec2};
use serde::{Deserialize, Serialize};

use super::walk::is_clear_over;

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
    pub(super) grid: Arc<NavGrid>,
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
            Self::Walk(walk) => walk.run(meter).map(Found::Walk),
            Self::Animals(job) => job.run(meter).map(Found::Animals),
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
        path.map(|path| self.pulled(&path))
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
