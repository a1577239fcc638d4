//! The frame: what one tick publishes, immutable, shared by all room tasks.
//!
//! It holds what the cells have encoded and each member's own part; putting messages together for
//! a member is `viewer`'s business. A frame that all tasks are done with is filled again.

use std::ops::Range;

use bytes::Bytes;

use crate::cells::{Beat, LayerKey, Output};
use crate::game::{PlayerId, Refusal, Seat, Team};
use crate::grid::{CellId, TIERS, Tiers, WINDOW_SIDE};
use crate::inbox::Epoch;
use crate::tick::Tick;
use crate::wire::Close;

/// The immutable state that a tick publishes.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// The room's tick.
    pub(crate) tick: Tick,
    /// Which tiers are sent with it.
    pub(crate) beat: Beat,
    /// Cells that have something to say, and after a whole beat all of them; by layer and place.
    cells: Vec<CellFrame>,
    /// How many of `cells` are this tick's; the others are here for their buffers.
    cells_used: usize,
    layers: Vec<(LayerKey, Range<usize>)>,
    /// Changes of the room's shared state as sections, for each tier.
    pub(crate) shared: [Vec<u8>; TIERS],
    /// The whole shared state as a section.
    pub(crate) shared_key: Vec<u8>,
    /// Everybody in the room, in the order of their numbers.
    pub(crate) members: Vec<MemberPart>,
    /// The bytes of the members' own sections.
    pub(crate) own: Vec<u8>,
    /// Inputs that were refused, member by member.
    pub(crate) refused: Vec<u32>,
    /// Events in the order in which they were emitted.
    pub(crate) events: Vec<(Recipients, Bytes)>,
    /// Answers to joins, and to those who came back to nothing, in the order of the players'
    /// numbers and their connections'.
    pub(crate) joins: Vec<(PlayerId, Epoch, Result<Seat<u32>, Refusal>)>,
    /// This was the room's last frame.
    pub(crate) end: Option<Close>,
}

/// One cell's bytes.
#[derive(Debug)]
pub(crate) struct CellFrame {
    pub(crate) layer: LayerKey,
    pub(crate) id: CellId,
    pub(crate) out: Output,
}

/// One member's part of a frame.
#[derive(Clone, Debug)]
pub(crate) struct MemberPart {
    pub(crate) player: PlayerId,
    /// Its connection; older ones are fenced.
    pub(crate) epoch: Epoch,
    pub(crate) seat: Seat<u32>,
    pub(crate) team: Option<Team>,
    /// Where it looks from the last whole beat on, and how often it is sent what.
    pub(crate) anchor: CellId,
    pub(crate) tiers: Tiers,
    pub(crate) input_ack: u32,
    /// The newest input that the room has taken in.
    pub(crate) input_taken: u32,
    /// Whether there is news for it alone.
    pub(crate) news: bool,
    /// Its range of `refused`.
    pub(crate) refused: Range<u32>,
    /// Its range of `own`: a new seat, what changed of its private state and of its own entity.
    pub(crate) delta: Range<u32>,
    /// The same whole, where it was asked for.
    pub(crate) key: Option<Range<u32>>,
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
    /// Forgets everything but the buffers.
    pub(crate) fn clear(&mut self) {
        self.cells_used = 0;
        self.layers.clear();
        self.shared.iter_mut().for_each(Vec::clear);
        self.shared_key.clear();
        self.members.clear();
        self.own.clear();
        self.refused.clear();
        self.events.clear();
        self.joins.clear();
        self.end = None;
    }

    /// Takes a cell's bytes over and leaves it an empty buffer; to be called in order.
    pub(crate) fn push_cell(&mut self, layer: LayerKey, id: CellId, out: &mut Output) {
        if self.cells_used == self.cells.len() {
            self.cells.push(CellFrame {
                layer,
                id,
                out: Output::default(),
            });
        }
        let cell = &mut self.cells[self.cells_used];
        (cell.layer, cell.id) = (layer, id);
        std::mem::swap(&mut cell.out, out);
        let at = self.cells_used;
        self.cells_used += 1;
        match self.layers.last_mut() {
            Some((last, range)) if *last == layer => range.end = self.cells_used,
            _ => self.layers.push((layer, at..self.cells_used)),
        }
    }

    /// A member's part; `hint` is where it was last, and is corrected.
    pub(crate) fn member(&self, player: PlayerId, hint: &mut usize) -> Option<&MemberPart> {
        if let Some(part) = self.members.get(*hint)
            && part.player == player
        {
            return Some(part);
        }
        *hint = self
            .members
            .binary_search_by_key(&player, |part| part.player)
            .ok()?;
        self.members.get(*hint)
    }

    pub(crate) fn join(
        &self,
        player: PlayerId,
        epoch: Epoch,
    ) -> Option<Result<Seat<u32>, Refusal>> {
        let at = self
            .joins
            .binary_search_by_key(&(player, epoch), |&(id, epoch, _)| (id, epoch))
            .ok()?;
        Some(self.joins[at].2)
    }

    pub(crate) fn refused(&self, part: &MemberPart) -> &[u32] {
        &self.refused[part.refused.start as usize..part.refused.end as usize]
    }

    pub(crate) fn own(&self, range: &Range<u32>) -> &[u8] {
        &self.own[range.start as usize..range.end as usize]
    }

    /// What its cells say in all tiers.
    pub(crate) fn bytes(&self) -> usize {
        let cells = self.cells[..self.cells_used].iter();
        cells
            .flat_map(|cell| &cell.out.delta)
            .map(|blob| blob.bytes.len())
            .sum()
    }

    /// Calls `with` for each cell of a window that this frame has of a layer, with its number.
    pub(crate) fn for_window<'f>(
        &'f self,
        layer: LayerKey,
        anchor: CellId,
        mut with: impl FnMut(u8, &'f CellFrame),
    ) {
        let Ok(found) = self.layers.binary_search_by_key(&layer, |(key, _)| *key) else {
            return;
        };
        let mut cells = &self.cells[self.layers[found].1.clone()];
        for row in 0..WINDOW_SIDE {
            let first = anchor.numbered(row * WINDOW_SIDE);
            let last = anchor.numbered(row * WINDOW_SIDE + WINDOW_SIDE - 1);
            cells = &cells[cells.partition_point(|cell| cell.id < first)..];
            for cell in cells {
                if cell.id > last {
                    break;
                }
                if let Some(number) = anchor.number_of(cell.id) {
                    with(number, cell);
                }
            }
        }
    }
}
