//! The client's side, pure: bytes in, a copy of the room out. Bots and tests see through it.

use crate::codec::{self, DecodeError, Decoder};
use crate::game::{Game, Seat};
use crate::grid::Space;
use crate::replicate::{Masks, Replicate};
use crate::tick::Tick;
use crate::wire::{Ack, ClientMessage, FrameHeader, Pong, Welcome, section, tag};

mod entities;
mod changes;
mod cells;

pub use self::changes::Changes;
pub use self::entities::EntityMap;

/// A member's copy of the room.
///
/// Shape: entities by their numbers on the wire. Consistent whenever [`View::apply`] has answered
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
    pub entities: EntityMap<G::Entity>,
    /// The state that all members see.
    pub shared: G::Shared,
    /// The state that only this member sees.
    pub private: G::Private,
    /// Events since they were last taken.
    pub events: Vec<G::Event>,
    /// Refused inputs since they were last taken.
    pub refused: Vec<u32>,
    /// How long the newest input that was answered had lain on the server. Units: milliseconds,
    /// 255 is that or more.
    pub lead_ms: u8,
    space: Space,
    cells: cells::Cells,
    /// Its own entity's lossy fields as they are, once they were told.
    exact: Vec<u8>,
    /// Those of them that this frame told.
    own: u64,
    changes: Option<Changes>,
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
            entities: EntityMap::default(),
            shared: G::Shared::default(),
            private: G::Private::default(),
            events: Vec::new(),
            refused: Vec::new(),
            lead_ms: 0,
            space: Space::Whole,
            cells: cells::Cells::default(),
            exact: Vec::new(),
            own: 0,
            changes: None,
        }
    }
}

impl<G: Game> View<G> {
    /// A view of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on it is remembered what changes.
    pub fn track_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// What changed since the last call; nothing unless [`View::track_changes`] was called.
    pub fn take_changes(&mut self) -> Changes {
        let changes = self.changes.as_mut().map(std::mem::take);
        changes.unwrap_or_default().list()
    }

    /// Checksums of cells that did not fit what was received: bugs, on one side or the other.
    pub const fn mismatches(&self) -> u32 {
        self.cells.mismatches
    }

    #[cfg(test)]
    pub(crate) const fn window(&self) -> (crate::grid::CellId, u64) {
        self.cells.window()
    }

