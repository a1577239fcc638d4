//! The cells of a view: what a member was told, slot by slot.
//!
//! In: the bytes of cells. Out: entities that come, change and go. Every byte is checked before it
//! is believed; what does not fit what is known is an error. Source: PROTOCOL.md § Cells.

use std::collections::BTreeMap;

use crate::block::{Checksum, FOLLOWS, OVERLAY, TO_NOWHERE, part};
use crate::cells::LayerKey;
use crate::client::changes::Changes;
use crate::client::entities::{EntityMap, Entry, SeenAt};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::game::{PlayerId, Team};
use crate::grid::{CellId, Space, WINDOW_CELLS, bits, direction, metres};
use crate::page::{Fields, SLOTS};
use crate::replicate::{Masks, Replicate};
use crate::tick::Tick;

/// The bits of a layer in an entry's first byte.
const LAYER_SHIFT: u8 = 6;

/// What a member has of the room's cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    anchor: CellId,
    known: u64,
    /// By cell, layer and number; pages are there from their first entity on.
    pages: BTreeMap<(CellId, u8, u16), Page>,
    /// Entities whose cell let them go, until another brings them.
    limbo: Vec<(u32, Tick)>,
    pub(super) mismatches: u32,
    scratch: Vec<u8>,
}

/// A page holds what it was told of, and no more: a server that opens many pays for each.
#[derive(Clone, Debug, Default)]
struct Page {
    live: u64,
    overlay: u64,
    follows: u64,
    /// Those of the live slots, in their order.
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    id: u32,
    /// Where the entity is in the map.
    entity: u32,
    at: [i32; 2],
    heading: u8,
    /// The direction of the last movement; as added before the first.
    way: u8,
}

impl Page {
    const fn rank(&self, slot: u8) -> usize {
        (self.live & ((1 << slot) - 1)).count_ones() as usize
    }

    /// The row of a live slot.
    fn row(&self, slot: u8) -> Row {
        self.rows[self.rank(slot)]
    }

    fn row_mut(&mut self, slot: u8) -> &mut Row {
        let rank = self.rank(slot);
        &mut self.rows[rank]
    }

    /// Fills an empty slot.
    fn insert(&mut self, slot: u8, row: Row) {
        self.rows.insert(self.rank(slot), row);
        self.live |= 1 << slot;
    }

    /// Empties a live slot.
    fn take(&mut self, slot: u8) -> Row {
        let row = self.rows.remove(self.rank(slot));
        self.live &= !(1 << slot);
        row
    }
}

/// Where bytes are being applied.
struct Place<'a, E> {
    layer: u8,
    cell: CellId,
    page: u16,
    fields: Fields,
    side: Option<i32>,
    tick: Tick,
    entities: &'a mut EntityMap<E>,
    changes: Option<&'a mut Changes>,
}

impl Cells {
    #[cfg(test)]
    pub(super) const fn window(&self) -> (CellId, u64) {
        (self.anchor, self.known)
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        let mismatches = self.mismatches;
        *self = Self::default();
        self.mismatches = mismatches;
    }

    /// Another window; what it does not show is gone.
    pub(super) fn look<E>(
        &mut self,
        input: &mut Decoder<'_>,
        entities: &mut EntityMap<E>,
        mut changes: Option<&mut Changes>,
    ) -> Result<(), DecodeError> {
        self.anchor = CellId {
            x: input.value()?,
            y: input.value()?,
        };
        self.known = input.varint()?;
        if self.known >> WINDOW_CELLS != 0 {
            return Err(input.bad("a view of more cells than a window has"));
        }
        let (anchor, known) = (self.anchor, self.known);
        let seen = |cell: CellId| {
            let number = anchor.number_of(cell);
            number.is_some_and(|number| known >> number & 1 == 1)
        };
        self.pages.retain(|&(cell, layer, number), page| {
            let kept = seen(cell);
            if kept {
                return true;
            }
            for slot in bits(page.live & !page.overlay) {
                let at = SeenAt {
                    layer,
                    cell,
                    page: number,
                    slot,
                };
                let Row { id, entity, .. } = page.row(slot);
                let newest = entities.entry(entity);
                if newest.is_some_and(|e| e.id == id && e.seen_at == at) {
                    entities.remove(id);
                    if let Some(changes) = &mut changes {
                        changes.removed(id);
                    }
                }
            }
            kept
        });
        Ok(())
    }

