//! `meadow`: a field with trees, water and paths, animals, and flowers to pick.
//!
//! In: which way players walk, where they want to go, what they feel. Out: who stands where, who
//! has picked how many. The order of all fields and variants here is what clients are built for.

use std::collections::BTreeMap;

use downbeat::rand::RngExt as _;
use downbeat::{
    Bot, EntityId, Game, InputKind, Listing, OpenError, Player, PlayerId, Refusal, Replicate, Room,
    Seat, To, Vec2,
};
use serde::{Deserialize, Serialize};

use self::animals::Animal;
use self::map::{Map, Tile};
use self::player::Walker;

mod noise;
mod map;
mod paths;
mod land;
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

/// The most animals and flowers that a room is opened with: a keyframe of as many is some 20 KiB.
const ANIMALS_MAX: u16 = 300;
/// See [`ANIMALS_MAX`].
const FLOWERS_MAX: u16 = 600;

/// What a room is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Sheep, rabbits and ducks; at most 300.
    pub animals: u16,
    /// At most 600.
    pub flowers: u16,
    /// Seats.
    pub players_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            animals: 60,
            flowers: 120,
            players_max: 1000,
        }
    }
}

/// What a player asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Walk this way while it is held. Units: 1/127 of full speed; (0, 0) stops.
    Walk {
        /// Right.
        dx: i8,
        /// Down.
        dy: i8,
    },
    /// Walk there. Units: metres.
    Goto {
        /// Right.
        x: f32,
        /// Down.
        y: f32,
    },
    /// Show a feeling.
    Emote {
        /// 0 to 3.
        emote: u8,
    },
}

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Kind {
    Player,
    Sheep,
    Rabbit,
    Duck,
    Flower,
}

/// Whoever or whatever is in the meadow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Entity {
    /// Units: metres; x goes right, y goes down.
    #[replicate(position)]
    pub pos: Vec2,
    /// Where it looks. Units: 1/256 turn; 0 is +x, and it grows towards +y.
    pub heading: u8,
    /// What it is.
    pub kind: Kind,
    /// A player's name.
    pub name: String,
    /// A player's points; what a flower is worth.
    pub score: u16,
    /// Its colour. Units: 1/256 of the colour circle.
    pub hue: u8,
}

/// What all members see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Replicate)]
pub struct Shared {
    /// Tiles from left to right.
    pub width: u16,
    /// Tiles from top to bottom.
    pub height: u16,
    /// Pairs of (count 1–255, tile), row by row. Tiles: 0 grass, 1 tall grass, 2 path, 3 water,
    /// 4 tree, 5 sand, 6 bridge.
    pub tiles: Vec<u8>,
    /// Flowers that were picked so far.
    pub picked: u32,
    /// The best five.
    pub top: Vec<Top>,
}

/// A line of the list of the best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// Whose.
    pub name: String,
    /// Points.
    pub score: u16,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Somebody picked a flower.
    Picked {
        /// The avatar's index.
        player: u32,
        /// The flower's colour.
        flower_hue: u8,
        /// What it was worth.
        points: u8,
        /// Where it was. Units: metres.
        x: f32,
        /// See `x`.
        y: f32,
    },
    /// Somebody showed a feeling.
    Emoted {
        /// The avatar's index.
        entity: u32,
        /// 0 to 3.
        emote: u8,
    },
    /// Somebody came.
    Joined {
        /// Who.
        name: String,
    },
    /// Somebody left.
    Left {
        /// Who.
        name: String,
    },
}

/// What a timer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// A flower grows again.
    Regrow,
}

/// The rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meadow {
    map: Map,
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
    type Event = Event;
    type Timer = Timer;

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        if settings.animals > ANIMALS_MAX || settings.flowers > FLOWERS_MAX {
            return Err(OpenError(format!(
                "{} animals and {} flowers are too many, at most {ANIMALS_MAX} and {FLOWERS_MAX} fit",
                settings.animals, settings.flowers
            )));
        }
        let map = land::generate(&mut room.rng_for("map"));
        *room.shared_mut() = Shared {
            width: map.width(),
            height: map.height(),
            tiles: map.runs(),
            picked: 0,
            top: Vec::new(),
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
            Input::Goto { .. } | Input::Emote { .. } => InputKind::Once,
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
                body.heading = walk::heading(next - at);
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
        let entity = walker.body.index();
        let seen = flowers::seen_by(room, at);
        room.emit(&Event::Emoted { entity, emote }, seen);
    }

    fn greet(&self, room: &mut Room<Self>, event: Event) {
        if self.walkers.len() <= GREETED_MAX {
            room.emit(&event, To::All);
        }
    }
}
