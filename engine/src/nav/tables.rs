//! `Tables`: what is known of a grid beforehand, so that searches need not find it out.

use std::fmt;
use std::sync::Arc;

use super::corners::Corners;
use super::grid::NavGrid;
use super::labels::Labels;
use super::layer::Layer;
use super::pivots::{LANES, Lanes, Pivots};
use super::ranks::Ranks;
use super::square::Square;
use crate::job::Meter;

/// As many pivots as [`Tables`] have room for.
pub const PIVOTS: usize = LANES;

/// What is known of one version of a grid: estimates from pivots, the graph of its corners, and
/// which squares belong together.
///
/// In memory: 32 bytes for each free square, 4 for any square, and about 150 for each corner of a
/// wall; 5 MB for a 512 × 512 map of rooms, 18 MB for one that is one third noise. Written as the
/// grid's bits alone, and built anew when read.
///
/// Source: estimates are differential heuristics, by N. Sturtevant, A. Felner, M. Barrer, J.
/// Schaeffer and N. Burch, "Memory-Based Heuristics for Explicit State Spaces", IJCAI 2009, known
/// on roads as ALT, by A. Goldberg and C. Harrelson, "Computing the Shortest Path: A\* Search Meets
/// Graph Theory", SODA 2005. On graphs of jump points: D. Harabor, T. Uras, P. Stuckey and S.
/// Koenig, "Regarding Jump Point Search and Subgoal Graphs", IJCAI 2019.
#[derive(Clone)]
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
    /// Builds them for a grid, with so many pivots, at most [`PIVOTS`]; none when the meter ends.
    ///
    /// Sixteen pivots instead of eight take twice as long, and spare a third of the work of searches
    /// among noise, next to nothing among rooms. Takes about 40 ms for a 512 × 512 map of rooms with
    /// eight, and about half an expansion for each free square and pivot.
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

    pub(crate) fn pivots(&self) -> usize {
        self.count
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

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("pivots", &self.count)
            .field("version", &self.version)
            .field("corners", &self.corners.count())
            .finish_non_exhaustive()
    }
}
