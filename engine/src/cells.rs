//! Cells: a room's entities by layer and place, encoded once for all who look.
//!
//! In: where each entity is and what changed of it. Out: for each cell and tier the bytes of one
//! emission, and keyframes where somebody asked. It knows anchors as numbers, not members.
//!
//! Source: PROTOCOL.md § Cells.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};

use crate::block::{Blob, Blocks, Checksum, TO_NOWHERE};
use crate::entities::EntityId;
use crate::game::{PlayerId, Team};
use crate::grid::{CellId, TIERS, Tiers, WINDOW_SIDE, bits};
use crate::limits::{PARALLEL_CELLS_MIN, VIEW_RINGS_MAX};
use crate::page::{Fields, Page, Record, SLOTS};
use crate::replicate::{Masks, Replicate};

/// Who may see what a layer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LayerKey {
    Public,
    Team(Team),
    Own(PlayerId),
}

impl LayerKey {
    /// Its number on the wire.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Team(_) => 1,
            Self::Own(_) => 2,
        }
    }

    /// The fields that its records bring.
    pub(crate) fn fields<E: Replicate>(self) -> Fields {
        let (public, team, owner) = (Masks::<E>::PUBLIC, Masks::<E>::TEAM, Masks::<E>::OWNER);
        let (whole, overlay) = match self {
            Self::Public => (public, 0),
            Self::Team(_) => (public | team, team),
            Self::Own(_) => (public | team | owner, team | owner),
        };
        Fields { whole, overlay }
    }
}

/// Where an entity's record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) layer: LayerKey,
    pub(crate) cell: CellId,
    /// In the layer's arena of cells.
    at: u32,
    page: u16,
    slot: u8,
}

/// What a tick is for the cells: which tiers are sent, and whether sums are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Tiers that are sent in this tick, as bits.
    pub(crate) sent: u8,
    /// All tiers are: views may change after it.
    pub(crate) whole: bool,
    /// Ticks between two whole beats.
    pub(crate) period: u32,
    pub(crate) checks: bool,
    /// Tiers in use, as bits.
    pub(crate) used: u8,
    /// Tiers that slow members are reduced to, as bits: until now, and from now on.
    pub(crate) rates: u8,
    pub(crate) rates_next: u8,
}

/// All layers of a room.
#[derive(Debug)]
pub(crate) struct Cells {
    layers: BTreeMap<LayerKey, Layer>,
    /// Tiers that anybody in the room may be sent, as bits; the others are not kept.
    tiers: u8,
}

/// One layer: its cells in an arena, and where each of them is.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    cells: Vec<Cell>,
    free: Vec<u32>,
    places: Vec<(CellId, u32)>,
}

/// One cell of one layer.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) id: CellId,
    pages: Vec<Box<Page>>,
    /// Something happened in this tick, or has still to settle.
    awake: bool,
    /// Tiers that somebody may be sent, as bits.
    pub(crate) wanted: u8,
    pub(crate) wants_key: bool,
    /// Something changed since the last checksum.
    unchecked: bool,
    /// Bytes that movements took since the last whole beat, and per tick before it.
    load: u32,
    pub(crate) bytes_per_tick: u32,
    /// What this tick sends: each tier's delta, then the keyframe.
    pub(crate) out: Output,
}

/// The bytes of a cell for one tick; the buffers go round between a cell and its frames.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) delta: [Blob; TIERS],
    pub(crate) key: Blob,
    pub(crate) has_key: bool,
}

impl Output {
    fn clear(&mut self) {
        self.delta.iter_mut().for_each(Blob::clear);
        self.key.clear();
        self.has_key = false;
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.has_key && self.delta.iter().all(|blob| blob.bytes.is_empty())
    }
}

impl Cells {
    pub(crate) const fn new(tiers: u8) -> Self {
        Self {
            layers: BTreeMap::new(),
            tiers,
        }
    }

    /// From this whole beat on other tiers are in use.
    pub(crate) fn use_tiers(&mut self, tiers: u8) {
        let new = tiers & !self.tiers;
        self.tiers = tiers;
        for tier in bits(u64::from(new)) {
            let cells = self.layers.values_mut().flat_map(|layer| &mut layer.cells);
            for page in cells.flat_map(|cell| &mut cell.pages) {
                page.start(usize::from(tier));
            }
        }
    }

