//! `Jobs`: what a room has submitted, and what is due.
//!
//! In: jobs, cancellations, answers of the pool. Out: each job's outcome, at its tick, in the order
//! of submission. Which thread did what, and when, shows nowhere: a strict job that is not done in
//! time is done here and now; a job of the journal's kind comes later, and is recorded.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use self::flight::{End, Flight, Spare};
use self::load::Load;
use self::owners::Owners;
use self::tally::Tally;
use crate::batch::{Batch, Chunk, Origin, Ran, Work};
use crate::counters::Counters;
use crate::entities::EntityId;
use crate::job::{AppliedJob, Job, JobId, JobLimits, Late, Outcome, Rejected};
use crate::job_pool::JobPool;
use crate::limits::{JOB_KINDS_MAX, JOB_LATE_TICKS_MAX};
use crate::tick::Tick;

mod load;
mod flight;
mod owners;
mod tally;
#[cfg(test)]
mod tests;

/// Who runs the jobs of a room, and who counts them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workshop {
    /// Without one, rooms run their jobs themselves, when they are due.
    pub(crate) pool: Option<Arc<JobPool>>,
    pub(crate) counters: Arc<Counters>,
}

/// See the module.
pub(crate) struct Jobs<J: Job> {
    workshop: Workshop,
    origin: Arc<Origin>,
    load: Load,
    tally: Tally,
    /// Steps so far; 64 bits, so that nothing wraps.
    step: u64,
    sequence: u64,
    next_batch: u64,
    /// Batches that are not wholly delivered, in the order of their numbers.
    flights: Vec<Flight<J>>,
    owners: Owners,
    sender: Sender<Chunk<J::Output>>,
    receiver: Receiver<Chunk<J::Output>>,
    /// Where in `flights` this step's batch of each kind is. Flights go when a step ends, not
    /// before.
    staged: [Option<usize>; JOB_KINDS_MAX],
    /// Where in `flights` those are that have something to deliver at this step.
    ready: VecDeque<usize>,
    /// The only batch of its tick among them: nothing has to be compared.
    alone: Option<usize>,
    /// The game is being told of outcomes.
    delivers: bool,
    /// A batch's lists, to be filled again.
    spare: Spare<J>,
    /// What was applied, if somebody wants to know.
    record: Option<Vec<AppliedJob<J::Output>>>,
    /// What is to be applied, whatever the pool says; by step.
    script: Option<VecDeque<AppliedJob<J::Output>>>,
}

/// A job whose outcome is to be delivered.
pub(crate) struct Ready<J: Job> {
    pub(crate) id: JobId,
    /// Where its batch is; see [`Jobs::batch`].
    pub(crate) flight: usize,
    pub(crate) index: usize,
    pub(crate) outcome: Outcome<J::Output>,
    pub(crate) expansions: u32,
    pub(crate) submitted: Tick,
}

impl<J: Job> Jobs<J> {
    pub(crate) fn new(origin: Origin, limits: JobLimits, workshop: Workshop) -> Self {
        const {
            assert!(
                J::KINDS.len() <= JOB_KINDS_MAX,
                "a game has at most 8 kinds of jobs"
            );
        };
        // Admission bounds what can be in it, and no thread of the pool may ever wait.
        let (sender, receiver) = crossbeam_channel::unbounded();
        Self {
            tally: Tally::new(J::KINDS, &workshop.counters),
            workshop,
            origin: Arc::new(origin),
            load: Load::new(limits),
            step: 0,
            sequence: 0,
            next_batch: 0,
            flights: Vec::new(),
            staged: [None; JOB_KINDS_MAX],
            spare: Spare::default(),
            owners: Owners::default(),
            sender,
            receiver,
            ready: VecDeque::new(),
            alone: None,
            delivers: false,
            record: None,
            script: None,
        }
    }

    // From the game.

    pub(crate) fn submit(&mut self, job: J, now: Tick) -> Result<JobId, Rejected<J>> {
        let kind = job.kind();
        let rule = &J::KINDS[kind];
        let same = job.same().map(|same| (kind, same));
        let leader = same.and_then(|same| self.leader(same));
        let expansions = if leader.is_some() { 0 } else { job.budget() };
        if !self.load.admit(kind, rule, expansions) {
            self.tally.of(kind).rejected += 1;
            return Err(Rejected(job));
        }
        let tally = self.tally.of(kind);
        tally.submitted += 1;
        tally.coalesced += u64::from(leader.is_some());
        self.sequence += 1;
        let (sequence, owner) = (self.sequence, job.owner());
        let flight = self.staged(kind, now);
        let place = (flight.number, flight.push(sequence, job, leader));
        if let Some(same) = same.filter(|_| leader.is_none()) {
            self.owners.lead(same, place.1);
        }
        if let Some(owner) = owner
            && let Some((batch, index)) = self.owners.replace(kind, owner, place)
        {
            self.cancel_at(batch, index);
        }
        Ok(JobId(sequence))
    }

