//! The arena of a room's entities: who is there, what changed since the last frame, who is near.
//!
//! Handing out `&mut` marks an entity as touched, so a change cannot be forgotten; `publish` then
//! finds out field by field what really differs, and keeps the records in the cells.

use std::collections::{BTreeMap, VecDeque};

use glam::Vec2;
use serde::{Deserialize, Serialize};

use slotmap::{Key as _, SlotMap};

use crate::cells::{Cells, LayerKey, Spot};
use crate::codec::{Encoder, encode};
use crate::game::{PlayerId, Team};
use crate::grid::{CellId, Space, units};
use crate::limits::NET_ID_REST_TICKS;
use crate::nearby::{Index, Square, square_of};
use crate::page::Record;
use crate::replicate::{Masks, Replicate};
use crate::tick::Tick;

slotmap::new_key_type! {
    /// An entity of one room; an id of something that is gone never names something else.
    pub struct EntityId;
}

/// Entities that moved since they were indexed; `near` looks at each, so it stays short.
const UNINDEXED_MAX: usize = 32;

/// Who may see an entity at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visible {
    /// Whoever looks that way.
    #[default]
    All,
    /// Its team.
    Team,
    /// The player who owns it.
    Owner,
}

#[derive(Debug)]
struct Slot<E> {
    entity: E,
    /// What clients have; `None` until the first frame with it.
    sent: Option<E>,
    owner: Option<PlayerId>,
    /// Its own team, and its owner's.
    team: Option<Team>,
    owner_team: Option<Team>,
    visible: Visible,
    /// The number by which clients know it, of the layer that it was given for.
    net: Option<(LayerKey, u32)>,
    records: Option<Records>,
    /// Who may see it, or more of it, has changed.
    resettled: bool,
    touched: bool,
    /// In `unindexed`: its square may be wrong.
    moved: bool,
    square: Option<Square>,
}

/// Where the cells hold an entity, and by which number.
#[derive(Clone, Copy, Debug)]
struct Records {
    net: u32,
    base: Spot,
    team: Option<Spot>,
    own: Option<Spot>,
}

/// An entity that is gone, but not yet from the cells.
#[derive(Debug)]
struct Removed {
    net: (LayerKey, u32),
    records: Option<Records>,
}

#[derive(Debug)]
pub(crate) struct Entities<E> {
    slots: SlotMap<EntityId, Slot<E>>,
    touched: Vec<EntityId>,
    /// In the order in which they came.
    fresh: Vec<EntityId>,
    /// Those that changed their layers.
    rehomed: Vec<EntityId>,
    removed: Vec<Removed>,
    unindexed: Vec<EntityId>,
    index: Index,
    nets: BTreeMap<LayerKey, Nets>,
    /// Numbers that were given back in this tick.
    returned: Vec<(LayerKey, u32)>,
    /// `touched` in the order of their numbers; here for its capacity.
    order: Vec<(u32, EntityId)>,
}

/// The numbers of one layer: what other layers hold has no influence on them.
#[derive(Debug, Default)]
struct Nets {
    taken: u32,
    resting: VecDeque<(u32, Tick)>,
}

/// Numbers of entities that not everybody sees begin here.
const TEAM_NETS: u32 = 1 << 30;
const OWN_NETS: u32 = 2 << 30;

impl Nets {
    fn take(&mut self, layer: LayerKey, now: Tick) -> u32 {
        let rested = |&(_, since): &(u32, Tick)| !since.after(NET_ID_REST_TICKS).is_newer(now);
        if self.resting.front().is_some_and(rested)
            && let Some((net, _)) = self.resting.pop_front()
        {
            return net;
        }
        self.taken += 1;
        let base = match layer {
            LayerKey::Public => 0,
            LayerKey::Team(_) => TEAM_NETS,
            LayerKey::Own(_) => OWN_NETS,
        };
        base + self.taken
    }
}

impl<E> Slot<E> {
    /// The layer that brings it; `None` if nobody may see it.
    fn base(&self) -> Option<LayerKey> {
        match self.visible {
            Visible::All => Some(LayerKey::Public),
            Visible::Team => self.team.map(LayerKey::Team),
            Visible::Owner => self.owner.map(LayerKey::Own),
        }
    }
}

impl<E: Replicate> Entities<E> {
    pub(crate) fn new() -> Self {
        Self {
            slots: SlotMap::with_key(),
            touched: Vec::new(),
            fresh: Vec::new(),
            rehomed: Vec::new(),
            removed: Vec::new(),
            unindexed: Vec::new(),
            index: Index::default(),
            nets: BTreeMap::new(),
            returned: Vec::new(),
            order: Vec::new(),
        }
    }

