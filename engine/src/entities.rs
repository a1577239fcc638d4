//! The arena of a room's entities: who is there, what changed since the last frame, who is near.
//!
//! Handing out `&mut` marks an entity as touched, so a change cannot be forgotten; `publish` then
//! finds out field by field what really differs.

use std::fmt;

use glam::Vec2;

use slotmap::{Key as _, SlotMap};

use crate::game::PlayerId;
use crate::replicate::Replicate;
use crate::space::{Index, Square, square_of};

slotmap::new_key_type! {
    /// An entity of one room; an id of something that is gone never names something else.
    pub struct EntityId;
}

impl EntityId {
    /// The number by which clients know it: small, unique among the living, reused after death.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the index")]
    pub fn index(self) -> u32 {
        self.data().as_ffi() as u32
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index().fmt(f)
    }
}

/// Entities that moved since they were indexed; `near` looks at each, so it stays short.
const UNINDEXED_MAX: usize = 32;

#[derive(Debug)]
struct Slot<E> {
    entity: E,
    /// What clients have; `None` until the first frame with it.
    sent: Option<E>,
    owner: Option<PlayerId>,
    touched: bool,
    /// In `unindexed`: its square may be wrong.
    moved: bool,
    square: Option<Square>,
}

#[derive(Debug)]
pub(crate) struct Entities<E> {
    slots: SlotMap<EntityId, Slot<E>>,
    touched: Vec<EntityId>,
    removed: Vec<u32>,
    unindexed: Vec<EntityId>,
    index: Index,
}

/// What the next frame has to say of one entity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Fields(u64),
}

impl<E: Replicate> Entities<E> {
    pub(crate) fn new() -> Self {
        Self {
            slots: SlotMap::with_key(),
            touched: Vec::new(),
            removed: Vec::new(),
            unindexed: Vec::new(),
            index: Index::default(),
        }
    }

    pub(crate) fn spawn(&mut self, entity: E) -> EntityId {
        let id = self.slots.insert(Slot {
            entity,
            sent: None,
            owner: None,
            touched: false,
            moved: false,
            square: None,
        });
        self.touch(id);
        id
    }

    pub(crate) fn despawn(&mut self, id: EntityId) -> Option<E> {
        let slot = self.slots.remove(id)?;
        if slot.sent.is_some() {
            self.removed.push(id.index());
        }
        if let Some(square) = slot.square {
            self.index.remove(square, id);
        }
        Some(slot.entity)
    }

    pub(crate) fn get(&self, id: EntityId) -> Option<&E> {
        self.slots.get(id).map(|slot| &slot.entity)
    }

    pub(crate) fn get_mut(&mut self, id: EntityId) -> Option<&mut E> {
        self.slots.contains_key(id).then(|| self.touch(id))
    }

    pub(crate) fn owner(&self, id: EntityId) -> Option<PlayerId> {
        self.slots.get(id)?.owner
    }

    pub(crate) fn set_owner(&mut self, id: EntityId, owner: Option<PlayerId>) {
        if let Some(slot) = self.slots.get_mut(id) {
            slot.owner = owner;
        }
    }

