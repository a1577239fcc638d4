//! Wolves: they lie about, trot from place to place, and chase sheep until one is caught or they
//! are tired.

use downbeat::Vec2;
use downbeat::nav::{Going, Square};
use downbeat::rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::animal::{Animal, Mood, direction, square};
use super::animals::{Animals, Sight};
use super::map::Tile;
use super::walk::is_clear;

/// A sheep within this is hunted. Units: metres.
const HUNT_M: f32 = 40.0;

/// This near, with nothing in between, a wolf runs straight at its prey. Units: metres.
const STRAIGHT_M: f32 = 7.0;

/// So near is caught: bodies keep apart by themselves. Units: metres.
const CATCH_M: f32 = 1.3;

/// A hunter looks again where its prey is after so many ticks, …
const LOOK_TICKS: u16 = 10;

/// … or sooner, if that is so far from where the path leads. Units: metres.
const MOVED_M: f32 = 3.0;

/// Sheep that a wolf in search of prey looks at.
const TRIES: usize = 24;

/// A wolf that is after somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hunt {
    /// Its number among the animals.
    prey: usize,
    /// Where its path leads.
    asked: Square,
    /// Ticks since it asked.
    since: u16,
    /// Where the prey is, if nothing is in between.
    pub(super) straight: Option<Vec2>,
}

impl Hunt {
    /// Units: metres per second on grass; more than any sheep's.
    pub(super) const PACE: f32 = 5.0;
}

impl Animals {
    /// All wolves: before the others, so that these see who hunts.
    pub(super) fn tick_wolves(&mut self, sight: &mut Sight<'_>) {
        for number in 0..self.all.len() {
            let Some(at) = sight.places[number].filter(|_| self.all[number].kind == Kind::Wolf)
            else {
                continue;
            };
            if matches!(self.all[number].mood, Mood::Hunt(_)) {
                self.hunt(number, at, sight);
            } else {
                self.lie_about(number, at, sight);
            }
        }
    }

    fn hunt(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        let wolf = &mut self.all[number];
        let Mood::Hunt(hunt) = &mut wolf.mood else {
            return;
        };
        let prey_at = sight.places.get(hunt.prey).copied().flatten();
        let caught = prey_at.is_some_and(|prey| prey.distance_squared(at) < CATCH_M * CATCH_M);
        if caught {
            sight.caught.push(hunt.prey);
        }
        let going = sight.routes.going(wolf.body);
        let no_way = matches!(going, Some(Going::NoWay | Going::Failed));
        let Some(prey) = prey_at.filter(|_| !caught && wolf.ticks_left > 0 && !no_way) else {
            sight.routes.stop(wolf.body);
            // Tired, or fed up.
            wolf.rest(sight.rng.random_range(300..900));
            return;
        };
        sight.hunters.push(at);
        let is_near = prey.distance_squared(at) < STRAIGHT_M * STRAIGHT_M;
        hunt.straight = Some(prey).filter(|_| is_near && is_clear(at, prey, sight.map));
        hunt.since += 1;
        let has_moved = hunt.asked.middle().distance_squared(prey) > MOVED_M * MOVED_M;
        if hunt.straight.is_some() {
            // Whatever it asked for before is behind it.
            sight.routes.stop(wolf.body);
            hunt.since = u16::MAX / 2;
        } else if has_moved && hunt.since >= LOOK_TICKS || hunt.since >= u16::MAX / 2 {
            hunt.since = 0;
            hunt.asked = square(prey);
            sight.routes.go(wolf.body, square(at), &[hunt.asked]);
        }
    }

    /// Rests, and then trots somewhere, or goes after the nearest sheep.
    fn lie_about(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        let is_stuck = self.all[number].take_stuck();
        let wolf = &mut self.all[number];
        wolf.ticks_left = wolf.ticks_left.saturating_sub(1);
        if let Mood::Travel(_) = wolf.mood {
            let is_going = sight.routes.going(wolf.body) == Some(Going::Walking);
            if is_stuck || !is_going || wolf.ticks_left == 0 {
                sight.routes.stop(wolf.body);
                wolf.rest(sight.rng.random_range(100..500));
            }
            return;
        }
        if wolf.ticks_left > 0 {
            return;
        }
        let hunts = sight.rng.random_ratio(1, 2);
        if let Some(prey) = hunts.then(|| self.nearest_sheep(at, sight)).flatten() {
            let to = square(sight.places[prey].unwrap_or(at));
            let wolf = &mut self.all[number];
            wolf.ticks_left = sight.rng.random_range(200..320);
            wolf.mood = Mood::Hunt(Hunt {
                prey,
                asked: to,
                since: 0,
                straight: None,
            });
            sight.routes.go(wolf.body, square(at), &[to]);
        } else {
            self.all[number].trot(at, sight);
        }
    }

    /// The nearest of some sheep, where a random one of them all is as good a start as any.
    fn nearest_sheep(&self, at: Vec2, sight: &mut Sight<'_>) -> Option<usize> {
        let first = sight.rng.random_range(0..self.all.len());
        let numbers = (first..self.all.len()).chain(0..first);
        let sheep = numbers.filter(|&number| self.all[number].kind == Kind::Sheep);
        let places = sheep.filter_map(|number| Some((number, sight.places[number]?)));
        let away = places.map(|(number, place)| (place.distance_squared(at), number));
        let near = away.filter(|&(away, _)| away < HUNT_M * HUNT_M).take(TRIES);
        near.min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, number)| number)
    }
}

impl Animal {
    /// Sets out for a place in the vicinity.
    fn trot(&mut self, at: Vec2, sight: &mut Sight<'_>) {
        let around = at + direction(&mut sight.rng) * 16.0;
        match sight
            .map
            .find(&mut sight.rng, (around, 6.0), Tile::is_ground)
        {
            Some(to) => {
                sight.routes.go(self.body, square(at), &[square(to)]);
                self.mood = Mood::Travel(1.9);
                self.ticks_left = 400;
            }
            None => self.rest(60),
        }
    }
}
