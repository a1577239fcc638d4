//! `find_path`: a shortest path from one square to the nearest of several.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::grid::NavGrid;
use super::path::Path;
use super::square::{DIAGONAL, STRAIGHT, Square};
use crate::job::{Answer, Meter};
use crate::limits::NAV_GOALS_MAX;

/// Finds a shortest path to the nearest of `goals`.
///
/// `Partial` when the meter ends: the way to the place nearest to a goal of those that were looked
/// at. `NoPath` if the start is a wall, or no goal can be reached. The answer depends on the grid's
/// squares, its tables and the budget alone.
///
/// # Panics
/// If there are no goals, or more than 64.
pub fn find_path(
    grid: &NavGrid,
    from: Square,
    goals: &[Square],
    meter: &mut Meter<'_>,
) -> Answer<Path> {
    assert!(
        (1..=NAV_GOALS_MAX).contains(&goals.len()),
        "{} goals; a search takes 1 to {NAV_GOALS_MAX}",
        goals.len()
    );
    let goals: Vec<Square> = goals
        .iter()
        .copied()
        .filter(|&to| grid.may_reach(from, to))
        .collect();
    if goals.is_empty() {
        return Answer::NoPath;
    }
    let h = |at: Square| goals.iter().map(|goal| at.octile(*goal)).min().unwrap_or(0);
    let mut seen: BTreeMap<Square, (u32, Square, bool)> = BTreeMap::new();
    let mut open = BinaryHeap::new();
    seen.insert(from, (0, from, false));
    open.push(Reverse((h(from), h(from), from)));
    let mut best = (h(from), 0, from);
    while let Some(Reverse((_, estimate, at))) = open.pop() {
        let entry = seen.get_mut(&at).expect("what is open was seen");
        if std::mem::replace(&mut entry.2, true) {
            continue;
        }
        let g = entry.0;
        if estimate == 0 {
            return Answer::Done(way(&seen, at));
        }
        if !meter.spend(1) {
            return Answer::Partial(way(&seen, best.2));
        }
        best = best.min((estimate, g, at));
        for y in at.y.saturating_sub(1)..=at.y + 1 {
            for x in at.x.saturating_sub(1)..=at.x + 1 {
                let to = Square::new(x, y);
                if !grid.step_is_legal(at, to) {
                    continue;
                }
                let step = if x != at.x && y != at.y {
                    DIAGONAL
                } else {
                    STRAIGHT
                };
                let known = seen.get(&to).map_or(u32::MAX, |entry| entry.0);
                if g + step < known {
                    seen.insert(to, (g + step, at, false));
                    open.push(Reverse((g + step + h(to), h(to), to)));
                }
            }
        }
    }
    Answer::NoPath
}

fn way(seen: &BTreeMap<Square, (u32, Square, bool)>, mut at: Square) -> Path {
    let mut squares = vec![at];
    while seen[&at].1 != at {
        at = seen[&at].1;
        squares.push(at);
    }
    squares.reverse();
    let turn = |a: Square, b: Square, c: Square| {
        (b.x.wrapping_sub(a.x), b.y.wrapping_sub(a.y))
            != (c.x.wrapping_sub(b.x), c.y.wrapping_sub(b.y))
    };
    let last = squares.len() - 1;
    let corners = (0..squares.len())
        .filter(|&i| i == 0 || i == last || turn(squares[i - 1], squares[i], squares[i + 1]))
        .map(|i| squares[i])
        .collect();
    Path::new(corners).expect("steps between neighbours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_is_walked_around() {
        let grid = NavGrid::from_fn(5, 5, |at| at.x != 2 || at.y == 4);
        let (from, to) = (Square::new(0, 0), Square::new(4, 0));
        let Answer::Done(path) = find_path(&grid, from, &[to], &mut Meter::new(1000)) else {
            panic!("there is a way");
        };
        assert!(path.is_legal(&grid));
        assert_eq!(path.cost(), 2 * DIAGONAL + 8 * STRAIGHT);
        assert_eq!(path.steps().count(), 11);
    }
}
