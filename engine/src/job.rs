//! `Job`: a long computation off the tick, and what it may spend.
//!
//! In: immutable data, usually an `Arc` of something that the room also has. Out: an answer that
//! depends on nothing but that data and the budget, so that it is the same on every machine and
//! thread. Knows nothing of pools, rooms or time.

use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use crate::entities::EntityId;
use crate::limits::{
    EXPANSION_NANOS, JOB_LATENCY_TICKS, JOBS_DUE_MAX, METER_LOOKS_EVERY, METER_OVERRUN_MAX,
};
use crate::replicate::Data;
use crate::tick::Tick;

/// A computation that takes too long for a tick.
///
/// [`Room::submit`](crate::Room::submit) hands it in at one tick; [`Game::job_done`] gets its
/// outcome at exactly the tick that its kind says, whichever thread finished when; or later, if the
/// kind is [`Late::Journal`].
///
/// `run` must be pure: it sees the job and nothing else. The engine may run it twice, on two
/// threads at once, and uses whichever answer comes first.
///
/// [`Game::job_done`]: crate::Game::job_done
pub trait Job: Send + Sync + Sized + 'static {
    /// What comes back; the journal keeps it.
    type Output: Data + Clone;

    /// The kinds of jobs that the game has; at most 8.
    const KINDS: &'static [JobKind];

    /// Which of [`Job::KINDS`] this one is.
    fn kind(&self) -> usize {
        0
    }

    /// What it may spend at most; admission counts it.
    ///
    /// Units: expansions, of about 100 ns each.
    fn budget(&self) -> u32;

    /// Whom it is for. An owner has one job of a kind in flight: a new one replaces the old, and
    /// a despawned owner's jobs are cancelled.
    fn owner(&self) -> Option<EntityId> {
        None
    }

    /// Jobs of one kind with the same number, submitted at the same tick, are run once. The number must say
    /// all that the answer depends on.
    fn same(&self) -> Option<u128> {
        None
    }

    /// Does the work. Calls [`Meter::spend`] as it goes, and stops when that answers no.
    fn run(&self, meter: &mut Meter<'_>) -> Answer<Self::Output>;
}

/// A game without jobs.
impl Job for () {
    type Output = ();
    const KINDS: &'static [JobKind] = &[];

    fn budget(&self) -> u32 {
        0
    }

    fn run(&self, _: &mut Meter<'_>) -> Answer<()> {
        Answer::Done(())
    }
}

/// What holds for all jobs of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobKind {
    /// In metrics and logs.
    pub name: &'static str,
    /// Ticks from the submission to the outcome.
    pub latency_ticks: u32,
    /// What happens when it is not done by then.
    pub late: Late,
    /// Who goes first when the pool has more to do than threads.
    pub priority: Priority,
    /// Most jobs of this kind that a room has which are not due yet; more are handed back.
    pub in_flight_max: u32,
    /// Most threads of the pool that work on this kind at the same time.
    pub threads_max: u32,
}

impl JobKind {
    /// A kind whose jobs are due after two ticks, at whatever price.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            latency_ticks: JOB_LATENCY_TICKS,
            late: Late::Strict,
            priority: Priority::Normal,
            in_flight_max: u32::MAX,
            threads_max: u32::MAX,
        }
    }

    /// Due so many ticks after it was submitted, at least one.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub const fn latency(mut self, ticks: u32) -> Self {
        assert!(ticks > 0, "a job is due at a later tick");
        self.latency_ticks = ticks;
        self
    }

    /// What is late is applied later.
    #[must_use]
    pub const fn journal(mut self) -> Self {
        self.late = Late::Journal;
        self
    }

    /// Before or after others.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// At most so many that are not due yet, per room.
    #[must_use]
    pub const fn in_flight(mut self, max: u32) -> Self {
        self.in_flight_max = max;
        self
    }

    /// At most so many at work at the same time, of all rooms; at least one.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub const fn threads(mut self, max: u32) -> Self {
        assert!(max > 0, "somebody has to do it");
        self.threads_max = max;
        self
    }
}

/// What happens to a job that is due and not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The tick thread does it itself: the room's history depends on its inputs alone.
    Strict,
    /// The tick goes on, and the outcome is applied at a later one: the room's history depends on
    /// when that was, and the journal records it.
    Journal,
}

/// Who goes first. Waiting makes equal: a job that waits long enough goes before newer ones of a
/// higher priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody looks at it: a click.
    High,
    /// The usual.
    Normal,
    /// Nobody would notice: tables that only make other jobs faster.
    Low,
}

/// How much a room may have due at one tick. Beyond it jobs are handed back, the same ones
/// whatever the machine and the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLimits {
    /// Jobs.
    pub due_max: u32,
    /// Expansions that strict jobs may declare: what the tick thread may have to do by itself.
    pub strict_expansions_max: u32,
    /// Expansions that the other jobs may declare: what is worth having threads for.
    pub journal_expansions_max: u32,
}

impl JobLimits {
    /// Strict jobs take at most a tenth of a tick's period, others at most a whole one of one
    /// thread.
    pub const fn at(tick_rate_hz: u16) -> Self {
        // A rate of 0 is refused elsewhere, in better words.
        let period = 1_000_000_000 / (tick_rate_hz as u32 + (tick_rate_hz == 0) as u32);
        let expansions = period / EXPANSION_NANOS;
        Self {
            due_max: JOBS_DUE_MAX,
            strict_expansions_max: expansions / 10,
            journal_expansions_max: expansions,
        }
    }
}

