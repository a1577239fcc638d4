//! Scans: where the next corner lies in a straight line, and along a diagonal.
//!
//! Jump points without cutting corners, 64 squares at a time, and without the points in between:
//! a diagonal walk looks to both sides at each step and reports what it finds there, so that every
//! place a search opens is a corner beside a wall.
//!
//! Source: D. Harabor and A. Grastien, "Online Graph Pruning for Pathfinding on Grid Maps", AAAI
//! 2011, and "Improving Jump Point Search", ICAPS 2014 (block-based scanning, pruning).

use super::grid::{NavGrid, column, row};
use super::layer::Layer;
use super::square::{DIAGONAL, STRAIGHT, Square};

/// Which ways to go on from a square: a bit for each, clockwise from north, so that straight
/// directions have even bits and diagonals odd ones, and neighbouring ways neighbouring bits.
pub(crate) type Ways = u8;

/// From a start one goes everywhere.
pub(crate) const ALL_WAYS: Ways = 0xff;

const NORTH: usize = 0;
const EAST: usize = 1;
const SOUTH: usize = 2;
const WEST: usize = 3;

/// A corner that a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: Square,
    /// How it goes on from there: straight on, and around the wall that ended beside it.
    pub(crate) ways: Ways,
    /// What the way to it costs.
    pub(crate) cost: u32,
}

/// Where a scan stops.
struct Stop {
    place: usize,
    /// Whether that is a corner; otherwise it is a wall.
    is_corner: bool,
    /// On which sides a wall ended: in the line before, in the line after.
    before: bool,
    after: bool,
}

/// The first corner or wall after `at` on a line of a layer.
#[inline]
fn scan_up(layer: &Layer, line: usize, at: usize) -> Stop {
    let (before, here, after) = layer.three_lines(line);
    let mut index = at / 64;
    // Places after `at`; a shift by 64 in two steps.
    let mut mask = (u64::MAX << (at % 64)) << 1;
    let (mut carry_before, mut carry_after) = (0, 0);
    loop {
        let (b, h, a) = (before[index], here[index], after[index]);
        // Free beside, and a wall beside and one back.
        let ends_b = b & !(b << 1 | carry_before);
        let ends_a = a & !(a << 1 | carry_after);
        let stops = (ends_b | ends_a | !h) & mask;
        if stops != 0 {
            let bit = stops & stops.wrapping_neg();
            let place = index * 64 + stops.trailing_zeros() as usize;
            return Stop {
                place,
                is_corner: h & bit != 0,
                before: ends_b & bit != 0,
                after: ends_a & bit != 0,
            };
        }
        (carry_before, carry_after) = (b >> 63, a >> 63);
        mask = u64::MAX;
        index += 1;
    }
}

/// The first corner or wall before `at` on a line of a layer.
#[inline]
fn scan_down(layer: &Layer, line: usize, at: usize) -> Stop {
    let (before, here, after) = layer.three_lines(line);
    let mut index = at / 64;
    let mut mask = !(u64::MAX << (at % 64));
    let (mut carry_before, mut carry_after) = (0, 0);
    loop {
        let (b, h, a) = (before[index], here[index], after[index]);
        let ends_b = b & !(b >> 1 | carry_before);
        let ends_a = a & !(a >> 1 | carry_after);
        let stops = (ends_b | ends_a | !h) & mask;
        if stops != 0 {
            let zeros = stops.leading_zeros();
            let bit = 1 << 63 >> zeros;
            let place = index * 64 + 63 - zeros as usize;
            return Stop {
                place,
                is_corner: h & bit != 0,
                before: ends_b & bit != 0,
                after: ends_a & bit != 0,
            };
        }
        (carry_before, carry_after) = (b << 63, a << 63);
        mask = u64::MAX;
        index -= 1;
    }
}

/// How to go on after a straight line: straight on, and to the sides where a wall ended.
const fn ways_on(direction: usize, before: bool, after: bool) -> Ways {
    // Lines of rows have north before them, lines of columns west.
    let (first, second) = if direction % 2 == 1 {
        (NORTH, SOUTH)
    } else {
        (WEST, EAST)
    };
    let mut ways = 1 << (2 * direction);
    if before {
        ways |= 1 << (2 * first) | between(direction, first);
    }
    if after {
        ways |= 1 << (2 * second) | between(direction, second);
    }
    ways
}

/// The diagonal between two straight directions that are a quarter turn apart.
const fn between(one: usize, other: usize) -> Ways {
    if (one + 1) % 4 == other {
        2 << (2 * one)
    } else {
        2 << (2 * other)
    }
}

/// The first corner straight on in one of four directions.
#[inline]
pub(crate) fn straight(grid: &NavGrid, from: Square, direction: usize) -> Option<Found> {
    probe(grid, from, direction).1
}

/// How far it is to the first corner or wall straight on, and the corner.
#[inline]
fn probe(grid: &NavGrid, from: Square, direction: usize) -> (u32, Option<Found>) {
    let (y, x) = (row(from), column(from));
    let stop = match direction {
        NORTH => scan_down(grid.columns(), x, y),
        EAST => scan_up(grid.rows(), y, x),
        SOUTH => scan_up(grid.columns(), x, y),
        _ => scan_down(grid.rows(), y, x),
    };
    let here = if direction % 2 == 1 { x } else { y };
    let steps = u32::try_from(stop.place.abs_diff(here)).expect("at most 4,096");
    let found = stop.is_corner.then(|| {
        #[expect(clippy::cast_possible_truncation, reason = "a free place of a line")]
        let place = (stop.place - 1) as u16;
        Found {
            at: if direction % 2 == 1 {
                Square::new(place, from.y)
            } else {
                Square::new(from.x, place)
            },
            ways: ways_on(direction, stop.before, stop.after),
            cost: STRAIGHT * steps,
        }
    });
    (steps, found)
}