    /// Puts a record somewhere.
    pub(crate) fn add(&mut self, layer: LayerKey, cell: CellId, record: Record) -> Spot {
        let cells = self.layers.entry(layer).or_default();
        let at = cells.find_or_open(cell);
        let found = &mut cells.cells[at as usize];
        let (page, slot) = found.add(record);
        Spot {
            layer,
            cell,
            at,
            page,
            slot,
        }
    }

    /// Takes a record away; `to` is where its entity went, if to a cell near by.
    pub(crate) fn remove(&mut self, spot: Spot, to: Option<CellId>) {
        let tiers = self.tiers;
        let cell = self.cell_mut(spot);
        let to = to.and_then(|to| cell.id.number_of(to));
        let to = to.unwrap_or(TO_NOWHERE);
        cell.pages[usize::from(spot.page)].remove(spot.slot, to, tiers);
        cell.touch();
    }

    /// A record's entity moved within its cell, turned, or changed.
    pub(crate) fn update(&mut self, spot: Spot, at: [i32; 2], heading: u8, fields: u64) {
        let tiers = self.tiers;
        let cell = self.cell_mut(spot);
        let page = &mut cell.pages[usize::from(spot.page)];
        if page.update(spot.slot, (at, heading), fields, tiers) {
            cell.touch();
        }
    }

    fn cell_mut(&mut self, spot: Spot) -> &mut Cell {
        let layer = self.layers.get_mut(&spot.layer);
        &mut layer.expect("a record's layer is there").cells[spot.at as usize]
    }

    pub(crate) fn layer_mut(&mut self, key: LayerKey) -> Option<&mut Layer> {
        self.layers.get_mut(&key)
    }

    /// Encodes what this tick sends of every cell, over all threads of the pool that it runs in.
    pub(crate) fn encode<'a, E: Replicate>(
        &mut self,
        beat: Beat,
        entity: &(impl Fn(EntityId) -> &'a E + Sync),
    ) {
        for (key, layer) in &mut self.layers {
            let fields = key.fields::<E>();
            let parallel =
                layer.cells.len() >= PARALLEL_CELLS_MIN && rayon::current_thread_index().is_some();
            if parallel {
                layer
                    .cells
                    .par_iter_mut()
                    .for_each(|cell| cell.encode(beat, fields, entity));
            } else {
                for cell in &mut layer.cells {
                    cell.encode(beat, fields, entity);
                }
            }
        }
    }

    /// Entities that moved in this tick.
    pub(crate) fn stepping(&self) -> usize {
        let cells = self.layers.values().flat_map(|layer| &layer.cells);
        let pages = cells.flat_map(|cell| &cell.pages);
        pages
            .map(|page| page.stepping().count_ones() as usize)
            .sum()
    }

    /// Calls `with` for each cell in the order of layers and places.
    pub(crate) fn for_each(&mut self, mut with: impl FnMut(LayerKey, &mut Cell)) {
        for (&key, layer) in &mut self.layers {
            for &(_, at) in &layer.places {
                with(key, &mut layer.cells[at as usize]);
            }
        }
    }

    /// Lets go of cells and layers in which nobody is; only after a whole beat, when all viewers
    /// know that.
    pub(crate) fn discard_empty(&mut self) {
        self.layers.retain(|_, layer| {
            layer.discard_empty();
            !layer.places.is_empty()
        });
    }
}

impl Layer {
    fn find_or_open(&mut self, id: CellId) -> u32 {
        match self.places.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(found) => self.places[found].1,
            Err(place) => {
                let at = self.free.pop().unwrap_or_else(|| {
                    self.cells.push(Cell::new(id));
                    u32::try_from(self.cells.len() - 1).expect("cells are far fewer than 2³²")
                });
                self.cells[at as usize].open(id);
                self.places.insert(place, (id, at));
                at
            }
        }
    }

    fn discard_empty(&mut self) {
        let Self {
            cells,
            free,
            places,
        } = self;
        places.retain(|&(_, at)| {
            let cell = &mut cells[at as usize];
            let empty = cell.pages.iter().all(|page| page.is_empty()) && !cell.awake;
            if empty {
                cell.pages.clear();
                free.push(at);
            }
            !empty
        });
    }

    /// Calls `with` for each cell of a window that is there, with its number.
    pub(crate) fn for_window(&mut self, anchor: CellId, mut with: impl FnMut(u8, &mut Cell)) {
        for row in 0..WINDOW_SIDE {
            let first = anchor.numbered(row * WINDOW_SIDE);
            let last = anchor.numbered(row * WINDOW_SIDE + WINDOW_SIDE - 1);
            let start = self.places.partition_point(|(id, _)| *id < first);
            for &(id, at) in &self.places[start..] {
                if id > last {
                    break;
                }
                if let Some(number) = anchor.number_of(id) {
                    with(number, &mut self.cells[at as usize]);
                }
            }
        }
    }

    /// What a view of this layer takes per tick.
    pub(crate) fn bytes_per_tick(&mut self, anchor: CellId, tiers: Tiers) -> u32 {
        let mut bytes = 0;
        self.for_window(anchor, |number, cell| {
            if let Some(tier) = tiers.of(number) {
                bytes += cell.bytes_per_tick >> tier;
            }
        });
        bytes
    }
}