    pub(crate) fn cancel(&mut self, JobId(sequence): JobId) -> bool {
        let place = self.flights.iter().find_map(|flight| {
            let index = flight.find(sequence)?;
            Some((flight.number, index))
        });
        place.is_some_and(|(batch, index)| self.cancel_at(batch, index))
    }

    pub(crate) fn cancel_owner(&mut self, owner: EntityId) {
        if self.flights.is_empty() {
            return;
        }
        for kind in 0..J::KINDS.len() {
            if let Some((batch, index)) = self.owners.remove(kind, owner) {
                self.cancel_at(batch, index);
            }
        }
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = (JobId, &J)> {
        self.flights.iter().flat_map(Flight::open_jobs)
    }

    /// The job of this step that asked the same, if anybody still wants its answer.
    fn leader(&self, same: (usize, u128)) -> Option<u32> {
        let leader = self.owners.leader(same)?;
        let flight = &self.flights[self.staged[same.0]?];
        flight.is_wanted(leader).then_some(leader)
    }

    fn cancel_at(&mut self, batch: u64, index: u32) -> bool {
        let Some(at) = self.flights.iter().rposition(|f| f.number == batch) else {
            return false;
        };
        let flight = &mut self.flights[at];
        let Some(stopped) = flight.cancel(index) else {
            return false;
        };
        if self.delivers && flight.due <= self.step {
            // It is told at this step, whether or not there was an answer that is not wanted now.
            flight.rewind_to(index);
            if let Err(place) = self.ready.binary_search(&at) {
                self.ready.insert(place, at);
            }
            self.alone = None;
        }
        let flight = &self.flights[at];
        let (kind, after) = (flight.kind, flight.due.saturating_sub(self.step));
        if let Some(expansions) = stopped.refund {
            let late = J::KINDS[kind].late;
            self.load.refund(after, late, expansions);
        }
        let tally = self.tally.of(kind);
        if stopped.was_running {
            tally.cancelled_running += 1;
        } else {
            tally.cancelled_queued += 1;
        }
        true
    }

    /// This step's batch of a kind.
    fn staged(&mut self, kind: usize, now: Tick) -> &mut Flight<J> {
        let at = *self.staged[kind].get_or_insert_with(|| {
            let due = self.step + u64::from(J::KINDS[kind].latency_ticks);
            let spare = std::mem::take(&mut self.spare);
            let flight = Flight::new((self.next_batch, kind), due, now, spare);
            self.flights.push(flight);
            self.next_batch += 1;
            self.flights.len() - 1
        });
        &mut self.flights[at]
    }

    // From the step.

    /// A step begins.
    pub(crate) fn advance(&mut self) {
        // What was submitted before the first step, or between two, is not part of this one.
        if self.staged.iter().any(Option::is_some) {
            self.flush();
        }
        self.step += 1;
        self.load.advance();
    }

    /// Finds out what is due now; strict jobs that are not done are done here.
    pub(crate) fn collect(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let began = self.workshop.pool.as_ref().map(|pool| pool.now());
        self.receive();
        if self.script.is_some() {
            self.follow_script();
        }
        for at in 0..self.flights.len() {
            let flight = &self.flights[at];
            if flight.due <= self.step && !flight.is_done() {
                self.settle(at);
            }
        }
        self.ready.clear();
        self.alone = None;
        self.delivers = true;
        for (at, flight) in self.flights.iter_mut().enumerate() {
            if flight.due <= self.step {
                flight.rewind();
                self.ready.push_back(at);
            }
        }
        if let (Some(pool), Some(began)) = (&self.workshop.pool, began) {
            let took = pool.now().saturating_sub(began);
            self.workshop.counters.jobs_drain_nanos.add(nanos(took));
        }
    }

    /// The next job to deliver at this step: the earliest of what the batches have.
    pub(crate) fn next_ready(&mut self) -> Option<Ready<J>> {
        let alone = self.alone.filter(|&at| self.flights[at].peek().is_some());
        let at = alone.or_else(|| self.find_ready());
        self.delivers = at.is_some();
        let at = at?;
        let flight = &mut self.flights[at];
        let (sequence, index, end, expansions) = flight.deliver();
        let (kind, was_late) = (flight.kind, flight.due < self.step);
        let tally = self.tally.of(kind);
        tally.expansions += u64::from(expansions);
        tally.late += u64::from(was_late);
        let is_news = !matches!(end, End::Cancelled);
        let outcome = tally.count(end);
        let ready = Ready {
            id: JobId(sequence),
            flight: at,
            index,
            outcome,
            expansions,
            submitted: flight.submitted,
        };
        if let Some(record) = self.record.as_mut().filter(|_| is_news) {
            record.push(AppliedJob {
                step: self.step,
                id: ready.id,
                outcome: ready.outcome.clone(),
                expansions,
            });
        }
        Some(ready)
    }

    /// The batch whose next job is the earliest. Those of a later tick come after all of an earlier
    /// one, so only the kinds of one tick are compared.
    fn find_ready(&mut self) -> Option<usize> {
        let mut next: Option<(u64, usize)> = None;
        let mut nth = 0;
        while let Some(&at) = self.ready.get(nth) {
            let submitted = self.flights[at].submitted;
            if next.is_some_and(|(_, next)| self.flights[next].submitted != submitted) {
                break;
            }
            match self.flights[at].peek() {
                Some(first) => {
                    if next.is_none_or(|(sequence, _)| first < sequence) {
                        next = Some((first, at));
                    }
                    nth += 1;
                }
                None => {
                    self.ready.remove(nth);
                }
            }
        }
        let at = next.map(|(_, at)| at);
        self.alone = at.filter(|_| nth == 1);
        at
    }

    /// The batch that a job which is ready belongs to.
    pub(crate) fn batch(&self, flight: usize) -> Arc<Batch<J>> {
        self.flights[flight].shared()
    }

    /// An outcome was stale.
    pub(crate) fn count_stale(&mut self, kind: usize) {
        self.tally.of(kind).stale += 1;
    }

    /// A step ends: what it submitted goes to the pool.
    pub(crate) fn flush(&mut self) {
        if self.flights.is_empty() && self.tally.is_empty() {
            return;
        }
        self.staged = [None; JOB_KINDS_MAX];
        for over in self.flights.extract_if(.., |flight| flight.is_delivered()) {
            self.spare = over.into_spare();
        }
        self.owners.end_step();
        let pool = self.workshop.pool.as_ref();
        let pool = pool.filter(|_| self.script.is_none());
        for flight in &mut self.flights {
            let counters = self.tally.counters(flight.kind);
            let batch = flight.launch(&self.origin, counters, &self.sender);
            if !flight.is_queued
                && let Some(pool) = pool
            {
                // What finds no room there is offered again; when it is due, it is done anyway.
                flight.is_queued = pool.push(batch as Arc<dyn Work>);
            }
        }
        self.tally.flush();
    }

    fn receive(&mut self) {
        while let Ok(Chunk { batch, ran }) = self.receiver.try_recv() {
            // Of a batch that is gone: the room was faster. Or it goes by a record, not by threads.
            if self.script.is_some() {
                continue;
            }
            if let Some(flight) = self.flights.iter_mut().rfind(|f| f.number == batch) {
                let ends = ran.into_iter().map(|(index, ran)| (index, ran.into()));
                ends.for_each(|(index, end)| flight.end(index, end, false));
            }
        }
    }

    fn follow_script(&mut self) {
        let Some(script) = &mut self.script else {
            return;
        };
        while let Some(applied) = script.pop_front_if(|applied| applied.step <= self.step) {
            let JobId(sequence) = applied.id;
            let found = self.flights.iter_mut().find_map(|flight| {
                let index = flight.find(sequence)?;
                Some((flight, index))
            });
            if let Some((flight, index)) = found {
                flight.end(index, End::of(applied.outcome, applied.expansions), true);
            }
        }
    }

    /// Sees to it that whatever must be delivered now has an end.
    fn settle(&mut self, at: usize) {
        let flight = &mut self.flights[at];
        let late = J::KINDS[flight.kind].late;
        let has_threads = self.workshop.pool.is_some() || self.script.is_some();
        if late == Late::Strict || !has_threads {
            let batch = flight.shared();
            let _in_job = batch.mark_thread();
            self.tally.of(flight.kind).helped += flight.run_open(&batch, false);
            // A thread that was interrupted in the middle may have ended since.
            self.receive();
            let flight = &mut self.flights[at];
            self.tally.of(flight.kind).helped += flight.run_open(&batch, true);
        } else if self.script.is_none() && self.step >= flight.due + u64::from(JOB_LATE_TICKS_MAX) {
            flight.give_up();
        }
    }

    // For whoever runs the room again.

    pub(crate) fn keep_record(&mut self) {
        self.record.get_or_insert_default();
    }

    pub(crate) fn take_record(&mut self) -> Vec<AppliedJob<J::Output>> {
        self.record.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn follow(&mut self, applied: impl IntoIterator<Item = AppliedJob<J::Output>>) {
        self.script.get_or_insert_default().extend(applied);
    }
}

impl<J: Job> Drop for Jobs<J> {
    fn drop(&mut self) {
        for flight in &mut self.flights {
            flight.abandon();
            self.tally.of(flight.kind).abandoned += flight.undelivered();
        }
        self.tally.flush();
    }
}

impl<O> From<Ran<O>> for End<O> {
    fn from(Ran { answer, expansions }: Ran<O>) -> Self {
        match answer {
            Some(answer) => Self::Answered(answer, expansions),
            None => Self::Panicked(expansions),
        }
    }
}

fn nanos(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
