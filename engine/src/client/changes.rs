//! What changed in a view: for those who pass it on.

use std::collections::BTreeMap;

/// What changed since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Everything before is forgotten.
    pub reset: bool,
    /// Entities that came.
    pub added: Vec<u32>,
    /// Entities whose fields changed, with the mask of those.
    pub changed: Vec<(u32, u64)>,
    /// Entities that went.
    pub removed: Vec<u32>,
    /// The fields of the shared and of the private state that changed.
    pub shared: u64,
    /// See `shared`.
    pub private: u64,
    /// The member's own entity is known more exactly.
    pub own: bool,
    /// The member sits elsewhere.
    pub seat: bool,
    of: BTreeMap<u32, Entity>,
}

/// What happened to one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entity {
    Added,
    Changed(u64),
    Removed,
}

impl Changes {
    pub(super) fn added(&mut self, id: u32) {
        self.of.insert(id, Entity::Added);
    }

    pub(super) fn changed(&mut self, id: u32, mask: u64) {
        let entry = self.of.entry(id).or_insert(Entity::Changed(0));
        if let Entity::Changed(all) = entry {
            *all |= mask;
        }
    }

    pub(super) fn removed(&mut self, id: u32) {
        self.of.insert(id, Entity::Removed);
    }

    /// Puts the lists together.
    pub(super) fn list(mut self) -> Self {
        for (id, what) in std::mem::take(&mut self.of) {
            match what {
                Entity::Added => self.added.push(id),
                Entity::Changed(mask) => self.changed.push((id, mask)),
                Entity::Removed => self.removed.push(id),
            }
        }
        self
    }
}
