//! Water: a river from edge to edge, and lakes beside it.

use downbeat::rand::RngExt as _;
use downbeat::{Rng, Vec2};

use super::land::{CLEARING_M, Land, SIDE};
use super::map::Tile;
use super::noise::Noise;

pub(super) struct Lake {
    pub(super) middle: Vec2,
    pub(super) radius: f32,
}

/// A stream from edge to edge that winds past the middle.
pub(super) struct River {
    noise: Noise,
    /// On which side of the middle it flows: 1 or −1.
    side: f32,
    upright: bool,
}

impl River {
    pub(super) fn new(rng: &mut Rng, noise: Noise) -> Self {
        Self {
            noise,
            side: if rng.random() { 1.0 } else { -1.0 },
            upright: rng.random(),
        }
    }

    /// How far from the middle it flows, `along` metres from its spring.
    pub(super) fn offset(&self, along: f32) -> f32 {
        let wide = self.noise.at(along / 23.0, 0.5) - 0.5;
        let narrow = self.noise.at(along / 9.0, 9.5) - 0.5;
        (28.0 + 36.0 * wide + 13.0 * narrow).max(CLEARING_M + 6.0)
    }

    /// A point beside the river: `away` metres from the middle on the river's side.
    pub(super) fn beside(&self, along: f32, away: f32) -> Vec2 {
        let across = f32::from(SIDE) / 2.0 + self.side * away;
        if self.upright {
            Vec2::new(across, along)
        } else {
            Vec2::new(along, across)
        }
    }

    pub(super) fn at(&self, along: f32) -> Vec2 {
        self.beside(along, self.offset(along))
    }
}

/// One lake that the river flows through, one on the other side of the middle, and a pond.
pub(super) fn lakes(rng: &mut Rng, river: &River) -> [Lake; 3] {
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let lower = between(22.0, 46.0);
    let upper = between(82.0, 106.0);
    let (first, second) = if between(0.0, 1.0) < 0.5 {
        (lower, upper)
    } else {
        (upper, lower)
    };
    [
        Lake {
            middle: river.at(first),
            radius: between(7.0, 9.5),
        },
        Lake {
            middle: river.beside(second, -between(24.0, 40.0)),
            radius: between(8.0, 12.0),
        },
        Lake {
            middle: river.beside(first, -between(26.0, 48.0)),
            radius: between(3.5, 5.0),
        },
    ]
}

impl Land {
    pub(super) fn fill_lake(&mut self, lake: &Lake) {
        for (column, row) in self.map.cells() {
            let at = Vec2::new(column as f32 + 0.5, row as f32 + 0.5);
            let away = at.distance(lake.middle);
            let noise = self.shore.fractal(at.x / 8.0, at.y / 8.0);
            let shore = lake.radius * (0.4 + 1.2 * noise);
            let beach = shore + 3.2 * self.grass.at(at.x / 6.0, at.y / 6.0);
            if away < shore {
                self.map.set(column, row, Tile::Water);
            } else if away < beach && self.map.at(column, row) != Tile::Water {
                self.map.set(column, row, Tile::Sand);
            }
        }
    }

    pub(super) fn fill_river(&mut self, river: &River) {
        for step in -8..(4 * i32::from(SIDE) + 8) {
            let along = step as f32 / 4.0;
            let bank = 1.4 + 1.3 * self.shore.at(along / 11.0, 40.5);
            // Here and there a gravel bank.
            let gravel = (self.grass.at(along / 9.0, 80.5) - 0.6).max(0.0) * 6.0;
            self.stamp(river.at(along), bank + gravel, Tile::Sand);
            self.stamp(river.at(along), bank, Tile::Water);
        }
    }
}