    /// All entries up to the end of the message.
    pub(super) fn apply<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        (tick, space): (Tick, Space),
        entities: &mut EntityMap<E>,
        mut changes: Option<&mut Changes>,
    ) -> Result<(), DecodeError> {
        while !input.is_empty() {
            let head = input.byte()?;
            let (number, layer) = (head & ((1 << LAYER_SHIFT) - 1), head >> LAYER_SHIFT);
            if number >= WINDOW_CELLS || self.known >> number & 1 == 0 {
                return Err(input.bad(format!("cell {number} is not in view")));
            }
            let Some(fields) = fields::<E>(layer) else {
                return Err(input.bad("there are three layers"));
            };
            let mut place = Place {
                layer,
                cell: self.anchor.numbered(number),
                page: 0,
                fields,
                side: space.cell_units(),
                tick,
                entities,
                changes: changes.as_deref_mut(),
            };
            while self.apply_block(input, &mut place)? {}
        }
        Ok(())
    }

    /// One block; answers whether another follows.
    fn apply_block<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &mut Place<'_, E>,
    ) -> Result<bool, DecodeError> {
        let flags = input.byte()?;
        place.page = if flags & part::PAGE == 0 {
            0
        } else {
            input.value()?
        };
        if flags & part::ANY == 0 {
            self.check(input, place)?;
            return Ok(flags & part::MORE != 0);
        }
        if flags & part::REMOVED != 0 {
            self.apply_removed(input, place)?;
        }
        let key = (place.cell, place.layer, place.page);
        if flags & part::ADDED != 0 {
            for _ in 0..input.byte()? {
                let page = self.pages.entry(key).or_default();
                page.apply_added(input, place)?;
            }
        }
        let mut none = Page::default();
        let page = self.pages.get_mut(&key).unwrap_or(&mut none);
        if flags & part::MOVED != 0 {
            page.apply_moved(input, place)?;
        }
        if flags & part::JUMPED != 0 {
            for _ in 0..input.byte()? {
                let slot = page.slot(input)?;
                let to = read_place(input)?;
                page.put(slot, to, place, input)?;
            }
        }
        if flags & part::TURNED != 0 {
            page.apply_turned(input, place)?;
        }
        if flags & part::CHANGED != 0 {
            for _ in 0..input.byte()? {
                page.apply_changed(input, place)?;
            }
        }
        if page.live == 0 {
            self.pages.remove(&key);
        }
        Ok(flags & part::MORE != 0)
    }

    fn apply_removed<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &mut Place<'_, E>,
    ) -> Result<(), DecodeError> {
        for _ in 0..input.byte()? {
            let page = self.pages.get_mut(&(place.cell, place.layer, place.page));
            let Some(page) = page else {
                return Err(input.bad("a page without entities"));
            };
            let slot = page.slot(input)?;
            let to = input.byte()?;
            let overlay = page.overlay >> slot & 1 == 1;
            let Row { id, entity, .. } = page.take(slot);
            let at = place.seen_at(slot);
            if overlay {
                if to == TO_NOWHERE {
                    place.uncover(entity, id, at)?;
                }
                continue;
            }
            let newest = place.entities.entry(entity);
            if newest.is_none_or(|entry| entry.id != id || entry.seen_at != at) {
                continue; // another cell has brought it since
            }
            if to != TO_NOWHERE && to < WINDOW_CELLS && self.sees(place.cell.numbered(to)) {
                self.limbo.push((id, place.tick));
            } else {
                place.remove(id);
            }
        }
        Ok(())
    }

    fn sees(&self, cell: CellId) -> bool {
        let number = self.anchor.number_of(cell);
        number.is_some_and(|number| self.known >> number & 1 == 1)
    }

    /// A tick is whole: who was let go by one cell and not brought by another is gone.
    pub(super) fn finish<E>(
        &mut self,
        tick: Tick,
        entities: &mut EntityMap<E>,
        mut changes: Option<&mut Changes>,
    ) {
        let Self { limbo, pages, .. } = self;
        limbo.retain(|&(id, since)| {
            let brought = |entry: &Entry<E>| {
                let SeenAt {
                    layer,
                    cell,
                    page,
                    slot,
                } = entry.seen_at;
                let page = pages.get(&(cell, layer, page));
                page.is_some_and(|page| page.live >> slot & 1 == 1 && page.row(slot).id == id)
            };
            let Some(entry) = entities.find(id).and_then(|at| entities.entry(at)) else {
                return false;
            };
            if brought(entry) {
                return false;
            }
            let over = Tick::new(since.number().next_multiple_of(4));
            if over.is_newer(tick) {
                return true;
            }
            entities.remove(id);
            if let Some(changes) = &mut changes {
                changes.removed(id);
            }
            false
        });
    }

    /// Compares what is known of a cell's layer with what the server says.
    fn check<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &Place<'_, E>,
    ) -> Result<(), DecodeError> {
        let told = u16::from_le_bytes([input.byte()?, input.byte()?]);
        let mut sum = Checksum::new();
        let of = |number| (place.cell, place.layer, number);
        let scratch = &mut self.scratch;
        for (&(.., number), page) in self.pages.range(of(0)..=of(u16::MAX)) {
            for slot in bits(page.live) {
                let row = page.row(slot);
                let Some(entry) = place.entities.entry(row.entity) else {
                    continue;
                };
                scratch.clear();
                scratch.extend_from_slice(&[number.to_le_bytes()[0], slot]);
                scratch.extend_from_slice(&row.id.to_le_bytes());
                let overlay = page.overlay >> slot & 1 == 1;
                if !overlay && Masks::<E>::POSITION != 0 {
                    for side in row.at {
                        scratch.extend_from_slice(&side.to_le_bytes());
                    }
                }
                if !overlay && Masks::<E>::HEADING != 0 {
                    let follows = page.follows >> slot & 1 == 1;
                    let heading = if follows { [0, 0] } else { [1, row.heading] };
                    scratch.extend_from_slice(&heading);
                }
                let mask = if overlay {
                    place.fields.overlay
                } else {
                    place.fields.whole
                };
                entry.entity.encode(mask, &mut Encoder::new(scratch));
                sum.add(scratch);
            }
        }
        self.mismatches += u32::from(sum.finish() != told);
        Ok(())
    }
}

