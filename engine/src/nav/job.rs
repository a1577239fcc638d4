//! `NavJob`: the long computations of path finding, as jobs.
//!
//! Each holds the grid as it was when it was asked: one `Arc` more, whatever the size.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::field::Field;
use super::goals::Goals;
use super::grid::NavGrid;
use super::path::Path;
use super::search::find_path;
use super::shared;
use super::square::Square;
use super::tables::Tables;
use crate::entities::EntityId;
use crate::job::{Answer, Job, JobKind, Meter, Priority};
use crate::limits::NAV_PIVOTS;

/// Ticks until a distance field is there: many wait for it, but it is a larger piece of work.
const FIELD_LATENCY_TICKS: u32 = 4;

/// Ticks until new tables are there: nobody waits for them, and a thread has two seconds.
const TABLES_LATENCY_TICKS: u32 = 40;

/// Dearest tables that the tick thread could afford to build itself, if no thread has done it in
/// time: 4 ms. Units: expansions.
const TABLES_STRICT_MAX: u32 = 40_000;

/// Something to be found out about a grid; [`Routes`](super::Routes) makes them and takes the
/// answers.
#[derive(Clone, Debug)]
pub enum NavJob {
    /// The way of one agent.
    Path(PathAsk),
    /// The ways of all who have the same goals.
    Field(FieldAsk),
    /// What makes other searches faster.
    Tables(TablesAsk),
}

/// A way that is asked for.
#[derive(Clone, Debug)]
pub struct PathAsk {
    /// As it was then.
    pub grid: Arc<NavGrid>,
    /// Who asks.
    pub agent: EntityId,
    /// Where it begins.
    pub from: Square,
    /// Where it may end.
    pub goals: Goals,
    /// Somebody looks at it.
    pub first: bool,
    /// Units: expansions.
    pub budget: u32,
    /// Which of the agent's questions this is.
    pub(crate) number: u64,
    /// Which of a game's grids it is about.
    pub(crate) layer: u8,
}

/// A distance field that is asked for.
#[derive(Clone, Debug)]
pub struct FieldAsk {
    /// As it was then.
    pub grid: Arc<NavGrid>,
    /// Distances are to the nearest of these.
    pub goals: Goals,
}

/// Tables that are asked for.
#[derive(Clone, Debug)]
pub struct TablesAsk {
    /// As it was then.
    pub grid: Arc<NavGrid>,
    /// How many pivots the heuristic has.
    pub pivots: u8,
}

/// What a [`NavJob`] finds out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NavOutput {
    /// A way.
    Path(Path),
    /// Distances.
    Field(Field),
    /// New tables.
    Tables(#[serde(with = "shared")] Arc<Tables>),
}

impl NavJob {
    /// The grid that it is about, as it was when it was asked.
    pub fn grid(&self) -> &NavGrid {
        match self {
            Self::Path(ask) => &ask.grid,
            Self::Field(ask) => &ask.grid,
            Self::Tables(ask) => &ask.grid,
        }
    }
}

impl Job for NavJob {
    type Output = NavOutput;

    /// Tables have two kinds. Cheap ones are due at a fixed tick. Others would take the tick thread
    /// too long if it had to help, so they are applied whenever they are done. When that is, is part
    /// of a room's history, since of several shortest paths a search may find another one with them:
    /// hence the journal.
    const KINDS: &'static [JobKind] = &[
        JobKind::new("path"),
        JobKind::new("path-first").priority(Priority::High),
        JobKind::new("field").latency(FIELD_LATENCY_TICKS),
        JobKind::new("tables")
            .latency(TABLES_LATENCY_TICKS)
            .priority(Priority::Low)
            .in_flight(1)
            .threads(1),
        JobKind::new("tables-late")
            .latency(TABLES_LATENCY_TICKS)
            .priority(Priority::Low)
            .journal()
            .in_flight(1)
            .threads(1),
    ];

    fn kind(&self) -> usize {
        match self {
            Self::Path(ask) => usize::from(ask.first),
            Self::Field(_) => 2,
            Self::Tables(ask) if are_strict(&ask.grid, ask.pivots) => 3,
            Self::Tables(_) => 4,
        }
    }

    fn budget(&self) -> u32 {
        match self {
            Self::Path(ask) => ask.budget,
            Self::Field(ask) => Field::price(&ask.grid),
            Self::Tables(ask) => tables_price(&ask.grid, ask.pivots),
        }
    }

    fn owner(&self) -> Option<EntityId> {
        match self {
            Self::Path(ask) => Some(ask.agent),
            Self::Field(_) | Self::Tables(_) => None,
        }
    }

    fn same(&self) -> Option<u128> {
        match self {
            Self::Path(ask) => ask.same(),
            Self::Field(_) | Self::Tables(_) => None,
        }
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<NavOutput> {
        match self {
            Self::Path(ask) => {
                find_path(&ask.grid, ask.from, &ask.goals, meter).map(NavOutput::Path)
            }
            Self::Field(ask) => Field::build(&ask.grid, &ask.goals, meter).map(NavOutput::Field),
            Self::Tables(ask) => {
                let tables = Tables::build(&ask.grid, usize::from(ask.pivots), meter);
                tables.map_or(Answer::NoPath, |tables| {
                    Answer::Done(NavOutput::Tables(Arc::new(tables)))
                })
            }
        }
    }
}

impl PathAsk {
    /// All that the answer depends on, within one tick and one game: from and to (12 bits each
    /// number), the budget, the grid's version, and which grid. None if it does not fit.
    fn same(&self) -> Option<u128> {
        let &[goal] = &*self.goals else {
            return None;
        };
        let mut key = u128::from(u32::try_from(self.grid.version()).ok()?);
        for (number, bits) in [
            (u32::from(self.from.x), 12),
            (u32::from(self.from.y), 12),
            (u32::from(goal.x), 12),
            (u32::from(goal.y), 12),
            (self.budget, 32),
            (u32::from(self.layer), 8),
            (u32::from(self.first), 1),
        ] {
            if u64::from(number) >> bits != 0 {
                return None;
            }
            key = key << bits | u128::from(number);
        }
        // The rest says that it is a path: a game may have other jobs that are the same.
        Some(key << 7 | 0x5a)
    }
}

/// Most that tables spend: measured on grids of all densities, and a fifth more.
fn tables_price(grid: &NavGrid, pivots: u8) -> u32 {
    let squares = u32::from(grid.width()) * u32::from(grid.height());
    squares.div_ceil(10) * (16 + 6 * u32::from(pivots))
}

/// Whether tables are of the kind that is due at a fixed tick.
fn are_strict(grid: &NavGrid, pivots: u8) -> bool {
    tables_price(grid, pivots) <= TABLES_STRICT_MAX
}

/// The most pivots whose tables are due at a fixed tick; zero if not even one pivot's are.
pub(crate) fn pivots_strict(grid: &NavGrid) -> u8 {
    let mut counts = (1..=NAV_PIVOTS).rev();
    counts.find(|&count| are_strict(grid, count)).unwrap_or(0)
}
