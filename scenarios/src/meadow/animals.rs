//! All animals: one step of them, each at its own pace, and out of each other's way.
//!
//! In: the land, the ways over it, who is where. Out: animals that have moved.

use downbeat::nav::{Avoidance, Crowd, Routes};
use downbeat::{EntityId, Rng, Room, Vec2};
use serde::{Deserialize, Serialize};

use super::animal::{Animal, post};
use super::herds::Herd;
use super::map::Map;
use super::{Kind, Meadow};

/// All animals of a room.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Animals {
    pub(super) all: Vec<Animal>,
    pub(super) herds: Vec<Herd>,
    /// Here for its memory.
    #[serde(skip, default = "crowd")]
    crowd: Crowd,
}

/// What animals know of the world while they think.
pub(super) struct Sight<'a> {
    pub(super) map: &'a Map,
    pub(super) routes: &'a mut Routes,
    pub(super) rng: Rng,
    /// Where the animals are, in their order; those that are gone are nowhere.
    pub(super) places: Vec<Option<Vec2>>,
    pub(super) players: Vec<Vec2>,
    /// Sheep that a wolf has caught in this step.
    pub(super) caught: Vec<usize>,
    /// Wolves that hunt.
    pub(super) hunters: Vec<Vec2>,
    pub(super) tick: u32,
}

/// Every so many ticks an animal looks around; not all at the same tick.
const LOOK_TICKS: usize = 4;

impl Sight<'_> {
    /// Whether the animal of this number looks around now.
    pub(super) const fn looks(&self, number: usize) -> bool {
        (self.tick as usize)
            .wrapping_add(number)
            .is_multiple_of(LOOK_TICKS)
    }
}

fn crowd() -> Crowd {
    Crowd::new(Avoidance {
        horizon: 1.0,
        wall_horizon: 0.3,
        reach: 2.0,
        neighbours: 6,
    })
}

impl Animals {
    pub(super) fn new(herds: Vec<Herd>) -> Self {
        Self {
            all: Vec::new(),
            herds,
            crowd: crowd(),
        }
    }

    /// One step of all animals.
    pub(super) fn tick(
        &mut self,
        (map, routes): (&Map, &mut Routes),
        players: &[EntityId],
        room: &mut Room<Meadow>,
    ) {
        let place = |id| room.entity(id).map(|entity| entity.pos);
        let mut sight = Sight {
            map,
            routes,
            rng: room.rng_for("animals"),
            places: self.all.iter().map(|animal| place(animal.body)).collect(),
            players: players.iter().filter_map(|&id| place(id)).collect(),
            caught: Vec::new(),
            hunters: Vec::new(),
            tick: room.tick().number(),
        };
        self.tick_herds(&mut sight);
        self.tick_wolves(&mut sight);
        for number in 0..self.all.len() {
            if let Some(at) = sight.places[number] {
                self.think(number, at, &mut sight);
            }
        }
        self.walk(&mut sight, room);
    }

    fn think(&mut self, number: usize, at: Vec2, sight: &mut Sight<'_>) {
        let animal = &mut self.all[number];
        animal.ticks_left = animal.ticks_left.saturating_sub(1);
        match animal.kind {
            Kind::Sheep => self.think_sheep(number, at, sight),
            Kind::Rabbit => animal.think_rabbit(number, at, sight),
            Kind::Duck => animal.think_duck(&mut sight.rng),
            Kind::Wolf | Kind::Player | Kind::Flower => {}
        }
    }

    /// Moves whoever wants to move: on land they make room for each other.
    fn walk(&mut self, sight: &mut Sight<'_>, room: &mut Room<Meadow>) {
        let dt = room.dt();
        self.crowd.clear();
        for &at in &sight.players {
            self.crowd.push(post(at));
        }
        for number in 0..self.all.len() {
            let place = sight.places[number];
            let body = place.map(|at| self.all[number].wish(at, sight));
            self.crowd.push(body.unwrap_or_else(|| post(Vec2::NAN)));
        }
        let velocities = self.crowd.steer(sight.routes.grid(), dt).iter();
        let velocities = velocities.skip(sight.players.len());
        for ((animal, &place), &velocity) in self.all.iter_mut().zip(&sight.places).zip(velocities)
        {
            if let Some(at) = place {
                animal.walk(at, velocity, (sight.map, dt), room);
            }
        }
    }
}
