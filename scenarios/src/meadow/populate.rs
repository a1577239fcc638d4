//! Who lives in the meadow when it opens, where, and where it drinks.

use downbeat::nav::Square;
use downbeat::{Rng, Room, Vec2};

use super::animal::{home, spawn, square};
use super::animals::Animals;
use super::herds::Herd;
use super::land::Plan;
use super::map::{Map, Tile, cell};
use super::water::Lake;
use super::{Kind, Meadow};

/// Herds of a room: one for each pasture, the others on open grass.
const HERDS: usize = 8;

/// From the middle to the sides of where a herd grazes that has no pasture. Units: metres.
const OPEN_HALF: Vec2 = Vec2::splat(6.5);

/// How much of a pasture's inside sheep graze: its corners are round.
const GRAZED: f32 = 0.72;

/// Squares of a shore where animals drink.
const SHORE_MAX: usize = 24;

/// Of 25 animals one is a wolf, two are ducks, three rabbits, and all the others sheep.
const KINDS: [Kind; 25] = {
    let mut kinds = [Kind::Sheep; 25];
    kinds[12] = Kind::Wolf;
    kinds[4] = Kind::Duck;
    kinds[17] = Kind::Duck;
    kinds[1] = Kind::Rabbit;
    kinds[9] = Kind::Rabbit;
    kinds[21] = Kind::Rabbit;
    kinds
};

/// Puts so many animals into the meadow.
pub(super) fn populate(plan: &Plan, count: u16, room: &mut Room<Meadow>) -> Animals {
    let map = &plan.map;
    let everywhere = (map.middle(), 0.48 * f32::from(map.width()));
    let mut animals = Animals::new(herds(plan, room.rng()));
    let herds = animals.herds.len();
    let mut sheep = 0;
    for number in 0..usize::from(count) {
        let kind = KINDS[number % KINDS.len()];
        let rng = room.rng();
        let herd = sheep % herds.max(1);
        let place = match animals.herds.get(herd) {
            Some(herd) if kind == Kind::Sheep => {
                (0..50).find_map(|_| Some(herd.spot(rng)).filter(|&at| is_roomy(map, at)))
            }
            _ => None,
        };
        let Some(place) = place.or_else(|| map.find(rng, everywhere, home(kind))) else {
            continue; // a map without water has no ducks
        };
        let mut animal = spawn(kind, place, room);
        if kind == Kind::Sheep && herds > 0 {
            sheep += 1;
            animal.herd = u8::try_from(herd).expect("a few herds");
            animals.herds[herd].add();
        }
        animals.all.push(animal);
    }
    animals
}

/// The middle of a tile of ground, or a place with some more around it.
fn is_roomy(map: &Map, at: Vec2) -> bool {
    let sides = [(-0.3, -0.3), (0.3, -0.3), (-0.3, 0.3), (0.3, 0.3)];
    sides
        .iter()
        .all(|&(x, y)| map.under(at + Vec2::new(x, y)).is_ground())
}

fn herds(plan: &Plan, rng: &mut Rng) -> Vec<Herd> {
    let fenced = plan.pastures.iter();
    let fenced = fenced.map(|pasture| (pasture.middle, pasture.half * GRAZED));
    let mut homes: Vec<_> = fenced.take(HERDS).collect();
    for _ in 0..20 * HERDS {
        if homes.len() < HERDS
            && let Some(at) = open_grass(plan, rng)
            && homes
                .iter()
                .all(|&(home, _)| home.distance(at) > 3.0 * OPEN_HALF.x)
        {
            homes.push((at, OPEN_HALF));
        }
    }
    let mut herds = Vec::new();
    for home in homes {
        let squares = goals(&plan.map, home);
        let water = nearest_shore(plan, home.0);
        if !squares.is_empty() {
            herds.push(Herd::new(home, squares, water, rng));
        }
    }
    herds
}

/// The middle of a place with hardly anything but grass, outside all pastures.
fn open_grass(plan: &Plan, rng: &mut Rng) -> Option<Vec2> {
    let map = &plan.map;
    let around = (map.middle(), 0.42 * f32::from(map.width()));
    let at = map.find(rng, around, Tile::is_meadow)?;
    let reach = cell(OPEN_HALF.x);
    let tiles = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
    let tiles = tiles.map(|(x, y)| map.at(cell(at.x) + x, cell(at.y) + y));
    let (mut all, mut grass) = (0, 0);
    for tile in tiles {
        if matches!(tile, Tile::Fence | Tile::Water) {
            return None;
        }
        all += 1;
        grass += usize::from(tile.is_meadow());
    }
    (5 * grass >= 4 * all).then_some(at)
}

/// Where a herd goes when it goes home: the middle, and half the way to each side.
fn goals(map: &Map, (middle, half): (Vec2, Vec2)) -> Vec<Square> {
    let steps = [(0.0, 0.0), (0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5)];
    let points = steps.map(|(x, y)| middle + half * Vec2::new(x, y));
    let ground = points.into_iter().filter(|&at| map.under(at).is_ground());
    ground.map(square).collect()
}

/// Squares on the shore of the lake that is nearest.
fn nearest_shore(plan: &Plan, at: Vec2) -> Vec<Square> {
    let shores = plan.lakes.iter().map(|lake| shore(&plan.map, lake));
    let shores = shores.filter(|shore| !shore.is_empty());
    let away = |shore: &Vec<Square>| {
        let squares = shore.iter().map(|square| square.middle().distance(at));
        squares.fold(f32::MAX, f32::min)
    };
    shores
        .min_by(|a, b| away(a).total_cmp(&away(b)))
        .unwrap_or_default()
}

fn shore(map: &Map, lake: &Lake) -> Vec<Square> {
    let sides = [(1, 0), (-1, 0), (0, 1), (0, -1)];
    let reach = lake.radius * 1.5 + 3.0;
    let is_shore = |&(column, row): &(i32, i32)| {
        let at = Vec2::new(column as f32 + 0.5, row as f32 + 0.5);
        let is_wet = |(x, y)| map.at(column + x, row + y) == Tile::Water;
        let tile = map.at(column, row);
        at.distance(lake.middle) < reach
            && tile.is_ground()
            && tile != Tile::Bridge
            && sides.into_iter().any(is_wet)
    };
    let tiles: Vec<_> = map.cells().filter(is_shore).collect();
    let every = tiles.len().div_ceil(SHORE_MAX).max(1);
    let some = tiles.into_iter().step_by(every);
    some.map(|(column, row)| square(Vec2::new(column as f32, row as f32)))
        .collect()
}
