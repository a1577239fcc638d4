//! The nearest others of each of many points: sorted once, then looked up by ranges.

use glam::Vec2;

use super::square::Square;
use crate::limits::NAV_NEIGHBOURS_MAX;

/// One that is near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Neighbour {
    pub(crate) distance_squared: f32,
    pub(crate) index: usize,
}

/// A point, by the square of the index that it lies in.
#[derive(Clone, Copy, Debug)]
struct Place {
    row: u16,
    column: u16,
    index: usize,
    at: Vec2,
}

impl Place {
    fn key(&self) -> (u16, u16, usize) {
        (self.row, self.column, self.index)
    }
}

/// Points by place.
#[derive(Debug, Default)]
pub(crate) struct Nearest {
    reach: f32,
    places: Vec<Place>,
    found: Vec<Neighbour>,
}

impl Nearest {
    /// Takes in all points; those that are `None` are nowhere.
    pub(crate) fn fill(&mut self, points: impl Iterator<Item = Option<Vec2>>, reach: f32) {
        self.reach = reach.max(0.1);
        let reach = self.reach;
        self.places.clear();
        let places = points.enumerate().filter_map(|(index, at)| {
            let at = at?;
            let (row, column) = square_of(at, reach);
            Some(Place {
                row,
                column,
                index,
                at,
            })
        });
        self.places.extend(places);
        self.places.sort_unstable_by_key(Place::key);
    }

    /// Looks for the others within reach of a point.
    pub(crate) fn find(&mut self, index: usize, at: Vec2, count: usize) {
        self.found.clear();
        let count = count.min(NAV_NEIGHBOURS_MAX);
        let (row, column) = square_of(at, self.reach);
        let mut furthest = self.reach * self.reach;
        for row in row.saturating_sub(1)..=row.saturating_add(1) {
            let first = (row, column.saturating_sub(1), 0);
            let last = (row, column.saturating_add(1), usize::MAX);
            let from = self.places.partition_point(|place| place.key() < first);
            let places = self.places[from..].iter();
            for place in places.take_while(|place| place.key() <= last) {
                let distance_squared = place.at.distance_squared(at);
                if place.index == index || distance_squared > furthest {
                    continue;
                }
                let near = Neighbour {
                    distance_squared,
                    index: place.index,
                };
                insert(&mut self.found, near, count);
                if self.found.len() == count {
                    furthest = self.found.last().map_or(0.0, |last| last.distance_squared);
                }
            }
        }
    }

    /// What was found last: nearest first, equals by index.
    pub(crate) fn found(&self) -> &[Neighbour] {
        &self.found
    }
}

fn insert(found: &mut Vec<Neighbour>, near: Neighbour, count: usize) {
    let order = |one: &Neighbour| (one.distance_squared, one.index);
    let at = found.partition_point(|one| order(one) < order(&near));
    if at < count {
        found.truncate(count - 1);
        found.insert(at, near);
    }
}

/// Row and column; what is left of or above the first square shares it.
fn square_of(at: Vec2, side: f32) -> (u16, u16) {
    let square = Square::of((at / side).clamp(Vec2::ZERO, Vec2::splat(65535.0)));
    square.map_or((0, 0), |square| (square.y, square.x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_those_that_a_search_of_all_finds() {
        let mut rng = 7_u32;
        let mut draw = || {
            rng = rng.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(rng >> 18).expect("14 bits")) / 512.0 - 2.0
        };
        let points: Vec<Vec2> = (0..300).map(|_| Vec2::new(draw(), draw())).collect();
        let mut nearest = Nearest::default();
        nearest.fill(points.iter().copied().map(Some), 3.0);
        for (index, &at) in points.iter().enumerate() {
            let mut all: Vec<_> = points.iter().enumerate().collect();
            all.retain(|&(other, to)| other != index && to.distance_squared(at) <= 9.0);
            all.sort_by(|one, other| {
                let (one, other) = (one.1.distance_squared(at), other.1.distance_squared(at));
                one.total_cmp(&other)
            });
            let expected: Vec<_> = all.iter().take(5).map(|&(other, _)| other).collect();
            nearest.find(index, at, 5);
            let found: Vec<_> = nearest.found().iter().map(|near| near.index).collect();
            assert_eq!(found, expected, "around {at}");
        }
    }

    #[test]
    fn a_point_that_is_nowhere_is_nobodys_neighbour() {
        let mut nearest = Nearest::default();
        nearest.fill([Some(Vec2::ONE), None].into_iter(), 3.0);
        nearest.find(0, Vec2::ONE, 8);
        assert_eq!(nearest.found(), []);
    }
}