    pub(crate) fn spawn(&mut self, entity: E) -> EntityId {
        let id = self.slots.insert(Slot {
            entity,
            sent: None,
            owner: None,
            team: None,
            owner_team: None,
            visible: Visible::All,
            net: None,
            records: None,
            resettled: false,
            touched: false,
            moved: false,
            square: None,
        });
        self.fresh.push(id);
        self.touch(id);
        id
    }

    pub(crate) fn despawn(&mut self, id: EntityId) -> Option<E> {
        let slot = self.slots.remove(id)?;
        if let Some(net) = slot.net {
            let records = slot.records;
            self.removed.push(Removed { net, records });
        }
        if let Some(square) = slot.square {
            self.index.remove(square, id);
        }
        Some(slot.entity)
    }

    pub(crate) fn get(&self, id: EntityId) -> Option<&E> {
        self.slots.get(id).map(|slot| &slot.entity)
    }

    /// An entity that a page holds: it is alive until the page was told.
    pub(crate) fn expect(&self, id: EntityId) -> &E {
        &self.slots[id].entity
    }

    pub(crate) fn get_mut(&mut self, id: EntityId) -> Option<&mut E> {
        self.slots.contains_key(id).then(|| self.touch(id))
    }

    pub(crate) fn owner(&self, id: EntityId) -> Option<PlayerId> {
        self.slots.get(id)?.owner
    }

    /// Gives it to somebody of this team, or to nobody.
    pub(crate) fn set_owner(
        &mut self,
        id: EntityId,
        owner: Option<PlayerId>,
        owner_team: Option<Team>,
    ) {
        self.resettle(id, |slot| {
            let team = if slot.team == slot.owner_team {
                owner_team
            } else {
                slot.team
            };
            let same = (slot.owner, slot.owner_team, slot.team) == (owner, owner_team, team);
            (slot.owner, slot.owner_team, slot.team) = (owner, owner_team, team);
            !same
        });
    }

    pub(crate) fn team(&self, id: EntityId) -> Option<Team> {
        self.slots.get(id)?.team
    }

    pub(crate) fn set_team(&mut self, id: EntityId, team: Option<Team>) {
        self.resettle(id, |slot| std::mem::replace(&mut slot.team, team) != team);
    }

    pub(crate) fn set_visible(&mut self, id: EntityId, visible: Visible) {
        self.resettle(id, |slot| {
            std::mem::replace(&mut slot.visible, visible) != visible
        });
    }

    #[cfg(test)]
    pub(crate) fn visible(&self, id: EntityId) -> Option<Visible> {
        Some(self.slots.get(id)?.visible)
    }

    fn resettle(&mut self, id: EntityId, change: impl FnOnce(&mut Slot<E>) -> bool) {
        let Some(slot) = self.slots.get_mut(id) else {
            return;
        };
        let before = slot.base();
        if change(slot) {
            slot.resettled = true;
            if slot.base() != before {
                self.rehomed.push(id);
            }
            self.touch(id);
        }
    }

    /// The number by which clients know it; it gets one if it has none.
    pub(crate) fn net(&mut self, id: EntityId, now: Tick) -> Option<u32> {
        let slot = self.slots.get_mut(id)?;
        let base = slot.base();
        if slot.net.map(|(of, _)| of) != base {
            self.returned.extend(slot.net.take());
        }
        let layer = base?;
        let (_, net) = *slot.net.get_or_insert_with(|| {
            let nets = self.nets.entry(layer).or_default();
            (layer, nets.take(layer, now))
        });
        Some(net)
    }

    /// The number by which this player knows it; `None` if it does not see it.
    pub(crate) fn net_for(
        &mut self,
        id: EntityId,
        (player, team): (PlayerId, Option<Team>),
        now: Tick,
    ) -> Option<u32> {
        let sees = match self.slots.get(id)?.base()? {
            LayerKey::Public => true,
            LayerKey::Team(of) => team == Some(of),
            LayerKey::Own(of) => of == player,
        };
        self.net(id, now).filter(|_| sees)
    }

    /// The cell that its viewers find it in.
    pub(crate) fn cell(&self, id: EntityId) -> Option<CellId> {
        Some(self.slots.get(id)?.records?.base.cell)
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
        near.sort_unstable_by_key(|&id| order(id));
        near
    }

