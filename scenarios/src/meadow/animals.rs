//! Animals: sheep that wander in loose flocks, rabbits that hop and flee, ducks that swim.
//!
//! They rest most of the time, so that a room in which nobody moves has little to tell.

use downbeat::rand::RngExt as _;
use downbeat::{EntityId, Rng, Room, Vec2};
use serde::{Deserialize, Serialize};

use super::map::{Map, Tile};
use super::walk::advance;
use super::{Entity, Kind, Meadow};
use crate::heading::heading;

/// Sheep that follow one leader.
const FLOCK: usize = 7;

/// How near a player may come to a rabbit. Units: metres.
const SHY_M: f32 = 4.5;

/// Every so many ticks a rabbit looks around.
const LOOK_TICKS: u32 = 4;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Animal {
    body: EntityId,
    kind: Kind,
    /// Metres per second; zero while it rests.
    velocity: Vec2,
    /// Until it thinks of something else.
    ticks_left: u16,
    /// Hops left before a rest; rabbits only.
    hops: u8,
    /// The sheep that it follows.
    leader: Option<EntityId>,
}

/// Puts animals into the meadow: half sheep, a quarter rabbits, a quarter ducks.
pub(super) fn populate(map: &Map, count: u16, room: &mut Room<Meadow>) -> Vec<Animal> {
    let mut animals: Vec<Animal> = Vec::new();
    let everywhere = (map.middle(), 0.48 * f32::from(map.width()));
    let mut flock = Vec::new();
    for number in 0..count {
        let kind = [Kind::Sheep, Kind::Rabbit, Kind::Sheep, Kind::Duck][usize::from(number % 4)];
        let leader = flock.first().copied().filter(|_| kind == Kind::Sheep);
        let leader_at = leader.and_then(|id| room.entity(id)).map(|l| l.pos);
        let wanted = leader_at.map_or(everywhere, |at| (at, 5.0));
        let rng = room.rng();
        let Some(pos) = map.find(rng, wanted, home(kind)) else {
            continue; // a map without water has no ducks
        };
        let entity = Entity {
            pos,
            heading: rng.random(),
            kind,
            name: String::new(),
            score: 0,
            hue: rng.random(),
        };
        let ticks_left = rng.random_range(1..200);
        let body = room.spawn(entity);
        if kind == Kind::Sheep {
            flock.push(body);
            if flock.len() == FLOCK {
                flock.clear();
            }
        }
        animals.push(Animal {
            body,
            kind,
            velocity: Vec2::ZERO,
            ticks_left,
            hops: 0,
            leader,
        });
    }
    animals
}

/// One step of all animals.
pub(super) fn tick(animals: &mut [Animal], map: &Map, room: &mut Room<Meadow>) {
    let mut rng = room.rng_for("animals");
    let now = room.tick().number();
    for (number, animal) in (0u32..).zip(animals) {
        let Some(at) = room.entity(animal.body).map(|body| body.pos) else {
            continue;
        };
        animal.ticks_left = animal.ticks_left.saturating_sub(1);
        let looks = animal.kind == Kind::Rabbit && (now + number).is_multiple_of(LOOK_TICKS);
        if let Some(fright) = looks.then(|| fright(room, at)).flatten() {
            animal.flee(at - fright, &mut rng);
        } else if animal.ticks_left == 0 {
            let leader = animal.leader.and_then(|id| room.entity(id));
            animal.think(leader.map(|leader| leader.pos - at), &mut rng);
        }
        if animal.velocity == Vec2::ZERO {
            continue;
        }
        let next = advance(at, animal.velocity * room.dt(), map, home(animal.kind));
        if next.distance_squared(at) < 1e-6 {
            // Something is in the way: a rest is as good as a walk.
            animal.rest(&mut rng);
        } else if let Some(body) = room.entity_mut(animal.body) {
            body.heading = heading(next - at);
            body.pos = next;
        }
    }
}

impl Animal {
    fn think(&mut self, to_leader: Option<Vec2>, rng: &mut Rng) {
        let was_resting = self.velocity == Vec2::ZERO;
        match self.kind {
            Kind::Rabbit if self.hops > 0 => {
                // A hop, a moment on the ground, the next hop.
                self.hops -= 1;
                self.ticks_left = if was_resting { 5 } else { 4 };
                self.velocity = if was_resting {
                    direction(rng) * 3.0
                } else {
                    Vec2::ZERO
                };
            }
            Kind::Rabbit => {
                self.rest(rng);
                self.hops = 2 * rng.random_range(1..4u8);
            }
            _ if !was_resting => self.rest(rng),
            Kind::Duck => {
                self.velocity = direction(rng) * 0.8;
                self.ticks_left = rng.random_range(20..60);
            }
            _ => {
                let stray = to_leader.unwrap_or_default();
                let pull = stray.normalize_or_zero() * (stray.length() / 6.0).min(2.0);
                self.velocity = (direction(rng) + pull).normalize_or_zero() * 0.9;
                self.ticks_left = rng.random_range(20..70);
            }
        }
    }

    fn rest(&mut self, rng: &mut Rng) {
        self.velocity = Vec2::ZERO;
        self.ticks_left = match self.kind {
            Kind::Rabbit => rng.random_range(60..240),
            _ => rng.random_range(160..500),
        };
    }

    fn flee(&mut self, away: Vec2, rng: &mut Rng) {
        // A little to the side, and on until the next look at least.
        let way = away.normalize_or_zero() + direction(rng) * 0.4;
        self.velocity = way.normalize_or_zero() * 5.0;
        self.ticks_left = 10;
        self.hops = 0;
    }
}

/// The nearest player that is too near.
fn fright(room: &Room<Meadow>, at: Vec2) -> Option<Vec2> {
    let near = room.near(at, SHY_M).into_iter();
    near.filter_map(|id| room.entity(id))
        .filter(|other| other.kind == Kind::Player)
        .map(|player| player.pos)
        .min_by(|a, b| a.distance_squared(at).total_cmp(&b.distance_squared(at)))
}

/// Where an animal may go.
fn home(kind: Kind) -> fn(Tile) -> bool {
    match kind {
        Kind::Duck => |tile| tile == Tile::Water,
        _ => Tile::is_ground,
    }
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

#[cfg(test)]
impl Animal {
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn body(&self) -> EntityId {
        self.body
    }
}