/// What a job came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<T> {
    /// All of it.
    Done(T),
    /// The best that the budget allowed.
    Partial(T),
    /// There is no such thing.
    NoPath,
}

impl<T> Answer<T> {
    /// The same answer, of something else: for a job that is made of another.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Done(output) => Answer::Done(into(output)),
            Self::Partial(output) => Answer::Partial(into(output)),
            Self::NoPath => Answer::NoPath,
        }
    }
}

/// How a submitted job ended; each one that was taken ends exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome<T> {
    /// All of it.
    Done(T),
    /// The best that the budget allowed.
    Partial(T),
    /// There is no such thing.
    NoPath,
    /// Done, but for a world that has changed since; see
    /// [`Game::is_stale`](crate::Game::is_stale).
    Stale(Answer<T>),
    /// Not done in time, and given up; only where lateness is [`Late::Journal`].
    Late,
    /// Taken back, replaced by a newer one of its owner, or its owner is gone.
    Cancelled,
    /// It panicked, or did not stop at the end of its budget.
    Panicked,
}

impl<T> From<Answer<T>> for Outcome<T> {
    fn from(answer: Answer<T>) -> Self {
        match answer {
            Answer::Done(output) => Self::Done(output),
            Answer::Partial(output) => Self::Partial(output),
            Answer::NoPath => Self::NoPath,
        }
    }
}

/// A job that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub(crate) u64);

/// A job that was not taken, because the room has as much in flight as it may; ask again at a
/// later tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected<J>(pub J);

/// An outcome as it was applied, for whoever runs the room again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedJob<T> {
    /// Steps of the room until then.
    pub step: u64,
    /// Whose.
    pub id: JobId,
    /// What came of it; whether it is stale follows from the room's state.
    pub outcome: Outcome<T>,
    /// What it spent.
    pub expansions: u32,
}

/// What [`Game::job_done`](crate::Game::job_done) is told.
#[derive(Debug)]
pub struct JobDone<'a, J: Job> {
    /// As [`Room::submit`](crate::Room::submit) answered.
    pub id: JobId,
    /// What was asked.
    pub job: &'a J,
    /// What came of it.
    pub outcome: Outcome<J::Output>,
    /// The tick at which it was submitted.
    pub submitted: Tick,
    /// What it spent; the same on every machine. Units: expansions.
    pub expansions: u32,
}

pub(crate) const CANCELLED: u8 = 3;

/// Counts what a job spends.
#[derive(Debug)]
pub struct Meter<'a> {
    /// In 64 bits, in which no job gets to the end.
    budget: u64,
    spent: u64,
    /// When it next looks whether the job was cancelled; the budget's end at the latest.
    look_at: u64,
    state: Option<&'a AtomicU8>,
    /// It was told to stop when it had spent so much.
    over_at: Option<u64>,
}

impl<'a> Meter<'a> {
    /// For a computation that nobody can cancel.
    pub const fn new(budget: u32) -> Self {
        Self {
            budget: budget as u64,
            spent: 0,
            look_at: budget as u64,
            state: None,
            over_at: None,
        }
    }

    pub(crate) fn cancellable(budget: u32, state: &'a AtomicU8) -> Self {
        let mut meter = Self::new(budget);
        meter.state = Some(state);
        meter.look_at = meter.budget.min(METER_LOOKS_EVERY.into());
        meter
    }

    /// Whether there is so much left; if not, the job answers with what it has.
    ///
    /// Units: expansions.
    ///
    /// # Panics
    /// If the job goes on regardless: what does not stop is stopped.
    #[inline]
    pub fn spend(&mut self, expansions: u32) -> bool {
        self.spent += u64::from(expansions);
        self.spent <= self.look_at || self.look()
    }

    #[cold]
    fn look(&mut self) -> bool {
        if let Some(over_at) = self.over_at {
            let over = self.spent - over_at;
            assert!(
                over <= METER_OVERRUN_MAX.into(),
                "a job goes on beyond its budget"
            );
            return false;
        }
        let cancelled = |state: &AtomicU8| state.load(Ordering::Relaxed) == CANCELLED;
        if self.spent > self.budget || self.state.is_some_and(cancelled) {
            self.over_at = Some(self.spent);
            self.look_at = self.spent - 1; // no is no, from now on
            return false;
        }
        self.look_at = (self.spent + u64::from(METER_LOOKS_EVERY)).min(self.budget);
        true
    }

    /// Spent so far. Units: expansions.
    pub fn spent(&self) -> u32 {
        u32::try_from(self.spent).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_that_has_said_no_says_no() {
        for (budget, first) in [(10, 11), (0, 1), (u32::MAX, u32::MAX)] {
            let mut meter = Meter::new(budget);
            meter.spend(first);
            assert!(!meter.spend(1), "{budget}");
            assert!(!meter.spend(0), "{budget}");
        }
    }

    #[test]
    #[should_panic(expected = "beyond its budget")]
    fn a_job_that_goes_on_regardless_is_stopped() {
        let mut meter = Meter::new(u32::MAX);
        while meter.spend(u32::MAX / 2) {}
        loop {
            meter.spend(1000);
        }
    }
}
