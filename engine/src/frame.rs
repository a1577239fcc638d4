//! The frame: what one tick publishes, and how it becomes messages.
//!
//! This is the seam of replication. In: the changes of one step. Out: bodies that all members
//! share, and each member's own part; `Outbox` puts the two together into messages. For now the
//! shared part is one encoding of the whole room; cells, tiers and audiences will come in here
//! without the room, the room task or the client's decoder knowing.

use bytes::Bytes;

use crate::codec::Encoder;
use crate::entities::Change;
use crate::game::{Game, PlayerId, Refusal, Seat, To};
use crate::limits::{BODY_BYTES_MAX, ITEM_BYTES_MAX};
use crate::replicate::{Replicate, all_fields};
use crate::room::Room;
use crate::tick::Tick;
use crate::wire::{Close, section};

/// The immutable state that a tick publishes.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// The room's tick.
    pub(crate) tick: Tick,
    /// Shared bodies with what changed; empty when nothing did.
    pub(crate) delta: Vec<Bytes>,
    /// Shared bodies with everything, when somebody asked.
    pub(crate) keyframe: Option<Vec<Bytes>>,
    /// News for single members, in the order of their numbers.
    pub(crate) own: Vec<Own>,
    /// Events in the order in which they were emitted.
    pub(crate) events: Vec<(Recipients, Bytes)>,
    /// Answers to joins, in the order of the players' numbers.
    pub(crate) joins: Vec<(PlayerId, Result<Seat<u32>, Refusal>)>,
    /// This was the room's last frame.
    pub(crate) end: Option<Close>,
}

/// One member's part of a frame.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) player: PlayerId,
    pub(crate) seat: Seat<u32>,
    pub(crate) input_ack: u32,
    /// Whether there is news; else this is here only for the sake of a keyframe.
    pub(crate) news: bool,
    /// Refused inputs.
    pub(crate) refused: Vec<u32>,
    /// A new seat, and what changed of the private state, as sections.
    pub(crate) delta: Vec<u8>,
    /// The seat and the whole private state, as sections, when there is a keyframe.
    pub(crate) keyframe: Vec<u8>,
    /// The member is out.
    pub(crate) close: Option<Close>,
}

/// Whom an event is for, once teams are resolved.
#[derive(Debug)]
pub(crate) enum Recipients {
    All,
    One(PlayerId),
    /// Sorted.
    Some(Vec<PlayerId>),
}

impl Recipients {
    pub(crate) fn include(&self, player: PlayerId) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => *one == player,
            Self::Some(some) => some.binary_search(&player).is_ok(),
        }
    }
}

impl Frame {
    pub(crate) fn own(&self, player: PlayerId) -> Option<&Own> {
        let at = self
            .own
            .binary_search_by_key(&player, |own| own.player)
            .ok()?;
        Some(&self.own[at])
    }

    pub(crate) fn join(&self, player: PlayerId) -> Option<Result<Seat<u32>, Refusal>> {
        let at = self
            .joins
            .binary_search_by_key(&player, |(id, _)| *id)
            .ok()?;
        Some(self.joins[at].1)
    }

    /// Whether members that get no news of their own see anything new.
    pub(crate) fn is_visible(&self) -> bool {
        !self.delta.is_empty()
    }
}

/// Encodes what this step changed.
pub(crate) fn publish<G: Game>(room: &mut Room<G>, with_keyframe: bool) -> Frame {
    let delta = publish_delta(room);
    let keyframe = with_keyframe.then(|| publish_keyframe(room));
    // With a keyframe everybody has a part: who is in the room can be told from it.
    let own = room
        .members
        .iter_mut()
        .filter_map(|(&player, member)| {
            let news = member.inputs.take_news();
            let private = member.private.take_changed();
            let seat = std::mem::take(&mut member.seat_changed).then_some(member.seat);
            let is_news =
                news.is_some() || private != 0 || seat.is_some() || member.close.is_some();
            if !is_news && !with_keyframe {
                return None;
            }
            let mut own = Own {
                player,
                seat: member.seat.on_wire(),
                input_ack: member.inputs.ack(),
                news: is_news,
                refused: news.map(|(_, refused)| refused).unwrap_or_default(),
                delta: Vec::new(),
                keyframe: Vec::new(),
                close: member.close,
            };
            if let Some(seat) = seat {
                write_seat(seat, &mut own.delta);
            }
            write_update(
                section::PRIVATE,
                member.private.value(),
                private,
                &mut own.delta,
            );
            if with_keyframe {
                write_seat(member.seat, &mut own.keyframe);
                let all = all_fields::<G::Private>();
                write_update(
                    section::PRIVATE,
                    member.private.value(),
                    all,
                    &mut own.keyframe,
                );
            }
            Some(own)
        })
        .collect();
    Frame {
        tick: room.tick,
        delta,
        keyframe,
        own,
        events: publish_events(room),
        joins: Vec::new(),
        end: None,
    }
}

