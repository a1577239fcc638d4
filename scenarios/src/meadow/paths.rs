//! Paths and bridges: from the middle to every place, over the cheapest ground.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use downbeat::Vec2;

use super::map::{Map, Tile, cell};
use super::noise::Noise;

/// The longest bridge. Units: tiles.
const BRIDGE_MAX: i32 = 9;

type Cell = (i32, i32);

/// Lays paths from the middle to the places and to the doors, two from place to place, and one
/// through each door.
pub(super) fn connect(map: &mut Map, places: &[Vec2], doors: &[[Vec2; 2]], trails: Noise) {
    let places: Vec<_> = places.iter().filter_map(|&at| ground(map, at)).collect();
    let middle = map.middle();
    let middle = (cell(middle.x), cell(middle.y));
    lay(map, trails, middle, &places);
    for ends in doors {
        let [from, to] = ends.map(|at| (cell(at.x), cell(at.y)));
        let (x, y) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
        for n in 0..=(to.0 - from.0).abs().max((to.1 - from.1).abs()) {
            pave(map, from, (from.0 + n * x, from.1 + n * y));
        }
    }
    let outsides: Vec<_> = doors
        .iter()
        .filter_map(|ends| ground(map, ends[0]))
        .collect();
    lay(map, trails, middle, &outsides);
    for ends in places.chunks_exact(2).take(2) {
        lay(map, trails, ends[0], &ends[1..]);
    }
}

/// The ground nearest to a point.
fn ground(map: &Map, at: Vec2) -> Option<Cell> {
    let mut nearest = None;
    for (column, row) in map.cells() {
        let away = Vec2::new(column as f32, row as f32).distance_squared(at);
        if away < nearest.map_or(f32::MAX, |(least, _)| least) && map.at(column, row).is_ground() {
            nearest = Some((away, (column, row)));
        }
    }
    nearest.map(|(_, cell)| cell)
}

fn lay(map: &mut Map, trails: Noise, from: Cell, to: &[Cell]) {
    let before = search(map, trails, from);
    for &end in to {
        let mut at = end;
        while let Some(previous) = map.index(at.0, at.1).and_then(|index| before[index]) {
            pave(map, previous, at);
            at = previous;
        }
    }
}

/// Dijkstra from a cell: from where each cell is reached most cheaply.
fn search(map: &Map, trails: Noise, from: Cell) -> Vec<Option<Cell>> {
    let area = usize::from(map.width()) * usize::from(map.height());
    let mut before = vec![None; area];
    let mut cost_least = vec![u32::MAX; area];
    let mut open = BinaryHeap::from([Reverse((0, from))]);
    if let Some(start) = map.index(from.0, from.1) {
        cost_least[start] = 0;
    }
    while let Some(Reverse((cost, at))) = open.pop() {
        if map.index(at.0, at.1).is_none_or(|i| cost_least[i] < cost) {
            continue;
        }
        for (next, step) in steps(map, trails, at) {
            let Some(index) = map.index(next.0, next.1) else {
                continue;
            };
            if cost + step < cost_least[index] {
                cost_least[index] = cost + step;
                before[index] = Some(at);
                open.push(Reverse((cost + step, next)));
            }
        }
    }
    before
}

/// Steps to the neighbours, and straight bridges over water.
fn steps(map: &Map, trails: Noise, (column, row): Cell) -> impl Iterator<Item = (Cell, u32)> {
    let sides = (-1..=1).flat_map(|y| (-1..=1).map(move |x| (x, y)));
    sides.filter_map(move |(x, y)| {
        let next = (column + x, row + y);
        let straight = x == 0 || y == 0;
        if map.at(next.0, next.1) != Tile::Water {
            let length = if straight { 10 } else { 14 };
            let cost = length * roughness(map, trails, next)? / 16;
            return ((x, y) != (0, 0)).then_some((next, cost));
        }
        let length =
            (2..=BRIDGE_MAX + 1).find(|&n| map.at(column + n * x, row + n * y) != Tile::Water)?;
        let end = (column + length * x, row + length * y);
        map.index(end.0, end.1)?;
        if map.at(end.0, end.1) == Tile::Fence {
            return None;
        }
        straight.then_some((end, 150 + 15 * length.cast_unsigned()))
    })
}

/// What a tile costs to walk over, in sixteenths; nothing leads along the very edge.
fn roughness(map: &Map, trails: Noise, (column, row): Cell) -> Option<u32> {
    let inner = |at: i32, side: u16| (2..i32::from(side) - 2).contains(&at);
    if !inner(column, map.width()) || !inner(row, map.height()) {
        return None;
    }
    let tile = match map.at(column, row) {
        Tile::Path | Tile::Bridge => return Some(7),
        Tile::Grass => 8,
        Tile::TallGrass | Tile::Sand => 10,
        Tile::Tree => 20,
        Tile::Water | Tile::Fence => return None,
    };
    // Without it a path would be as straight as a ruler.
    let detour = trails.at(column as f32 / 6.0, row as f32 / 6.0);
    Some(tile + cell(detour * detour * 60.0).unsigned_abs())
}

/// Paves from a cell to the next one, or bridges the water between them, two tiles wide.
fn pave(map: &mut Map, from: Cell, to: Cell) {
    for (column, row) in [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| (to.0 + x, to.1 + y)) {
        if !matches!(
            map.at(column, row),
            Tile::Water | Tile::Bridge | Tile::Fence
        ) {
            map.set(column, row, Tile::Path);
        }
    }
    let (x, y) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
    let length = (to.0 - from.0).abs().max((to.1 - from.1).abs());
    if length < 2 {
        return;
    }
    for (side_x, side_y) in [(0, 0), (y.abs(), x.abs())] {
        // The second row may meet its bank a little later, on either side.
        for n in -2..=length + 2 {
            let (column, row) = (from.0 + n * x + side_x, from.1 + n * y + side_y);
            if map.at(column, row) == Tile::Water {
                map.set(column, row, Tile::Bridge);
            }
        }
    }
}
