//! Who has which job in flight, and which jobs of this step ask the same.

#[expect(clippy::disallowed_types, reason = "asked by key, never walked")]
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use slotmap::SecondaryMap;

use crate::entities::EntityId;

/// The batch and the slot of a job. It may be gone by now; batches' numbers are not used again.
type Place = (u64, u32);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// By kind.
    places: Vec<SecondaryMap<EntityId, Place>>,
    #[expect(clippy::disallowed_types, reason = "asked by key, never walked")]
    leaders: HashMap<(usize, u128), u32, BuildHasherDefault<Fold>>,
}

impl Owners {
    /// Notes an owner's newest job, and answers where the one before was.
    pub(super) fn replace(&mut self, kind: usize, owner: EntityId, place: Place) -> Option<Place> {
        if self.places.len() <= kind {
            self.places.resize_with(kind + 1, SecondaryMap::new);
        }
        self.places[kind].insert(owner, place)
    }

    pub(super) fn remove(&mut self, kind: usize, owner: EntityId) -> Option<Place> {
        self.places.get_mut(kind)?.remove(owner)
    }

    /// The first job of this step that asked the same.
    pub(super) fn leader(&self, same: (usize, u128)) -> Option<u32> {
        self.leaders.get(&same).copied()
    }

    pub(super) fn lead(&mut self, same: (usize, u128), slot: u32) {
        self.leaders.insert(same, slot);
    }

    pub(super) fn end_step(&mut self) {
        self.leaders.clear();
    }
}

/// A quick hash of a few numbers. Nobody outside can choose them to collide beyond what admission
/// lets in.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // The two halves of a product of odd 64 bits, folded.
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        let bytes = product.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        let half = |half: &[u8]| u64::from_le_bytes(half.try_into().expect("8 bytes"));
        self.0 = (half(low) ^ half(high)).wrapping_add(1);
    }

    fn write_u128(&mut self, words: u128) {
        self.write(&words.to_le_bytes());
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}
