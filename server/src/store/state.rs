//! Whether the store can be reached, and what was counted of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::random;
use crate::databases::Fault;

/// How the store does.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreHealth {
    /// Which kind of database it is: `sqlite`, `postgres` or `mysql`.
    pub kind: &'static str,
    /// Whether it can be reached.
    pub up: bool,
    /// Whether it could be since this process began.
    pub was_up: bool,
    /// Whether what was last written could be.
    pub writable: bool,
    /// For how long something of that has not been so. Units: seconds.
    pub down_s: u64,
    /// Writes that wait.
    pub queued: usize,
    /// Connections that are open.
    pub connections: u32,
    /// Of those, connections that nobody uses.
    pub idle: usize,
    /// Writes that were made.
    pub written: u64,
    /// Transactions in which they were.
    pub batches: u64,
    /// Transactions that had to be tried again.
    pub retried: u64,
    /// Writes that the database does not take.
    pub failed: u64,
    /// Writes that found the queue full.
    pub refused: u64,
    /// Writes that nobody waited for any more before they were made.
    pub given_up: u64,
    /// Reads that failed.
    pub reads_failed: u64,
}

#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) written: Count,
    pub(super) batches: Count,
    pub(super) retried: Count,
    pub(super) failed: Count,
    pub(super) refused: Count,
    pub(super) given_up: Count,
    pub(super) reads_failed: Count,
}

pub(super) struct State {
    up: watch::Sender<bool>,
    was_up: AtomicBool,
    writable: AtomicBool,
    /// Since when something is not as it should.
    since: Mutex<Option<Instant>>,
    /// The last number that was given to an account.
    last_id: AtomicU64,
    pub(super) counts: Counts,
}

impl Default for State {
    fn default() -> Self {
        Self {
            up: watch::Sender::new(false),
            was_up: AtomicBool::new(false),
            writable: AtomicBool::new(true),
            since: Mutex::new(None),
            last_id: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }
}

impl State {
    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    pub(super) fn was_up(&self) -> bool {
        self.was_up.load(Ordering::Relaxed)
    }

    /// Resolves when the store is, or is not, there.
    pub(super) async fn until(&self, up: bool) {
        let mut told = self.up.subscribe();
        let waited = told.wait_for(|now| *now == up).await;
        waited.expect("the sender is in here");
    }

    /// The store is there.
    pub(super) fn came(&self) {
        let was_up = self.was_up.swap(true, Ordering::Relaxed);
        let came = self.up.send_if_modified(|up| !std::mem::replace(up, true));
        if came && was_up {
            tracing::info!(down_s = self.down_s(), "the store is back");
        }
        self.settle();
    }

    /// The store did not answer as it should.
    pub(super) fn missed(&self, fault: &Fault) {
        self.begin();
        let went = self.up.send_if_modified(|up| std::mem::replace(up, false));
        if went || !self.was_up.load(Ordering::Relaxed) {
            tracing::warn!(fault = fault.text(), "the store cannot be reached");
        } else {
            tracing::debug!(fault = fault.text(), "the store still cannot be reached");
        }
    }

    /// It cannot be written to, though it may be there.
    pub(super) fn cannot_write(&self, fault: &Fault) {
        self.begin();
        if self.writable.swap(false, Ordering::Relaxed) {
            tracing::warn!(fault = fault.text(), "the store takes no writes");
        }
    }

    /// It was written to.
    pub(super) fn wrote(&self) {
        if !self.writable.swap(true, Ordering::Relaxed) {
            tracing::info!(down_s = self.down_s(), "the store takes writes again");
        }
        self.settle();
    }

    /// A number for an account: milliseconds since 2025 and twelve random bits, always larger than
    /// the last. Two processes that draw the same one are told so by the database.
    pub(super) fn new_id(&self, now_ms: i64) -> u64 {
        const EPOCH_MS: i64 = 1_735_689_600_000;
        let ms = u64::try_from(now_ms - EPOCH_MS).unwrap_or(0);
        let [high, low] = random::<2>();
        let drawn = ms << 12 | u64::from(u16::from_le_bytes([high, low]) & 0xfff);
        let next = |last: u64| drawn.max(last + 1);
        let relaxed = Ordering::Relaxed;
        let last = self
            .last_id
            .fetch_update(relaxed, relaxed, |last| Some(next(last)));
        next(last.unwrap_or_default())
    }

    pub(super) fn health(
        &self,
        kind: &'static str,
        queued: usize,
        connections: u32,
        idle: usize,
    ) -> StoreHealth {
        let counts = &self.counts;
        StoreHealth {
            kind,
            up: self.is_up(),
            was_up: self.was_up.load(Ordering::Relaxed),
            writable: self.writable.load(Ordering::Relaxed),
            down_s: self.down_s(),
            queued,
            connections,
            idle,
            written: counts.written.value(),
            batches: counts.batches.value(),
            retried: counts.retried.value(),
            failed: counts.failed.value(),
            refused: counts.refused.value(),
            given_up: counts.given_up.value(),
            reads_failed: counts.reads_failed.value(),
        }
    }

    fn down_s(&self) -> u64 {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(0, |since| since.elapsed().as_secs())
    }

    fn begin(&self) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
    }

    /// All is well again, if nothing else is amiss.
    fn settle(&self) {
        if self.is_up() && self.writable.load(Ordering::Relaxed) {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}
