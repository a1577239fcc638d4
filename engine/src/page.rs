//! A page: 64 slots of one layer of one cell, as columns, and what each tier has not sent of them.
//!
//! In: where entities are and which of their fields changed. Out: blocks. A tier's clients know
//! what its last emission said; a delta is against that. It knows neither cells nor members.
//!
//! Source: PROTOCOL.md § Cells.

use crate::block::{
    BitWriter, Blocks, Checksum, FOLLOWS, OVERLAY, TO_NOWHERE, WIDTH_MAX, bitmap_bytes, part,
    write_bitmap, write_place,
};
use crate::codec::Encoder;
use crate::entities::EntityId;
use crate::grid::{TIERS, bits, goes_along};
use crate::replicate::{Masks, Replicate};

/// Slots of a page: as many as a mask has bits.
pub(crate) const SLOTS: usize = 64;

/// Ticks without movement after which a heading that followed is sent as it is.
const STILL_TICKS: usize = 3;

/// The fields that a layer's records bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Of entities that only this layer and those above have.
    pub(crate) whole: u64,
    /// Of entities that a lower layer brings.
    pub(crate) overlay: u64,
}

/// One entity's place in a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) id: EntityId,
    pub(crate) net: u32,
    pub(crate) at: [i32; 2],
    pub(crate) heading: u8,
    pub(crate) overlay: bool,
}

#[derive(Debug)]
pub(crate) struct Page {
    live: u64,
    overlay: u64,
    ids: [EntityId; SLOTS],
    nets: [u32; SLOTS],
    at: [[i32; 2]; SLOTS],
    /// Where it looks, and what its viewers were told.
    heading: [u8; SLOTS],
    shown: [u8; SLOTS],
    follows: u64,
    /// Who moved in this tick, and in the ticks before.
    stepping: u64,
    stepped: [u64; STILL_TICKS],
    pending: [Pending; TIERS],
    sent: [Sent; TIERS],
}

/// What a tier's last emission said, and what may differ from it, as slots: side by side, since
/// every page is asked for it in every tick.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    known: u64,
    follows: u64,
    gone: u64,
    moved: u64,
    turned: u64,
    changed: u64,
}

/// What a tier's last emission said of each slot.
#[derive(Debug)]
struct Sent {
    at: [[i32; 2]; SLOTS],
    shown: [u8; SLOTS],
    /// Where those that are gone went.
    to: [u8; SLOTS],
    /// The fields that changed since.
    fields: [u64; SLOTS],
}

