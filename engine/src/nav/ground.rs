//! `Ground`: what a search walks on: the live bits of a grid, or the graph of its corners.

use super::corners::Corners;
use super::grid::NavGrid;
use super::pivots::{LANES, Lanes};
use super::scan::{self, Ways};
use super::square::Square;
use super::tables::Tables;

/// A goal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) at: Square,
    lanes: Lanes,
}

impl Target {
    pub(crate) fn new(at: Square, tables: Option<&Tables>) -> Self {
        let lanes = tables.map_or([0; LANES], |tables| *tables.lanes(at));
        Self { at, lanes }
    }
}

/// Where to look for successors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) key: u32,
    pub(crate) ways: Ways,
    /// How far away the nearest goal is, as if nothing stood in the way.
    pub(crate) goals: u32,
}

/// What a search walks on. Keys stand for places.
pub(crate) trait Ground {
    fn square(&self, key: u32) -> Square;

    /// What the way to the nearest goal costs at least.
    fn estimate(&self, key: u32) -> u32;

    /// Whether one can walk to a square diagonally first and then straight.
    fn sees(&self, key: u32, to: Square) -> bool;

    /// What comes next by these ways, if goals are so far away in a straight line: key, ways on
    /// from there, cost. Says how much work it was.
    fn successors(&self, from: Origin, visit: impl FnMut(u32, Ways, u32)) -> u32;

    /// The places that the way from one key to the next passes, in order, beside the one where it
    /// turns.
    fn passed(&self, from: u32, to: u32, cost: u32, passed: &mut Vec<Square>);
}

/// The bits as they are; keys are squares.
pub(crate) struct Live<'a> {
    pub(crate) grid: &'a NavGrid,
    pub(crate) tables: Option<&'a Tables>,
    pub(crate) targets: &'a [Target],
}

impl Live<'_> {
    #[inline]
    pub(crate) fn key(at: Square) -> u32 {
        u32::from(at.y) << 16 | u32::from(at.x)
    }
}

impl Ground for Live<'_> {
    #[inline]
    fn square(&self, key: u32) -> Square {
        let [x_low, x_high, y_low, y_high] = key.to_le_bytes();
        Square::new(
            u16::from_le_bytes([x_low, x_high]),
            u16::from_le_bytes([y_low, y_high]),
        )
    }

    #[inline]
    fn estimate(&self, key: u32) -> u32 {
        let at = self.square(key);
        match self.tables {
            Some(tables) => nearest(self.targets, at, tables.lanes(at), tables),
            None => {
                let octile = self.targets.iter().map(|target| at.octile(target.at));
                octile.min().unwrap_or(0)
            }
        }
    }

    #[inline]
    fn sees(&self, key: u32, to: Square) -> bool {
        scan::sees(self.grid, self.square(key), to)
    }

    #[inline]
    fn successors(&self, from: Origin, mut visit: impl FnMut(u32, Ways, u32)) -> u32 {
        scan::successors(self.grid, self.square(from.key), from.ways, |found| {
            visit(Self::key(found.at), found.ways, found.cost);
        })
    }

    fn passed(&self, _: u32, _: u32, _: u32, _: &mut Vec<Square>) {}
}

/// The graph of corners; keys are their numbers, and the one after the last is the start.
pub(crate) struct Known<'a> {
    pub(crate) grid: &'a NavGrid,
    pub(crate) tables: &'a Tables,
    pub(crate) corners: &'a Corners,
    pub(crate) targets: &'a [Target],
    pub(crate) start: Square,
}

impl Known<'_> {
    #[inline]
    pub(crate) fn start_key(&self) -> u32 {
        u32::try_from(self.corners.count()).expect("corners are counted in 24 bits")
    }

    #[inline]
    fn is_start(&self, key: u32) -> bool {
        key as usize == self.corners.count()
    }
}

impl Ground for Known<'_> {
    #[inline]
    fn square(&self, key: u32) -> Square {
        if self.is_start(key) {
            self.start
        } else {
            self.corners.corner(key).at
        }
    }

    #[inline]
    fn estimate(&self, key: u32) -> u32 {
        if self.is_start(key) {
            return nearest(
                self.targets,
                self.start,
                self.tables.lanes(self.start),
                self.tables,
            );
        }
        let corner = self.corners.corner(key);
        nearest(self.targets, corner.at, &corner.lanes, self.tables)
    }

    #[inline]
    fn sees(&self, key: u32, to: Square) -> bool {
        if self.is_start(key) {
            scan::sees(self.grid, self.start, to)
        } else {
            self.corners.sees(self.grid, key, to)
        }
    }

    #[inline]
    fn successors(&self, from: Origin, mut visit: impl FnMut(u32, Ways, u32)) -> u32 {
        if self.is_start(from.key) {
            return scan::successors(self.grid, self.start, from.ways, |found| {
                visit(self.corners.rank(found.at), found.ways, found.cost);
            });
        }
        let mut work = 0;
        for edges in self.corners.edges(from) {
            work += u32::try_from(edges.len()).unwrap_or(u32::MAX);
            for edge in edges {
                visit(edge.to(), edge.ways(), edge.cost);
            }
        }
        work
    }

    fn passed(&self, from: u32, to: u32, cost: u32, passed: &mut Vec<Square>) {
        if !self.is_start(from) {
            self.corners.passed(from, to, cost, passed);
        }
    }
}

/// What the way to the nearest of several goals costs at least.
#[inline]
fn nearest(targets: &[Target], at: Square, lanes: &Lanes, tables: &Tables) -> u32 {
    let each = targets.iter().map(|target| {
        at.octile(target.at)
            .max(tables.estimate(lanes, &target.lanes))
    });
    each.min().unwrap_or(0)
}
