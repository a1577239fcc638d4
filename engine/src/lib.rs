//! Downbeat: a tick-driven, authoritative engine for online worlds.
//!
//! A game is one type that implements [`Game`]; the engine gives it a fixed-rate tick that owns
//! the world, rooms on demand, and a frame per tick to every member. This crate knows nothing of
//! HTTP, WebSockets, TLS or databases: `downbeat-server` brings those.
//!
//! The way of the data, which is also the order of the modules:
//!
//! ```text
//! link → seats (room task) → inbox → sim (tick loop) → frame → outbox → link
//! ```
//!
//! ```
//! use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Vec2};
//! use serde::{Deserialize, Serialize};
//!
//! /// Everybody walks about on an endless field.
//! #[derive(Serialize, Deserialize)]
//! struct Field;
//!
//! #[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
//! struct Walker {
//!     #[replicate(position)]
//!     at: Vec2,
//!     name: String,
//! }
//!
//! #[downbeat::game]
//! impl Game for Field {
//!     const NAME: &'static str = "field";
//!     type Entity = Walker;
//!     type Input = Vec2;
//!
//!     fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
//!         Ok(Field)
//!     }
//!
//!     fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
//!         let name = player.name.clone();
//!         let walker = Walker { at: Vec2::ZERO, name };
//!         Ok(Seat::Avatar(room.spawn(walker)))
//!     }
//!
//!     fn input(&mut self, room: &mut Room<Self>, player: PlayerId, step: Vec2) {
//!         if let Some(walker) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
//!             walker.at += step.clamp_length_max(0.2);
//!         }
//!     }
//! }
//! # let mut room = downbeat::testing::TestRoom::<Field>::open(());
//! # let ada = room.join("Ada").expect("let in");
//! # room.input(ada, Vec2::new(0.1, 0.0));
//! # room.step(1);
//! # assert_eq!(room.view(ada).avatar().expect("seen").1.at, Vec2::new(0.1, 0.0));
//! ```

// The macros name this crate `::downbeat`, also inside its own tests.
extern crate self as downbeat;

pub mod limits;

mod tick;
mod pacer;
mod rng;
pub mod codec;
mod deserialize;
mod replicate;
pub mod schema;
pub mod wire;
pub mod client;
pub mod layer;
mod user;
mod job;
pub mod nav;
mod game;
mod job_counters;
mod counters;
mod panics;
mod batch;
mod job_pool;
mod jobs;
mod grid;
mod nearby;
mod block;
mod page;
mod cells;
mod entities;
mod timers;
mod past;
mod members;
mod room;
mod outside;
mod watching;
mod courier;
mod inbox;
mod sim;
mod frame;
mod publish;
mod hosted;
mod world;
mod port;
mod host;
mod link;
mod room_task;
mod seats;
mod pieces;
mod bodies;
mod viewer;
mod slot;
mod wakers;
mod rate;
mod echo;
mod outbox;
mod link_memory;
mod virtual_world;
pub mod testing;

pub use downbeat_derive::{Replicate, game};
pub use glam::Vec2;
pub use rand;

pub use crate::counters::{ClockCounts, Counter, Counters};
pub use crate::courier::Answerer;
pub use crate::entities::{EntityId, Visible};
pub use crate::game::{
    Bot, Game, InputKind, Listing, Look, OpenError, Player, PlayerId, Recipient, Refusal, Seat,
    Team, To,
};
pub use crate::grid::Space;
pub use crate::host::{EnterError, Entrant, Host, HostConfig, RoomInfo, Seated, is_room_name};
pub use crate::job::{
    Answer, AppliedJob, Job, JobDone, JobId, JobKind, JobLimits, Late, Meter, Outcome, Priority,
    Rejected,
};
pub use crate::job_counters::{Histogram, JobCounters};
pub use crate::job_pool::JobPool;
pub use crate::link::{Incoming, Link, LinkError, Outgoing};
pub use crate::outside::SendError;
pub use crate::pacer::{Due, Pacer};
pub use crate::past::Past;
pub use crate::rate::Bucket;
pub use crate::replicate::{
    Data, Field, FieldKind, Heading, Replicate, SeenBy, quantise, unquantise,
};
pub use crate::rng::{Rng, seeded};
pub use crate::room::Room;
pub use crate::schema::{Schema, SchemaError};
pub use crate::tick::Tick;
pub use crate::timers::TimerId;
pub use crate::user::{BadUserId, UserId};
pub use crate::world::{LoopPanicked, Stopped, World, WorldConfig, WorldHandle};
