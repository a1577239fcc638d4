//! Pieces: sections cut so that each piece fits a message.
//!
//! In: sections and cells' bytes. Out: the bodies of messages. Every piece stands alone; what is
//! cut in two is cut between a cell's blocks.

use std::ops::Range;

use crate::block::{Blob, part};
use crate::cells::LayerKey;
use crate::codec::Encoder;
use crate::grid::CellId;
use crate::limits::BODY_BYTES_MAX;
use crate::wire::section;

/// Bodies one after another.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    /// Where all but the last piece end.
    cuts: Vec<usize>,
    /// The last piece ends within a section of cells.
    in_cells: bool,
}

/// What a view says: where its window is, and which of its cells are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ViewSection {
    pub(crate) anchor: CellId,
    pub(crate) known: u64,
}

impl Pieces {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.cuts.clear();
        self.in_cells = false;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The pieces, at least one.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.cuts.len() + 1).map(|at| &self.bytes[self.range(at)])
    }

    fn range(&self, at: usize) -> Range<usize> {
        let from = at.checked_sub(1).map_or(0, |before| self.cuts[before]);
        let to = self.cuts.get(at).copied().unwrap_or(self.bytes.len());
        from..to
    }

    /// Appends whole sections that belong together, at most a message.
    pub(crate) fn sections(&mut self, sections: &[u8]) {
        self.make_room(sections.len());
        self.in_cells = false;
        self.bytes.extend_from_slice(sections);
    }

    pub(crate) fn view(&mut self, view: ViewSection) {
        self.make_room(1 + 3 + 3 + 9);
        self.in_cells = false;
        self.bytes.push(section::VIEW);
        let mut out = Encoder::new(&mut self.bytes);
        out.value(&view.anchor.x);
        out.value(&view.anchor.y);
        out.varint(view.known);
    }

    /// A counted list of items of one tag, none larger than a message.
    pub(crate) fn list<'a>(&mut self, tag: u8, items: impl Iterator<Item = &'a [u8]>) {
        /// A section's tag, and its count as a varint of three bytes.
        const HEAD: usize = 1 + 3;
        let mut items = items.peekable();
        while items.peek().is_some() {
            self.make_room(HEAD + items.peek().map_or(0, |item| item.len()));
            self.in_cells = false;
            let start = self.bytes.len();
            let left = BODY_BYTES_MAX - self.last_len();
            let (mut bytes, mut count) = (HEAD, 0u16);
            // The count comes first, so the items are put behind it afterwards.
            while let Some(item) = items.next_if(|item| bytes + item.len() <= left) {
                bytes += item.len();
                count += 1;
                self.bytes.extend_from_slice(item);
                if count == u16::MAX {
                    break;
                }
            }
            let mut head = vec![tag];
            Encoder::new(&mut head).varint(u64::from(count));
            self.bytes.splice(start..start, head);
        }
    }

    /// What a layer of a cell has to say.
    pub(crate) fn cell(&mut self, layer: LayerKey, number: u8, blob: &Blob) {
        if blob.bytes.is_empty() {
            return;
        }
        let head = number | layer.number() << 6;
        let tag = usize::from(!self.in_cells);
        if self.last_len() + tag + 1 + blob.bytes.len() <= BODY_BYTES_MAX {
            self.start_cell(head);
            self.bytes.extend_from_slice(&blob.bytes);
            return;
        }
        let mut open = None::<usize>;
        for (at, &start) in blob.starts.iter().enumerate() {
            let end = blob
                .starts
                .get(at + 1)
                .map_or(blob.bytes.len(), |&end| end as usize);
            let block = &blob.bytes[start as usize..end];
            let fits = open.is_some() && self.last_len() + block.len() <= BODY_BYTES_MAX;
            if !fits {
                if let Some(last) = open {
                    self.bytes[last] &= !part::MORE;
                }
                self.make_room(2 + block.len());
                self.start_cell(head);
            }
            open = Some(self.bytes.len());
            self.bytes.extend_from_slice(block);
        }
    }

    fn start_cell(&mut self, head: u8) {
        if !self.in_cells {
            self.bytes.push(section::CELLS);
            self.in_cells = true;
        }
        self.bytes.push(head);
    }

    /// Appends other pieces, joining the last with the first where they fit a message.
    pub(crate) fn append(&mut self, other: &Self) {
        for (at, piece) in other.iter().enumerate() {
            if at > 0 {
                self.cut();
            } else if piece.is_empty() {
                return;
            } else {
                self.make_room(piece.len());
            }
            self.bytes.extend_from_slice(piece);
        }
        self.in_cells = other.in_cells;
    }

    fn last_len(&self) -> usize {
        self.bytes.len() - self.cuts.last().copied().unwrap_or(0)
    }

    /// Begins another piece unless so many bytes fit this one.
    fn make_room(&mut self, bytes: usize) {
        if self.last_len() + bytes > BODY_BYTES_MAX && self.last_len() > 0 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.cuts.push(self.bytes.len());
        self.in_cells = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(pieces: &Pieces) -> Vec<usize> {
        pieces.iter().map(<[u8]>::len).collect()
    }

    #[test]
    fn own_and_shared_parts_share_a_message_where_they_fit() {
        for (own, shared, expect) in [
            (0, 0, vec![0]),
            (5, 0, vec![5]),
            (5, 9, vec![14]),
            (5, BODY_BYTES_MAX, vec![5, BODY_BYTES_MAX]),
            (0, BODY_BYTES_MAX, vec![BODY_BYTES_MAX]),
        ] {
            let (mut mine, mut body) = (Pieces::default(), Pieces::default());
            mine.sections(&vec![1; own]);
            body.sections(&vec![2; shared]);
            mine.append(&body);
            assert_eq!(lens(&mine), expect);
        }
    }

    #[test]
    fn a_cell_too_large_for_a_message_is_cut_between_its_blocks() {
        let mut blob = Blob::default();
        for at in [0, 5000, 10_000] {
            blob.starts.push(at);
            blob.bytes.resize(at as usize + 5000, 0);
            blob.bytes[at as usize] = if at == 10_000 { 2 } else { 2 | part::MORE };
        }
        let mut pieces = Pieces::default();
        pieces.sections(&[9; 10]);
        pieces.cell(LayerKey::Public, 24, &blob);
        assert_eq!(lens(&pieces), [10 + 2 + 5000, 2 + 5000, 2 + 5000]);
        for piece in pieces.iter().skip(1) {
            assert_eq!(piece[..3], [section::CELLS, 24, 2], "no block follows");
        }
    }

    #[test]
    fn lists_are_counted_message_by_message() {
        let items = [vec![1; 6000], vec![2; 2000], vec![3; 6000], vec![]];
        let mut pieces = Pieces::default();
        pieces.list(section::EVENTS, items.iter().map(Vec::as_slice));
        let counts: Vec<_> = pieces.iter().map(|piece| piece[1]).collect();
        assert_eq!(counts, [2, 2]);
    }
}
