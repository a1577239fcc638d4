//! The entities of a view, by their numbers.

use std::collections::BTreeMap;

use crate::grid::CellId;

/// The entities that a member sees, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct EntityMap<E> {
    by_id: BTreeMap<u32, u32>,
    slab: Vec<Option<Entry<E>>>,
    free: Vec<u32>,
}

/// An entity, and the record that it is seen by.
#[derive(Clone, Debug)]
pub(super) struct Entry<E> {
    pub(super) id: u32,
    pub(super) entity: E,
    pub(super) seen_at: SeenAt,
    /// The newest records of what the team and the owner see besides.
    pub(super) overlays: [Option<SeenAt>; 2],
}

/// The newest record of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeenAt {
    pub(super) layer: u8,
    pub(super) cell: CellId,
    pub(super) page: u16,
    pub(super) slot: u8,
}

impl<E> Default for EntityMap<E> {
    fn default() -> Self {
        Self {
            by_id: BTreeMap::new(),
            slab: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<E: PartialEq> PartialEq for EntityMap<E> {
    /// Whether the same entities are seen, wherever they are kept.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<E> std::ops::Index<&u32> for EntityMap<E> {
    type Output = E;

    /// # Panics
    /// If there is no such entity.
    fn index(&self, id: &u32) -> &E {
        self.get(id).expect("an entity that is seen")
    }
}

impl<E> EntityMap<E> {
    /// An entity.
    pub fn get(&self, id: &u32) -> Option<&E> {
        self.entry(*self.by_id.get(id)?).map(|entry| &entry.entity)
    }

    /// Whether it is seen.
    pub fn contains_key(&self, id: &u32) -> bool {
        self.by_id.contains_key(id)
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = (&u32, &E)> {
        let entries = self.by_id.iter();
        entries.filter_map(|(id, &at)| Some((id, &self.entry(at)?.entity)))
    }

    /// Their numbers, in order.
    pub fn keys(&self) -> impl Iterator<Item = &u32> {
        self.by_id.keys()
    }

    /// The entities, in the order of their numbers.
    pub fn values(&self) -> impl Iterator<Item = &E> {
        self.iter().map(|(_, entity)| entity)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.slab.clear();
        self.free.clear();
    }

    pub(super) fn find(&self, id: u32) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn entry(&self, at: u32) -> Option<&Entry<E>> {
        self.slab.get(at as usize)?.as_ref()
    }

    pub(super) fn entry_mut(&mut self, at: u32) -> Option<&mut Entry<E>> {
        self.slab.get_mut(at as usize)?.as_mut()
    }

    /// Takes an entity in; a newer copy replaces the older one. Answers where it is.
    pub(super) fn insert(&mut self, entry: Entry<E>) -> u32 {
        if let Some(&at) = self.by_id.get(&entry.id) {
            self.slab[at as usize] = Some(entry);
            return at;
        }
        let id = entry.id;
        let at = self.free.pop().unwrap_or_else(|| {
            self.slab.push(None);
            u32::try_from(self.slab.len() - 1).unwrap_or(u32::MAX)
        });
        self.slab[at as usize] = Some(entry);
        self.by_id.insert(id, at);
        at
    }

    pub(super) fn remove(&mut self, id: u32) -> bool {
        let Some(at) = self.by_id.remove(&id) else {
            return false;
        };
        self.slab[at as usize] = None;
        self.free.push(at);
        true
    }
}