    /// Brings the cells up to date with what changed since the last call.
    ///
    /// Everything is done in the order of the numbers that clients know, so that what a layer's
    /// viewers see does not depend on what they may not see.
    pub(crate) fn publish(&mut self, cells: &mut Cells, space: Space, now: Tick) {
        for Removed { net, records } in self.removed.drain(..) {
            if let Some(records) = records {
                records.remove(cells, None);
            }
            self.returned.push(net);
        }
        // Taken out and put back for their capacity.
        let mut fresh = std::mem::take(&mut self.fresh);
        for id in fresh.drain(..) {
            self.net(id, now);
        }
        self.fresh = fresh;
        // What appears gets its number by how it looks: its place in the arena, and when somebody
        // touched it, may be secrets.
        let mut rehomed = std::mem::take(&mut self.rehomed);
        rehomed.sort_by_cached_key(|&id| self.slots.get(id).map(Slot::looks));
        for id in rehomed.drain(..) {
            self.net(id, now);
        }
        self.rehomed = rehomed;
        let mut touched = std::mem::take(&mut self.touched);
        let mut order = std::mem::take(&mut self.order);
        for id in touched.drain(..) {
            let net = self.net(id, now);
            let Some(slot) = self.slots.get_mut(id) else {
                continue;
            };
            if slot.resettled {
                slot.leave_layers(net, cells);
            }
            if let Some(net) = net {
                order.push((net, id));
            } else {
                (slot.touched, slot.resettled) = (false, false);
            }
        }
        self.rest(now);
        order.sort_unstable_by_key(|&(net, _)| net);
        for (net, id) in order.drain(..) {
            self.slots[id].publish(id, net, cells, space);
        }
        self.order = order;
        self.touched = touched;
    }

