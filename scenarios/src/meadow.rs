//! `meadow`: a field with trees, water and paths, animals, and flowers to pick.
//!
//! In: which way players walk, where they want to go, what they feel. Out: who stands where, who
//! has picked how many.

use std::collections::BTreeMap;

use downbeat::rand::RngExt as _;
use downbeat::{
    Bot, EntityId, Game, InputKind, Listing, OpenError, Player, PlayerId, Refusal, Room, Seat,
    Space, To, Vec2,
};
use serde::{Deserialize, Serialize};

use self::animals::Animal;
use self::gates::Gates;
use self::land::Plan;
use self::map::{Map, Tile};
use self::player::Walker;
pub use self::types::{
    Ask, Entity, Event, Gate, Input, JobsShown, Kind, Point, Private, Route, Settings, Shared,
    Timer, Top,
};
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
mod player;
mod flowers;
mod animals;
mod bot;
#[cfg(test)]
mod tests;

/// Emotes by number.
const EMOTES: u8 = 4;

/// Ticks between two emotes of one player: two a second.
const EMOTE_EVERY_TICKS: u32 = 10;

/// Emotes that one tick shows. A member that stalls for a moment is sent all events later, and
/// its queue must outlast a crowd that waves.
const EMOTES_PER_TICK_MAX: u8 = 1;

/// Up to so many members one is told who comes and goes: in a crowd nobody would read it.
const GREETED_MAX: usize = 50;

/// Side of a cell. Units: metres.
const CELL_M: f32 = 32.0;

/// The most animals and flowers that a room is opened with: a keyframe of as many is some 30 KiB.
const ANIMALS_MAX: u16 = 1000;
/// See [`ANIMALS_MAX`].
const FLOWERS_MAX: u16 = 600;

/// The rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meadow {
    /// With the gates as they are now.
    map: Map,
    gates: Gates,
    walkers: BTreeMap<PlayerId, Walker>,
    animals: Vec<Animal>,
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
        let Plan { map, pastures, .. } = land::generate(&mut room.rng_for("map"));
        let doors = pastures.iter().flat_map(|pasture| &pasture.doors);
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
            flowers::grow(&map, room);
        }
        Ok(Self {
            animals: animals::populate(&map, settings.animals, room),
            gates: Gates::new(&map, room),
            map,
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
            Input::Goto { x, y } => walker.go_to(Vec2::new(x, y), room.tick(), &self.map),
            Input::Emote { emote } => self.emote(room, player, emote),
            Input::Overlay { .. } => {}
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
        animals::tick(&mut self.animals, &self.map, room);
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
            Timer::Gate { gate } => {
                self.gates.turn(gate, &mut self.map, room);
            }
        }
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

    fn emote(&mut self, room: &mut Room<Self>, player: PlayerId, emote: u8) {
        let now = room.tick();
        let Some(walker) = self.walkers.get_mut(&player) else {
            return;
        };
        let too_soon = walker.emote_at.is_newer(now) || self.emotes >= EMOTES_PER_TICK_MAX;
        let Some(at) = room.entity(walker.body).map(|body| body.pos) else {
            return;
        };
        if emote >= EMOTES || too_soon {
            return;
        }
        walker.emote_at = now.after(EMOTE_EVERY_TICKS);
        self.emotes += 1;
        let entity = room.net_id(walker.body).unwrap_or_default();
        let seen = flowers::seen_by(room, at);
        room.emit(&Event::Emoted { entity, emote }, seen);
    }

    fn greet(&self, room: &mut Room<Self>, event: Event) {
        if self.walkers.len() <= GREETED_MAX {
            room.emit(&event, To::All);
        }
    }
}
