//! One animal: what it is about, and one step of it. Why it is about that is the business of
//! `herds`, `wolves` and `small`.

use downbeat::nav::{Body, Square};
use downbeat::rand::RngExt as _;
use downbeat::{EntityId, Rng, Room, Vec2};
use serde::{Deserialize, Serialize};

use super::animals::Sight;
use super::map::{Map, Tile};
use super::walk::{advance, speed};
use super::wolves::Hunt;
use super::{Entity, Kind, Meadow};
use crate::heading::heading;

/// How far an animal's middle is from another's when they touch, halved. Units: metres.
const RADIUS_M: f32 = 0.4;

/// See [`RADIUS_M`].
const PLAYER_RADIUS_M: f32 = 0.35;

/// How fast one who stands makes room for somebody who is in it. Units: metres per second.
const ASIDE_M_S: f32 = 0.5;

/// Ticks in which one gets nowhere after which it thinks of something else.
const STUCK_TICKS: u8 = 30;

/// One of the animals of a room.
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

impl Animal {
    const fn new(body: EntityId, kind: Kind, ticks_left: u16) -> Self {
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

    /// Whether it gets nowhere; it is asked once.
    pub(super) const fn take_stuck(&mut self) -> bool {
        let is_stuck = self.stuck_ticks >= STUCK_TICKS;
        if is_stuck {
            self.stuck_ticks = 0;
        }
        is_stuck
    }

    /// Looks where to go, and answers what others see of it.
    pub(super) fn wish(&mut self, at: Vec2, sight: &mut Sight<'_>) -> Body {
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
    pub(super) fn walk(
        &mut self,
        at: Vec2,
        velocity: Vec2,
        (map, dt): (&Map, f32),
        room: &mut Room<Meadow>,
    ) {
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
pub(super) const fn post(at: Vec2) -> Body {
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

/// The nearest of some places, if it is nearer than that. Units: metres.
pub(super) fn nearest_within(places: &[Vec2], at: Vec2, reach: f32) -> Option<Vec2> {
    let away = |place: &Vec2| place.distance_squared(at);
    let near = places.iter().copied();
    let near = near.filter(|place| away(place) < reach * reach);
    near.min_by(|a, b| away(a).total_cmp(&away(b)))
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
