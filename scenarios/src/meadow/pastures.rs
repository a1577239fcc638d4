//! Pastures: grass with a fence around it, and gates where the paths lead in.

use downbeat::rand::RngExt as _;
use downbeat::{Rng, Vec2};

use super::Gate;
use super::land::{CLEARING_M, Land, SIDE};
use super::map::{Map, Tile, cell};

/// Pastures of a map, if there is room for so many.
const PASTURES: usize = 4;

/// Places that are looked at for each of them.
const TRIES: usize = 120;

/// From the middle to the sides, at least and at most. Units: metres.
const HALF_MIN: Vec2 = Vec2::new(7.5, 6.5);
/// See [`HALF_MIN`].
const HALF_MAX: Vec2 = Vec2::new(10.5, 9.0);

/// Tiles of a gate: a path is two wide.
const GATE: i32 = 3;

/// Between two pastures, and between a pasture and the clearing. Units: metres.
const APART_M: f32 = 5.0;

/// Fenced grass.
#[derive(Clone, Debug)]
pub(super) struct Pasture {
    pub(super) middle: Vec2,
    /// From the middle to its sides. Units: metres.
    pub(super) half: Vec2,
    /// At most two.
    pub(super) doors: Vec<Door>,
}

/// A gate and the ground on both sides of it.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) gate: Gate,
    pub(super) inside: Vec2,
    pub(super) outside: Vec2,
}

impl Pasture {
    /// Whether a tile is fence or within: a rectangle with round corners.
    fn has(&self, column: i32, row: i32) -> bool {
        let at = Vec2::new(column as f32 + 0.5, row as f32 + 0.5);
        let away = (at - self.middle) / self.half;
        let squared = away * away;
        squared.length_squared() < 1.0
    }

    fn is_fence(&self, column: i32, row: i32) -> bool {
        let sides = [(1, 0), (-1, 0), (0, 1), (0, -1)];
        let is_edge = |(x, y)| !self.has(column + x, row + y);
        self.has(column, row) && sides.into_iter().any(is_edge)
    }

    /// Its tiles, fence included, and `margin` more on each side.
    fn tiles(&self, margin: i32) -> impl Iterator<Item = (i32, i32)> + use<> {
        let (low, high) = (self.middle - self.half, self.middle + self.half);
        let (left, top) = (cell(low.x) - margin, cell(low.y) - margin);
        let (right, bottom) = (cell(high.x) + margin, cell(high.y) + margin);
        (top..=bottom).flat_map(move |row| (left..=right).map(move |column| (column, row)))
    }
}

impl Land {
    /// Fences the best places that many tries find.
    pub(super) fn fence_pastures(&mut self, rng: &mut Rng) -> Vec<Pasture> {
        let mut pastures: Vec<Pasture> = Vec::new();
        for _ in 0..PASTURES {
            let tries = (0..TRIES).filter_map(|_| self.try_pasture(rng, &pastures));
            // Of equals the first.
            let best = tries.reduce(|best, next| if next.0 < best.0 { next } else { best });
            if let Some((_, pasture)) = best {
                self.fence(&pasture);
                pastures.push(pasture);
            }
        }
        pastures
    }

    /// A random place, and how many trees would have to go; `None` if it is no good.
    fn try_pasture(&self, rng: &mut Rng, others: &[Pasture]) -> Option<(usize, Pasture)> {
        let mut random = || Vec2::new(rng.random(), rng.random());
        let half = HALF_MIN + random() * (HALF_MAX - HALF_MIN);
        let reach = Vec2::splat(f32::from(SIDE)) - (half + Vec2::splat(4.0)) * 2.0;
        let mut pasture = Pasture {
            middle: half + Vec2::splat(4.0) + random() * reach,
            half,
            doors: Vec::new(),
        };
        let is_apart = |middle: Vec2, other: Vec2| {
            let between = (pasture.middle - middle).abs() - half - other;
            between.max_element() > APART_M
        };
        let clearing = Vec2::splat(CLEARING_M);
        let apart = is_apart(self.map.middle(), clearing)
            && others
                .iter()
                .all(|other| is_apart(other.middle, other.half));
        let is_dry = |(column, row)| !matches!(self.map.at(column, row), Tile::Water | Tile::Sand);
        if !apart || !pasture.tiles(2).all(is_dry) {
            return None;
        }
        let trees = pasture
            .tiles(0)
            .filter(|&(column, row)| self.map.at(column, row) == Tile::Tree);
        let trees = trees.count();
        pasture.doors = doors(&pasture, self.map.middle());
        (!pasture.doors.is_empty()).then_some((trees, pasture))
    }

