//! `Tables`: what is known of a grid beforehand, so that searches need not find it out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::corners::Corners;
use super::grid::NavGrid;
use super::labels::Labels;
use super::layer::Layer;
use super::pivots::{LANES, Lanes, Pivots};
use super::ranks::Ranks;
use super::square::Square;
use crate::job::Meter;

/// What is known of one version of a grid: estimates from pivots, the graph of its corners, and
/// which squares belong together.
///
/// Written as the grid's bits alone, and built anew when read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "State", try_from = "State")]
pub struct Tables {
    width: u16,
    height: u16,
    /// How many pivots were asked for.
    count: usize,
    version: u64,
    rows: Arc<Layer>,
    labels: Labels,
    free: Ranks,
    pivots: Pivots,
    corners: Corners,
}

impl Tables {
    /// Builds them for a grid, with so many pivots, at most 8; none when the meter ends.
    pub fn build(grid: &NavGrid, pivots: usize, meter: &mut Meter<'_>) -> Option<Self> {
        let count = pivots.min(LANES);
        let free = Ranks::of(grid.rows().as_ref().clone());
        let pivots = Pivots::build(grid, &free, count, meter)?;
        let corners = Corners::build(grid, |at| *pivots.of(free.rank(at)), meter)?;
        Some(Self {
            width: grid.width(),
            height: grid.height(),
            count,
            version: grid.version(),
            rows: Arc::clone(grid.rows()),
            labels: Labels::of(grid.rows(), grid.width(), grid.height()),
            free,
            pivots,
            corners,
        })
    }

    /// The version of the grid that they were built for.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn width(&self) -> u16 {
        self.width
    }

    pub(crate) fn height(&self) -> u16 {
        self.height
    }

    pub(crate) fn rows(&self) -> &Layer {
        &self.rows
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The distances of a square that was free then.
    #[inline]
    pub(crate) fn lanes(&self, at: Square) -> &Lanes {
        self.pivots.of(self.free.rank(at))
    }

    /// What the way between two squares costs at least.
    #[inline]
    pub(crate) fn estimate(&self, one: &Lanes, other: &Lanes) -> u32 {
        self.pivots.estimate(one, other)
    }

    pub(crate) fn corners(&self) -> &Corners {
        &self.corners
    }

    /// What they take in memory, about.
    pub fn bytes(&self) -> usize {
        self.pivots.bytes()
            + self.corners.bytes()
            + 4 * usize::from(self.width) * usize::from(self.height)
    }
}

/// Tables as they are written.
#[derive(Serialize, Deserialize)]
struct State {
    width: u16,
    height: u16,
    pivots: usize,
    version: u64,
    rows: Vec<u64>,
}

impl From<Tables> for State {
    fn from(tables: Tables) -> Self {
        Self {
            width: tables.width,
            height: tables.height,
            pivots: tables.count,
            version: tables.version,
            rows: tables.rows.words().to_vec(),
        }
    }
}

impl TryFrom<State> for Tables {
    type Error = &'static str;

    fn try_from(state: State) -> Result<Self, Self::Error> {
        let grid = super::grid::from_words(state.width, state.height, state.rows)
            .ok_or("a grid's bits are not those of its size")?;
        let mut meter = Meter::new(u32::MAX);
        let mut tables = Self::build(&grid, state.pivots, &mut meter)
            .ok_or("tables took more than 2³² expansions")?;
        tables.version = state.version;
        Ok(tables)
    }
}
