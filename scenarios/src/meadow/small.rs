//! Rabbits that hop and flee from players, and ducks that swim.

use downbeat::rand::RngExt as _;
use downbeat::{Rng, Vec2};

use super::animal::{Animal, Mood, direction, nearest_within};
use super::animals::Sight;

/// How near a player may come to a rabbit. Units: metres.
const SHY_M: f32 = 4.5;

impl Animal {
    pub(super) fn think_rabbit(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        let looks = sight.looks(number);
        let fright = looks.then(|| nearest_within(&sight.players, at, SHY_M));
        let rng = &mut sight.rng;
        if let Some(fright) = fright.flatten() {
            // A little to the side, and on until the next look at least.
            let way = (at - fright).normalize_or_zero() + direction(rng) * 0.4;
            self.mood = Mood::Flee(way.normalize_or_zero() * 5.0);
            self.ticks_left = 10;
            self.hops = 0;
        } else if self.ticks_left > 0 {
        } else if self.hops == 0 {
            self.rest(rng.random_range(60..240));
            self.hops = 2 * rng.random_range(1..4u8);
        } else {
            // A hop, a moment on the ground, the next hop.
            self.hops -= 1;
            if matches!(self.mood, Mood::Rest) {
                self.stroll(direction(rng) * 3.0, 5);
            } else {
                self.rest(4);
            }
        }
    }

    pub(super) fn think_duck(&mut self, rng: &mut Rng) {
        if self.ticks_left > 0 {
        } else if matches!(self.mood, Mood::Rest) {
            self.stroll(direction(rng) * 0.8, rng.random_range(20..60));
        } else {
            self.rest(rng.random_range(160..500));
        }
    }
}