    fn fence(&mut self, pasture: &Pasture) {
        for (column, row) in pasture.tiles(0) {
            if pasture.is_fence(column, row) {
                self.map.set(column, row, Tile::Fence);
            } else if pasture.has(column, row)
                && self.map.at(column, row) == Tile::Tree
                // A few are left for the shade.
                && self.woods.corner(column, row) > 0.06
            {
                self.map.set(column, row, Tile::Grass);
            }
        }
        for door in &pasture.doors {
            for (column, row) in door.gate.tiles() {
                self.map.set(column, row, Tile::Grass);
            }
        }
    }
}

/// A gate towards the middle of the map, and one on the other side.
fn doors(pasture: &Pasture, middle: Vec2) -> Vec<Door> {
    let sides = [(0, -1), (1, 0), (0, 1), (-1, 0)];
    let mut doors: Vec<_> = sides
        .into_iter()
        .filter_map(|out| door(pasture, out))
        .collect();
    let away = |door: &Door| door.outside.distance_squared(middle);
    doors.sort_by(|a, b| away(a).total_cmp(&away(b)));
    // The one in between would only make a corner.
    if doors.len() > 2 {
        doors.swap_remove(1);
        doors.truncate(2);
    }
    doors
}

/// A gate on the side that looks in a direction, where the fence is straight.
fn door(pasture: &Pasture, (x, y): (i32, i32)) -> Option<Door> {
    let (column, row) = (cell(pasture.middle.x), cell(pasture.middle.y));
    // From the middle to the last tile that is still its own.
    let steps = (0..i32::from(SIDE)).take_while(|&n| pasture.has(column + n * x, row + n * y));
    let steps = steps.last()?;
    let (column, row) = (column + steps * x, row + steps * y);
    let across = (-(GATE / 2)..=GATE / 2).map(|n| (column + n * y.abs(), row + n * x.abs()));
    let mut straight = across.map(|(column, row)| {
        pasture.has(column, row)
            && !pasture.has(column + x, row + y)
            && !pasture.is_fence(column - x, row - y)
    });
    if !straight.all(|is_straight| is_straight) {
        return None;
    }
    let (left, top) = (column - GATE / 2 * y.abs(), row - GATE / 2 * x.abs());
    let side = |n: i32| u8::try_from(1 + (GATE - 1) * n.abs()).expect("1 or 3");
    let at = |n: i32| Vec2::new((column + n * x) as f32 + 0.5, (row + n * y) as f32 + 0.5);
    Some(Door {
        gate: Gate {
            x: u16::try_from(left).ok()?,
            y: u16::try_from(top).ok()?,
            width: side(y),
            height: side(x),
            open: true,
        },
        inside: at(-3),
        outside: at(3),
    })
}

impl Gate {
    /// Its tiles, row by row.
    pub(super) fn tiles(self) -> impl Iterator<Item = (i32, i32)> {
        let (x, y) = (i32::from(self.x), i32::from(self.y));
        let (right, bottom) = (x + i32::from(self.width), y + i32::from(self.height));
        (y..bottom).flat_map(move |row| (x..right).map(move |column| (column, row)))
    }
}

impl Map {
    /// Shuts the gates that are not open: a client knows them beside the tiles.
    pub(super) fn shut(&mut self, gates: &[Gate]) {
        for gate in gates.iter().filter(|gate| !gate.open) {
            for (column, row) in gate.tiles() {
                self.set(column, row, Tile::Fence);
            }
        }
    }
}
