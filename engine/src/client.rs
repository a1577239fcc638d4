//! The client's side, pure: bytes in, a copy of the room out. Bots and tests see through it.

use std::collections::BTreeMap;

use crate::codec::{self, DecodeError, Decoder};
use crate::game::{Game, Seat};
use crate::replicate::Replicate;
use crate::tick::Tick;
use crate::wire::{ClientMessage, FrameHeader, Pong, Welcome, section, tag};

/// A member's copy of the room.
///
/// Shape: entities by their index on the wire. Consistent whenever [`View::apply`] has answered
/// anything but [`Applied::Part`].
pub struct View<G: Game> {
    /// What the server said first; `None` until then.
    pub welcome: Option<Welcome>,
    /// Where the member sits.
    pub seat: Seat<u32>,
    /// The tick that this state belongs to.
    pub tick: Tick,
    /// Frames that were due so far.
    pub due: u32,
    /// The newest input that was applied or refused.
    pub input_ack: u32,
    /// The entities.
    pub entities: BTreeMap<u32, G::Entity>,
    /// The state that all members see.
    pub shared: G::Shared,
    /// The state that only this member sees.
    pub private: G::Private,
    /// Events since they were last taken.
    pub events: Vec<G::Event>,
    /// Refused inputs since they were last taken.
    pub refused: Vec<u32>,
    /// How long the newest input waited. Units: milliseconds.
    pub lead: u8,
    changes: Changes,
}

/// What changed in a view since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A keyframe came: all that was known before is gone.
    pub reset: bool,
    /// Entities that were not there.
    pub added: Vec<u32>,
    /// Entities that were, and the fields that are new.
    pub changed: Vec<(u32, u64)>,
    /// Entities that are not there any more.
    pub removed: Vec<u32>,
    /// Fields of the shared state.
    pub shared: u64,
    /// Fields of the private state.
    pub private: u64,
    /// Whether the member's own entity came in full precision.
    pub own: bool,
    /// Whether the member sits elsewhere.
    pub seat: bool,
}

/// What a message did to a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The conversation began.
    Welcome,
    /// More messages of this tick follow.
    Part,
    /// The view is that of a later tick; `due` tells whether a frame was due or this is a
    /// heartbeat.
    Frame {
        /// Whether the running count of due frames has grown.
        due: bool,
    },
    /// A ping was answered.
    Pong(Pong),
}

impl<G: Game> Default for View<G> {
    fn default() -> Self {
        Self {
            welcome: None,
            seat: Seat::Spectator,
            tick: Tick::ZERO,
            due: 0,
            input_ack: 0,
            entities: BTreeMap::new(),
            shared: G::Shared::default(),
            private: G::Private::default(),
            events: Vec::new(),
            refused: Vec::new(),
            lead: 0,
            changes: Changes::default(),
        }
    }
}

impl<G: Game> View<G> {
    /// A view of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The member's own entity, once it has one that is seen.
    pub fn avatar(&self) -> Option<(u32, &G::Entity)> {
        match self.seat {
            Seat::Avatar(id) => self.entities.get(&id).map(|entity| (id, entity)),
            Seat::Player | Seat::Spectator => None,
        }
    }

    /// What changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Takes in one message of the server.
    ///
    /// # Errors
    /// If the bytes are not a message; the view is then of no use any more.
    pub fn apply(&mut self, message: &[u8]) -> Result<Applied, DecodeError> {
        let mut input = Decoder::new(message);
        match input.byte()? {
            tag::WELCOME => {
                let welcome: Welcome = input.value()?;
                input.finish()?;
                self.seat = welcome.seat;
                self.tick = welcome.tick;
                self.welcome = Some(welcome);
                Ok(Applied::Welcome)
            }
            tag::FRAME => self.apply_frame(input),
            tag::PONG => {
                let pong = input.value()?;
                input.finish()?;
                Ok(Applied::Pong(pong))
            }
            other => Err(input.bad(format!("unknown message {other}"))),
        }
    }

    fn apply_frame(&mut self, mut input: Decoder<'_>) -> Result<Applied, DecodeError> {
        let header = FrameHeader::decode(&mut input)?;
        if header.reset {
            self.changes = Changes {
                reset: true,
                shared: crate::replicate::all_fields::<G::Shared>(),
                private: crate::replicate::all_fields::<G::Private>(),
                ..Changes::default()
            };
            self.entities.clear();
            self.shared = G::Shared::default();
            self.private = G::Private::default();
        }
        while !input.is_empty() {
            self.apply_section(&mut input)?;
        }
        self.tick = header.tick;
        self.input_ack = header.input_ack;
        if header.more {
            return Ok(Applied::Part);
        }
        let due = header.due != self.due;
        self.due = header.due;
        Ok(Applied::Frame { due })
    }

    fn apply_section(&mut self, input: &mut Decoder<'_>) -> Result<(), DecodeError> {
        match input.byte()? {
            section::REFUSED => {
                for _ in 0..input.count()? {
                    self.refused.push(input.varint_u32()?);
                }
            }
            section::SEAT => {
                self.seat = input.value()?;
                self.changes.seat = true;
            }
            section::PRIVATE => self.changes.private |= apply_update(&mut self.private, input)?,
            section::EVENTS => {
                for _ in 0..input.count()? {
                    self.events.push(input.value()?);
                }
            }
            section::SHARED => self.changes.shared |= apply_update(&mut self.shared, input)?,
            section::REMOVED => {
                for _ in 0..input.count()? {
                    let id = input.varint_u32()?;
                    if self.entities.remove(&id).is_none() {
                        return Err(input.bad(format!("entity {id} removed, but unknown")));
                    }
                    self.changes.removed.push(id);
                }
            }
            section::ADDED => {
                for _ in 0..input.count()? {
                    let id = input.varint_u32()?;
                    self.entities.insert(id, G::Entity::decode(input)?);
                    self.changes.added.push(id);
                }
            }
            section::CHANGED => {
                for _ in 0..input.count()? {
                    let id = input.varint_u32()?;
                    let Some(entity) = self.entities.get_mut(&id) else {
                        return Err(input.bad(format!("entity {id} changed, but unknown")));
                    };
                    let mask = apply_update(entity, input)?;
                    self.changes.changed.push((id, mask));
                }
            }
            other => return Err(input.bad(format!("unknown section {other}"))),
        }
        Ok(())
    }

    /// The bytes of an input that echoes this view's tick.
    pub fn input(&self, seq: u32, input: G::Input) -> Vec<u8> {
        codec::encode(&ClientMessage::Input {
            seq,
            seen: self.tick,
            behind: 8,
            input,
        })
    }

    /// The bytes of an echo.
    pub fn seen(&self) -> Vec<u8> {
        codec::encode(&ClientMessage::<()>::Seen { seen: self.tick })
    }
}

/// The bytes of the first message.
pub fn hello(name: &str, schema: u32) -> Vec<u8> {
    codec::encode(&ClientMessage::<()>::Hello {
        name: name.into(),
        schema,
    })
}

fn apply_update<T: Replicate>(value: &mut T, input: &mut Decoder<'_>) -> Result<u64, DecodeError> {
    let mask = input.varint()?;
    if mask & !crate::replicate::all_fields::<T>() != 0 {
        return Err(input.bad(format!("mask {mask:#x} names fields that do not exist")));
    }
    value.apply(mask, input)?;
    Ok(mask)
}
