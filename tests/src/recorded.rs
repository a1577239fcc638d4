//! A game with every kind of field, whose messages are recorded for both clients to read.
//!
//! Its types are those of `client-web/test/wire.ts`.

use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Space, Vec2};
use serde::{Deserialize, Serialize};

/// The rules: who is told to walk walks.
#[derive(Serialize, Deserialize)]
pub struct Recorded;

/// How much its members see.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// As the room's.
    pub space: Space,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Somebody's body.
    Player,
    /// Nobody's.
    Sheep,
}

/// A thing in the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Actor {
    /// Where it is.
    #[replicate(position)]
    pub pos: Vec2,
    /// Where it looks.
    #[replicate(heading)]
    pub heading: u8,
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// How long it will go on.
    #[replicate(range = 0.0..=100.0, step = 0.5)]
    pub stamina: f32,
    /// For its team alone.
    #[replicate(team)]
    pub health: u8,
    /// For its owner alone.
    #[replicate(private)]
    pub ammo: u16,
}

/// What everybody sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Shared {
    /// Grows.
    pub round: u32,
    /// Any text.
    pub title: String,
}

/// What a player asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// A step. Units: 1/64 m.
    Walk {
        /// Towards +x.
        dx: i8,
        /// Towards +y.
        dy: i8,
    },
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A noise.
    Bang {
        /// When.
        at: u32,
    },
}

#[downbeat::game]
impl Game for Recorded {
    const NAME: &'static str = "probe";
    type Settings = Settings;
    type Entity = Actor;
    type Shared = Shared;
    type Event = Event;
    type Input = Input;

    fn space(settings: &Settings) -> Space {
        settings.space
    }

    fn open(_: &Settings, _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Avatar(room.spawn(Actor {
            pos: Vec2::new(1.5, 2.25),
            heading: 64,
            kind: Kind::Player,
            name: player.name.clone(),
            stamina: 99.9,
            health: 3,
            ammo: 300,
        })))
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Input) {
        let Input::Walk { dx, dy } = input;
        if let Some(actor) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
            actor.pos += Vec2::new(f32::from(dx), f32::from(dy)) / 64.0;
        }
    }
}
