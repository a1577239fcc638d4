//! What travels: settings, inputs, entities, shared state, events. The order of all fields and
//! variants here is what clients are built for.

use downbeat::{Replicate, Vec2};
use serde::{Deserialize, Serialize};

/// What a room is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Sheep, rabbits, ducks and wolves; at most 1000.
    pub animals: u16,
    /// At most 600.
    pub flowers: u16,
    /// Seats.
    pub players_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            animals: 500,
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
    /// Walk there, around whatever is in the way, or as near as it gets. Units: metres.
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
    /// Show me, or no longer, which ways the animals take and what is being computed.
    Overlay {
        /// Whether to.
        on: bool,
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
    Wolf,
}

/// Whoever or whatever is in the meadow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Entity {
    /// Units: metres; x goes right, y goes down.
    #[replicate(position)]
    pub pos: Vec2,
    /// Where it looks. Units: 1/256 turn; 0 is +x, and it grows towards +y.
    #[replicate(heading)]
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
    /// 4 tree, 5 sand, 6 bridge, 7 fence.
    pub tiles: Vec<u8>,
    /// Flowers that were picked so far.
    pub picked: u32,
    /// The best five.
    pub top: Vec<Top>,
    /// The gates in the fences, always in the same order.
    pub gates: Vec<Gate>,
}

/// A gap in a fence that opens and closes; over the tiles that it has shut nobody walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Its left column.
    pub x: u16,
    /// Its upper row.
    pub y: u16,
    /// Columns.
    pub width: u8,
    /// Rows.
    pub height: u8,
    /// Whether one can pass.
    pub open: bool,
}

/// A tile by its column and row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Its column.
    pub x: u16,
    /// Its row.
    pub y: u16,
}

/// What only one player sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Replicate)]
pub struct Private {
    /// The tiles whose middles its avatar still walks to, one after the other.
    pub path: Vec<Point>,
    /// The ways that animals around it take, while it asks for them.
    pub routes: Vec<Route>,
    /// What the room computes, while it asks for that.
    pub jobs: JobsShown,
}

/// Where an animal is going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its number, as clients know it.
    pub entity: u32,
    /// The next corners of its way.
    pub corners: Vec<Point>,
}

/// What the room computes off its ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsShown {
    /// Jobs that were handed in and are not due yet.
    pub in_flight: u16,
    /// Jobs handed in so far.
    pub asked: u32,
    /// Of these, how many came to something.
    pub done: u32,
    /// How often a job was handed back since there were too many.
    pub rejected: u32,
    /// Jobs that were taken back.
    pub cancelled: u32,
    /// Fields of distances that herds follow.
    pub fields: u8,
    /// What all of them have spent; wraps.
    pub expansions: u32,
    /// Which ways are being looked for.
    pub waiting: Vec<Ask>,
}

/// A way that is being looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// From here …
    pub from: Point,
    /// … to there.
    pub to: Point,
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
        /// The avatar's number, as clients know it.
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
        /// The avatar's number, as clients know it.
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