/// What a layer's records bring.
fn fields<E: Replicate>(layer: u8) -> Option<Fields> {
    let layer = match layer {
        0 => LayerKey::Public,
        1 => LayerKey::Team(Team(0)),
        2 => LayerKey::Own(PlayerId::new(0)),
        _ => return None,
    };
    Some(layer.fields::<E>())
}

/// The record of what a layer brings besides; the public one brings nothing.
fn overlay_mut<E>(entry: &mut Entry<E>, layer: u8) -> Option<&mut Option<SeenAt>> {
    entry.overlays.get_mut(usize::from(layer).checked_sub(1)?)
}

impl<E: Replicate> Place<'_, E> {
    /// Takes away what an overlay has shown, unless another record shows it too.
    fn uncover(&mut self, entity: u32, id: u32, at: SeenAt) -> Result<(), DecodeError> {
        let entry = self.entities.entry_mut(entity);
        let Some(entry) = entry.filter(|entry| entry.id == id) else {
            return Ok(());
        };
        let Some(overlay) = overlay_mut(entry, self.layer).filter(|of| **of == Some(at)) else {
            return Ok(()); // another has come since
        };
        *overlay = None;
        let left = entry.overlays.iter().flatten();
        let left = left.filter_map(|seen_at| Some(fields::<E>(seen_at.layer)?.overlay));
        let whole = fields::<E>(entry.seen_at.layer).map_or(0, |fields| fields.whole);
        let lost = self.fields.overlay & !left.fold(whole, |all, mask| all | mask);
        let kept = Masks::<E>::ALL & !lost;
        let mut bytes = Vec::new();
        entry.entity.encode(kept, &mut Encoder::new(&mut bytes));
        entry.entity = E::decode(kept, &mut Decoder::new(&bytes))?;
        self.changed(id, lost);
        Ok(())
    }
}

