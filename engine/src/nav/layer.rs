//! `Layer`: one bit for each square, 64 of a line in a word, with a blocked border all around.
//!
//! A grid has two: one whose lines are rows, one whose lines are columns, so that a scan in any of
//! the four straight directions reads words one after the other.

use super::square::Square;

/// Bits of the squares: 1 is free.
///
/// Places are counted from the border: what is square 0 elsewhere is place 1 here, so that
/// neighbours need no check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    words: Vec<u64>,
    /// Words per line.
    stride: usize,
}

impl Layer {
    /// Nothing is free. `lines` and `length` do not count the border.
    pub(crate) fn blocked(lines: u16, length: u16) -> Self {
        let stride = (usize::from(length) + 2).div_ceil(64);
        Self {
            words: vec![0; stride * (usize::from(lines) + 2)],
            stride,
        }
    }

    /// Back from its words; none if they are too many or too few.
    pub(crate) fn from_words(lines: u16, length: u16, words: Vec<u64>) -> Option<Self> {
        let blank = Self::blocked(lines, length);
        (blank.words.len() == words.len()).then_some(Self { words, ..blank })
    }

    /// Words per line.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// All words, line by line, the border's included.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The words of a line.
    #[inline]
    pub(crate) fn line(&self, line: usize) -> &[u64] {
        &self.words[line * self.stride..][..self.stride]
    }

    /// The words of a line, and of those before and after it.
    #[inline]
    pub(crate) fn three_lines(&self, line: usize) -> (&[u64], &[u64], &[u64]) {
        let (before, rest) =
            self.words[(line - 1) * self.stride..][..3 * self.stride].split_at(self.stride);
        let (here, after) = rest.split_at(self.stride);
        (before, here, after)
    }

    #[inline]
    pub(crate) fn is_free(&self, line: usize, place: usize) -> bool {
        self.words[line * self.stride + place / 64] >> (place % 64) & 1 == 1
    }

    pub(crate) fn set(&mut self, line: usize, place: usize, free: bool) {
        let bit = 1 << (place % 64);
        let word = &mut self.words[line * self.stride + place / 64];
        *word = if free { *word | bit } else { *word & !bit };
    }

    /// Whether all places from one to another are free, both included.
    pub(crate) fn is_clear(&self, line: usize, from: usize, to: usize) -> bool {
        let (from, to) = (from.min(to), from.max(to));
        let line = self.line(line);
        let (first, last) = (from / 64, to / 64);
        let head = u64::MAX << (from % 64);
        let tail = u64::MAX >> (63 - to % 64);
        if first == last {
            return !line[first] & head & tail == 0;
        }
        !line[first] & head == 0
            && !line[last] & tail == 0
            && line[first + 1..last].iter().all(|&word| word == u64::MAX)
    }

    /// The stretches of free places of a line: first place, and the place after the last.
    pub(crate) fn runs(&self, line: usize) -> impl Iterator<Item = (usize, usize)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let from = self.next(line, at, true)?;
            at = self.next(line, from, false).unwrap_or(self.stride * 64);
            Some((from, at))
        })
    }

    /// The free squares of a layer of rows.
    pub(crate) fn squares(&self, height: u16) -> impl Iterator<Item = Square> {
        (0..height).flat_map(|y| {
            self.runs(usize::from(y) + 1).flat_map(move |(from, to)| {
                (from..to).map(move |place| {
                    #[expect(clippy::cast_possible_truncation, reason = "a place of a line")]
                    Square::new((place - 1) as u16, y)
                })
            })
        })
    }

    /// The first place from `at` on that is free, or is not.
    fn next(&self, line: usize, at: usize, free: bool) -> Option<usize> {
        let line = self.line(line);
        let flip = if free { 0 } else { u64::MAX };
        let mut mask = u64::MAX << (at % 64);
        for (index, &word) in line.iter().enumerate().skip(at / 64) {
            let found = (word ^ flip) & mask;
            if found != 0 {
                return Some(index * 64 + found.trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Layer {
        let length = u16::try_from(text.len()).expect("short");
        let mut layer = Layer::blocked(1, length);
        for (at, letter) in text.bytes().enumerate() {
            layer.set(1, at + 1, letter == b'.');
        }
        layer
    }

    #[test]
    fn runs_are_found_across_words() {
        let mut text = "#".repeat(60);
        text.push_str(&".".repeat(10));
        text.push('#');
        text.push_str(&".".repeat(128));
        let runs: Vec<_> = line(&text).runs(1).collect();
        assert_eq!(runs, [(61, 71), (72, 200)]);
    }

    #[test]
    fn a_stretch_is_clear_if_each_place_is() {
        let text: String = (0..200)
            .map(|at| if at == 130 { '#' } else { '.' })
            .collect();
        let layer = line(&text);
        for from in 1..=200 {
            for to in from..=200 {
                let clear = !(from..=to).contains(&131);
                assert_eq!(layer.is_clear(1, from, to), clear, "{from} to {to}");
                assert_eq!(layer.is_clear(1, to, from), clear, "{to} to {from}");
            }
        }
        assert!(!layer.is_clear(1, 0, 1), "the border is blocked");
        assert!(!layer.is_clear(1, 200, 201), "the border is blocked");
    }
}