    /// In id order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EntityId, &E)> {
        self.slots.iter().map(|(id, slot)| (id, &slot.entity))
    }

    /// Those within `radius`, in id order, each at the place where it is right now.
    pub(crate) fn near(&self, point: Vec2, radius: f32) -> Vec<EntityId> {
        if radius.is_nan() || radius < 0.0 {
            return Vec::new();
        }
        let unindexed = self.unindexed.iter().copied();
        let indexed = self.index.candidates(point, radius);
        let indexed = indexed.filter(|&id| !self.slots[id].moved);
        let mut near: Vec<_> = unindexed
            .chain(indexed)
            .filter(|&id| {
                let at = self.get(id).and_then(E::position);
                at.is_some_and(|at| at.distance_squared(point) <= radius * radius)
            })
            .collect();
        near.sort_unstable_by_key(|id| id.index());
        near
    }

    /// Clears what changed since the last call and calls `with` for each, in id order; answers
    /// the ids of those that are gone.
    pub(crate) fn drain_changes(&mut self, mut with: impl FnMut(EntityId, &E, Change)) -> Vec<u32> {
        self.touched.sort_unstable_by_key(|id| id.index());
        for id in self.touched.drain(..) {
            let Some(slot) = self.slots.get_mut(id) else {
                continue;
            };
            slot.touched = false;
            match &mut slot.sent {
                Some(sent) => {
                    let mask = sent.absorb(&slot.entity);
                    if mask != 0 {
                        with(id, &slot.entity, Change::Fields(mask));
                    }
                }
                sent @ None => {
                    *sent = Some(slot.entity.clone());
                    with(id, &slot.entity, Change::Added);
                }
            }
        }
        std::mem::take(&mut self.removed)
    }

    fn touch(&mut self, id: EntityId) -> &mut E {
        if self.unindexed.len() >= UNINDEXED_MAX {
            self.reindex();
        }
        let slot = &mut self.slots[id];
        if !slot.touched {
            slot.touched = true;
            self.touched.push(id);
        }
        if !slot.moved {
            slot.moved = true;
            self.unindexed.push(id);
        }
        &mut slot.entity
    }

    fn reindex(&mut self) {
        for id in self.unindexed.drain(..) {
            let Some(slot) = self.slots.get_mut(id) else {
                continue;
            };
            slot.moved = false;
            let square = slot.entity.position().map(square_of);
            if square != slot.square {
                if let Some(old) = slot.square {
                    self.index.remove(old, id);
                }
                if let Some(new) = square {
                    self.index.insert(new, id);
                }
                slot.square = square;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::codec::{DecodeError, Decoder, Encoder};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Point(Vec2);

    impl Replicate for Point {
        const FIELDS: &'static [crate::Field] = &[crate::Field {
            name: "value",
            kind: crate::FieldKind::Plain,
            seen_by: crate::SeenBy::All,
        }];

        fn position(&self) -> Option<Vec2> {
            Some(self.0)
        }

        fn absorb(&mut self, newer: &Self) -> u64 {
            let changed = u64::from(self != newer);
            self.clone_from(newer);
            changed
        }

        fn encode(&self, _: u64, out: &mut Encoder<'_>) {
            out.value(&self.0);
        }

        fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
            input.value().map(Self)
        }

        fn apply(&mut self, _: u64, input: &mut Decoder<'_>) -> Result<(), DecodeError> {
            self.0 = input.value()?;
            Ok(())
        }
    }

    fn point(x: f32, y: f32) -> Point {
        Point(Vec2::new(x, y))
    }

    fn changes(entities: &mut Entities<Point>) -> (Vec<(u32, Change)>, Vec<u32>) {
        let mut changed = Vec::new();
        let removed = entities.drain_changes(|id, _, change| changed.push((id.index(), change)));
        (changed, removed)
    }

    #[test]
    fn a_frame_hears_of_each_entity_once_and_only_of_what_differs() {
        let mut entities = Entities::new();
        let a = entities.spawn(point(0.0, 0.0));
        assert_eq!(changes(&mut entities), (vec![(1, Change::Added)], vec![]));
        *entities.get_mut(a).expect("alive") = point(0.0, 0.0);
        assert_eq!(
            changes(&mut entities),
            (vec![], vec![]),
            "touched, but the same"
        );
        entities.get_mut(a).expect("alive").0.x = 1.0;
        entities.get_mut(a).expect("alive").0.x = 2.0;
        assert_eq!(
            changes(&mut entities),
            (vec![(1, Change::Fields(1))], vec![])
        );
    }

    #[test]
    fn what_comes_and_goes_between_two_frames_is_never_mentioned() {
        let mut entities = Entities::new();
        let a = entities.spawn(point(0.0, 0.0));
        entities.despawn(a);
        assert_eq!(changes(&mut entities), (vec![], vec![]));
        assert_eq!(entities.despawn(a), None, "gone is gone");
    }

    #[test]
    fn a_reused_index_is_removed_and_added() {
        let mut entities = Entities::new();
        let a = entities.spawn(point(0.0, 0.0));
        changes(&mut entities);
        entities.despawn(a);
        let b = entities.spawn(point(1.0, 0.0));
        assert_eq!(a.index(), b.index());
        assert_eq!(changes(&mut entities), (vec![(1, Change::Added)], vec![1]));
        assert_eq!(entities.get(a), None);
    }

    #[test]
    fn near_takes_any_numbers() {
        const ODD: [f32; 7] = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            0.0,
            -1.0,
        ];
        let mut entities = Entities::new();
        // More than stay unindexed.
        let ids: Vec<_> = (0..8 * UNINDEXED_MAX)
            .map(|i| entities.spawn(point(ODD[i % ODD.len()], 0.0)))
            .collect();
        for x in ODD {
            for radius in ODD {
                let near = entities.near(Vec2::new(x, 0.0), radius);
                assert!(radius >= 0.0 || near.is_empty(), "{radius} around {x}");
            }
        }
        let small = |id: &&EntityId| entities.get(**id).is_some_and(|p| p.0.x.abs() <= 1.0);
        let expected: Vec<_> = ids.iter().filter(small).copied().collect();
        assert_eq!(entities.near(Vec2::ZERO, 5.0), expected);
        for id in ids {
            assert!(entities.despawn(id).is_some());
        }
        assert!(entities.near(Vec2::ZERO, f32::INFINITY).is_empty());
    }

    proptest! {
        /// `near` is the same as looking at everybody, whatever moved, came or went before.
        #[test]
        fn near_misses_nobody(steps in prop::collection::vec(
            (0u8..8, 0usize..64, -40f32..40.0, -40f32..40.0), 1..200), radius in 0f32..30.0) {
            let mut entities = Entities::new();
            let mut ids = Vec::new();
            for (action, which, x, y) in steps {
                match action {
                    0..=2 => ids.push(entities.spawn(point(x, y))),
                    3 if !ids.is_empty() => {
                        entities.despawn(ids.swap_remove(which % ids.len()));
                    }
                    4..=6 if !ids.is_empty() => {
                        *entities.get_mut(ids[which % ids.len()]).expect("alive") = point(x, y);
                    }
                    _ => {
                        let at = Vec2::new(x, y);
                        let mut expected: Vec<_> = entities
                            .iter()
                            .filter(|(_, p)| p.0.distance_squared(at) <= radius * radius)
                            .map(|(id, _)| id)
                            .collect();
                        expected.sort_unstable_by_key(|id| id.index());
                        prop_assert_eq!(entities.near(at, radius), expected);
                    }
                }
            }
        }
    }
}
