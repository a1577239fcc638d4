//! Bodies: what all members of an audience are sent in one tick, put together once per task.
//!
//! In: frames, and who looks where. Out: pieces. Members in a crowd share a body; for one who
//! stands alone it is a copy of some cells' bytes, no more.

use std::collections::BTreeMap;

use crate::block::Blob;
use crate::cells::LayerKey;
use crate::frame::Frame;
use crate::game::Team;
use crate::grid::{CellId, Tiers};
use crate::pieces::Pieces;
use crate::tick::Tick;

/// Who is sent the same body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Audience {
    pub(crate) anchor: CellId,
    /// The cells of its window that it has.
    pub(crate) known: u64,
    pub(crate) tiers: Tiers,
    /// The tier of what everybody sees.
    pub(crate) rate: u8,
    pub(crate) team: Option<Team>,
}

/// The bodies of a task.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    bodies: Vec<Body>,
    index: BTreeMap<Audience, usize>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Body {
    of: Audience,
    tick: Option<Tick>,
    pieces: Pieces,
}

impl Bodies {
    /// An audience's body for this frame; `hint` is where it was last, and is corrected.
    pub(crate) fn find(&mut self, frame: &Frame, of: Audience, hint: &mut usize) -> &Pieces {
        if self.bodies.get(*hint).is_none_or(|body| body.of != of) {
            *hint = self.place(of);
        }
        let body = &mut self.bodies[*hint];
        if body.tick != Some(frame.tick) {
            body.tick = Some(frame.tick);
            fill(&mut body.pieces, frame, of);
        }
        &body.pieces
    }

    /// Forgets audiences that nobody has asked for lately.
    pub(crate) fn prune(&mut self, now: Tick) {
        /// A few whole beats.
        const KEPT_TICKS: u32 = 16;
        let Self {
            bodies,
            index,
            free,
        } = self;
        index.retain(|_, &mut at| {
            let last = bodies[at].tick.unwrap_or(now);
            let kept = now.since(last) <= KEPT_TICKS;
            if !kept {
                free.push(at);
                bodies[at].tick = None;
            }
            kept
        });
    }

    fn place(&mut self, of: Audience) -> usize {
        let Self {
            bodies,
            index,
            free,
        } = self;
        *index.entry(of).or_insert_with(|| {
            let at = free.pop().unwrap_or_else(|| {
                bodies.push(Body {
                    of,
                    tick: None,
                    pieces: Pieces::default(),
                });
                bodies.len() - 1
            });
            bodies[at].of = of;
            bodies[at].tick = None;
            at
        })
    }
}

fn fill(pieces: &mut Pieces, frame: &Frame, of: Audience) {
    pieces.clear();
    pieces.sections(&frame.shared[usize::from(of.rate)]);
    let layers = [Some(LayerKey::Public), of.team.map(LayerKey::Team)];
    for layer in layers.into_iter().flatten() {
        append_cells(pieces, frame, layer, of);
    }
}

/// Appends what the cells of one layer say to an audience.
pub(crate) fn append_cells(pieces: &mut Pieces, frame: &Frame, layer: LayerKey, of: Audience) {
    for_deltas(frame, layer, of, |number, delta| {
        pieces.cell(layer, number, delta);
    });
}

/// Whether the cells of one layer say anything to an audience.
pub(crate) fn says_anything(frame: &Frame, layer: LayerKey, of: Audience) -> bool {
    let mut says = false;
    for_deltas(frame, layer, of, |_, delta| says |= !delta.bytes.is_empty());
    says
}

fn for_deltas<'f>(
    frame: &'f Frame,
    layer: LayerKey,
    of: Audience,
    mut with: impl FnMut(u8, &'f Blob),
) {
    frame.for_window(layer, of.anchor, |number, cell| {
        if of.known >> number & 1 == 1
            && let Some(tier) = of.tiers.of(number)
        {
            with(number, &cell.out.delta[usize::from(tier)]);
        }
    });
}
