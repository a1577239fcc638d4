//! What all bots counted, without a lock that they would wait for: each adds to one of a few
//! tallies, and the conductor collects them once a second.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::stage::micros;

/// Tallies that bots are spread over: with as many threads as cores two bots rarely meet.
const SHARDS: usize = 16;

/// Different texts that are kept of what went wrong; the rest is counted under one name.
const PROBLEMS_MAX: usize = 16;

/// What is said of a checksum that does not fit.
const CHECKSUM_MISMATCH: &str = "view mismatch: a cell's checksum is another";

/// Counts and times of one part of the run. Units: microseconds.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) frames_expected: u64,
    pub(super) frames_received: u64,
    /// Between two frames that were due.
    pub(super) interframe_us: Histogram<u64>,
    /// From an input's schedule to the frame that acknowledged it.
    pub(super) ack_us: Histogram<u64>,
    /// How late bots got to think: what the load driver's own process adds to `ack_us`.
    pub(super) driver_late_us: Histogram<u64>,
    pub(super) inputs_sent: u64,
    pub(super) inputs_refused: u64,
    pub(super) inputs_unacked: u64,
    /// Received payload, and the WebSocket headers in front of it.
    pub(super) bytes: u64,
    /// Time that clients were connected during the measurement, summed up.
    pub(super) client_us: u64,
    /// Ticks seen by members with an avatar, and those in which its position changed.
    pub(super) ticks: u64,
    pub(super) ticks_moved: u64,
    /// Checksums that did not fit, and messages that cannot be.
    pub(super) view_mismatches: u64,
    /// Members that had got nothing, not even a heartbeat, for long at the end.
    pub(super) silent: u64,
    /// Lines that were cut and whose members came back.
    pub(super) resumed: u64,
    /// By close code.
    pub(super) disconnects: BTreeMap<u16, u64>,
    /// What went wrong, in words.
    pub(super) problems: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        // Three digits: 0.05 ms of 50. It grows with the largest value, from almost nothing.
        let histogram = || Histogram::new(3).expect("three digits are allowed");
        Self {
            frames_expected: 0,
            frames_received: 0,
            interframe_us: histogram(),
            ack_us: histogram(),
            driver_late_us: histogram(),
            inputs_sent: 0,
            inputs_refused: 0,
            inputs_unacked: 0,
            bytes: 0,
            client_us: 0,
            ticks: 0,
            ticks_moved: 0,
            view_mismatches: 0,
            silent: 0,
            resumed: 0,
            disconnects: BTreeMap::new(),
            problems: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Something went wrong.
    pub(super) fn handle_problem(&mut self, what: impl Into<String>) {
        self.handle_problems(what.into(), 1);
    }

    fn handle_problems(&mut self, what: String, times: u64) {
        let known = self.problems.len() < PROBLEMS_MAX || self.problems.contains_key(&what);
        let what = if known { what } else { "other".to_owned() };
        *self.problems.entry(what).or_default() += times;
    }

    /// Cells of a bot's view are not what the server has.
    pub(super) fn handle_mismatches(&mut self, checksums: u32) {
        if checksums > 0 {
            self.view_mismatches += u64::from(checksums);
            self.handle_problems(CHECKSUM_MISMATCH.to_owned(), u64::from(checksums));
        }
    }

    /// An input that was never sent or never acknowledged; it counts with its age.
    pub(super) fn handle_lost_input(&mut self, measured: bool, age: Duration) {
        if measured {
            self.inputs_unacked += 1;
            self.ack_us += micros(age);
        }
    }

    /// Adds what another part of the run counted, and empties that.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        self.frames_expected += std::mem::take(&mut other.frames_expected);
        self.frames_received += std::mem::take(&mut other.frames_received);
        self.inputs_sent += std::mem::take(&mut other.inputs_sent);
        self.inputs_refused += std::mem::take(&mut other.inputs_refused);
        self.inputs_unacked += std::mem::take(&mut other.inputs_unacked);
        self.bytes += std::mem::take(&mut other.bytes);
        self.client_us += std::mem::take(&mut other.client_us);
        self.ticks += std::mem::take(&mut other.ticks);
        self.ticks_moved += std::mem::take(&mut other.ticks_moved);
        self.view_mismatches += std::mem::take(&mut other.view_mismatches);
        self.silent += std::mem::take(&mut other.silent);
        self.resumed += std::mem::take(&mut other.resumed);
        for (code, times) in std::mem::take(&mut other.disconnects) {
            *self.disconnects.entry(code).or_default() += times;
        }
        for (what, times) in std::mem::take(&mut other.problems) {
            self.handle_problems(what, times);
        }
        move_times(&mut other.interframe_us, &mut self.interframe_us);
        move_times(&mut other.ack_us, &mut self.ack_us);
        move_times(&mut other.driver_late_us, &mut self.driver_late_us);
    }
}

fn move_times(from: &mut Histogram<u64>, to: &mut Histogram<u64>) {
    if !from.is_empty() {
        to.add(&*from).expect("the sum of the two grows as needed");
        from.reset();
    }
}

/// The tallies of all bots.
#[derive(Debug)]
pub(super) struct Tallies(Vec<Mutex<Tally>>);

impl Tallies {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    /// Adds to the tally of this bot.
    pub(super) fn with<T>(&self, bot: usize, add: impl FnOnce(&mut Tally) -> T) -> T {
        let shard = &self.0[bot % SHARDS];
        add(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what was counted since the last time.
    pub(super) fn collect(&self) -> Tally {
        let mut all = Tally::default();
        for shard in &self.0 {
            all.absorb(&mut shard.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bots_count_is_collected_once() {
        let tallies = Tallies::new();
        for bot in 0..100 {
            tallies.with(bot, |tally| {
                tally.frames_received += 1;
                tally.interframe_us += 50_000;
                *tally.disconnects.entry(1006).or_default() += 1;
            });
        }
        let all = tallies.collect();
        assert_eq!(all.frames_received, 100);
        assert_eq!(all.interframe_us.len(), 100);
        assert_eq!(all.disconnects[&1006], 100);
        assert_eq!(tallies.collect().interframe_us.len(), 0);
    }

    #[test]
    fn checksums_that_do_not_fit_are_counted_and_named() {
        let mut tally = Tally::default();
        tally.handle_mismatches(0);
        assert!(tally.problems.is_empty());
        tally.handle_mismatches(1);
        tally.handle_mismatches(2);
        assert_eq!(tally.view_mismatches, 3);
        assert_eq!(tally.problems[CHECKSUM_MISMATCH], 3);
    }

    #[test]
    fn a_time_beyond_all_others_is_kept() {
        let mut total = Tally::default();
        let mut second = Tally::default();
        total.interframe_us += 50_000;
        second.interframe_us += 3_600_000_000;
        total.absorb(&mut second);
        assert!(total.interframe_us.max() >= 3_600_000_000);
    }

    #[test]
    fn a_thousand_different_problems_are_not_kept() {
        let mut tally = Tally::default();
        for n in 0..1000 {
            tally.handle_problem(format!("problem {n}"));
        }
        assert_eq!(tally.problems.len(), PROBLEMS_MAX + 1);
        assert_eq!(tally.problems.values().sum::<u64>(), 1000);
    }
}
