//! What the engine counts: plain numbers that the server turns into metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::job_counters::JobCounters;
use crate::limits::TICK_RATE_HZ_MAX;
use crate::wire::CloseCode;

/// A number that only grows, or goes up and down.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }
}

const RATES: usize = TICK_RATE_HZ_MAX as usize + 1;

/// The counters of one world.
#[derive(Debug)]
pub struct Counters {
    ticks_run: [Counter; RATES],
    ticks_dropped: [Counter; RATES],
    step_nanos: [Counter; RATES],
    closes: [Counter; CloseCode::ALL.len()],
    /// When the tick thread began its last turn; see `WorldHandle::since_turn`.
    pub(crate) last_turn_ms: Counter,
    /// Rooms that are open now, asleep or not.
    pub rooms_open: Counter,
    /// Rooms ended by a panic of their game.
    pub rooms_failed: Counter,
    /// Members that are connected now.
    pub members: Counter,
    /// Inputs handed to rooms.
    pub inputs: Counter,
    /// Inputs that found a room's inbox full.
    pub inputs_refused: Counter,
    /// Messages dropped by a rate limit.
    pub messages_dropped: Counter,
    /// Messages written to members.
    pub messages_sent: Counter,
    /// Bytes of those, without WebSocket framing.
    pub bytes_sent: Counter,
    /// Frames that a slow member did not get.
    pub frames_skipped: Counter,
    /// Times a room task lagged behind the tick.
    pub notices_lagged: Counter,
    /// Connections that ended without a close frame.
    pub connections_lost: Counter,
    /// Time that tick threads took to collect due jobs, and to finish those that were not done.
    /// Units: nanoseconds.
    pub jobs_drain_nanos: Counter,
    /// Messages of the layer that games were handed, one for each receiver.
    pub layer_messages: Counter,
    /// Messages of the layer whose type their game does not know.
    pub layer_unknown: Counter,
    /// Messages of the layer with wrong contents.
    pub layer_malformed: Counter,
    /// Times that a room was told that it may have missed messages.
    pub layer_missed: Counter,
    /// What rooms wanted of the layer and was dropped, because too much waited.
    pub layer_dropped: Counter,
    /// What rooms wanted of the layer and it did not do.
    pub layer_failed: Counter,
    /// Questions of rooms to the outside.
    pub queries: Counter,
    /// Questions that wait for an answer now.
    pub queries_waiting: Counter,
    /// Questions that were not answered.
    pub queries_failed: Counter,
    jobs: Mutex<BTreeMap<&'static str, Arc<JobCounters>>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            ticks_run: std::array::from_fn(|_| Counter::default()),
            ticks_dropped: std::array::from_fn(|_| Counter::default()),
            step_nanos: std::array::from_fn(|_| Counter::default()),
            closes: Default::default(),
            last_turn_ms: Counter::default(),
            rooms_open: Counter::default(),
            rooms_failed: Counter::default(),
            members: Counter::default(),
            inputs: Counter::default(),
            inputs_refused: Counter::default(),
            messages_dropped: Counter::default(),
            messages_sent: Counter::default(),
            bytes_sent: Counter::default(),
            frames_skipped: Counter::default(),
            notices_lagged: Counter::default(),
            connections_lost: Counter::default(),
            jobs_drain_nanos: Counter::default(),
            layer_messages: Counter::default(),
            layer_unknown: Counter::default(),
            layer_malformed: Counter::default(),
            layer_missed: Counter::default(),
            layer_dropped: Counter::default(),
            layer_failed: Counter::default(),
            queries: Counter::default(),
            queries_waiting: Counter::default(),
            queries_failed: Counter::default(),
            jobs: Mutex::default(),
        }
    }
}

/// What one tick rate's clock has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockCounts {
    /// The rate.
    pub tick_rate_hz: u16,
    /// Ticks run.
    pub run: u64,
    /// Ticks that passed without being run.
    pub dropped: u64,
    /// Time spent in steps. Units: nanoseconds.
    pub step_nanos: u64,
}

impl Counters {
    /// The clocks that have ever run, slowest first.
    pub fn clocks(&self) -> impl Iterator<Item = ClockCounts> {
        (0..=TICK_RATE_HZ_MAX).filter_map(|tick_rate_hz| {
            let rate = usize::from(tick_rate_hz);
            let run = self.ticks_run[rate].value();
            (run > 0).then(|| ClockCounts {
                tick_rate_hz,
                run,
                dropped: self.ticks_dropped[rate].value(),
                step_nanos: self.step_nanos[rate].value(),
            })
        })
    }

    /// The kinds of jobs that were ever submitted, by name, with their counts.
    pub fn jobs(&self) -> Vec<(&'static str, Arc<JobCounters>)> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let shared =
            |(name, counters): (&&'static str, &Arc<JobCounters>)| (*name, Arc::clone(counters));
        jobs.iter().map(shared).collect()
    }

    pub(crate) fn jobs_of(&self, kind: &'static str) -> Arc<JobCounters> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(jobs.entry(kind).or_default())
    }

    /// How many connections the server closed with each code.
    pub fn closes(&self) -> impl Iterator<Item = (CloseCode, u64)> {
        let counts = self.closes.iter().map(Counter::value);
        CloseCode::ALL.into_iter().zip(counts)
    }

    /// Counts a close by the server.
    pub fn count_close(&self, code: CloseCode) {
        self.closes[code as usize].add(1);
    }

    pub(crate) fn count_ticks(&self, tick_rate_hz: u16, run: u64, dropped: u64, nanos: u64) {
        let rate = usize::from(tick_rate_hz);
        self.ticks_run[rate].add(run);
        self.ticks_dropped[rate].add(dropped);
        self.step_nanos[rate].add(nanos);
    }
}
