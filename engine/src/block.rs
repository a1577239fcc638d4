//! Blocks: the parts of a page's change, none larger than a message can carry.
//!
//! In: slots and how to write each. Out: bytes. What the parts mean is `page`'s business; that a
//! part which grows too large goes on in another block of the same page is this module's.
//!
//! Source: PROTOCOL.md § Cells.

use crate::codec::Encoder;
use crate::grid::bits;
use crate::limits::ITEM_BYTES_MAX;

/// The bits of a block's first byte, in the order of the parts.
pub(crate) mod part {
    pub(crate) const REMOVED: u8 = 1;
    pub(crate) const ADDED: u8 = 1 << 1;
    pub(crate) const MOVED: u8 = 1 << 2;
    pub(crate) const JUMPED: u8 = 1 << 3;
    pub(crate) const TURNED: u8 = 1 << 4;
    pub(crate) const CHANGED: u8 = 1 << 5;
    pub(crate) const PAGE: u8 = 1 << 6;
    pub(crate) const MORE: u8 = 1 << 7;
    pub(crate) const ANY: u8 = (1 << 6) - 1;
}

/// In the byte of an added slot.
pub(crate) const FOLLOWS: u8 = 1 << 6;
/// See [`FOLLOWS`].
pub(crate) const OVERLAY: u8 = 1 << 7;

/// A removed slot whose entity is nowhere else.
pub(crate) const TO_NOWHERE: u8 = 0xff;

/// The widest movement in bits; beyond it an entity jumps.
pub(crate) const WIDTH_MAX: u32 = 16;

/// The bytes of one entry's blocks, and where each block starts.
#[derive(Debug, Default)]
pub(crate) struct Blob {
    pub(crate) bytes: Vec<u8>,
    pub(crate) starts: Vec<u32>,
}

impl Blob {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
    }

    /// A block with a checksum alone.
    pub(crate) fn push_checksum(&mut self, checksum: u16) {
        self.begin(0);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
    }

    /// Starts a block of a page, behind what is there.
    fn begin(&mut self, page: usize) {
        if let Some(&last) = self.starts.last() {
            self.bytes[last as usize] |= part::MORE;
        }
        self.starts
            .push(u32::try_from(self.bytes.len()).expect("a cell's blob is far below 4 GiB"));
        self.bytes.push(0);
        if page > 0 {
            let block = self.block();
            self.bytes[block] |= part::PAGE;
            Encoder::new(&mut self.bytes).varint(page as u64);
        }
    }

    fn block(&self) -> usize {
        *self.starts.last().expect("a block was begun") as usize
    }
}

/// Writes one page's blocks into a blob; the first block begins with the first part.
pub(crate) struct Blocks<'a> {
    blob: &'a mut Blob,
    page: usize,
    begun: bool,
}

impl<'a> Blocks<'a> {
    pub(crate) const fn new(blob: &'a mut Blob, page: usize) -> Self {
        Self {
            blob,
            page,
            begun: false,
        }
    }

    /// A counted list of slots, split where it grows too large.
    ///
    /// # Panics
    /// If one item alone is larger than a message.
    pub(crate) fn list(&mut self, flag: u8, slots: u64, mut write: impl FnMut(u8, &mut Vec<u8>)) {
        if slots == 0 {
            return;
        }
        let mut count_at = self.start_list(flag);
        for slot in bits(slots) {
            let before = self.blob.bytes.len();
            write(slot, &mut self.blob.bytes);
            let item = self.blob.bytes.len() - before;
            assert!(
                item <= ITEM_BYTES_MAX,
                "an entity is at most {ITEM_BYTES_MAX} bytes, this one has {item}"
            );
            if self.blob.bytes.len() - self.blob.block() > BLOCK_BYTES_MAX {
                count_at = self.split(flag, count_at, before);
            }
            self.blob.bytes[count_at] += 1;
        }
    }

    /// A part that has its own shape and is always small.
    pub(crate) fn part(&mut self, flag: u8) -> &mut Vec<u8> {
        let full = self.begun
            && self.blob.bytes.len() - self.blob.block() > BLOCK_BYTES_MAX - PART_BYTES_MAX;
        if full || !self.begun {
            self.begin();
        }
        let block = self.blob.block();
        self.blob.bytes[block] |= flag;
        &mut self.blob.bytes
    }

    fn begin(&mut self) {
        self.blob.begin(self.page);
        self.begun = true;
    }

