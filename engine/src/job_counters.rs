//! What the engine counts of the jobs of one kind.

use std::time::Duration;

use crate::counters::Counter;

/// The counts of one kind of jobs, of all rooms.
#[derive(Debug, Default)]
pub struct JobCounters {
    /// Taken and not yet answered.
    pub in_flight: Counter,
    /// Taken.
    pub submitted: Counter,
    /// Handed back by admission.
    pub rejected: Counter,
    /// Answered by another job of the same tick that asked the same.
    pub coalesced: Counter,
    /// Cancelled while no thread was at it: not begun, done already, or run for others as well.
    pub cancelled_queued: Counter,
    /// Cancelled while a thread was at it.
    pub cancelled_running: Counter,
    /// Ended with all that was asked for.
    pub done: Counter,
    /// Ended at the end of the budget.
    pub partial: Counter,
    /// Ended with nothing to be found.
    pub no_path: Counter,
    /// Answered for a world that had changed.
    pub stale: Counter,
    /// Applied after the tick at which it was due.
    pub late: Counter,
    /// Given up, being too late.
    pub given_up: Counter,
    /// Panicked.
    pub panicked: Counter,
    /// Finished by the tick thread, because no thread of the pool had.
    pub helped: Counter,
    /// Spent, of what was applied.
    pub expansions: Counter,
    /// From the end of the submitting tick until a thread began. Units: microseconds.
    pub queue_us: Histogram,
    /// At work. Units: microseconds.
    pub run_us: Histogram,
    /// As `queue_us`. Units: ticks of the room.
    pub queue_ticks: Histogram,
    /// As `run_us`. Units: ticks of the room.
    pub run_ticks: Histogram,
}

impl JobCounters {
    pub(crate) fn count_run(&self, waited: Duration, took: Duration, tick_rate_hz: u16) {
        let (waited, took) = (micros(waited), micros(took));
        let ticks = |us: u64| us * u64::from(tick_rate_hz) / 1_000_000;
        self.queue_us.add(waited);
        self.run_us.add(took);
        self.queue_ticks.add(ticks(waited));
        self.run_ticks.add(ticks(took));
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

const BUCKETS: usize = 26;

/// How often a value was how large, by powers of two.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    sum: Counter,
}

impl Histogram {
    fn add(&self, value: u64) {
        let bits = (u64::BITS - value.leading_zeros()) as usize;
        self.buckets[bits.min(BUCKETS - 1)].add(1);
        self.sum.add(value);
    }

    /// How many values lie in each bucket, above the bound before and up to its own: pairs of
    /// (bound, count), the bounds 0, 1, 3, 7, …; the last bucket has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bound = |bits: usize| (bits < BUCKETS - 1).then(|| (1 << bits) - 1);
        let counts = self.buckets.iter().map(Counter::value).enumerate();
        counts.map(move |(bits, count)| (bound(bits), count))
    }

    /// All values together.
    pub fn sum(&self) -> u64 {
        self.sum.value()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(Counter::value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_by_powers_of_two() {
        let histogram = Histogram::default();
        for value in [0, 1, 2, 3, 4, u64::MAX >> 1] {
            histogram.add(value);
        }
        let counted: Vec<_> = histogram.buckets().filter(|(_, n)| *n > 0).collect();
        let expected = [(Some(0), 1), (Some(1), 1), (Some(3), 2), (Some(7), 1)];
        assert_eq!(counted[..4], expected);
        assert_eq!(counted[4], (None, 1));
        assert_eq!(histogram.count(), 6);
    }
}
