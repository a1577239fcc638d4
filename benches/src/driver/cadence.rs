//! Things that are due at a steady rate from a moment on: connections and inputs. Pure: the time
//! is handed in.

use std::time::{Duration, Instant};

const NANOS: u128 = 1_000_000_000;

/// A steady rate; what was not taken in time is still due.
pub(super) struct Cadence {
    began: Instant,
    per_second: u32,
    taken: u64,
}

impl Cadence {
    pub(super) const fn new(began: Instant, per_second: u32) -> Self {
        Self {
            began,
            per_second,
            taken: 0,
        }
    }

    /// Whether another one is due; it is then taken.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let due = self.next_at() <= now;
        self.taken += u64::from(due);
        due
    }

    /// How many were taken.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// When the next one is due; the first is due at the beginning.
    pub(super) fn next_at(&self) -> Instant {
        let nanos = u128::from(self.taken) * NANOS / u128::from(self.per_second);
        self.began + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_however_unevenly_it_is_asked_for() {
        let began = Instant::now();
        let mut cadence = Cadence::new(began, 3);
        for (millis, taken) in [(0, 1), (333, 1), (334, 2), (2000, 7), (10_000, 31)] {
            while cadence.take(began + Duration::from_millis(millis)) {}
            assert_eq!(cadence.taken(), taken, "after {millis} ms");
        }
    }

    #[test]
    fn nothing_is_due_before_the_beginning() {
        let began = Instant::now() + Duration::from_secs(1);
        let mut cadence = Cadence::new(began, 1000);
        assert!(!cadence.take(began - Duration::from_nanos(1)));
        assert_eq!(cadence.next_at(), began);
    }
}
