//! A viewer: what one member has been sent so far, and what a frame means to it.
//!
//! In: frames, and whether its socket can take anything. Out: messages, and wishes for the next
//! whole beat. It knows no link and no clock.
//!
//! A view changes at whole beats only, when every tier has been sent; until then its audience is
//! what it was. Whoever missed a frame begins anew with a keyframe at a whole beat: the nearest
//! cells first, the others as the following beats allow.

use std::collections::VecDeque;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::bodies::{Audience, Bodies, append_cells, says_anything};
use crate::cells::LayerKey;
use crate::frame::{Frame, MemberPart};
use crate::game::PlayerId;
use crate::grid::{NEAREST_FIRST, shift};
use crate::limits::{
    KEYFRAME_BYTES_PER_TICK_MAX, SERVER_MESSAGE_BYTES_MAX, STALE_EVENT_BYTES_MAX, STALE_EVENTS_MAX,
};
use crate::pieces::{Pieces, ViewSection};
use crate::publish::Want;
use crate::wire::{Ack, FrameHeader, section};

/// What one member has been sent so far.
#[derive(Debug)]
pub(crate) struct Viewer {
    player: PlayerId,
    /// Where it is found in frames, and its body among the bodies.
    member_hint: usize,
    body_hint: usize,
    due: u32,
    acked: u32,
    /// What it sees; `None` until the first keyframe.
    audience: Option<Audience>,
    /// It missed something.
    stale: bool,
    /// It waits for its first keyframe: whatever it misses meanwhile, that is no fault of its own.
    is_new: bool,
    /// How rarely it is to be sent what, and how rarely it asked for before this frame: only that
    /// is served, whatever others have asked for.
    rate: u8,
    asked_rate: u8,
    missed: Missed,
}

/// What a member that is behind is owed all the same.
#[derive(Debug, Default)]
struct Missed {
    events: VecDeque<Bytes>,
    event_bytes: usize,
    refused: Vec<u32>,
}

/// Where messages are put together, and where they go.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) bodies: Bodies,
    mine: Pieces,
    missing: Vec<Missing>,
    buffer: BytesMut,
}

/// A cell that a member is still without, in all layers that it sees.
#[derive(Clone, Copy, Debug, Default)]
struct Missing {
    bytes: usize,
    /// Somebody has to ask for it first.
    absent: bool,
}

/// What a frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Messages were put out.
    Sent,
    /// There was nothing to say.
    Nothing,
    /// It was skipped, and is stale now.
    Skipped,
    /// It waits for a keyframe.
    Waits,
    /// More waits for it than may.
    Overflow,
}

impl Viewer {
    pub(crate) fn new(player: PlayerId) -> Self {
        Self {
            player,
            member_hint: 0,
            body_hint: 0,
            due: 0,
            acked: 0,
            audience: None,
            stale: true,
            is_new: true,
            rate: 0,
            asked_rate: 0,
            missed: Missed::default(),
        }
    }