impl Page {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self {
            live: 0,
            overlay: 0,
            ids: [EntityId::default(); SLOTS],
            nets: [0; SLOTS],
            at: [[0; 2]; SLOTS],
            heading: [0; SLOTS],
            shown: [0; SLOTS],
            follows: 0,
            stepping: 0,
            stepped: [0; STILL_TICKS],
            pending: [Pending::default(); TIERS],
            sent: [(); TIERS].map(|()| Sent {
                at: [[0; 2]; SLOTS],
                shown: [0; SLOTS],
                to: [TO_NOWHERE; SLOTS],
                fields: [0; SLOTS],
            }),
        })
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.live == u64::MAX
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Those that moved in this tick.
    pub(crate) const fn stepping(&self) -> u64 {
        self.stepping
    }

    /// Takes an entity in; answers its slot.
    pub(crate) fn add(&mut self, record: Record) -> u8 {
        let slot = u8::try_from(self.live.trailing_ones()).unwrap_or(u8::MAX);
        let (i, bit) = (usize::from(slot), 1 << slot);
        assert!(i < SLOTS, "a full page takes nobody in");
        self.live |= bit;
        set(&mut self.overlay, bit, record.overlay);
        self.ids[i] = record.id;
        self.nets[i] = record.net;
        self.at[i] = record.at;
        self.heading[i] = record.heading;
        self.shown[i] = record.heading;
        self.follows &= !bit;
        slot
    }

    /// Lets an entity go. `tiers` are those in use, as bits, here and below.
    pub(crate) fn remove(&mut self, slot: u8, to: u8, tiers: u8) {
        let bit = 1 << slot;
        self.live &= !bit;
        self.stepping &= !bit;
        self.stepped.iter_mut().for_each(|stepped| *stepped &= !bit);
        for tier in bits(u64::from(tiers)) {
            let tier = usize::from(tier);
            let (pending, sent) = (&mut self.pending[tier], &mut self.sent[tier]);
            pending.moved &= !bit;
            pending.turned &= !bit;
            pending.changed &= !bit;
            sent.fields[usize::from(slot)] = 0;
            if pending.known & bit != 0 && pending.gone & bit == 0 {
                pending.gone |= bit;
                sent.to[usize::from(slot)] = to;
            }
        }
    }

    /// An entity moved, turned or changed. Answers whether viewers have anything to learn.
    pub(crate) fn update(
        &mut self,
        slot: u8,
        (at, heading): ([i32; 2], u8),
        fields: u64,
        tiers: u8,
    ) -> bool {
        let (i, bit) = (usize::from(slot), 1 << slot);
        let [dx, dy] = [at[0] - self.at[i][0], at[1] - self.at[i][1]];
        let moved = (dx, dy) != (0, 0);
        let looked = std::mem::replace(&mut self.heading[i], heading);
        if moved {
            self.at[i] = at;
            // What moved is put together for the tiers when the tick is over.
            self.stepping |= bit;
        }
        let turned = self.turn(slot, moved.then_some((dx, dy)), looked != heading);
        if fields != 0 {
            for tier in bits(u64::from(tiers)) {
                self.pending[usize::from(tier)].changed |= bit;
                self.sent[usize::from(tier)].fields[i] |= fields;
            }
        }
        moved || turned || fields != 0
    }

    /// Decides whether the heading follows the movement; answers whether that changed anything.
    fn turn(&mut self, slot: u8, step: Option<(i32, i32)>, turned: bool) -> bool {
        let (i, bit) = (usize::from(slot), 1 << slot);
        let follows = self.follows & bit != 0;
        let heading = self.heading[i];
        if !follows && !turned {
            return false;
        }
        // What rounding to 1/64 m does to a slow walk is well within this.
        let along = step.map(|(dx, dy)| goes_along(dx, dy, heading));
        match along {
            Some(true) if follows => return false,
            Some(true) => self.follows |= bit,
            // A slow walker does not move in each tick: it goes on following for a while.
            None if follows && !turned => return false,
            _ => {
                self.follows &= !bit;
                self.shown[i] = heading;
            }
        }
        self.pending.iter_mut().for_each(|p| p.turned |= bit);
        true
    }

    /// Whoever followed its movement and stands still is shown as it looks. Answers whether this
    /// page still has to be looked at next tick.
    pub(crate) fn settle(&mut self) -> bool {
        let lately = self.stepped.iter().fold(self.stepping, |all, s| all | s);
        for slot in bits(self.follows & !lately & self.live) {
            let (i, bit) = (usize::from(slot), 1u64 << slot);
            self.follows &= !bit;
            self.shown[i] = self.heading[i];
            self.pending.iter_mut().for_each(|p| p.turned |= bit);
        }
        self.pending
            .iter_mut()
            .for_each(|p| p.moved |= self.stepping);
        lately != 0
    }

    /// A tier comes into use after a whole beat: it has sent everything.
    pub(crate) fn start(&mut self, tier: usize) {
        self.pending[tier] = self.all_sent();
        let sent = &mut self.sent[tier];
        sent.at = self.at;
        sent.shown = self.shown;
        sent.fields = [0; SLOTS];
    }

    /// This tick is over.
    pub(crate) fn age(&mut self) {
        self.stepped.rotate_right(1);
        self.stepped[0] = std::mem::take(&mut self.stepping);
    }

    /// Whether a tier has anything to send.
    pub(crate) const fn is_pending(&self, tier: usize) -> bool {
        let pending = &self.pending[tier];
        let added = self.live & !pending.known;
        pending.gone | pending.moved | pending.turned | pending.changed | added != 0
    }

    const fn all_sent(&self) -> Pending {
        Pending {
            known: self.live,
            follows: self.follows,
            gone: 0,
            moved: 0,
            turned: 0,
            changed: 0,
        }
    }

    /// A tier that nobody watches has sent everything.
    pub(crate) fn skip(&mut self, tier: usize) {
        let all_sent = self.all_sent();
        let pending = std::mem::replace(&mut self.pending[tier], all_sent);
        let sent = &mut self.sent[tier];
        let added = self.live & (!pending.known | pending.gone);
        for slot in bits((pending.moved | added) & self.live) {
            sent.at[usize::from(slot)] = self.at[usize::from(slot)];
        }
        for slot in bits((pending.turned | added) & self.live) {
            sent.shown[usize::from(slot)] = self.shown[usize::from(slot)];
        }
        for slot in bits(pending.changed) {
            sent.fields[usize::from(slot)] = 0;
        }
    }

    /// Writes what a tier has not sent yet.
    pub(crate) fn emit<'a, E: Replicate>(
        &mut self,
        tier: usize,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
        blocks: &mut Blocks<'_>,
    ) {
        let pending = self.pending[tier];
        let added = self.live & (!pending.known | pending.gone);
        let kept = self.live & !added;
        let sent = &self.sent[tier];
        blocks.list(part::REMOVED, pending.gone, |slot, out| {
            out.extend_from_slice(&[slot, sent.to[usize::from(slot)]]);
        });
        self.write_added(added, fields, entity, blocks);
        self.write_moved(tier, pending.moved & kept, blocks);
        self.pending[tier].moved &= !kept;
        self.write_turned(tier, pending.turned & kept, blocks);
        let changed = pending.changed & kept;
        blocks.list(part::CHANGED, changed, |slot, out| {
            let i = usize::from(slot);
            let mask = self.sent[tier].fields[i];
            out.push(slot);
            let mut out = Encoder::new(out);
            out.varint(mask);
            entity(self.ids[i]).encode(mask, &mut out);
        });
        self.skip(tier);
    }

    /// Writes everybody, as if nobody were known.
    pub(crate) fn write_all<'a, E: Replicate>(
        &self,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
        blocks: &mut Blocks<'_>,
    ) {
        self.write_added(self.live, fields, entity, blocks);
    }

    fn write_added<'a, E: Replicate>(
        &self,
        slots: u64,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
        blocks: &mut Blocks<'_>,
    ) {
        blocks.list(part::ADDED, slots, |slot, out| {
            let i = usize::from(slot);
            let is = |slots: u64, flag: u8| if slots >> slot & 1 == 1 { flag } else { 0 };
            let overlay = is(self.overlay, OVERLAY);
            out.push(slot | is(self.follows, FOLLOWS) | overlay);
            Encoder::new(out).value(&self.nets[i]);
            if overlay == 0 && Masks::<E>::POSITION != 0 {
                write_place(self.at[i], out);
            }
            if overlay == 0 && Masks::<E>::HEADING != 0 {
                // Who follows its movement looks that way until it moves on.
                out.push(self.heading[i]);
            }
            let mask = if overlay == 0 {
                fields.whole
            } else {
                fields.overlay
            };
            entity(self.ids[i]).encode(mask, &mut Encoder::new(out));
        });
    }

    /// Writes where these slots went since the tier's last emission, and remembers that.
    fn write_moved(&mut self, tier: usize, slots: u64, blocks: &mut Blocks<'_>) {
        let mut steps = [[0; 2]; SLOTS];
        let (mut moved, mut spread) = (0u64, 0);
        let last = &mut self.sent[tier].at;
        for slot in bits(slots) {
            let i = usize::from(slot);
            let step = [self.at[i][0] - last[i][0], self.at[i][1] - last[i][1]];
            last[i] = self.at[i];
            steps[i] = step;
            moved |= u64::from(step != [0, 0]) << slot;
            spread |= magnitude(step);
        }
        // Nearly always everybody fits few bits; only a leap makes the choice worth its time.
        let mut width = width(spread);
        let mut jumped = 0;
        if width > WIDTH_USUAL {
            (width, jumped) = best_width(&steps, moved);
        }
        let walked = moved & !jumped;
        if walked != 0 {
            let out = blocks.part(part::MOVED);
            let bytes = bitmap_bytes(walked);
            out.push(bytes | u8::try_from(width - 1).unwrap_or(0) << 3);
            write_bitmap(walked, bytes, out);
            let mask = u32::MAX >> (32 - width);
            let mut packed = BitWriter::new(out);
            for slot in bits(walked) {
                let [dx, dy] = steps[usize::from(slot)].map(|side| side.cast_unsigned() & mask);
                packed.push(dx | dy << width, 2 * width);
            }
            packed.finish();
        }
        blocks.list(part::JUMPED, jumped, |slot, out| {
            out.push(slot);
            write_place(self.at[usize::from(slot)], out);
        });
    }

    fn write_turned(&self, tier: usize, slots: u64, blocks: &mut Blocks<'_>) {
        let sent = &self.sent[tier];
        let differ = |slot: &u8| {
            let (i, bit) = (usize::from(*slot), 1u64 << slot);
            let follows = self.follows & bit != 0;
            follows != (self.pending[tier].follows & bit != 0)
                || (!follows && self.shown[i] != sent.shown[i])
        };
        let turned = bits(slots)
            .filter(differ)
            .fold(0, |all, slot| all | 1u64 << slot);
        if turned == 0 {
            return;
        }
        let out = blocks.part(part::TURNED);
        let bytes = bitmap_bytes(turned);
        out.push(bytes);
        write_bitmap(turned, bytes, out);
        let mut follow = BitWriter::new(out);
        for slot in bits(turned) {
            follow.push(u32::from(self.follows >> slot & 1 == 1), 1);
        }
        follow.finish();
        out.extend(bits(turned & !self.follows).map(|slot| self.shown[usize::from(slot)]));
    }

    /// Adds what viewers have of this page to a checksum.
    pub(crate) fn check<'a, E: Replicate>(
        &self,
        page: usize,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
        scratch: &mut Vec<u8>,
        sum: &mut Checksum,
    ) {
        for slot in bits(self.live) {
            let i = usize::from(slot);
            scratch.clear();
            scratch.extend_from_slice(&[page.to_le_bytes()[0], slot]);
            scratch.extend_from_slice(&self.nets[i].to_le_bytes());
            let overlay = self.overlay >> slot & 1 == 1;
            if !overlay && Masks::<E>::POSITION != 0 {
                for side in self.at[i] {
                    scratch.extend_from_slice(&side.to_le_bytes());
                }
            }
            if !overlay && Masks::<E>::HEADING != 0 {
                let follows = self.follows >> slot & 1 == 1;
                scratch.extend_from_slice(&if follows { [0, 0] } else { [1, self.shown[i]] });
            }
            let mask = if overlay {
                fields.overlay
            } else {
                fields.whole
            };
            entity(self.ids[i]).encode(mask, &mut Encoder::new(scratch));
            sum.add(scratch);
        }
    }
}