/// Rough costs of a movement and of an arrival, for the estimate of a view's bytes.
const STEP_BYTES: u32 = 2;
const ARRIVAL_BYTES: u32 = 24;

impl Cell {
    fn new(id: CellId) -> Self {
        Self {
            id,
            pages: Vec::new(),
            awake: false,
            wanted: 0,
            wants_key: false,
            unchecked: false,
            load: 0,
            bytes_per_tick: 0,
            out: Output::default(),
        }
    }

    /// Until the next whole beat nobody knows who will look: all tiers are kept.
    fn open(&mut self, id: CellId) {
        self.id = id;
        self.wanted = u8::MAX;
        self.wants_key = false;
        self.unchecked = false;
        self.load = 0;
        self.bytes_per_tick = 0;
        self.out.clear();
    }

    const fn touch(&mut self) {
        self.awake = true;
        self.unchecked = true;
    }

    fn add(&mut self, record: Record) -> (u16, u8) {
        self.touch();
        self.load += ARRIVAL_BYTES;
        let page = self.pages.iter().position(|page| !page.is_full());
        let page = page.unwrap_or_else(|| {
            self.pages.push(Page::new());
            self.pages.len() - 1
        });
        let slot = self.pages[page].add(record);
        (
            u16::try_from(page).expect("65,536 pages are four million entities in a cell"),
            slot,
        )
    }

    fn encode<'a, E: Replicate>(
        &mut self,
        beat: Beat,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
    ) {
        self.out.clear();
        if beat.whole {
            self.bytes_per_tick = self.load / beat.period;
            self.load = 0;
        }
        if self.awake {
            self.encode_changes(beat, fields, entity);
        }
        if std::mem::take(&mut self.wants_key) {
            self.out.has_key = true;
            for (number, page) in self.pages.iter().enumerate() {
                page.write_all(fields, entity, &mut Blocks::new(&mut self.out.key, number));
            }
        }
        if beat.checks && std::mem::take(&mut self.unchecked) {
            let sum = self.checksum(fields, entity);
            for tier in bits(u64::from(self.wanted)).filter(|&t| usize::from(t) < TIERS) {
                self.out.delta[usize::from(tier)].push_checksum(sum);
            }
        }
    }

    fn encode_changes<'a, E: Replicate>(
        &mut self,
        beat: Beat,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
    ) {
        let Self { pages, out, .. } = self;
        let mut awake = false;
        for (number, page) in pages.iter_mut().enumerate() {
            awake |= page.settle();
            self.load += page.stepping().count_ones() * STEP_BYTES;
            for tier in bits(u64::from(beat.used)).map(usize::from) {
                let bit = 1 << tier;
                if beat.sent & bit == 0 || !page.is_pending(tier) {
                    // A tier that is not due keeps what it has to say.
                    awake |= page.is_pending(tier);
                } else if self.wanted & bit != 0 {
                    let mut blocks = Blocks::new(&mut out.delta[tier], number);
                    page.emit(tier, fields, entity, &mut blocks);
                } else if beat.whole {
                    page.skip(tier);
                } else {
                    awake = true;
                }
            }
            page.age();
        }
        self.awake = awake;
    }

    fn checksum<'a, E: Replicate>(
        &self,
        fields: Fields,
        entity: &impl Fn(EntityId) -> &'a E,
    ) -> u16 {
        let mut sum = Checksum::new();
        let mut scratch = Vec::new();
        for (number, page) in self.pages.iter().enumerate() {
            page.check(number, fields, entity, &mut scratch, &mut sum);
        }
        sum.finish()
    }
}

const _: () = assert!(SLOTS == 64 && VIEW_RINGS_MAX * 2 + 1 == WINDOW_SIDE);