/// No square that only a walk by these ways sees costs more; behind a corner, the corner sees it.
pub(crate) fn sight(grid: &NavGrid, from: Square, ways: Ways) -> u32 {
    let mut most = 0;
    let mut look = |at: Square, direction: usize, cost: u32| {
        most = most.max(cost + STRAIGHT * probe(grid, at, direction).0);
    };
    for way in (0..8).filter(|way| ways >> way & 1 == 1) {
        if way % 2 == 0 {
            look(from, way / 2, 0);
            continue;
        }
        let (quadrant, mut at, mut cost) = (way / 2, from, 0);
        while let Some(next) = diagonal_step(grid, at, quadrant) {
            at = next;
            cost += DIAGONAL;
            look(at, quadrant, cost);
            look(at, (quadrant + 1) % 4, cost);
        }
    }
    most
}

/// Walks a diagonal (0 north-east, clockwise) and looks to both sides at each step. Says how far it
/// went.
#[inline]
pub(crate) fn diagonal(
    grid: &NavGrid,
    from: Square,
    quadrant: usize,
    mut visit: impl FnMut(Found),
) -> u16 {
    let mut at = from;
    let mut steps = 0;
    while let Some(next) = diagonal_step(grid, at, quadrant) {
        at = next;
        steps += 1;
        for direction in [quadrant, (quadrant + 1) % 4] {
            if let Some(mut found) = straight(grid, at, direction) {
                found.cost += DIAGONAL * u32::from(steps);
                visit(found);
            }
        }
    }
    steps
}

#[inline]
fn diagonal_step(grid: &NavGrid, at: Square, quadrant: usize) -> Option<Square> {
    let (south, east) = (quadrant == 1 || quadrant == 2, quadrant < 2);
    let rows = grid.rows();
    let (y, x) = (row(at), column(at));
    let (next_y, next_x) = (
        if south { y + 1 } else { y - 1 },
        if east { x + 1 } else { x - 1 },
    );
    let free = rows.is_free(next_y, next_x) && rows.is_free(next_y, x) && rows.is_free(y, next_x);
    free.then(|| {
        Square::new(
            if east { at.x + 1 } else { at.x - 1 },
            if south { at.y + 1 } else { at.y - 1 },
        )
    })
}

/// Everything that can come next from a square, by these ways. Says how much work it was.
#[inline]
pub(crate) fn successors(
    grid: &NavGrid,
    from: Square,
    ways: Ways,
    mut visit: impl FnMut(Found),
) -> u32 {
    // To scan takes as long again as to look at a corner, which is eight units of work.
    let mut work = 8 + ways.count_ones();
    for way in (0..8).filter(|way| ways >> way & 1 == 1) {
        if way % 2 == 1 {
            work += u32::from(diagonal(grid, from, way / 2, &mut visit));
        } else if let Some(found) = straight(grid, from, way / 2) {
            visit(found);
        }
    }
    work
}

/// All the ways on that a search may want from a square, whichever way it came; none if it is no
/// corner.
pub(crate) fn ways_from_corner(grid: &NavGrid, at: Square) -> Ways {
    let (y, x) = (row(at), column(at));
    let free = |dy: usize, dx: usize| grid.rows().is_free(y + dy - 1, x + dx - 1);
    let mut ways = 0;
    // Back and to the side there is a wall; back and beside one may walk.
    for (direction, back, sides) in [
        (NORTH, (2, 1), [(2, 0, 1, 0), (2, 2, 1, 2)]),
        (EAST, (1, 0), [(0, 0, 0, 1), (2, 0, 2, 1)]),
        (SOUTH, (0, 1), [(0, 0, 1, 0), (0, 2, 1, 2)]),
        (WEST, (1, 2), [(0, 2, 0, 1), (2, 2, 2, 1)]),
    ] {
        let ended = sides.map(|(wall_y, wall_x, y, x)| !free(wall_y, wall_x) && free(y, x));
        if free(back.0, back.1) && ended != [false, false] {
            ways |= ways_on(direction, ended[0], ended[1]);
        }
    }
    ways
}

/// Whether one can walk from one square to another diagonally first and then straight.
#[inline]
pub(crate) fn sees(grid: &NavGrid, from: Square, to: Square) -> bool {
    let turn = turn(from, to);
    let quadrant = quadrant(from, to);
    let mut at = from;
    while at != turn {
        let Some(next) = diagonal_step(grid, at, quadrant) else {
            return false;
        };
        at = next;
    }
    is_clear_straight(grid, turn, to)
}

/// Whether a straight line is clear.
#[inline]
pub(crate) fn is_clear_straight(grid: &NavGrid, from: Square, to: Square) -> bool {
    if from.y == to.y {
        grid.rows().is_clear(row(from), column(from), column(to))
    } else {
        grid.columns().is_clear(column(from), row(from), row(to))
    }
}

/// The diagonal that leads closer to a square.
#[inline]
pub(crate) fn quadrant(from: Square, to: Square) -> usize {
    match (to.x > from.x, to.y > from.y) {
        (true, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

/// Where a walk that goes diagonally first turns straight.
#[inline]
pub(crate) fn turn(from: Square, to: Square) -> Square {
    let (x, y) = from.apart(to);
    let steps = x.min(y);
    Square::new(
        if to.x > from.x {
            from.x + steps
        } else {
            from.x - steps
        },
        if to.y > from.y {
            from.y + steps
        } else {
            from.y - steps
        },
    )
}