    /// This member's part of a frame.
    pub(crate) fn part<'f>(&mut self, frame: &'f Frame) -> Option<&'f MemberPart> {
        frame.member(self.player, &mut self.member_hint)
    }

    /// Frames went by that nobody looked at.
    pub(crate) const fn miss_unseen(&mut self, frames: u32) {
        self.due = self.due.wrapping_add(frames);
        self.stale = true;
    }

    /// From the next keyframe on it is sent everything at this tier at most.
    pub(crate) const fn set_rate(&mut self, rate: u8) {
        self.asked_rate = self.rate;
        self.rate = rate;
    }

    pub(crate) const fn rate(&self) -> u8 {
        self.rate
    }

    /// Hands over the events that it was not sent: its connection is over.
    pub(crate) fn take_missed(&mut self) -> Vec<Bytes> {
        self.missed.event_bytes = 0;
        self.missed.events.drain(..).collect()
    }

    /// The header of a message that says nothing but that the room is alive.
    pub(crate) fn heartbeat(&self, frame: &Frame, desk: &mut Desk) -> Bytes {
        desk.message(&self.header(frame), &[])
    }

    /// Puts this member's messages of a frame out, or remembers what it misses.
    ///
    /// `lead_ms` tells how long the newest input that is acknowledged lay on the server.
    pub(crate) fn take_frame(
        &mut self,
        frame: &Frame,
        part: &MemberPart,
        behind: bool,
        lead_ms: u8,
        desk: &mut Desk,
        out: &mut impl FnMut(Bytes),
    ) -> (Told, Option<Want>) {
        let player = self.player;
        let mut events = frame
            .events
            .iter()
            .filter(move |(to, _)| to.include(player))
            .map(|(_, bytes)| bytes)
            .peekable();
        // Who changed teams learns nothing more of the old one, not even that something happened.
        if self.audience.is_some_and(|of| of.team != part.team) {
            self.audience = None;
            self.stale = true;
        }
        let news = part.news || events.peek().is_some();
        let due = news || self.sees_change(frame, desk);
        self.due = self.due.wrapping_add(u32::from(due));
        if behind && !due && !self.must_move(frame, part) {
            // Nothing is missed: a keyframe in many messages that is still on its way needs no
            // other behind it.
            return (Told::Nothing, None);
        }
        let key = part.key.as_ref().filter(|_| frame.beat.whole && self.stale);
        if behind || (self.stale && key.is_none()) {
            let skipped = behind && !std::mem::replace(&mut self.stale, true);
            if frame.beat.whole && self.audience.is_some() {
                // What counts as due is what it would be sent now; where it looked before, only
                // those cells speak that others look at.
                self.audience = Some(self.next_audience(frame, part));
            }
            let refused = frame.refused(part);
            let told = match self.missed.take_in(refused, events, self.is_new) {
                Err(Overflow) => Told::Overflow,
                Ok(()) if skipped => Told::Skipped,
                Ok(()) => Told::Waits,
            };
            return (told, Some(Want::All).filter(|_| !behind));
        }
        let mut header = self.header(frame);
        if part.input_ack != self.acked {
            self.acked = part.input_ack;
            header.ack = Some(Ack {
                seq: part.input_ack,
                lead_ms,
            });
        }
        desk.mine.clear();
        let own = key.unwrap_or(&part.delta);
        self.missed
            .write(frame.refused(part), frame.own(own), events, &mut desk.mine);
        let want = if key.is_some() {
            header.reset = true;
            self.stale = false;
            self.is_new = false;
            desk.mine.sections(&frame.shared_key);
            self.look_anew(frame, part, desk)
        } else if self.must_move(frame, part) {
            self.move_view(frame, part, desk)
        } else {
            self.look_on(frame, desk);
            None
        };
        if !due && !header.reset {
            if desk.mine.is_empty() {
                return (Told::Nothing, want);
            }
            // It sees more of what did not change.
            self.due = self.due.wrapping_add(1);
            header.due = self.due;
        }
        desk.put_out(header, out);
        (Told::Sent, want)
    }

    fn header(&self, frame: &Frame) -> FrameHeader {
        FrameHeader {
            reset: false,
            more: false,
            tick: frame.tick,
            due: self.due,
            ack: None,
        }
    }

    /// Whether anything that it sees changed.
    fn sees_change(&mut self, frame: &Frame, desk: &mut Desk) -> bool {
        let Some(of) = self.audience else {
            return false;
        };
        let own = LayerKey::Own(self.player);
        if says_anything(frame, own, of) {
            return true;
        }
        !desk.bodies.find(frame, of, &mut self.body_hint).is_empty()
    }

    /// A usual tick: the audience's body, and what only this member sees.
    fn look_on(&mut self, frame: &Frame, desk: &mut Desk) {
        let Some(of) = self.audience else {
            return;
        };
        let body = desk.bodies.find(frame, of, &mut self.body_hint);
        desk.mine.append(body);
        append_cells(&mut desk.mine, frame, LayerKey::Own(self.player), of);
    }

    /// Whether this is a whole beat after which it sees something else.
    fn must_move(&self, frame: &Frame, part: &MemberPart) -> bool {
        frame.beat.whole
            && self.audience.is_some_and(|of| {
                let next = self.next_audience(frame, part);
                (of.anchor, of.tiers, of.rate) != (next.anchor, next.tiers, next.rate)
                    || of.known != next.known
            })
    }

    /// What it would see if it had everything.
    fn next_audience(&self, frame: &Frame, part: &MemberPart) -> Audience {
        let served = frame.beat.rates_next >> self.asked_rate & 1 == 1;
        let rate = if served { self.asked_rate } else { 0 };
        Audience {
            anchor: part.anchor,
            known: part.tiers.window(),
            tiers: part.tiers.at_least(rate),
            rate,
            team: part.team,
        }
    }

    /// A keyframe: nothing is known yet.
    fn look_anew(&mut self, frame: &Frame, part: &MemberPart, desk: &mut Desk) -> Option<Want> {
        let next = self.next_audience(frame, part);
        self.arrive(frame, next, 0, None, desk)
    }

    /// Its view moves on: what it has and still sees goes on as before, the rest comes whole.
    fn move_view(&mut self, frame: &Frame, part: &MemberPart, desk: &mut Desk) -> Option<Want> {
        let last = self.audience?;
        let next = self.next_audience(frame, part);
        desk.mine.sections(&frame.shared[usize::from(last.rate)]);
        let kept = shift(last.known, last.anchor, next.anchor) & next.known;
        self.arrive(frame, next, kept, Some(last), desk)
    }

    /// Writes a new view: deltas of the cells that are `kept` from the last one, and keyframes of
    /// others, the nearest first, as far as the budget goes.
    fn arrive(
        &mut self,
        frame: &Frame,
        mut next: Audience,
        kept: u64,
        last: Option<Audience>,
        desk: &mut Desk,
    ) -> Option<Want> {
        let layers = [
            Some(LayerKey::Public),
            next.team.map(LayerKey::Team),
            Some(LayerKey::Own(self.player)),
        ];
        let layers = || layers.into_iter().flatten();
        desk.weigh(frame, next, layers());
        let (mut new, mut bytes) = (0u64, 0);
        let wanted = next.known & !kept;
        for number in NEAREST_FIRST {
            if wanted >> number & 1 == 0 {
                continue;
            }
            let missing = desk.missing[usize::from(number)];
            let first = bytes == 0;
            if missing.absent || (!first && bytes + missing.bytes > KEYFRAME_BYTES_PER_TICK_MAX) {
                continue;
            }
            bytes += missing.bytes;
            new |= 1 << number;
        }
        let all = next.known;
        next.known = kept | new;
        let moved = last.is_none_or(|last| (last.anchor, last.known) != (next.anchor, next.known));
        if moved {
            desk.mine.view(ViewSection {
                anchor: next.anchor,
                known: next.known,
            });
        }
        for layer in layers() {
            frame.for_window(layer, next.anchor, |number, cell| {
                let bit = 1u64 << number;
                if new & bit != 0 {
                    desk.mine.cell(layer, number, &cell.out.key);
                } else if kept & bit != 0
                    && let Some(last) = last
                    && let Some(before) = last.anchor.number_of(cell.id)
                    && let Some(tier) = last.tiers.of(before)
                {
                    let delta = &cell.out.delta[usize::from(tier)];
                    desk.mine.cell(layer, number, delta);
                }
            });
        }
        self.audience = Some(next);
        (next.known != all).then_some(Want::Cells)
    }
}