impl<E> Place<'_, E> {
    const fn seen_at(&self, slot: u8) -> SeenAt {
        SeenAt {
            layer: self.layer,
            cell: self.cell,
            page: self.page,
            slot,
        }
    }

    fn remove(&mut self, id: u32) {
        self.entities.remove(id);
        if let Some(changes) = &mut self.changes {
            changes.removed(id);
        }
    }

    fn changed(&mut self, id: u32, mask: u64) {
        if let Some(changes) = &mut self.changes {
            changes.changed(id, mask);
        }
    }
}

impl Page {
    /// The number of a slot that is taken.
    fn slot(&self, input: &mut Decoder<'_>) -> Result<u8, DecodeError> {
        let slot = input.byte()?;
        if usize::from(slot) >= SLOTS || self.live >> slot & 1 == 0 {
            return Err(input.bad(format!("slot {slot} is empty")));
        }
        Ok(slot)
    }

    /// A bitmap of slots that are taken by whole records.
    fn slots(&self, bytes: u8, input: &mut Decoder<'_>) -> Result<u64, DecodeError> {
        let mut slots = [0; 8];
        let raw = input.raw(usize::from(bytes) + 1)?;
        slots[..raw.len()].copy_from_slice(raw);
        let slots = u64::from_le_bytes(slots);
        if slots & !(self.live & !self.overlay) != 0 {
            return Err(input.bad("a movement of an empty slot"));
        }
        Ok(slots)
    }

