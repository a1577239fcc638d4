//! Animals: what all of them have in common, and one step of all of them.
//!
//! In: the land, the ways over it, who is where. Out: animals that have moved. What each kind has
//! in mind is the business of `herds`, `wolves` and `small`.

use downbeat::nav::{Avoidance, Body, Crowd, Routes, Square};
use downbeat::rand::RngExt as _;
use downbeat::{EntityId, Rng, Room, Vec2};
use serde::{Deserialize, Serialize};

use super::herds::Herd;
use super::map::{Map, Tile};
use super::walk::{advance, speed};
use super::wolves::Hunt;
use super::{Entity, Kind, Meadow};
use crate::heading::heading;

/// All animals of a room.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Animals {
    pub(super) all: Vec<Animal>,
    pub(super) herds: Vec<Herd>,
    /// Here for its memory.
    #[serde(skip, default = "crowd")]
    crowd: Crowd,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Animal {
    pub(super) body: EntityId,
    pub(super) kind: Kind,
    pub(super) mood: Mood,
    /// Until it thinks of something else.
    pub(super) ticks_left: u16,
    /// How it moved in the last step. Units: metres per second.
    velocity: Vec2,
    /// How it would move if it were alone.
    wish: Vec2,
    /// Ticks in which it wanted to walk and could not.
    stuck_ticks: u8,
    /// Hops left before a rest; rabbits only.
    pub(super) hops: u8,
    /// Which herd it belongs to, and whether that waits for it; sheep only.
    pub(super) herd: u8,
    pub(super) is_called: bool,
}

/// What it is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Mood {
    /// It stands.
    Rest,
    /// It walks this way. Units: metres per second on grass.
    Stroll(Vec2),
    /// The same, in fear.
    Flee(Vec2),
    /// It follows its route, so fast.
    Travel(f32),
    /// It is after somebody.
    Hunt(Hunt),
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

/// How far an animal's middle is from another's when they touch, halved. Units: metres.
const RADIUS_M: f32 = 0.4;

/// See [`RADIUS_M`].
const PLAYER_RADIUS_M: f32 = 0.35;

/// How fast one who stands makes room for somebody who is in it. Units: metres per second.
const ASIDE_M_S: f32 = 0.5;

/// Ticks in which one gets nowhere after which it thinks of something else.
const STUCK_TICKS: u8 = 30;

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

    /// Whether an animal gets nowhere; it is asked once.
    pub(super) fn take_stuck(&mut self, number: usize) -> bool {
        let animal = &mut self.all[number];
        let is_stuck = animal.stuck_ticks >= STUCK_TICKS;
        if is_stuck {
            animal.stuck_ticks = 0;
        }
        is_stuck
    }
}

impl Animal {
    pub(super) const fn new(body: EntityId, kind: Kind, ticks_left: u16) -> Self {
        Self {
            body,
            kind,
            mood: Mood::Rest,
            ticks_left,
            velocity: Vec2::ZERO,
            wish: Vec2::ZERO,
            stuck_ticks: 0,
            hops: 0,
            herd: 0,
            is_called: false,
        }
    }

    pub(super) const fn rest(&mut self, ticks: u16) {
        self.mood = Mood::Rest;
        self.ticks_left = ticks;
    }

    /// Walks this way for a while.
    pub(super) const fn stroll(&mut self, velocity: Vec2, ticks: u16) {
        self.mood = Mood::Stroll(velocity);
        self.ticks_left = ticks;
    }

    /// Looks where to go, and answers what others see of it.
    fn wish(&mut self, at: Vec2, sight: &mut Sight<'_>) -> Body {
        let towards = |to: Option<Vec2>, pace: f32| {
            to.map_or(Vec2::ZERO, |to| (to - at).normalize_or_zero() * pace)
        };
        let wish = match &self.mood {
            Mood::Rest => Vec2::ZERO,
            Mood::Stroll(velocity) | Mood::Flee(velocity) => *velocity,
            Mood::Travel(pace) => towards(sight.routes.heading(self.body, at), *pace),
            Mood::Hunt(hunt) => {
                let straight = hunt.straight;
                let to = straight.or_else(|| sight.routes.heading(self.body, at));
                towards(to, Hunt::PACE)
            }
        };
        self.wish = wish * (speed(sight.map.under(at)) / speed(Tile::Grass));
        if self.kind == Kind::Duck {
            return post(Vec2::NAN); // nobody on land minds it
        }
        Body {
            at,
            velocity: self.velocity,
            wish: self.wish,
            radius: RADIUS_M,
            speed_max: self.wish.length().max(ASIDE_M_S),
        }
    }

    /// Goes as far as the ground allows. `velocity` is what the others leave it.
    fn walk(&mut self, at: Vec2, velocity: Vec2, (map, dt): (&Map, f32), room: &mut Room<Meadow>) {
        let velocity = if self.kind == Kind::Duck {
            self.wish
        } else {
            velocity
        };
        let next = if velocity == Vec2::ZERO {
            at
        } else {
            advance(at, velocity * dt, map, home(self.kind))
        };
        let way = next - at;
        let is_slow = way.length_squared() < self.wish.length_squared() * dt * dt / 25.0;
        self.stuck_ticks = if is_slow {
            self.stuck_ticks.saturating_add(1)
        } else {
            0
        };
        self.velocity = Vec2::ZERO;
        if way.length_squared() > 1e-6
            && let Some(body) = room.entity_mut(self.body)
        {
            body.heading = heading(way);
            body.pos = next;
            self.velocity = way / dt;
        }
    }
}

/// Somebody who does not give way.
const fn post(at: Vec2) -> Body {
    Body {
        at,
        velocity: Vec2::ZERO,
        wish: Vec2::ZERO,
        radius: PLAYER_RADIUS_M,
        speed_max: 0.0,
    }
}

/// Puts an animal into the meadow.
pub(super) fn spawn(kind: Kind, pos: Vec2, room: &mut Room<Meadow>) -> Animal {
    let rng = room.rng();
    let (heading, hue) = (rng.random(), rng.random());
    let ticks_left = rng.random_range(1..400);
    let body = room.spawn(Entity {
        pos,
        heading,
        kind,
        name: String::new(),
        score: 0,
        hue,
    });
    Animal::new(body, kind, ticks_left)
}

/// Where an animal may go.
pub(super) fn home(kind: Kind) -> fn(Tile) -> bool {
    match kind {
        Kind::Duck => |tile| tile == Tile::Water,
        _ => Tile::is_ground,
    }
}

/// The square that a point lies in; what is off the map is in its corner.
pub(super) fn square(at: Vec2) -> Square {
    Square::of(at).unwrap_or_default()
}

/// A random direction, 1 long; a point in a ring of the unit square, so that no sine is needed.
pub(super) fn direction(rng: &mut Rng) -> Vec2 {
    loop {
        let way = Vec2::new(rng.random::<f32>(), rng.random::<f32>()) * 2.0 - Vec2::ONE;
        if (0.01..=1.0).contains(&way.length_squared()) {
            return way.normalize();
        }
    }
}
