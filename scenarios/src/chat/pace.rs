//! How fast somebody may talk, in game time.

use downbeat::Tick;
use serde::{Deserialize, Serialize};

/// Lines at once.
const BURST: u32 = 5;

/// Time for one more. Units: seconds.
const LINE_S: u32 = 1;

/// What somebody may still say. Shape: a bucket of `BURST` lines that fills by one a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pace {
    /// When the bucket is full again.
    full_at: Tick,
}

impl Pace {
    /// A full bucket.
    pub(super) const fn new(now: Tick) -> Self {
        Self { full_at: now }
    }

    /// Takes a line out, if there is one.
    pub(super) fn take(&mut self, now: Tick, tick_rate_hz: u16) -> bool {
        let line = LINE_S * u32::from(tick_rate_hz);
        let from = if self.full_at.is_newer(now) {
            self.full_at
        } else {
            now
        };
        let owed = from.number().wrapping_sub(now.number());
        let fits = owed + line <= BURST * line;
        if fits {
            self.full_at = Tick::new(from.number().wrapping_add(line));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_lines_at_once_then_one_a_second_across_the_end_of_numbers() {
        for start in [0, u32::MAX - 20] {
            let at = |ticks: u32| Tick::new(start.wrapping_add(ticks));
            let mut pace = Pace::new(at(0));
            let said = (0..20).filter(|_| pace.take(at(0), 10)).count();
            assert_eq!(said, 5);
            let said = (1..=50).filter(|&tick| pace.take(at(tick), 10)).count();
            assert_eq!(said, 5, "in five seconds");
            let said = (0..20).filter(|_| pace.take(at(1000), 10)).count();
            assert_eq!(said, 5, "after a rest");
        }
    }
}