    fn apply_added<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &mut Place<'_, E>,
    ) -> Result<(), DecodeError> {
        let head = input.byte()?;
        let slot = head & !(FOLLOWS | OVERLAY);
        let bit = 1u64 << slot;
        if self.live & bit != 0 {
            return Err(input.bad(format!("slot {slot} is taken")));
        }
        let id = input.varint_u32()?;
        let mut row = Row {
            id,
            entity: 0,
            at: [0, 0],
            heading: 0,
            way: 0,
        };
        let seen_at = place.seen_at(slot);
        if head & OVERLAY != 0 {
            let Some(at) = place.entities.find(id) else {
                return Err(input.bad(format!("more of entity {id}, which is unknown")));
            };
            if let Some(entry) = place.entities.entry_mut(at) {
                entry.entity.apply(place.fields.overlay, input)?;
                if let Some(overlay) = overlay_mut(entry, place.layer) {
                    *overlay = Some(seen_at);
                }
            }
            row.entity = at;
            self.overlay |= bit;
            place.changed(id, place.fields.overlay);
        } else {
            if Masks::<E>::POSITION != 0 {
                row.at = read_place(input)?;
            }
            if Masks::<E>::HEADING != 0 {
                row.heading = input.byte()?;
                row.way = row.heading;
            }
            let mut entity = E::decode(place.fields.whole, input)?;
            entity.set_position(metres(place.cell, place.side, row.at));
            entity.set_heading(row.heading);
            self.overlay &= !bit;
            row.entity = place.entities.insert(Entry {
                id,
                entity,
                seen_at,
                overlays: [None; 2],
            });
            if let Some(changes) = &mut place.changes {
                changes.added(id);
            }
        }
        self.insert(slot, row);
        self.follows = (self.follows & !bit) | if head & FOLLOWS == 0 { 0 } else { bit };
        Ok(())
    }

    fn apply_moved<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &mut Place<'_, E>,
    ) -> Result<(), DecodeError> {
        let head = input.byte()?;
        let slots = self.slots(head & 7, input)?;
        let width = u32::from(head >> 3) + 1;
        if width > crate::block::WIDTH_MAX {
            return Err(input.bad(format!("movements of {width} bits")));
        }
        let bytes = (slots.count_ones() * 2 * width).div_ceil(8);
        let mut packed = BitReader::new(input.raw(bytes as usize)?);
        for slot in bits(slots) {
            let step = [packed.next(width), packed.next(width)];
            let follows = self.follows >> slot & 1 == 1;
            let row = self.row_mut(slot);
            let to = [
                row.at[0].wrapping_add(step[0]),
                row.at[1].wrapping_add(step[1]),
            ];
            row.way = direction(step[0], step[1]);
            if follows {
                row.heading = row.way;
            }
            self.put(slot, to, place, input)?;
        }
        Ok(())
    }

    /// Puts an entity where it is now.
    fn put<E: Replicate>(
        &mut self,
        slot: u8,
        to: [i32; 2],
        place: &mut Place<'_, E>,
        input: &Decoder<'_>,
    ) -> Result<(), DecodeError> {
        if to.iter().any(|side| side.unsigned_abs() > 1 << 24) {
            return Err(input.bad("a movement out of the world"));
        }
        let row = self.row_mut(slot);
        row.at = to;
        let seen_at = place.seen_at(slot);
        let Some(entry) = place.entities.entry_mut(row.entity) else {
            return Ok(());
        };
        // An older copy of it moves on where it is about to go.
        if entry.id == row.id && entry.seen_at == seen_at {
            entry
                .entity
                .set_position(metres(place.cell, place.side, to));
            if Masks::<E>::HEADING != 0 {
                entry.entity.set_heading(row.heading);
            }
            place.changed(row.id, Masks::<E>::POSITION | Masks::<E>::HEADING);
        }
        Ok(())
    }

    fn apply_turned<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &mut Place<'_, E>,
    ) -> Result<(), DecodeError> {
        let slots = self.slots(input.byte()? & 7, input)?;
        let mut packed = BitReader::new(input.raw(slots.count_ones().div_ceil(8) as usize)?);
        let follow = bits(slots)
            .filter(|_| packed.next(1) != 0)
            .fold(0, |all, slot| all | 1u64 << slot);
        self.follows = (self.follows & !slots) | follow;
        for slot in bits(slots) {
            let row = self.row_mut(slot);
            row.heading = if follow >> slot & 1 == 1 {
                row.way
            } else {
                input.byte()?
            };
            let seen_at = place.seen_at(slot);
            if let Some(entry) = place.entities.entry_mut(row.entity)
                && entry.id == row.id
                && entry.seen_at == seen_at
            {
                entry.entity.set_heading(row.heading);
                place.changed(row.id, Masks::<E>::HEADING);
            }
        }
        Ok(())
    }

    fn apply_changed<E: Replicate>(
        &mut self,
        input: &mut Decoder<'_>,
        place: &mut Place<'_, E>,
    ) -> Result<(), DecodeError> {
        let slot = self.slot(input)?;
        let row = self.row(slot);
        let mask = input.varint()?;
        let overlay = self.overlay >> slot & 1 == 1;
        let may = if overlay {
            place.fields.overlay
        } else {
            place.fields.whole
        };
        if mask & !may != 0 {
            return Err(input.bad(format!("mask {mask:#x} names fields of no such layer")));
        }
        let id = row.id;
        match place.entities.entry_mut(row.entity) {
            // An older copy is changed all the same: it may be the only one that is left.
            Some(entry) if entry.id == id => entry.entity.apply(mask, input)?,
            _ => return Err(input.bad(format!("entity {id} changed, but unknown"))),
        }
        place.changed(id, mask);
        Ok(())
    }
}

/// A place of twice 24 bits.
fn read_place(input: &mut Decoder<'_>) -> Result<[i32; 2], DecodeError> {
    let raw = input.raw(6)?;
    let side = |raw: &[u8]| i32::from_le_bytes([0, raw[0], raw[1], raw[2]]) >> 8;
    Ok([side(&raw[..3]), side(&raw[3..])])
}

/// Reads numbers of few bits, least significant first.
struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            pending: 0,
            count: 0,
        }
    }

    /// The next number, with its sign. Beyond the end there are zeros.
    fn next(&mut self, width: u32) -> i32 {
        while self.count < width {
            let Some((&byte, rest)) = self.bytes.split_first() else {
                break;
            };
            self.bytes = rest;
            self.pending |= u64::from(byte) << self.count;
            self.count += 8;
        }
        let value = u32::try_from(self.pending & ((1 << width) - 1)).unwrap_or_default();
        self.pending >>= width;
        self.count = self.count.saturating_sub(width);
        (value << (32 - width)).cast_signed() >> (32 - width)
    }
}
