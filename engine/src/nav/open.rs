//! `Open`: the places that a search still has to look at, cheapest first.

/// Width of a bucket. Units: costs; a quarter of a straight step.
const WIDTH: u32 = 256;
/// Buckets in the ring; what is farther off waits outside.
const BUCKETS: usize = 1024;
const NONE: u32 = u32::MAX;

/// A queue of buckets. What comes last into a bucket goes first, so that of many equal ways one is
/// followed to its end before the others.
#[derive(Debug)]
pub(crate) struct Open {
    /// Lists of entries: (key, next entry).
    entries: Vec<(u32, u32)>,
    heads: Vec<u32>,
    /// Which buckets have entries.
    full: [u64; BUCKETS / 64],
    /// Entries beyond the ring: (cost, key).
    far: Vec<(u32, u32)>,
    /// Bucket number of the first one of the ring.
    base: u32,
    /// Place in the ring that is being emptied.
    at: usize,
}

impl Open {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            heads: vec![NONE; BUCKETS],
            full: [0; BUCKETS / 64],
            far: Vec::new(),
            base: 0,
            at: 0,
        }
    }

    /// Empties it; nothing cheaper than `cost` is expected.
    pub(crate) fn clear(&mut self, cost: u32) {
        self.entries.clear();
        self.far.clear();
        self.full.fill(0);
        self.base = cost / WIDTH;
        self.at = 0;
    }

    /// Adds a key. What is cheaper than what comes out at present comes out at once.
    #[inline]
    pub(crate) fn push(&mut self, cost: u32, key: u32) {
        let place = ((cost / WIDTH).saturating_sub(self.base) as usize).max(self.at);
        if place >= BUCKETS {
            self.far.push((cost, key));
            return;
        }
        let (word, bit) = (place / 64, 1 << (place % 64));
        let next = if self.full[word] & bit == 0 {
            NONE
        } else {
            self.heads[place]
        };
        self.full[word] |= bit;
        #[expect(clippy::cast_possible_truncation, reason = "fewer entries than costs")]
        let entry = self.entries.len() as u32;
        self.entries.push((key, next));
        self.heads[place] = entry;
    }

    /// The next key, and what its bucket costs at least.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(u32, u32)> {
        loop {
            let mut word = self.at / 64;
            let mut bits = self.full[word] >> (self.at % 64) << (self.at % 64);
            while bits == 0 && word + 1 < self.full.len() {
                word += 1;
                bits = self.full[word];
            }
            if bits != 0 {
                self.at = word * 64 + bits.trailing_zeros() as usize;
                let (key, next) = self.entries[self.heads[self.at] as usize];
                self.heads[self.at] = next;
                if next == NONE {
                    self.full[word] &= !(1 << (self.at % 64));
                }
                #[expect(clippy::cast_possible_truncation, reason = "a place in the ring")]
                let floor = (self.base + self.at as u32) * WIDTH;
                return Some((key, floor));
            }
            self.turn()?;
        }
    }

    /// The ring is empty: lets in what waited outside.
    #[cold]
    fn turn(&mut self) -> Option<()> {
        self.base = self.far.iter().map(|entry| entry.0).min()? / WIDTH;
        self.at = 0;
        self.entries.clear();
        let far = std::mem::take(&mut self.far);
        for &(cost, key) in &far {
            self.push(cost, key);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cheaper_comes_first_however_far_apart_costs_are() {
        let mut open = Open::new();
        for spread in [10, 5_000, 900_000, 70_000_000] {
            open.clear(100);
            let costs: Vec<u32> = (0..500_u32)
                .map(|n| 100 + n * 7919 % 500 * (spread / 500 + 1))
                .collect();
            let half = costs.len() / 2;
            let push = |open: &mut Open, from: usize, to: usize| {
                for (key, &cost) in (0..).zip(&costs).take(to).skip(from) {
                    open.push(cost, key);
                }
            };
            push(&mut open, 0, half);
            let mut out = Vec::new();
            let mut last = 0;
            // Some that were pushed late are cheaper than what came out already.
            for count in 0..costs.len() {
                if count == half / 2 {
                    push(&mut open, half, costs.len());
                }
                let (key, floor) = open.pop().expect("as many as went in");
                assert!(floor >= last, "floors grow");
                let cost = costs[key as usize];
                assert!(cost < floor + WIDTH && (cost >= floor || key as usize >= half));
                last = floor;
                out.push(key);
            }
            assert!(open.pop().is_none());
            out.sort_unstable();
            assert!(out.into_iter().eq(0..500), "each once");
        }
    }

    #[test]
    fn of_equals_the_last_comes_first() {
        let mut open = Open::new();
        open.clear(0);
        (0..5).for_each(|key| open.push(1000, key));
        let keys: Vec<u32> = std::iter::from_fn(|| open.pop())
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, [4, 3, 2, 1, 0]);
    }
}