fn publish_delta<G: Game>(room: &mut Room<G>) -> Vec<Bytes> {
    let mut added = Sections::new(section::ADDED);
    let mut changed = Sections::new(section::CHANGED);
    let removed = room.entities.drain_changes(|id, entity, change| {
        let write = |out: &mut Vec<u8>| write_entity(id.index(), entity, &change, out);
        match change {
            Change::Added => added.item(write),
            Change::Fields(_) => changed.item(write),
        }
    });
    let mut gone = Sections::new(section::REMOVED);
    for id in removed {
        gone.item(|out| Encoder::new(out).value(&id));
    }
    let mask = room.shared.take_changed();
    let mut shared = Vec::new();
    write_update(section::SHARED, room.shared.value(), mask, &mut shared);
    pack(
        [shared]
            .into_iter()
            .chain(gone.finish())
            .chain(added.finish())
            .chain(changed.finish()),
    )
}

fn publish_keyframe<G: Game>(room: &Room<G>) -> Vec<Bytes> {
    let mut added = Sections::new(section::ADDED);
    for (id, entity) in room.entities.iter() {
        added.item(|out| write_entity(id.index(), entity, &Change::Added, out));
    }
    let mut shared = Vec::new();
    let all = all_fields::<G::Shared>();
    write_update(section::SHARED, room.shared.value(), all, &mut shared);
    pack([shared].into_iter().chain(added.finish()))
}

fn publish_events<G: Game>(room: &mut Room<G>) -> Vec<(Recipients, Bytes)> {
    let events = std::mem::take(&mut room.events);
    let recipients = |to| match to {
        To::All => Recipients::All,
        To::Player(player) => Recipients::One(player),
        To::Players(mut players) => {
            players.sort_unstable();
            Recipients::Some(players)
        }
        To::Team(team) => {
            let of_team = room.members.iter().filter(|(_, m)| m.team == Some(team));
            Recipients::Some(of_team.map(|(&id, _)| id).collect())
        }
    };
    events
        .into_iter()
        .map(|(to, bytes)| (recipients(to), Bytes::from(bytes)))
        .collect()
}

fn write_seat(seat: Seat, out: &mut Vec<u8>) {
    out.push(section::SEAT);
    Encoder::new(out).value(&seat.on_wire());
}

fn write_entity<E: Replicate>(id: u32, entity: &E, change: &Change, out: &mut Vec<u8>) {
    let mut out = Encoder::new(out);
    out.value(&id);
    match *change {
        Change::Added => entity.encode(all_fields::<E>(), &mut out),
        Change::Fields(mask) => {
            out.varint(mask);
            entity.encode(mask, &mut out);
        }
    }
}

fn write_update<T: Replicate>(tag: u8, value: &T, mask: u64, out: &mut Vec<u8>) {
    if mask == 0 {
        return;
    }
    let start = out.len();
    out.push(tag);
    let mut encoder = Encoder::new(out);
    encoder.varint(mask);
    value.encode(mask, &mut encoder);
    assert_item(out.len() - start);
}

fn assert_item(bytes: usize) {
    assert!(
        bytes <= ITEM_BYTES_MAX,
        "an entity, shared or private state is at most {ITEM_BYTES_MAX} bytes, this one has {bytes}"
    );
}

/// Counted sections of one kind, none larger than a message's body.
pub(crate) struct Sections {
    tag: u8,
    count: u32,
    items: Vec<u8>,
    done: Vec<Vec<u8>>,
}

/// A section's tag and count.
const SECTION_HEADER_BYTES_MAX: usize = 1 + 5;

impl Sections {
    pub(crate) const fn new(tag: u8) -> Self {
        Self {
            tag,
            count: 0,
            items: Vec::new(),
            done: Vec::new(),
        }
    }

    pub(crate) fn item(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.items.len();
        write(&mut self.items);
        assert_item(self.items.len() - start);
        if self.items.len() + SECTION_HEADER_BYTES_MAX > BODY_BYTES_MAX {
            let last = self.items.split_off(start);
            self.close();
            self.items = last;
        }
        self.count += 1;
    }

    pub(crate) fn finish(mut self) -> Vec<Vec<u8>> {
        self.close();
        self.done
    }

    fn close(&mut self) {
        if self.count == 0 {
            return;
        }
        let mut section = Vec::with_capacity(self.items.len() + SECTION_HEADER_BYTES_MAX);
        section.push(self.tag);
        Encoder::new(&mut section).value(&self.count);
        section.append(&mut self.items);
        self.done.push(section);
        self.count = 0;
    }
}

/// Joins sections into as few bodies as fit a message.
pub(crate) fn pack(sections: impl IntoIterator<Item = Vec<u8>>) -> Vec<Bytes> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for section in sections {
        match bodies.last_mut() {
            _ if section.is_empty() => {}
            Some(body) if body.len() + section.len() <= BODY_BYTES_MAX => {
                body.extend_from_slice(&section);
            }
            _ => bodies.push(section),
        }
    }
    bodies.into_iter().map(Bytes::from).collect()
}
