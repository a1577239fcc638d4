//! Rabbits that hop and flee from players, and ducks that swim.

use downbeat::rand::RngExt as _;
use downbeat::{Rng, Vec2};

use super::animal::{Animal, Mood, direction};
use super::animals::Sight;

/// How near a player may come to a rabbit. Units: metres.
const SHY_M: f32 = 4.5;

/// Every so many ticks a rabbit looks around.
const LOOK_TICKS: usize = 4;

impl Animal {
    pub(super) fn think_rabbit(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        let looks = (sight.tick as usize)
            .wrapping_add(number)
            .is_multiple_of(LOOK_TICKS);
        let rng = &mut sight.rng;
        if let Some(fright) = looks.then(|| nearest(&sight.players, at)).flatten() {
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

/// The nearest player that is too near.
fn nearest(players: &[Vec2], at: Vec2) -> Option<Vec2> {
    let away = |player: &Vec2| player.distance_squared(at);
    let near = players
        .iter()
        .copied()
        .filter(|player| away(player) < SHY_M * SHY_M);
    near.min_by(|a, b| away(a).total_cmp(&away(b)))
}
