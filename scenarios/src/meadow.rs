//! `meadow`: a field with trees, water and paths, animals, and flowers to pick.
//!
//! In: which way players walk, where they want to go, what they feel. Out: who stands where, who
//! has picked how many.

use std::collections::BTreeMap;

use downbeat::{
    Bot, Game, InputKind, JobDone, Listing, OpenError, Player, PlayerId, Refusal, Room, Seat,
    Space, Vec2,
};
use serde::{Deserialize, Serialize};

use self::animals::Animals;
use self::gates::Gates;
use self::map::Map;
use self::player::Walker;
pub use self::types::{
    Ask, Entity, Event, Gate, Input, JobsShown, Kind, Point, Private, Route, Settings, Shared,
    Timer, Top,
};
pub use self::way::{Found, Walk, Way};
use self::ways::Ways;

mod types;
mod noise;
mod map;
mod paths;
mod pastures;
mod water;
mod land;
mod gates;
mod walk;
mod way;
mod ways;
mod player;
mod players;
mod emotes;
mod flowers;
mod animal;
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
        self.turn_gates(room);
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
