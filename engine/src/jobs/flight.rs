//! A batch as its room sees it: which of its jobs have ended how, and which are delivered.

use std::sync::Arc;

use crossbeam_channel::Sender;

use crate::batch::{Batch, Chunk, Entry, Origin, Work as _};
use crate::job::{Answer, Job, JobId, Outcome};
use crate::job_counters::JobCounters;
use crate::tick::Tick;

/// How a job ended, and what it spent.
#[derive(Clone, Debug)]
pub(super) enum End<O> {
    Answered(Answer<O>, u32),
    Panicked(u32),
    Late,
    Cancelled,
}

impl<O> End<O> {
    /// As it was recorded.
    pub(super) fn of(outcome: Outcome<O>, expansions: u32) -> Self {
        match outcome {
            Outcome::Done(output) => Self::Answered(Answer::Done(output), expansions),
            Outcome::Partial(output) => Self::Answered(Answer::Partial(output), expansions),
            Outcome::NoPath => Self::Answered(Answer::NoPath, expansions),
            Outcome::Stale(answer) => Self::Answered(answer, expansions),
            Outcome::Late => Self::Late,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Panicked => Self::Panicked(expansions),
        }
    }
}

/// One submitted job.
struct Slot<O> {
    sequence: u64,
    /// The job that is run for this one: itself, or an earlier one that asked the same.
    leader: u32,
    /// Of a leader: how many still want its answer.
    wanted: u32,
    /// Of a leader.
    end: Option<End<O>>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Wanted,
    Cancelled,
    Delivered,
}

enum Body<J: Job> {
    /// Its step is not over.
    Staged(Vec<Entry<J>>),
    Launched(Arc<Batch<J>>),
}

/// See the module.
pub(super) struct Flight<J: Job> {
    pub(super) number: u64,
    pub(super) kind: usize,
    /// The step at which its outcomes are due.
    pub(super) due: u64,
    pub(super) submitted: Tick,
    pub(super) is_queued: bool,
    body: Body<J>,
    slots: Vec<Slot<J::Output>>,
    delivered: usize,
    /// Jobs to be run that have no end.
    open: usize,
    /// The first slot that was not looked at in this step.
    cursor: usize,
}

/// The lists of a batch that is over, for the next one.
pub(super) struct Spare<J: Job> {
    entries: Vec<Entry<J>>,
    slots: Vec<Slot<J::Output>>,
}

impl<J: Job> Default for Spare<J> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            slots: Vec::new(),
        }
    }
}

/// A job that was cancelled.
pub(super) struct Stopped {
    pub(super) was_running: bool,
    /// What will not be spent, if nobody else wants it.
    pub(super) refund: Option<u32>,
}

impl<J: Job> Flight<J> {
    pub(super) fn new(
        (number, kind): (u64, usize),
        due: u64,
        submitted: Tick,
        spare: Spare<J>,
    ) -> Self {
        Self {
            number,
            kind,
            due,
            submitted,
            is_queued: false,
            body: Body::Staged(spare.entries),
            slots: spare.slots,
            delivered: 0,
            open: 0,
            cursor: 0,
        }
    }

    /// Its lists, empty; a thread that is still at the batch keeps the one that it looks at.
    pub(super) fn into_spare(self) -> Spare<J> {
        let mut spare = Spare {
            slots: self.slots,
            ..Spare::default()
        };
        spare.slots.clear();
        if let Body::Launched(batch) = self.body
            && let Some(batch) = Arc::into_inner(batch)
        {
            spare.entries = batch.entries;
            spare.entries.clear();
        }
        spare
    }

    pub(super) const fn is_delivered(&self) -> bool {
        self.delivered == self.slots.len()
    }

    pub(super) fn undelivered(&self) -> u64 {
        (self.slots.len() - self.delivered) as u64
    }

    pub(super) fn push(&mut self, sequence: u64, job: J, leader: Option<u32>) -> u32 {
        let Body::Staged(entries) = &mut self.body else {
            unreachable!("a batch takes jobs until its step ends");
        };
        let index = u32::try_from(entries.len()).expect("admission takes fewer");
        let leader = leader.unwrap_or(index);
        let entry = Entry::new(job);
        if leader == index {
            self.open += 1;
        } else {
            entry.cancel(); // the other one is run
            self.slots[leader as usize].wanted += 1;
        }
        entries.push(entry);
        self.slots.push(Slot {
            sequence,
            leader,
            wanted: u32::from(leader == index),
            end: None,
            stage: Stage::Wanted,
        });
        index
    }

    /// Whether somebody waits for what this one is run for.
    pub(super) fn is_wanted(&self, index: u32) -> bool {
        self.slots[index as usize].wanted > 0
    }

    /// Makes a batch of it once its step is over.
    pub(super) fn launch(
        &mut self,
        origin: &Arc<Origin>,
        counters: &Arc<JobCounters>,
        done: &Sender<Chunk<J::Output>>,
    ) -> Arc<Batch<J>> {
        if let Body::Staged(entries) = &mut self.body {
            let entries = std::mem::take(entries);
            let of = (self.kind, Arc::clone(origin), Arc::clone(counters));
            let batch = Batch::new(self.number, entries, of, done.clone());
            self.body = Body::Launched(Arc::new(batch));
        }
        self.shared()
    }

    pub(super) fn shared(&self) -> Arc<Batch<J>> {
        match &self.body {
            Body::Launched(batch) => Arc::clone(batch),
            Body::Staged(_) => unreachable!("a batch is due at a later step"),
        }
    }

