//! Herds of sheep: they graze at home, go to the water together, drink, and go home.

use downbeat::nav::{Going, Square};
use downbeat::rand::RngExt as _;
use downbeat::{Rng, Vec2};
use serde::{Deserialize, Serialize};

use super::Kind;
use super::animal::{Animal, Mood, direction, nearest_within, square};
use super::animals::{Animals, Sight};

/// How near a hunting wolf may come. Units: metres.
const AFRAID_M: f32 = 6.0;

/// How fast a sheep goes with its herd, and how fast it flees. Units: metres per second on grass.
const PACE: f32 = 1.6;
/// See [`PACE`].
const FLIGHT_PACE: f32 = 4.2;

/// How long a herd grazes, and how long it drinks. Units: ticks.
const GRAZE_TICKS: std::ops::Range<u16> = 1600..3600;
/// See [`GRAZE_TICKS`].
const DRINK_TICKS: std::ops::Range<u16> = 300..600;

/// How long it waits for stragglers. Units: ticks.
const WAY_TICKS: u16 = 2000;

/// Ticks within which all of a herd set out.
const SET_OUT_TICKS: u16 = 160;

/// Sheep that belong together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Herd {
    /// The middle of where it grazes, and from there to the sides. Units: metres.
    pub(super) home: Vec2,
    pub(super) half: Vec2,
    pub(super) home_squares: Vec<Square>,
    /// Where it drinks: squares on a shore.
    pub(super) water: Vec<Square>,
    phase: Phase,
    ticks_left: u16,
    sheep: u16,
    arrived: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Graze,
    ToWater,
    Drink,
    Home,
}

impl Herd {
    pub(super) fn new(
        (home, half): (Vec2, Vec2),
        home_squares: Vec<Square>,
        water: Vec<Square>,
        rng: &mut Rng,
    ) -> Self {
        Self {
            home,
            half,
            home_squares,
            water,
            phase: Phase::Graze,
            ticks_left: rng.random_range(100..GRAZE_TICKS.end),
            sheep: 0,
            arrived: 0,
        }
    }

    pub(super) const fn add(&mut self) {
        self.sheep += 1;
    }

    /// A random place where it grazes.
    pub(super) fn spot(&self, rng: &mut Rng) -> Vec2 {
        let step = Vec2::new(rng.random(), rng.random()) * 2.0 - Vec2::ONE;
        self.home + step * self.half
    }

    fn is_on_its_way(&self) -> bool {
        matches!(self.phase, Phase::ToWater | Phase::Home)
    }

    fn goals(&self) -> &[Square] {
        match self.phase {
            Phase::ToWater | Phase::Drink => &self.water,
            Phase::Graze | Phase::Home => &self.home_squares,
        }
    }

    /// Another tick; answers whether it sets out for somewhere.
    fn tick(&mut self, rng: &mut Rng) -> bool {
        self.ticks_left = self.ticks_left.saturating_sub(1);
        let are_there = u32::from(self.arrived) * 8 >= u32::from(self.sheep) * 7;
        if self.ticks_left > 0 && !(self.is_on_its_way() && are_there) {
            return false;
        }
        (self.phase, self.ticks_left) = match self.phase {
            Phase::Graze if self.water.is_empty() => (Phase::Graze, u16::MAX),
            Phase::Graze => (Phase::ToWater, WAY_TICKS),
            Phase::ToWater => (Phase::Drink, rng.random_range(DRINK_TICKS)),
            Phase::Drink => (Phase::Home, WAY_TICKS),
            Phase::Home => (Phase::Graze, rng.random_range(GRAZE_TICKS)),
        };
        self.arrived = 0;
        self.is_on_its_way()
    }

    /// Sets out for the water at the next tick; answers how many there are.
    #[cfg(test)]
    pub(super) const fn make_thirsty(&mut self) -> u16 {
        self.phase = Phase::Graze;
        self.ticks_left = 1;
        self.sheep
    }

    /// Grazes for an hour.
    #[cfg(test)]
    pub(super) const fn make_content(&mut self) {
        self.phase = Phase::Graze;
        self.ticks_left = u16::MAX;
    }
}