    fn start_list(&mut self, flag: u8) -> usize {
        let bytes = self.part(flag);
        bytes.push(0);
        bytes.len() - 1
    }

    /// Takes the last item back and puts it into a block of its own; answers where that counts.
    fn split(&mut self, flag: u8, count_at: usize, item_at: usize) -> usize {
        let item = self.blob.bytes.split_off(item_at);
        if self.blob.bytes[count_at] == 0 {
            let block = self.blob.block();
            self.blob.bytes[block] &= !flag;
            self.blob.bytes.truncate(count_at);
        }
        self.begin();
        let block = self.blob.block();
        self.blob.bytes[block] |= flag;
        self.blob.bytes.push(0);
        let count_at = self.blob.bytes.len() - 1;
        self.blob.bytes.extend_from_slice(&item);
        count_at
    }
}

/// What a block may take so that it fits a message with its section's tag and its cell's number,
/// and one item always fits a block.
pub(crate) const BLOCK_BYTES_MAX: usize = ITEM_BYTES_MAX + 16;

/// What movements or headings of 64 slots take at most.
const PART_BYTES_MAX: usize = 1 + 8 + 64 * 4;

/// Writes numbers of few bits one after another, least significant first.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            pending: 0,
            count: 0,
        }
    }

    /// Appends `width` bits, at most 32; those above are zero.
    pub(crate) fn push(&mut self, value: u32, width: u32) {
        debug_assert!(
            width == 32 || value >> width == 0,
            "no bits beyond the width"
        );
        self.pending |= u64::from(value) << self.count;
        self.count += width;
        if self.count >= 32 {
            self.out.extend_from_slice(&self.pending.to_le_bytes()[..4]);
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the last byte up with zeros.
    pub(crate) fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out
            .extend_from_slice(&self.pending.to_le_bytes()[..bytes]);
    }
}

/// A bitmap up to its last set bit; answers its bytes − 1, as it stands in a head.
pub(crate) fn bitmap_bytes(slots: u64) -> u8 {
    let bits = 64 - slots.leading_zeros();
    u8::try_from(bits.div_ceil(8).max(1) - 1).unwrap_or(7)
}

/// Appends so many bytes of a bitmap, as [`bitmap_bytes`] counts them.
pub(crate) fn write_bitmap(slots: u64, bytes: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&slots.to_le_bytes()[..=usize::from(bytes)]);
}

/// Appends a place: twice 24 bits.
pub(crate) fn write_place(at: [i32; 2], out: &mut Vec<u8>) {
    for side in at {
        out.extend_from_slice(&side.to_le_bytes()[..3]);
    }
}

/// FNV-1a of 32 bits, folded to 16. Source: PROTOCOL.md § Cells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checksum(u32);

impl Checksum {
    pub(crate) const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }

    pub(crate) fn finish(self) -> u16 {
        let [a, b, c, d] = self.0.to_le_bytes();
        u16::from_le_bytes([a ^ c, b ^ d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_packed_least_significant_first() {
        let mut out = Vec::new();
        let mut bits = BitWriter::new(&mut out);
        for value in [15, -3, 0, 9_i32] {
            bits.push(value.cast_unsigned() & 31, 5);
        }
        bits.finish();
        assert_eq!(out, [0xaf, 0x83, 0x04], "the example of PROTOCOL.md");
    }

    #[test]
    fn a_list_too_large_for_one_block_goes_on_in_the_next() {
        let mut blob = Blob::default();
        let mut blocks = Blocks::new(&mut blob, 3);
        blocks.list(part::REMOVED, 0b1, |slot, out| out.push(slot));
        blocks.list(part::ADDED, 0b111, |_, out| {
            out.resize(out.len() + ITEM_BYTES_MAX, 7);
        });
        assert_eq!(blob.starts.len(), 3);
        let heads: Vec<_> = blob
            .starts
            .iter()
            .map(|&at| blob.bytes[at as usize])
            .collect();
        let page = part::PAGE;
        assert_eq!(
            heads,
            [
                part::REMOVED | part::ADDED | page | part::MORE,
                part::ADDED | page | part::MORE,
                part::ADDED | page
            ]
        );
    }

    #[test]
    fn a_checksum_is_fnv_folded() {
        let mut sum = Checksum::new();
        sum.add(b"foobar");
        assert_eq!(sum.0, 0xbf9c_f968, "the published test vector");
        assert_eq!(sum.finish(), 0xbf9c ^ 0xf968);
    }
}