/// A queue for a member that is behind is full.
struct Overflow;

impl Missed {
    /// Events and refusals are owed also to those who are behind, up to a limit; a newcomer's
    /// oldest events go first.
    fn take_in<'f>(
        &mut self,
        refused: &[u32],
        events: impl Iterator<Item = &'f Bytes>,
        is_new: bool,
    ) -> Result<(), Overflow> {
        self.refused.extend_from_slice(refused);
        for event in events {
            self.event_bytes += event.len();
            self.events.push_back(event.clone());
        }
        while self.is_too_much() {
            if !is_new {
                return Err(Overflow);
            }
            let oldest = self.events.pop_front().ok_or(Overflow)?;
            self.event_bytes -= oldest.len();
        }
        Ok(())
    }

    fn is_too_much(&self) -> bool {
        let bytes = self.event_bytes + size_of_val(&self.refused[..]);
        self.events.len() > STALE_EVENTS_MAX || bytes > STALE_EVENT_BYTES_MAX
    }

    /// Writes what was missed and what is new, and forgets it.
    fn write<'f>(
        &mut self,
        refused: &[u32],
        own: &[u8],
        events: impl Iterator<Item = &'f Bytes>,
        out: &mut Pieces,
    ) {
        if !self.refused.is_empty() || !refused.is_empty() {
            let all = self.refused.drain(..).chain(refused.iter().copied());
            let all: Vec<_> = all.map(|seq| crate::codec::encode(&seq)).collect();
            out.list(section::REFUSED, all.iter().map(Vec::as_slice));
        }
        out.sections(own);
        let missed = std::mem::take(&mut self.events);
        out.list(section::EVENTS, missed.iter().map(|event| &event[..]));
        out.list(section::EVENTS, events.map(|event| &event[..]));
        self.event_bytes = 0;
    }
}

impl Desk {
    /// Finds out what each cell of a window takes as a keyframe.
    fn weigh(&mut self, frame: &Frame, next: Audience, layers: impl Iterator<Item = LayerKey>) {
        self.missing.clear();
        self.missing.resize(NEAREST_FIRST.len(), Missing::default());
        for layer in layers {
            frame.for_window(layer, next.anchor, |number, cell| {
                let missing = &mut self.missing[usize::from(number)];
                missing.bytes += cell.out.key.bytes.len();
                missing.absent |= !cell.out.has_key;
            });
        }
    }

    fn put_out(&mut self, header: FrameHeader, out: &mut impl FnMut(Bytes)) {
        let mine = std::mem::take(&mut self.mine);
        let last = mine.iter().len() - 1;
        for (at, piece) in mine.iter().enumerate() {
            let header = FrameHeader {
                reset: header.reset && at == 0,
                more: at < last,
                ack: header.ack.filter(|_| at == 0),
                ..header
            };
            out(self.message(&header, piece));
        }
        self.mine = mine;
    }

    /// One message in one piece. The buffer is used again as soon as the sockets let go of it.
    fn message(&mut self, header: &FrameHeader, body: &[u8]) -> Bytes {
        let room = SERVER_MESSAGE_BYTES_MAX;
        self.buffer.reserve(room.min(body.len() + 64).max(room / 2));
        header.encode(&mut self.buffer);
        self.buffer.put_slice(body);
        self.buffer.split().freeze()
    }
}