impl Animals {
    /// Herds ask for the way together, which spares most of the paths, and each sheep sets out
    /// when it is ready.
    pub(super) fn tick_herds(&mut self, sight: &mut Sight<'_>) {
        for (number, herd) in (0u8..).zip(&mut self.herds) {
            if !herd.tick(&mut sight.rng) {
                continue;
            }
            let flock = self.all.iter_mut().zip(&sight.places);
            let flock = flock.filter(|(animal, _)| animal.is_of(number));
            for (sheep, at) in flock.filter_map(|(sheep, &at)| Some((sheep, at?))) {
                sheep.is_called = true;
                if !matches!(sheep.mood, Mood::Flee(_)) {
                    sheep.rest(sight.rng.random_range(1..SET_OUT_TICKS));
                    sight.routes.go(sheep.body, square(at), herd.goals());
                }
            }
        }
    }

    pub(super) fn think_sheep(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        if sight.caught.contains(&number) || self.is_afraid(number, at, sight) {
            self.flee(number, at, sight);
            return;
        }
        let is_stuck = self.all[number].take_stuck();
        let sheep = &mut self.all[number];
        let Some(herd) = self.herds.get_mut(usize::from(sheep.herd)) else {
            return;
        };
        if let Mood::Travel(_) = sheep.mood {
            let going = sight.routes.going(sheep.body);
            // The first ones leave room for the others.
            let reach = 1.0 + 3.5 * (number % 16) as f32 / 16.0;
            let is_near = sight.looks(number) && away_from(herd.goals(), at) < reach;
            let there = is_near || going == Some(Going::Arrived);
            if there || is_stuck && away_from(herd.goals(), at) < 12.0 {
                sight.routes.stop(sheep.body);
                herd.arrived += 1;
                sheep.rest(sight.rng.random_range(60..240));
            } else if is_stuck || matches!(going, None | Some(Going::Failed)) {
                sight.routes.stop(sheep.body);
                sheep.is_called = true;
                sheep.stroll(direction(&mut sight.rng), 12);
            }
            return;
        }
        if sheep.ticks_left > 0 && !is_stuck {
            return;
        }
        if sheep.is_called && herd.is_on_its_way() {
            sheep.is_called = false;
            sheep.mood = Mood::Travel(PACE);
            sight.routes.go(sheep.body, square(at), herd.goals());
        } else if matches!(sheep.mood, Mood::Rest) && !is_stuck {
            // A few steps on, back to the others if it has strayed.
            let spot = herd.spot(&mut sight.rng);
            let is_home = (at - herd.home).abs().cmple(herd.half).all();
            let pull = if herd.phase == Phase::Graze && !is_home {
                1.0
            } else {
                0.3
            };
            let way = direction(&mut sight.rng) + (spot - at).normalize_or_zero() * pull;
            sheep.stroll(
                way.normalize_or_zero() * 0.7,
                sight.rng.random_range(15..50),
            );
        } else {
            sheep.rest(sight.rng.random_range(160..600));
        }
    }

    fn is_afraid(&self, number: usize, at: Vec2, sight: &Sight<'_>) -> bool {
        sight.looks(number) && nearest_within(&sight.hunters, at, AFRAID_M).is_some()
    }

    /// Runs from the nearest hunter, or anywhere, for a while.
    fn flee(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        let sheep = &mut self.all[number];
        let from = nearest_within(&sight.hunters, at, AFRAID_M).unwrap_or(at);
        let way = (at - from).normalize_or_zero() + direction(&mut sight.rng) * 0.5;
        if let Mood::Travel(_) = sheep.mood {
            sight.routes.stop(sheep.body);
            sheep.is_called = true;
        }
        sheep.mood = Mood::Flee(way.normalize_or_zero() * FLIGHT_PACE);
        sheep.ticks_left = sight.rng.random_range(20..40);
    }
}

impl Animal {
    fn is_of(&self, herd: u8) -> bool {
        self.kind == Kind::Sheep && self.herd == herd
    }
}

/// How far the nearest of some squares is. Units: metres.
fn away_from(squares: &[Square], at: Vec2) -> f32 {
    let away = squares
        .iter()
        .map(|square| square.middle().distance_squared(at));
    away.fold(f32::MAX, f32::min).sqrt()
}
