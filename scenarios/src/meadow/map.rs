//! The map: what lies where. One tile is 1 m × 1 m; x goes right, y goes down.
//!
//! Knows nothing of how the land came about (`land`) or of who walks on it (`walk`).

use downbeat::rand::RngExt as _;
use downbeat::{Rng, Vec2};
use serde::{Deserialize, Serialize};

/// What a square metre is made of; the numbers travel to the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub(super) enum Tile {
    Grass,
    TallGrass,
    Path,
    Water,
    Tree,
    Sand,
    Bridge,
    /// Also a gate that is shut, but only in the room's own map.
    Fence,
}

impl Tile {
    const ALL: [Self; 8] = [
        Self::Grass,
        Self::TallGrass,
        Self::Path,
        Self::Water,
        Self::Tree,
        Self::Sand,
        Self::Bridge,
        Self::Fence,
    ];

    /// Whether one can stand there with dry feet.
    pub(super) const fn is_ground(self) -> bool {
        !matches!(self, Self::Water | Self::Tree | Self::Fence)
    }

    /// Whether flowers grow there.
    pub(super) const fn is_meadow(self) -> bool {
        matches!(self, Self::Grass | Self::TallGrass)
    }
}

/// The tiles of a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Map {
    width: u16,
    height: u16,
    /// Row by row.
    tiles: Vec<Tile>,
}

impl Map {
    /// A map that is all the same.
    pub(super) fn filled(width: u16, height: u16, tile: Tile) -> Self {
        Self {
            width,
            height,
            tiles: vec![tile; usize::from(width) * usize::from(height)],
        }
    }

    /// Unpacks what [`Map::runs`] packed; `None` if it does not fill the map exactly.
    pub(super) fn from_runs(width: u16, height: u16, runs: &[u8]) -> Option<Self> {
        let area = usize::from(width) * usize::from(height);
        let mut tiles = Vec::with_capacity(area);
        for run in runs.as_chunks::<2>().0 {
            let tile = *Tile::ALL.get(usize::from(run[1]))?;
            tiles.resize(tiles.len() + usize::from(run[0]), tile);
        }
        (tiles.len() == area).then_some(Self {
            width,
            height,
            tiles,
        })
    }

    /// Pairs of (count 1–255, tile), row by row.
    pub(super) fn runs(&self) -> Vec<u8> {
        let mut runs = Vec::new();
        for same in self.tiles.chunk_by(|a, b| a == b) {
            for part in same.chunks(usize::from(u8::MAX)) {
                let count = u8::try_from(part.len()).expect("chunks of at most 255");
                runs.extend([count, part[0] as u8]);
            }
        }
        runs
    }

    pub(super) const fn width(&self) -> u16 {
        self.width
    }

    pub(super) const fn height(&self) -> u16 {
        self.height
    }

    /// The middle, where players arrive. Units: metres.
    pub(super) fn middle(&self) -> Vec2 {
        Vec2::new(f32::from(self.width), f32::from(self.height)) / 2.0
    }

    /// The tile in a column and row; beyond the edge there is nothing but trees.
    pub(super) fn at(&self, column: i32, row: i32) -> Tile {
        self.index(column, row)
            .map_or(Tile::Tree, |index| self.tiles[index])
    }

    /// The tile under a point.
    pub(super) fn under(&self, point: Vec2) -> Tile {
        self.at(cell(point.x), cell(point.y))
    }

    /// Changes a tile; beyond the edge there is nothing to change.
    pub(super) fn set(&mut self, column: i32, row: i32, tile: Tile) {
        if let Some(index) = self.index(column, row) {
            self.tiles[index] = tile;
        }
    }

    /// Where a tile stands in the row-by-row order, if it is on the map.
    pub(super) fn index(&self, column: i32, row: i32) -> Option<usize> {
        let column = usize::try_from(column).ok()?;
        let row = usize::try_from(row).ok()?;
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        (column < width && row < height).then_some(row * width + column)
    }

    /// All columns and rows.
    pub(super) fn cells(&self) -> impl Iterator<Item = (i32, i32)> + use<> {
        let (width, height) = (i32::from(self.width), i32::from(self.height));
        (0..height).flat_map(move |row| (0..width).map(move |column| (column, row)))
    }

    /// The middle of a random tile that `wanted` accepts, at most `reach` metres from `around` to
    /// the side and up or down; `None` when many tries found none.
    pub(super) fn find(
        &self,
        rng: &mut Rng,
        (around, reach): (Vec2, f32),
        wanted: impl Fn(Tile) -> bool,
    ) -> Option<Vec2> {
        (0..200).find_map(|_| {
            let step = Vec2::new(rng.random::<f32>(), rng.random::<f32>()) * 2.0 - Vec2::ONE;
            let point = around + step * reach;
            wanted(self.under(point)).then(|| point.floor() + Vec2::splat(0.5))
        })
    }

    /// Which tiles can be reached on foot from the middle, in row-by-row order.
    pub(super) fn reachable(&self) -> Vec<bool> {
        let mut reached = vec![false; self.tiles.len()];
        let middle = self.middle();
        let mut open = vec![(cell(middle.x), cell(middle.y))];
        while let Some((column, row)) = open.pop() {
            let Some(index) = self.index(column, row) else {
                continue;
            };
            if reached[index] || !self.tiles[index].is_ground() {
                continue;
            }
            reached[index] = true;
            open.extend([
                (column + 1, row),
                (column - 1, row),
                (column, row + 1),
                (column, row - 1),
            ]);
        }
        reached
    }
}

/// The number of the tile in which a coordinate lies.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float saturates: what is far away, or no number, is off the map or in its corner"
)]
pub(super) fn cell(coordinate: f32) -> i32 {
    coordinate.floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_unpacked_to_the_same_map_and_nonsense_to_none() {
        let mut map = Map::filled(30, 20, Tile::Grass);
        map.set(3, 4, Tile::Water);
        map.set(29, 19, Tile::Bridge);
        let runs = map.runs();
        assert_eq!(runs[..6], [123, 0, 1, 3, 255, 0]);
        assert_eq!(Map::from_runs(30, 20, &runs), Some(map));
        assert_eq!(Map::from_runs(30, 21, &runs), None, "too short");
        assert_eq!(Map::from_runs(1, 1, &[1, 8]), None, "no such tile");
    }

    #[test]
    fn beyond_the_edge_are_trees() {
        let map = Map::filled(4, 4, Tile::Sand);
        assert_eq!(map.at(3, 3), Tile::Sand);
        for point in [Vec2::new(-0.1, 1.0), Vec2::splat(f32::INFINITY)] {
            assert_eq!(map.under(point), Tile::Tree);
        }
    }
}
