//! Draws the land of a room from its seed: woods and grass, water and shores (`water`), fences
//! (`pastures`), then the paths.

use downbeat::rand::{Rng as _, RngExt as _};
use downbeat::{Rng, Vec2};

use super::map::{Map, Tile, cell};
use super::noise::Noise;
use super::pastures::Pasture;
use super::paths;
use super::water::{Lake, River, lakes};

/// Tiles to a side.
pub(super) const SIDE: u16 = 128;

/// What the runs of a map may take: the shared state must fit one message of 8 KiB beside the
/// best five names of 24 characters.
pub(super) const RUNS_BYTES_MAX: usize = 6400;

/// Open ground around the middle. Units: metres.
pub(super) const CLEARING_M: f32 = 8.0;

/// The value of the noise from which on there are woods: about a quarter of the land.
const WOODS_FROM: f32 = 0.56;

/// A map on the drawing board.
pub(super) struct Land {
    pub(super) map: Map,
    /// One field of noise for each thing that is drawn.
    pub(super) shore: Noise,
    pub(super) woods: Noise,
    pub(super) grass: Noise,
}

/// A map, and what the game has to know of it.
pub(super) struct Plan {
    /// With all gates open.
    pub(super) map: Map,
    pub(super) pastures: Vec<Pasture>,
    pub(super) lakes: [Lake; 3],
}

/// The land of a seed: all ground on it can be reached on foot from the middle while the gates are
/// open.
pub(super) fn generate(rng: &mut Rng) -> Plan {
    let mut noise = || Noise {
        seed: rng.next_u32(),
    };
    let mut land = Land {
        map: Map::filled(SIDE, SIDE, Tile::Grass),
        shore: noise(),
        woods: noise(),
        grass: noise(),
    };
    let (bends, trails) = (noise(), noise());
    let river = River::new(rng, bends);
    let lakes = lakes(rng, &river);
    land.grow();
    for lake in &lakes {
        land.fill_lake(lake);
    }
    land.fill_river(&river);
    land.clear_middle();
    let pastures = land.fence_pastures(rng);
    let places = places(rng, &river, &lakes);
    let doors = pastures.iter().flat_map(|pasture| &pasture.doors);
    let doors: Vec<_> = doors.map(|door| [door.outside, door.inside]).collect();
    paths::connect(&mut land.map, &places, &doors, trails);
    land.fill_pockets();
    land.thin_out();
    Plan {
        map: land.map,
        pastures,
        lakes,
    }
}

/// Where paths lead: around the middle, to the water, and over the river.
fn places(rng: &mut Rng, river: &River, lakes: &[Lake]) -> Vec<Vec2> {
    let middle = Vec2::splat(f32::from(SIDE) / 2.0);
    let mut places = Vec::new();
    for (x, y) in [(-0.9, -0.6), (0.7, -0.8), (0.9, 0.5), (-0.6, 0.9)] {
        let jitter = Vec2::new(rng.random::<f32>(), rng.random::<f32>()) * 16.0 - Vec2::splat(8.0);
        places.push(middle + Vec2::new(x, y) * 48.0 + jitter);
    }
    for along in [34.0, 96.0] {
        let along = along + 12.0 * (rng.random::<f32>() - 0.5);
        places.push(river.beside(along, (river.offset(along) + 11.0).min(57.0)));
    }
    for lake in lakes {
        let to_middle = (middle - lake.middle).normalize_or_zero();
        places.push(lake.middle + to_middle * (lake.radius * 1.1 + 1.0));
    }
    places
}

