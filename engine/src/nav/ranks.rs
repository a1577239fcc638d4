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

    /// All of them, in rows.
    pub(crate) fn squares(&self, height: u16) -> impl Iterator<Item = Square> {
        (0..height).flat_map(|y| {
            self.set
                .runs(usize::from(y) + 1)
                .flat_map(move |(from, to)| {
                    (from..to).map(move |place| {
                        #[expect(clippy::cast_possible_truncation, reason = "a place of a line")]
                        Square::new((place - 1) as u16, y)
                    })
                })
        })
    }
}