const fn set(mask: &mut u64, bit: u64, to: bool) {
    if to {
        *mask |= bit;
    } else {
        *mask &= !bit;
    }
}

/// The magnitudes of both sides of a step, one put over the other.
const fn magnitude([dx, dy]: [i32; 2]) -> u32 {
    ((dx ^ dx >> 31) | (dy ^ dy >> 31)).cast_unsigned()
}

/// The bits that such magnitudes need, sign included.
const fn width(magnitude: u32) -> u32 {
    33 - magnitude.leading_zeros()
}

/// Up to this width nobody is made to jump: a metre and more in a tick.
const WIDTH_USUAL: u32 = 8;

/// The width that takes the fewest bits in all, and who does not fit it and jumps.
fn best_width(steps: &[[i32; 2]; SLOTS], moved: u64) -> (u32, u64) {
    /// A slot and two places of 24 bits.
    const JUMP_BITS: u32 = 56;
    let mut of_width = [0u64; 34];
    for slot in bits(moved) {
        of_width[width(magnitude(steps[usize::from(slot)])) as usize] |= 1 << slot;
    }
    let (mut fit, mut best) = (0u64, (1, moved, u32::MAX));
    for (width, slots) in (1..=WIDTH_MAX).zip(&of_width[1..]) {
        fit |= slots;
        let jumped = moved & !fit;
        let bits = fit.count_ones() * 2 * width + jumped.count_ones() * JUMP_BITS;
        if bits < best.2 {
            best = (width, jumped, bits);
        }
    }
    (best.0, best.1)
}