impl Land {
    /// Woods, single trees and tall grass. The woods close in at the edge and leave the middle
    /// open.
    fn grow(&mut self) {
        let middle = self.map.middle();
        let last = i32::from(SIDE) - 1;
        for (column, row) in self.map.cells() {
            let (x, y) = (column as f32, row as f32);
            let edge = column.min(row).min(last - column).min(last - row) as f32;
            let away = Vec2::new(x, y).distance(middle);
            let mut wood = self.woods.fractal(x / 21.0, y / 21.0);
            wood += (5.0 - edge).max(0.0) * 0.08 - (24.0 - away).max(0.0) * 0.02;
            let is_tree = if wood > WOODS_FROM {
                // Clumps and glades instead of an even sprinkle: these also pack small.
                let thick = 0.3 + (wood - WOODS_FROM) * 2.3;
                self.shore.at(x / 3.4, y / 3.4) < thick && self.woods.corner(column, row) < 0.93
            } else {
                self.woods.corner(column, row) < 0.009
            };
            let tile = if edge < 1.0 || is_tree {
                Tile::Tree
            } else if self.grass.fractal(x / 13.0, y / 13.0) > 0.62 {
                Tile::TallGrass
            } else {
                Tile::Grass
            };
            self.map.set(column, row, tile);
        }
    }

    /// A disc of one tile; only water replaces water.
    pub(super) fn stamp(&mut self, middle: Vec2, radius: f32, tile: Tile) {
        let reach = cell(radius) + 1;
        let (column, row) = (cell(middle.x), cell(middle.y));
        for row in row - reach..=row + reach {
            for column in column - reach..=column + reach {
                let at = Vec2::new(column as f32 + 0.5, row as f32 + 0.5);
                if at.distance(middle) < radius
                    && (tile == Tile::Water || self.map.at(column, row) != Tile::Water)
                {
                    self.map.set(column, row, tile);
                }
            }
        }
    }

    fn clear_middle(&mut self) {
        let middle = self.map.middle();
        self.stamp(middle, CLEARING_M, Tile::Grass);
        self.stamp(middle, 2.3, Tile::Path);
    }

    /// Ground that cannot be reached becomes a thicket.
    fn fill_pockets(&mut self) {
        let reachable = self.map.reachable();
        for (index, (column, row)) in self.map.cells().enumerate() {
            if !reachable[index] && self.map.at(column, row).is_ground() {
                self.map.set(column, row, Tile::Tree);
            }
        }
    }

    /// Takes out details until the map packs small enough; most maps do at once.
    fn thin_out(&mut self) {
        for kept in [0.7, 0.4, 0.0] {
            if self.map.runs().len() <= RUNS_BYTES_MAX {
                return;
            }
            for (column, row) in self.map.cells() {
                let tile = self.map.at(column, row);
                let left = self.map.at(column - 1, row);
                let is_detail = matches!(tile, Tile::Tree | Tile::TallGrass)
                    && left.is_meadow()
                    && left == self.map.at(column + 1, row);
                if is_detail && self.grass.corner(column, row) >= kept {
                    self.map.set(column, row, left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use downbeat::seeded;

    use super::*;

    fn land(seed: u64) -> Map {
        plan(seed).map
    }

    fn plan(seed: u64) -> Plan {
        generate(&mut seeded(seed, "test", 0, "map"))
    }

    #[test]
    fn a_seed_draws_one_map_and_another_seed_another() {
        assert_eq!(land(1), land(1));
        assert_ne!(land(1), land(2));
    }

    #[test]
    fn every_map_is_connected_small_and_has_something_of_everything() {
        for seed in 0..50 {
            let map = land(seed);
            let reachable = map.reachable();
            let mut counts = [0; 8];
            for (index, (column, row)) in map.cells().enumerate() {
                let tile = map.at(column, row);
                counts[tile as usize] += 1;
                assert!(
                    reachable[index] || !tile.is_ground(),
                    "seed {seed}: no way to {column}, {row}"
                );
            }
            let least = [4000, 500, 400, 600, 1500, 60, 4, 60];
            assert!(
                counts
                    .iter()
                    .zip(least)
                    .all(|(&count, least)| count >= least),
                "seed {seed}: {counts:?} where {least:?} are wanted"
            );
            let bytes = map.runs().len();
            assert!(bytes <= RUNS_BYTES_MAX, "seed {seed} takes {bytes} bytes");
        }
    }
}
