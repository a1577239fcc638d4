//! `Ranks`: numbers for some of a grid's squares, without gaps.

use super::grid::{column, row};
use super::layer::Layer;
use super::square::Square;

/// A set of squares, and of each one how many come before it, in rows.
#[derive(Clone, Debug)]
pub(crate) struct Ranks {
    set: Layer,
    /// How many there are before each word.
    before: Vec<u32>,
    count: u32,
}

impl Ranks {
    pub(crate) fn of(set: Layer) -> Self {
        let mut count = 0;
        let before = set.words().iter().map(|word| {
            count += word.count_ones();
            count - word.count_ones()
        });
        let before = before.collect();
        Self { set, before, count }
    }

    /// How many squares there are.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// The number of a square that is in the set.
    #[inline]
    pub(crate) fn rank(&self, at: Square) -> u32 {
        let word = row(at) * self.set.stride() + column(at) / 64;
        let below = (1 << (column(at) % 64)) - 1;
        self.before[word] + (self.set.words()[word] & below).count_ones()
    }

    /// The squares that have numbers.
    pub(crate) fn set(&self) -> &Layer {
        &self.set
    }
}