    /// Lays the numbers aside that were given back, for later; in which order they were says
    /// nothing.
    fn rest(&mut self, now: Tick) {
        self.returned.sort_unstable();
        for (layer, net) in self.returned.drain(..) {
            if let Some(nets) = self.nets.get_mut(&layer) {
                nets.resting.push_back((net, now));
            }
        }
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

/// Id order is the arena's.
#[expect(clippy::cast_possible_truncation, reason = "the low half is the index")]
fn order(id: EntityId) -> u32 {
    id.data().as_ffi() as u32
}

impl<E: Replicate> Slot<E> {
    /// All that its viewers will see of it.
    fn looks(&self) -> Vec<u8> {
        let place = self.entity.position().map(units);
        let mut out = encode(&(place, self.entity.heading()));
        if let Some(layer) = self.base() {
            let fields = layer.fields::<E>().whole;
            self.entity.encode(fields, &mut Encoder::new(&mut out));
        }
        out
    }

    /// Who may see it, or more of it, has changed: it goes from where it is no more seen. Others
    /// notice nothing.
    fn leave_layers(&mut self, net: Option<u32>, cells: &mut Cells) {
        let base = self.base();
        let Some(records) = &mut self.records else {
            return;
        };
        if Some(records.base.layer) != base || Some(records.net) != net {
            records.remove(cells, None);
            (self.records, self.sent) = (None, None);
            return;
        }
        let overlays = overlays::<E>(records.base.layer, self.team, self.owner, self.owner_team);
        for (spot, layer) in [&mut records.team, &mut records.own]
            .into_iter()
            .zip(overlays)
        {
            if let Some(left) = spot.take_if(|spot| Some(spot.layer) != layer) {
                cells.remove(left, None);
            }
        }
    }

    fn publish(&mut self, id: EntityId, net: u32, cells: &mut Cells, space: Space) {
        self.touched = false;
        let resettled = std::mem::take(&mut self.resettled);
        let changed = match &mut self.sent {
            Some(sent) => sent.absorb(&self.entity),
            sent @ None => {
                *sent = Some(self.entity.clone());
                0
            }
        };
        let place = self.entity.position().map(units).unwrap_or_default();
        let side = space.cell_units();
        let at = |cell: CellId| {
            let corner = cell.corner(side);
            [place[0] - corner[0], place[1] - corner[1]]
        };
        let heading = self.entity.heading().unwrap_or_default();
        let Some(records) = self.records else {
            let cell = CellId::of(place, side);
            self.records = self.enter(id, net, (cell, at(cell), heading), cells);
            return;
        };
        if changed == 0 && !resettled {
            return;
        }
        let cell = records.base.cell.moved(place, side);
        if cell != records.base.cell {
            records.remove(cells, Some(cell));
            self.records = self.enter(id, net, (cell, at(cell), heading), cells);
            return;
        }
        let fields = Masks::<E>::PUBLIC;
        let base = match records.base.layer {
            LayerKey::Public => changed & fields,
            LayerKey::Team(_) => changed & (fields | Masks::<E>::TEAM),
            LayerKey::Own(_) => changed & (fields | Masks::<E>::TEAM | Masks::<E>::OWNER),
        };
        cells.update(records.base, at(cell), heading, base);
        let overlays = [
            (records.team, Masks::<E>::TEAM),
            (records.own, Masks::<E>::TEAM | Masks::<E>::OWNER),
        ];
        for (spot, fields) in overlays {
            if let Some(spot) = spot
                && changed & fields != 0
            {
                cells.update(spot, [0, 0], 0, changed & fields);
            }
        }
        if resettled {
            self.records = Some(self.enter_overlays(id, records, cells));
        }
    }

    /// Puts records into all layers that bring something of it.
    fn enter(
        &self,
        id: EntityId,
        net: u32,
        (cell, at, heading): (CellId, [i32; 2], u8),
        cells: &mut Cells,
    ) -> Option<Records> {
        let record = Record {
            id,
            net,
            at,
            heading,
            overlay: false,
        };
        let base = cells.add(self.base()?, cell, record);
        let records = Records {
            net,
            base,
            team: None,
            own: None,
        };
        Some(self.enter_overlays(id, records, cells))
    }

    /// Puts records into the layers that bring more of it, where they are missing.
    fn enter_overlays(&self, id: EntityId, mut records: Records, cells: &mut Cells) -> Records {
        let record = Record {
            id,
            net: records.net,
            at: [0, 0],
            heading: 0,
            overlay: true,
        };
        let Spot { layer, cell, .. } = records.base;
        let layers = overlays::<E>(layer, self.team, self.owner, self.owner_team);
        for (spot, layer) in [&mut records.team, &mut records.own]
            .into_iter()
            .zip(layers)
        {
            if let Some(layer) = layer.filter(|_| spot.is_none()) {
                *spot = Some(cells.add(layer, cell, record));
            }
        }
        records
    }
}

/// The layers that bring more of an entity than the one that brings it.
fn overlays<E: Replicate>(
    base: LayerKey,
    team: Option<Team>,
    owner: Option<PlayerId>,
    owner_team: Option<Team>,
) -> [Option<LayerKey>; 2] {
    let (teams, owners) = (Masks::<E>::TEAM, Masks::<E>::OWNER);
    let for_team = team.filter(|_| teams != 0 && base == LayerKey::Public);
    // An owner of another team does not see what is hidden from it.
    let sees = match base {
        LayerKey::Public => true,
        LayerKey::Team(team) => owner_team == Some(team),
        LayerKey::Own(_) => false,
    };
    let for_owner = owner.filter(|_| teams | owners != 0 && sees);
    [for_team.map(LayerKey::Team), for_owner.map(LayerKey::Own)]
}

impl Records {
    fn remove(self, cells: &mut Cells, to: Option<CellId>) {
        for spot in [Some(self.base), self.team, self.own].into_iter().flatten() {
            cells.remove(spot, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, crate::Replicate)]
    struct Point {
        #[replicate(position)]
        at: Vec2,
        #[replicate(team)]
        secret: u8,
    }

    fn point(x: f32, y: f32) -> Point {
        let at = Vec2::new(x, y);
        Point { at, secret: 0 }
    }

    #[test]
    fn numbers_do_not_depend_on_what_other_layers_hold() {
        let run = |with_hidden: bool| {
            let (mut entities, mut cells) = (Entities::new(), Cells::new(1));
            let mut seen = Vec::new();
            for tick in 1..60 {
                let hidden = with_hidden.then(|| {
                    let id = entities.spawn(point(1.0, 1.0));
                    entities.set_visible(id, Visible::Team);
                    entities.set_team(id, Some(Team(1)));
                    id
                });
                let a = entities.spawn(point(0.0, 0.0));
                let b = entities.spawn(point(2.0, 0.0));
                entities.publish(&mut cells, Space::Whole, Tick::new(tick));
                seen.push([a, b].map(|id| entities.net(id, Tick::new(tick))));
                entities.despawn(if tick % 2 == 0 { a } else { b });
                if let Some(hidden) = hidden.filter(|_| tick % 3 != 0) {
                    entities.despawn(hidden);
                }
            }
            seen
        };
        let seen = run(false);
        assert_eq!(seen, run(true));
        let numbers: Vec<_> = seen.concat().into_iter().flatten().collect();
        assert!(numbers.iter().any(|&n| n < *numbers.last().expect("some")));
    }

    #[test]
    fn hidden_entities_have_numbers_of_their_own() {
        let mut entities = Entities::new();
        let now = Tick::new(1);
        let id = entities.spawn(point(0.0, 0.0));
        assert_eq!(entities.net(id, now), Some(1));
        entities.set_visible(id, Visible::Team);
        assert_eq!(entities.net(id, now), None, "nobody sees it without a team");
        entities.set_team(id, Some(Team(0)));
        assert_eq!(entities.net(id, now), Some(TEAM_NETS + 1));
        assert_eq!(
            entities.net(entities.slots.keys().next().expect("one"), now),
            Some(TEAM_NETS + 1)
        );
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
        let small = |id: &&EntityId| entities.get(**id).is_some_and(|p| p.at.x.abs() <= 1.0);
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
                            .filter(|(_, p)| p.at.distance_squared(at) <= radius * radius)
                            .map(|(id, _)| id)
                            .collect();
                        expected.sort_unstable_by_key(|&id| order(id));
                        prop_assert_eq!(entities.near(at, radius), expected);
                    }
                }
            }
        }
    }
}
