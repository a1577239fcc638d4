//! `Batch`: the jobs of one kind that a room submitted at one tick, on their way through the pool.
//!
//! In: jobs, from the room. Out: chunks of answers, over the room's channel. Whoever comes first
//! claims an entry and runs it: a thread of the pool, or the room itself when the batch is due.

use std::any::TypeId;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::job::{Answer, CANCELLED, Job, JobKind, Meter};
use crate::job_counters::JobCounters;
use crate::panics;

const WAITING: u8 = 0;
const RUNNING: u8 = 1;

/// A job and how far it is.
#[derive(Debug)]
pub(crate) struct Entry<J> {
    pub(crate) job: J,
    state: AtomicU8,
}

impl<J> Entry<J> {
    pub(crate) const fn new(job: J) -> Self {
        Self {
            job,
            state: AtomicU8::new(WAITING),
        }
    }

    /// Nobody starts it any more, and who runs it stops soon; answers whether it had begun.
    pub(crate) fn cancel(&self) -> bool {
        self.state.swap(CANCELLED, Ordering::Relaxed) == RUNNING
    }

    fn is_cancelled(&self) -> bool {
        self.state.load(Ordering::Relaxed) == CANCELLED
    }

    fn claim(&self) -> bool {
        let (from, to) = (WAITING, RUNNING);
        // Which thread runs it decides nothing, and the answers cross by a channel.
        let claimed = self
            .state
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        claimed.is_ok()
    }
}

/// How a run ended, and what it spent.
#[derive(Clone, Debug)]
pub(crate) struct Ran<O> {
    /// `None` is a panic.
    pub(crate) answer: Option<Answer<O>>,
    pub(crate) expansions: u32,
}

/// What a thread of the pool has done of a batch: indices and how they ended.
pub(crate) struct Chunk<O> {
    pub(crate) batch: u64,
    pub(crate) ran: Vec<(u32, Ran<O>)>,
}

/// Where a batch comes from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) game: Arc<str>,
    pub(crate) room: Arc<str>,
    pub(crate) tick_rate_hz: u16,
}

/// See the module.
pub(crate) struct Batch<J: Job> {
    pub(crate) number: u64,
    pub(crate) entries: Vec<Entry<J>>,
    pub(crate) kind: usize,
    pub(crate) origin: Arc<Origin>,
    pub(crate) counters: Arc<JobCounters>,
    done: Sender<Chunk<J::Output>>,
}

/// A batch as the pool sees it, whatever its jobs are.
pub(crate) trait Work: Send + Sync {
    fn rule(&self) -> &'static JobKind;
    /// What tells its kind from all others of all games.
    fn kind(&self) -> (TypeId, usize);
    /// Entries.
    fn len(&self) -> u32;
    fn tick_rate_hz(&self) -> u16;
    /// Runs those of these entries that still wait; `waited` is asked before and after each.
    fn run(&self, entries: Range<u32>, waited: &dyn Fn() -> Duration);
    /// Cancels all of it.
    fn abandon(&self);
}

impl<J: Job> Batch<J> {
    pub(crate) fn new(
        number: u64,
        entries: Vec<Entry<J>>,
        (kind, origin, counters): (usize, Arc<Origin>, Arc<JobCounters>),
        done: Sender<Chunk<J::Output>>,
    ) -> Self {
        Self {
            number,
            entries,
            kind,
            origin,
            counters,
            done,
        }
    }

    /// While it lives, a panic on this thread is one of these jobs'.
    pub(crate) fn mark_thread(&self) -> panics::InJob {
        panics::in_job(&self.origin.game, &self.origin.room, self.rule().name)
    }

    /// Runs an entry on this thread, unless it was claimed before.
    pub(crate) fn try_run(&self, index: usize) -> Option<Ran<J::Output>> {
        let entry = &self.entries[index];
        entry.claim().then(|| self.run_entry(entry))
    }

    /// Runs an entry on this thread although another one is at it: jobs are pure, and a thread
    /// that does not get its turn must not hold up a tick. The other one is told to stop.
    pub(crate) fn run_again(&self, index: usize) -> Ran<J::Output> {
        let entry = &self.entries[index];
        entry.cancel();
        let meter = Meter::new(entry.job.budget());
        self.caught(&entry.job, meter)
    }

    fn run_entry(&self, entry: &Entry<J>) -> Ran<J::Output> {
        let meter = Meter::cancellable(entry.job.budget(), &entry.state);
        self.caught(&entry.job, meter)
    }

    fn caught(&self, job: &J, mut meter: Meter<'_>) -> Ran<J::Output> {
        let answer = catch_unwind(AssertUnwindSafe(|| job.run(&mut meter)));
        let answer = answer.map_err(panics::drop_caught).ok();
        Ran {
            answer,
            // Where a panic left it, every machine does; a cancelled one is nobody's business.
            expansions: meter.spent(),
        }
    }
}

impl<J: Job> Work for Batch<J> {
    fn rule(&self) -> &'static JobKind {
        &J::KINDS[self.kind]
    }

    fn kind(&self) -> (TypeId, usize) {
        (TypeId::of::<J>(), self.kind)
    }

    fn len(&self) -> u32 {
        u32::try_from(self.entries.len()).expect("as many as admission lets in")
    }

    fn tick_rate_hz(&self) -> u16 {
        self.origin.tick_rate_hz
    }

    fn run(&self, entries: Range<u32>, waited: &dyn Fn() -> Duration) {
        let _in_job = self.mark_thread();
        let mut ran = Vec::with_capacity(entries.len());
        let mut began = waited();
        for index in entries {
            let Some(run) = self.try_run(index as usize) else {
                continue;
            };
            // What was told to stop may have stopped half-way: that is no answer.
            if self.entries[index as usize].is_cancelled() {
                began = waited();
                continue;
            }
            let ended = waited();
            self.counters
                .count_run(began, ended.saturating_sub(began), self.tick_rate_hz());
            began = ended;
            ran.push((index, run));
        }
        if !ran.is_empty() {
            let batch = self.number;
            if let Err(unwanted) = self.done.send(Chunk { batch, ran }) {
                panics::drop_caught(unwanted); // the room is gone
            }
        }
    }

    fn abandon(&self) {
        for entry in &self.entries {
            entry.cancel();
        }
    }
}
