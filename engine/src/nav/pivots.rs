//! `Pivots`: estimates from distances to a few squares that lie far apart.
//!
//! No way from one square to another is shorter than the difference of what the two are away from
//! a third. Distances are kept in 16 bits; what rounding could add is taken off again.
//!
//! Source: N. Sturtevant, A. Felner, M. Barrer, J. Schaeffer and N. Burch, "Memory-Based Heuristics
//! for Explicit State Spaces", IJCAI 2009 (differential heuristics); A. Goldberg and C. Harrelson,
//! "Computing the Shortest Path: A* Search Meets Graph Theory", SODA 2005.

use super::grid::NavGrid;
use super::ranks::Ranks;
use super::square::{COST_MAX, DIAGONAL, STRAIGHT, Square};
use crate::job::Meter;

/// Most pivots of a component.
pub(crate) const LANES: usize = 16;

/// Distances of a square to its component's pivots, in [`Pivots::unit`]s.
pub(crate) type Lanes = [u16; LANES];

/// Distances of all free squares to the pivots of their component.
#[derive(Clone, Debug)]
pub(crate) struct Pivots {
    lanes: Vec<Lanes>,
    unit: u32,
}

impl Pivots {
    /// The distances of a square. `free` numbers the grid's free squares.
    #[inline]
    pub(crate) fn of(&self, rank: u32) -> &Lanes {
        &self.lanes[rank as usize]
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.lanes[..])
    }

    /// What the way between two squares costs at least.
    #[inline]
    pub(crate) fn estimate(&self, one: &Lanes, other: &Lanes) -> u32 {
        let mut most = 0;
        for lane in 0..LANES {
            most = most.max(one[lane].abs_diff(other[lane]));
        }
        // Each of the two was rounded down by less than a unit.
        (u32::from(most) * self.unit).saturating_sub(self.unit - 1)
    }

    /// Up to `count` pivots for each component, each as far as possible from those before it; none
    /// when the meter ends.
    pub(crate) fn build(
        grid: &NavGrid,
        free: &Ranks,
        count: usize,
        meter: &mut Meter<'_>,
    ) -> Option<Self> {
        let squares: Vec<Square> = free.set().squares(grid.height()).collect();
        let mut all: [Vec<u32>; LANES] = std::array::from_fn(|_| vec![0; squares.len()]);
        let mut flood = Flood::new(grid);
        let mut seen = vec![false; squares.len()];
        for first in 0..squares.len() {
            if seen[first] {
                continue;
            }
            // Where to begin does not matter; the square farthest from there is a good pivot.
            flood.run(squares[first], meter)?;
            let ranks: Vec<usize> = flood
                .seen
                .iter()
                .map(|&at| free.rank(at) as usize)
                .collect();
            let mut nearest = vec![COST_MAX; ranks.len()];
            let mut pivot = flood.farthest();
            for lane in all.iter_mut().take(count) {
                flood.run(pivot, meter)?;
                let mut farthest = (0, pivot);
                for (&rank, near) in ranks.iter().zip(&mut nearest) {
                    let distance = flood.distance(squares[rank]).min(COST_MAX);
                    lane[rank] = distance;
                    *near = distance.min(*near);
                    farthest = farthest.max((*near, squares[rank]));
                }
                pivot = farthest.1;
            }
            ranks.iter().for_each(|&rank| seen[rank] = true);
        }
        let most = all.iter().flatten().copied().max().unwrap_or(0);
        let unit = most / u32::from(u16::MAX) + 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the unit is chosen to make it fit"
        )]
        let lane = |lane: &Vec<u32>, rank: usize| (lane[rank] / unit) as u16;
        let lanes = |rank| all.each_ref().map(|each| lane(each, rank));
        let lanes = (0..squares.len()).map(lanes).collect();
        Some(Self { lanes, unit })
    }
}

/// Distances from one square, by Dijkstra's algorithm with three buckets: what is taken from one
/// cannot be bettered from the same one, as no step costs less than a bucket is wide.
struct Flood<'a> {
    grid: &'a NavGrid,
    /// By square, in rows.
    distances: Vec<u32>,
    /// The squares that the last run reached.
    seen: Vec<Square>,
    buckets: [Vec<Square>; 3],
}

impl<'a> Flood<'a> {
    fn new(grid: &'a NavGrid) -> Self {
        let squares = usize::from(grid.width()) * usize::from(grid.height());
        Self {
            grid,
            distances: vec![u32::MAX; squares],
            seen: Vec::new(),
            buckets: Default::default(),
        }
    }

    fn index(&self, at: Square) -> usize {
        usize::from(at.y) * usize::from(self.grid.width()) + usize::from(at.x)
    }

    fn distance(&self, at: Square) -> u32 {
        self.distances[self.index(at)]
    }

    /// The one of the last run's squares that is farthest; of several the last in rows.
    fn farthest(&self) -> Square {
        let farthest = self.seen.iter().map(|&at| (self.distance(at), at)).max();
        farthest.map(|farthest| farthest.1).unwrap_or_default()
    }

    fn run(&mut self, from: Square, meter: &mut Meter<'_>) -> Option<()> {
        for at in std::mem::take(&mut self.seen) {
            let index = self.index(at);
            self.distances[index] = u32::MAX;
        }
        self.reach(from, 0);
        let mut round = 0;
        while self.buckets.iter().any(|bucket| !bucket.is_empty()) {
            let mut bucket = std::mem::take(&mut self.buckets[round as usize % 3]);
            let work = u32::try_from(bucket.len() / 2).unwrap_or(u32::MAX);
            if !meter.spend(work + 1) {
                return None;
            }
            for at in bucket.drain(..) {
                let distance = self.distance(at);
                // Otherwise a shorter way came first.
                if distance / STRAIGHT == round && distance <= COST_MAX {
                    self.spread(at, distance);
                }
            }
            self.buckets[round as usize % 3] = bucket;
            round += 1;
        }
        Some(())
    }

    fn reach(&mut self, at: Square, distance: u32) {
        let index = self.index(at);
        let known = &mut self.distances[index];
        if distance < *known {
            if *known == u32::MAX {
                self.seen.push(at);
            }
            *known = distance;
            self.buckets[(distance / STRAIGHT) as usize % 3].push(at);
        }
    }

    fn spread(&mut self, at: Square, distance: u32) {
        let free = |x: u16, y: u16| self.grid.is_free(Square::new(x, y));
        let (left, right) = (at.x.wrapping_sub(1), at.x + 1);
        let (up, down) = (at.y.wrapping_sub(1), at.y + 1);
        let (west, east) = (free(left, at.y), free(right, at.y));
        let (north, south) = (free(at.x, up), free(at.x, down));
        let steps = [
            (west, left, at.y, STRAIGHT),
            (east, right, at.y, STRAIGHT),
            (north, at.x, up, STRAIGHT),
            (south, at.x, down, STRAIGHT),
            (north && west && free(left, up), left, up, DIAGONAL),
            (north && east && free(right, up), right, up, DIAGONAL),
            (south && west && free(left, down), left, down, DIAGONAL),
            (south && east && free(right, down), right, down, DIAGONAL),
        ];
        for (_, x, y, cost) in steps.into_iter().filter(|step| step.0) {
            self.reach(Square::new(x, y), distance + cost);
        }
    }
}