    fn entry(&self, index: u32) -> &Entry<J> {
        match &self.body {
            Body::Staged(entries) => &entries[index as usize],
            Body::Launched(batch) => &batch.entries[index as usize],
        }
    }

    /// The slot of a job, if it is of this batch.
    pub(super) fn find(&self, sequence: u64) -> Option<u32> {
        let at = self.slots.binary_search_by_key(&sequence, |s| s.sequence);
        at.ok().and_then(|at| u32::try_from(at).ok())
    }

    /// Jobs that somebody waits for.
    pub(super) fn open_jobs(&self) -> impl Iterator<Item = (JobId, &J)> {
        let wanted = self.slots.iter().zip(0..);
        let wanted = wanted.filter(|(slot, _)| slot.stage == Stage::Wanted);
        wanted.map(|(slot, index)| (JobId(slot.sequence), &self.entry(index).job))
    }

    pub(super) fn cancel(&mut self, index: u32) -> Option<Stopped> {
        let slot = &mut self.slots[index as usize];
        if slot.stage != Stage::Wanted {
            return None;
        }
        slot.stage = Stage::Cancelled;
        let leader = slot.leader;
        let lead = &mut self.slots[leader as usize];
        lead.wanted -= 1;
        if lead.wanted > 0 {
            return Some(Stopped {
                was_running: false,
                refund: None,
            });
        }
        // Whether it has been done already must not show in what is admitted.
        let is_over = lead.end.is_some();
        self.open -= usize::from(!is_over);
        let entry = self.entry(leader);
        Some(Stopped {
            was_running: !is_over && entry.cancel(),
            refund: Some(entry.job.budget()),
        })
    }

    /// A job has ended; a second end of it is dropped. `alone`: not for those that asked the same.
    pub(super) fn end(&mut self, index: u32, end: End<J::Output>, alone: bool) {
        let slot = &self.slots[index as usize];
        if alone && slot.leader != index && slot.stage == Stage::Wanted {
            self.leave_leader(index);
        }
        let slot = &mut self.slots[index as usize];
        if slot.end.is_none() {
            self.open -= usize::from(slot.wanted > 0);
            slot.end = Some(end);
        }
    }

    /// A job that another one was run for gets an end of its own.
    fn leave_leader(&mut self, index: u32) {
        let leader = std::mem::replace(&mut self.slots[index as usize].leader, index);
        self.slots[index as usize].wanted = 1;
        self.open += 1;
        let lead = &mut self.slots[leader as usize];
        lead.wanted -= 1;
        if lead.wanted == 0 && lead.end.is_none() {
            self.open -= 1;
        }
    }

    /// Looks again from this job on, in the middle of a delivery.
    pub(super) fn rewind_to(&mut self, index: u32) {
        self.cursor = self.cursor.min(index as usize);
    }

    /// Whether there is nothing left to be run.
    pub(super) const fn is_done(&self) -> bool {
        self.open == 0
    }

    /// Runs here whatever has no end yet: what no thread has begun with, or really all of it.
    pub(super) fn run_open(&mut self, batch: &Batch<J>, all: bool) -> u64 {
        let mut count = 0;
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if slot.wanted == 0 || slot.end.is_some() {
                continue;
            }
            let ran = batch.try_run(index);
            let ran = ran.or_else(|| all.then(|| batch.run_again(index)));
            if let Some(ran) = ran {
                slot.end = Some(ran.into());
                self.open -= 1;
                count += 1;
            }
        }
        count
    }

    /// Nothing more is awaited.
    pub(super) fn give_up(&mut self) {
        self.abandon();
        self.open = 0;
        for slot in &mut self.slots {
            slot.end.get_or_insert(End::Late);
        }
    }

    pub(super) fn abandon(&mut self) {
        if let Body::Launched(batch) = &self.body {
            batch.abandon();
        }
    }

    /// Looks at all of it again for what can be delivered.
    pub(super) const fn rewind(&mut self) {
        self.cursor = 0;
    }

    /// The number of the next job that can be delivered; late ones that have no end are passed
    /// over.
    pub(super) fn peek(&mut self) -> Option<u64> {
        while let Some(slot) = self.slots.get(self.cursor) {
            let is_ready = match slot.stage {
                Stage::Wanted => self.slots[slot.leader as usize].end.is_some(),
                Stage::Cancelled => true,
                Stage::Delivered => false,
            };
            if is_ready {
                return Some(slot.sequence);
            }
            self.cursor += 1;
        }
        None
    }

    /// The job that `peek` has found: its number and place, how it ended, and what it spent.
    pub(super) fn deliver(&mut self) -> (u64, usize, End<J::Output>, u32) {
        let index = self.cursor;
        self.delivered += 1;
        self.cursor += 1;
        let slot = &mut self.slots[index];
        let sequence = slot.sequence;
        let was = std::mem::replace(&mut slot.stage, Stage::Delivered);
        if was == Stage::Cancelled {
            return (sequence, index, End::Cancelled, 0);
        }
        let leader = slot.leader;
        let lead = &mut self.slots[leader as usize];
        // The last who wants it need not copy it.
        lead.wanted = lead.wanted.saturating_sub(1);
        let end = if lead.wanted == 0 {
            lead.end.replace(End::Late)
        } else {
            lead.end.clone()
        };
        let end = end.expect("only what has an end is ready");
        let spent = match end {
            End::Answered(_, spent) | End::Panicked(spent) if leader as usize == index => spent,
            _ => 0,
        };
        (sequence, index, end, spent)
    }
}