    /// The member's own entity, once it has one that is seen.
    pub fn avatar(&self) -> Option<(u32, &G::Entity)> {
        match self.seat {
            Seat::Avatar(id) => self.entities.get(&id).map(|entity| (id, entity)),
            Seat::Player | Seat::Spectator => None,
        }
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
                self.space = welcome.space;
                self.due = 0;
                self.input_ack = welcome.acked();
                self.welcome = Some(welcome);
                Ok(Applied::Welcome)
            }
            flags if flags & tag::FRAME != 0 => self.apply_frame(flags, input),
            tag::PONG => {
                let pong = input.value()?;
                input.finish()?;
                Ok(Applied::Pong(pong))
            }
            other => Err(input.bad(format!("unknown message {other}"))),
        }
    }

    fn apply_frame(&mut self, flags: u8, mut input: Decoder<'_>) -> Result<Applied, DecodeError> {
        let last = FrameHeader {
            tick: self.tick,
            due: self.due,
            ack: Some(Ack {
                seq: self.input_ack,
                lead_ms: self.lead_ms,
            }),
            ..FrameHeader::default()
        };
        let header = FrameHeader::decode(flags, &last, &mut input)?;
        if header.reset {
            self.reset();
        }
        self.tick = header.tick;
        if let Some(ack) = header.ack {
            self.input_ack = ack.seq;
            self.lead_ms = ack.lead_ms;
        }
        let mut tag = 0;
        while !input.is_empty() {
            let next = input.byte()?;
            if next < tag {
                return Err(input.bad(format!("section {next} behind section {tag}")));
            }
            tag = next;
            self.apply_section(tag, &mut input)?;
        }
        if header.more {
            return Ok(Applied::Part);
        }
        let changes = self.changes.as_mut();
        self.cells.finish(self.tick, &mut self.entities, changes);
        self.restore_exact()?;
        let due = header.due != self.due;
        self.due = header.due;
        Ok(Applied::Frame { due })
    }

    fn reset(&mut self) {
        self.entities.clear();
        self.cells.reset();
        self.exact.clear();
        self.shared = G::Shared::default();
        self.private = G::Private::default();
        if let Some(changes) = &mut self.changes {
            *changes = Changes::default();
            changes.reset = true;
        }
    }

    fn apply_section(&mut self, tag: u8, input: &mut Decoder<'_>) -> Result<(), DecodeError> {
        let changes = self.changes.as_mut();
        match tag {
            section::REFUSED => {
                for _ in 0..input.count()? {
                    self.refused.push(input.varint_u32()?);
                }
            }
            section::SEAT => {
                self.seat = input.value()?;
                self.exact.clear();
                if let Some(changes) = changes {
                    changes.seat = true;
                }
            }
            section::PRIVATE => {
                let mask = apply_update(&mut self.private, input)?;
                if let Some(changes) = changes {
                    changes.private |= mask;
                }
            }
            section::OWN => self.apply_own(input)?,
            section::EVENTS => {
                for _ in 0..input.count()? {
                    self.events.push(input.value()?);
                }
            }
            section::SHARED => {
                let mask = apply_update(&mut self.shared, input)?;
                if let Some(changes) = changes {
                    changes.shared |= mask;
                }
            }
            section::VIEW => self.cells.look(input, &mut self.entities, changes)?,
            section::CELLS => {
                let at = (self.tick, self.space);
                let entities = &mut self.entities;
                self.cells.apply(input, at, entities, changes)?;
            }
            other => return Err(input.bad(format!("unknown section {other}"))),
        }
        Ok(())
    }

    /// The exact state comes before the cells, and is put over them when the tick is whole.
    fn apply_own(&mut self, input: &mut Decoder<'_>) -> Result<(), DecodeError> {
        let mask = input.varint()?;
        if mask != Masks::<G::Entity>::LOSSY {
            return Err(input.bad(format!("mask {mask:#x} is not that of the lossy fields")));
        }
        let from = input.at();
        G::Entity::skip_exact(mask, input)?;
        self.own = mask;
        self.exact.clear();
        self.exact.extend_from_slice(input.since(from));
        Ok(())
    }

    /// Whatever the cells said, its own entity is as it was told exactly.
    fn restore_exact(&mut self) -> Result<(), DecodeError> {
        let lossy = Masks::<G::Entity>::LOSSY;
        let Seat::Avatar(id) = self.seat else {
            return Ok(());
        };
        let mask = std::mem::take(&mut self.own);
        let at = self.entities.find(id);
        let Some(entry) = at.and_then(|at| self.entities.entry_mut(at)) else {
            return Ok(()); // out of sight for now
        };
        if !self.exact.is_empty() {
            let exact = &mut Decoder::new(&self.exact);
            entry.entity.apply_exact(lossy, exact)?;
        }
        if mask != 0
            && let Some(changes) = &mut self.changes
        {
            changes.own = true;
            changes.changed(id, mask);
        }
        Ok(())
    }

    /// The bytes of an input that echoes this view's tick.
    pub fn input(&self, seq: u32, input: G::Input) -> Vec<u8> {
        codec::encode(&ClientMessage::Input {
            seq,
            seen: self.tick,
            behind: BOT_BEHIND,
            input,
        })
    }

    /// The bytes of an echo.
    pub fn seen(&self) -> Vec<u8> {
        codec::encode(&ClientMessage::<()>::Seen { seen: self.tick })
    }
}

/// A bot acts on what it has just received.
const BOT_BEHIND: u8 = 0;

/// The bytes of the first message; `schema` is the hash of the game's types.
pub fn hello(name: &str, schema: u32) -> Vec<u8> {
    let name = name.into();
    codec::encode(&ClientMessage::<()>::Hello { name, schema })
}

fn apply_update<T: Replicate>(value: &mut T, input: &mut Decoder<'_>) -> Result<u64, DecodeError> {
    let mask = input.varint()?;
    if mask & !Masks::<T>::ALL != 0 {
        return Err(input.bad(format!("mask {mask:#x} names fields that do not exist")));
    }
    value.apply(mask, input)?;
    Ok(mask)
}
