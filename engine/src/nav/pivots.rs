//! `Pivots`: estimates from distances to a few squares that lie far apart.
//!
//! No way from one square to another is shorter than the difference of what the two are away from
//! a third. Distances are kept in 16 bits; what rounding could add is taken off again.
//!
//! Source: N. Sturtevant, A. Felner, M. Barrer, J. Schaeffer and N. Burch, "Memory-Based Heuristics
//! for Explicit State Spaces", IJCAI 2009 (differential heuristics); A. Goldberg and C. Harrelson,
//! "Computing the Shortest Path: A* Search Meets Graph Theory", SODA 2005.

use super::flood::Flood;
use super::grid::NavGrid;
use super::ranks::Ranks;
use super::square::COST_MAX;
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
        let mut flood = Flood::new(grid);
        let mut all: [Vec<u32>; LANES] = std::array::from_fn(|_| vec![0; free.count()]);
        let mut seen = vec![false; free.count()];
        for (rank, first) in free.set().squares(grid.height()).enumerate() {
            if seen[rank] {
                continue;
            }
            // Where to begin does not matter; the square farthest from there is a good pivot.
            flood.run(flood.place(first), meter)?;
            let places = flood.seen().to_vec();
            let ranks: Vec<usize> = places
                .iter()
                .map(|&place| free.rank(flood.square(place)) as usize)
                .collect();
            ranks.iter().for_each(|&rank| seen[rank] = true);
            let mut nearest = vec![COST_MAX; places.len()];
            let mut pivot = flood.farthest();
            for lane in all.iter_mut().take(count) {
                flood.run(pivot, meter)?;
                let mut farthest = (0, pivot);
                for ((&place, &rank), near) in places.iter().zip(&ranks).zip(&mut nearest) {
                    let distance = flood.distance(place).min(COST_MAX);
                    lane[rank] = distance;
                    *near = distance.min(*near);
                    farthest = farthest.max((*near, place));
                }
                pivot = farthest.1;
            }
        }
        let most = all.iter().flatten().copied().max().unwrap_or(0);
        let unit = most / u32::from(u16::MAX) + 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the unit is chosen to make it fit"
        )]
        let lane = |lane: &Vec<u32>, rank: usize| (lane[rank] / unit) as u16;
        let lanes = |rank| all.each_ref().map(|each| lane(each, rank));
        let lanes = (0..free.count()).map(lanes).collect();
        Some(Self { lanes, unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nav::{STRAIGHT, Square};

    fn build(grid: &NavGrid, free: &Ranks) -> Pivots {
        let pivots = Pivots::build(grid, free, LANES, &mut Meter::new(u32::MAX));
        pivots.expect("nothing limits it")
    }

    #[test]
    fn along_a_corridor_estimates_are_the_distances_but_for_their_rounding() {
        let grid = NavGrid::open(700, 1);
        let free = Ranks::of(grid.rows().as_ref().clone());
        let pivots = build(&grid, &free);
        assert!(pivots.unit > 1, "16 bits are too few for 700 squares");
        let lanes = |x: u16| pivots.of(free.rank(Square::new(x, 0)));
        for one in 0..700_u16 {
            for other in (0..700).step_by(7) {
                let distance = u32::from(one.abs_diff(other)) * STRAIGHT;
                let estimate = pivots.estimate(lanes(one), lanes(other));
                let least = distance.saturating_sub(2 * pivots.unit);
                assert!(
                    (least..=distance).contains(&estimate),
                    "{one} to {other}: {estimate}"
                );
            }
        }
    }

    #[test]
    fn each_component_has_pivots_of_its_own() {
        let grid = NavGrid::from_fn(21, 3, |at| at.x % 7 != 6);
        let free = Ranks::of(grid.rows().as_ref().clone());
        let pivots = build(&grid, &free);
        for left in [0, 7, 14] {
            let lanes = |x: u16| pivots.of(free.rank(Square::new(left + x, 1)));
            assert_eq!(pivots.estimate(lanes(0), lanes(5)), 5 * STRAIGHT);
        }
    }
}
