//! `meadow`: a field with trees, water and paths, animals, and flowers to pick.
//!
//! In: which way players walk, where they want to go, what they feel. Out: who stands where, who
//! has picked how many.

use std::collections::BTreeMap;

use downbeat::rand::RngExt as _;
use downbeat::{
    Bot, EntityId, Game, InputKind, JobDone, Listing, OpenError, Player, PlayerId, Refusal, Room,
    Seat, Space, Vec2,
};
use serde::{Deserialize, Serialize};

use self::animals::Animals;
use self::gates::Gates;
use self::map::{Map, Tile};
use self::player::Walker;
pub use self::types::{
    Ask, Entity, Event, Gate, Input, JobsShown, Kind, Point, Private, Route, Settings, Shared,
    Timer, Top,
};
use self::ways::Ways;
pub use self::ways::{Found, Walk, Way};
use crate::heading::heading;

mod types;
mod noise;
mod map;
mod paths;
mod pastures;
mod water;
mod land;
mod gates;
mod walk;
mod ways;
mod player;
mod emotes;
mod flowers;
mod animals;
mod herds;
mod wolves;
mod small;
mod populate;
mod overlay;
mod bot;
#[cfg(test)]
mod tests;

/// Side of a cell. Units: metres.
const CELL_M: f32 = 32.0;

/// The most animals and flowers that a room is opened with: a keyframe of as many is some 30 KiB.
const ANIMALS_MAX: u16 = 1000;
/// See [`ANIMALS_MAX`].
const FLOWERS_MAX: u16 = 600;

/// The rules.
#[derive(Debug, Serialize, Deserialize)]
pub struct Meadow {
    /// With the gates as they are now.
    map: Map,
    gates: Gates,
    ways: Ways,
    walkers: BTreeMap<PlayerId, Walker>,
    animals: Animals,
    /// Emotes that were shown in this tick.
    emotes: u8,
}

#[downbeat::game]
impl Game for Meadow {
    const NAME: &'static str = "meadow";

    type Settings = Settings;
    type Input = Input;
    type Entity = Entity;
    type Shared = Shared;
    type Private = Private;
    type Event = Event;
    type Timer = Timer;
    type Job = Way;

