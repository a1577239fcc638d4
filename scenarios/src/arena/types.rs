//! What travels: settings, inputs, entities, shared state, events. The order of all fields and
//! variants here is what clients are built for.

use downbeat::{EntityId, PlayerId, Replicate, Vec2};
use serde::{Deserialize, Serialize};

/// What a room is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seats.
    pub players_max: u32,
    /// Steps per second; 20 to 60.
    pub tick_rate_hz: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            players_max: 16,
            tick_rate_hz: 30,
        }
    }
}

/// What a player does in one tick: it runs, then it shoots from where that led.
///
/// One held input and not two kinds, so that a shot leaves from the very place where the client
/// predicted the shooter, is judged by the picture that this aim was taken in, and costs no input
/// of its own. What falls between two ticks is replaced by what comes after it, so a client keeps
/// the trigger down for at least two inputs; that is less than the gun needs between two shots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Right. Units: 1/127 of full speed; (0, 0) stands.
    pub dx: i8,
    /// Down.
    pub dy: i8,
    /// Where it looks. Units: 1/256 turn; 0 is +x, and it grows towards +y.
    pub aim: u8,
    /// Whether the trigger is down.
    pub fire: bool,
}

/// Somebody who is alive: who falls is taken out, and comes back as a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Fighter {
    /// Units: metres; x goes right, y goes down.
    #[replicate(position)]
    pub pos: Vec2,
    /// Where it looks. Units: 1/256 turn; 0 is +x, and it grows towards +y.
    #[replicate(heading)]
    pub heading: u8,
    /// What it is called.
    pub name: String,
    /// Its side: 0 or 1.
    pub team: u8,
    /// 100 is unhurt.
    pub health: u8,
    /// Shots left; at 0 it reloads.
    #[replicate(private)]
    pub ammo: u8,
    /// How many it has felled.
    pub score: u16,
}

/// What all members see.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Shared {
    /// Side of the field, whose corner is (0, 0). Units: metres.
    pub side: f32,
    /// What nobody walks or shoots through, in the order in which a step is stopped by them.
    pub walls: Vec<Wall>,
    /// What both sides have felled.
    pub teams: [u16; 2],
    /// The best five.
    pub top: Vec<Top>,
}

/// A wall or a pillar. Units: metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct Wall {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

/// A line of the list of the best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// Whose.
    pub name: String,
    /// Its side.
    pub team: u8,
    /// How many it has felled.
    pub score: u16,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// To all: a shot. Of a crowd's shots only some are told.
    Shot {
        /// Whose: the fighter's number.
        by: u32,
        /// Where it began. Units: metres.
        from: Vec2,
        /// Where it ended, in a wall or in somebody.
        to: Vec2,
    },
    /// To who shot and who was hit.
    Hit {
        /// Who shot: the fighter's number.
        by: u32,
        /// Who was hit: the fighter's number.
        target: u32,
        /// What is left of its health.
        health: u8,
    },
    /// To all: somebody fell.
    Fell {
        /// The number of the fighter that is gone.
        fighter: u32,
        /// Where. Units: metres.
        at: Vec2,
        /// What it was called.
        name: String,
        /// Its side.
        team: u8,
        /// The name of who felled it.
        by: String,
    },
}

/// What a timer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// A gun is full again.
    Loaded(EntityId),
    /// Back into the fight.
    Respawn(PlayerId),
}
