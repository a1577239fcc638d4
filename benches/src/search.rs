//! Finds the largest load that is still borne: doubling, then halving the interval. Pure: it
//! says what to try and is told how that went.

/// Loads are whole rooms.
const STEP: u32 = 50;

/// Nothing beyond is tried: a descriptor limit of 20,000 is common.
const LOAD_MAX: u32 = 19_000;

/// A search under way.
pub(crate) struct Search {
    start: u32,
    /// The interval at which it is content, as a share of the load. Units: percent.
    resolution_pct: u32,
    /// The largest load that was borne; 0 if none was.
    good: u32,
    /// The smallest that was not.
    bad: Option<u32>,
}

impl Search {
    pub(crate) const fn new(start: u32, resolution_pct: u32) -> Self {
        Self {
            start,
            resolution_pct,
            good: 0,
            bad: None,
        }
    }

    /// What to try next; `None` when the answer is known.
    pub(crate) fn next(&self) -> Option<u32> {
        let next = match (self.good, self.bad) {
            (0, None) => self.start,
            (good, None) => (2 * good).min(LOAD_MAX),
            (good, Some(bad)) if bad - good <= STEP.max(good * self.resolution_pct / 100) => good,
            (good, Some(bad)) => (good + bad) / 2 / STEP * STEP,
        };
        // Between two neighbours there is nothing to try.
        (next > self.good && Some(next) != self.bad).then_some(next)
    }

    /// How the load went that [`Search::next`] named.
    pub(crate) const fn handle_result(&mut self, load: u32, borne: bool) {
        if borne {
            self.good = load;
        } else {
            self.bad = Some(load);
        }
    }

    /// The largest load that was borne.
    pub(crate) const fn found(&self) -> u32 {
        self.good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(capacity: u32, start: u32, resolution_pct: u32) -> (u32, usize) {
        let mut search = Search::new(start, resolution_pct);
        let mut probes = 0;
        while let Some(load) = search.next() {
            search.handle_result(load, load <= capacity);
            probes += 1;
            assert!(probes < 20, "a search ends");
        }
        (search.found(), probes)
    }

    #[test]
    fn the_largest_load_is_found_within_the_resolution() {
        for capacity in [50, 120, 800, 2375, 5600, 5999, 11_000, 18_000] {
            let (found, probes) = check(capacity, 1600, 6);
            assert!(found <= capacity);
            let short = capacity - found;
            assert!(short <= 50.max(capacity * 7 / 100), "{found} of {capacity}");
            assert!(probes <= 12, "{probes} probes for {capacity}");
        }
    }

    #[test]
    fn what_bears_nothing_or_everything_ends_too() {
        assert_eq!(check(0, 1600, 6).0, 0);
        assert_eq!(check(u32::MAX, 1600, 6).0, LOAD_MAX);
    }
}