    fn space(_: &Settings) -> Space {
        Space::grid(CELL_M)
    }

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        if settings.animals > ANIMALS_MAX || settings.flowers > FLOWERS_MAX {
            return Err(OpenError(format!(
                "{} animals and {} flowers are too many, at most {ANIMALS_MAX} and {FLOWERS_MAX} fit",
                settings.animals, settings.flowers
            )));
        }
        let plan = land::generate(&mut room.rng_for("map"));
        let doors = plan.pastures.iter().flat_map(|pasture| &pasture.doors);
        let map = &plan.map;
        *room.shared_mut() = Shared {
            width: map.width(),
            height: map.height(),
            tiles: map.runs(),
            picked: 0,
            top: Vec::new(),
            gates: doors.map(|door| door.gate).collect(),
        };
        room.set_listing(Listing {
            max: Some(settings.players_max),
            metadata: [("map".into(), "meadow with lakes and a river".into())].into(),
        });
        for _ in 0..settings.flowers {
            flowers::grow(map, room);
        }
        Ok(Self {
            animals: populate::populate(&plan, settings.animals, room),
            gates: Gates::new(map, room),
            ways: Ways::new(map),
            map: plan.map,
            walkers: BTreeMap::new(),
            emotes: 0,
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        let body = self.arrive(room, player.name.clone());
        self.walkers
            .insert(player.id, Walker::new(body, room.tick()));
        self.greet(
            room,
            Event::Joined {
                name: player.name.clone(),
            },
        );
        Ok(Seat::Avatar(body))
    }

    fn kind(input: &Input) -> InputKind {
        match input {
            Input::Walk { .. } => InputKind::Held,
            Input::Goto { .. } | Input::Emote { .. } | Input::Overlay { .. } => InputKind::Once,
        }
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Input) {
        let Some(walker) = self.walkers.get_mut(&player) else {
            return;
        };
        match input {
            Input::Walk { dx, dy } => walker.push((dx, dy), room.tick()),
            Input::Goto { x, y } => {
                if let Some(body) = room.entity(walker.body) {
                    let way = (body.pos, Vec2::new(x, y));
                    walker.go_to(way, room.tick(), &self.map);
                }
            }
            Input::Emote { emote } => self.emote(room, player, emote),
            Input::Overlay { on } => {
                walker.overlay = on;
                if !on {
                    overlay::hide(player, room);
                }
            }
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        self.emotes = 0;
        let mut picked = false;
        for body in self.walk(room) {
            picked |= flowers::pick(room, body);
        }
        if picked {
            flowers::rank(&self.walkers, room);
        }
        let ways = (&self.map, &mut self.ways.routes);
        let players: Vec<_> = self.walkers.values().map(|walker| walker.body).collect();
        self.animals.tick(ways, &players, room);
        self.ways.submit(&mut self.walkers, room);
        self.tell(room);
    }

    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        room.despawn_owned(player);
        self.walkers.remove(&player);
        flowers::rank(&self.walkers, room);
        if let Some(player) = room.player(player) {
            let name = player.name.clone();
            self.greet(room, Event::Left { name });
        }
    }

    fn dropped(&mut self, _: &mut Room<Self>, player: PlayerId) {
        if let Some(walker) = self.walkers.get_mut(&player) {
            walker.stop();
        }
    }

    fn timer(&mut self, room: &mut Room<Self>, timer: Timer) {
        match timer {
            Timer::Regrow => flowers::grow(&self.map, room),
            Timer::Gate { gate } => self.turn(gate, room),
        }
    }

    fn job_done(&mut self, room: &mut Room<Self>, done: JobDone<'_, Way>) {
        let place = (&self.map, &*room);
        self.ways.handle_done(done, &mut self.walkers, place);
    }

    fn is_stale(&self, job: &Way) -> bool {
        self.ways.is_stale(job)
    }

    fn bot(seed: u64) -> Option<Box<dyn Bot<Self>>> {
        Some(Box::new(bot::Picker::new(seed)))
    }
}

impl Meadow {
    /// Puts a new player somewhere around the middle; the more are there, the wider around.
    fn arrive(&self, room: &mut Room<Self>, name: String) -> EntityId {
        let crowd = u16::try_from(self.walkers.len()).unwrap_or(u16::MAX);
        let reach = (f32::from(crowd) / 4.0).sqrt().clamp(7.5, 40.0);
        let middle = self.map.middle();
        let rng = room.rng();
        let pos = self.map.find(rng, (middle, reach), Tile::is_ground);
        let entity = Entity {
            // The middle itself is always free.
            pos: pos.unwrap_or(middle),
            heading: 64,
            kind: Kind::Player,
            name,
            score: 0,
            hue: rng.random(),
        };
        room.spawn(entity)
    }

    /// Moves whoever wants to move, and answers who did.
    fn walk(&mut self, room: &mut Room<Self>) -> Vec<EntityId> {
        let dt = room.dt();
        let mut moved = Vec::new();
        for walker in self.walkers.values_mut() {
            let Some(at) = room.entity(walker.body).map(|body| body.pos) else {
                continue;
            };
            let Some(direction) = walker.direction(at, dt, &self.map) else {
                continue;
            };
            let next = walk::walk(at, direction, dt, &self.map);
            if next != at
                && let Some(body) = room.entity_mut(walker.body)
            {
                body.heading = heading(next - at);
                body.pos = next;
                moved.push(walker.body);
            }
        }
        moved
    }

    /// Opens or shuts a gate, and lets everybody know who is on the way through it.
    fn turn(&mut self, gate: u8, room: &mut Room<Self>) {
        let Some(gate) = self.gates.turn(gate, &mut self.map, room) else {
            return;
        };
        self.ways.turn(gate);
        for walker in self.walkers.values_mut() {
            if let Some(body) = room.entity(walker.body) {
                walker.handle_gate(body.pos, gate.open, &self.map);
            }
        }
    }

    /// Tells players which way they walk, and shows the overlay to those who want it.
    fn tell(&mut self, room: &mut Room<Self>) {
        for (&player, walker) in &mut self.walkers {
            if std::mem::take(&mut walker.is_news)
                && let Some(private) = room.private_mut(player)
            {
                private.path = walker.told_path();
            }
        }
        let lookers = self.walkers.iter().filter(|(_, walker)| walker.overlay);
        let lookers = lookers.map(|(&player, walker)| (player, walker.body));
        overlay::show(lookers, (&self.animals, &self.ways), room);
    }
}
