//! What a room's jobs add to the counts of their kinds: gathered in a step, handed over at its end,
//! so that the tick thread touches shared memory once.

use std::sync::Arc;

use super::flight::End;
use crate::counters::Counters;
use crate::job::{Answer, JobKind, Outcome};
use crate::job_counters::JobCounters;

/// A step's counts of one kind; the names are those of [`JobCounters`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) submitted: u64,
    pub(super) rejected: u64,
    pub(super) coalesced: u64,
    pub(super) cancelled_queued: u64,
    pub(super) cancelled_running: u64,
    pub(super) stale: u64,
    pub(super) late: u64,
    pub(super) helped: u64,
    pub(super) expansions: u64,
    /// In flight when the room ended.
    pub(super) abandoned: u64,
    cancelled: u64,
    done: u64,
    partial: u64,
    no_path: u64,
    given_up: u64,
    panicked: u64,
}

impl Counts {
    /// Counts how a job ended, and says it in the words of the game.
    pub(super) fn count<O>(&mut self, end: End<O>) -> Outcome<O> {
        let (count, outcome) = match end {
            End::Answered(answer, _) => {
                let count = match &answer {
                    Answer::Done(_) => &mut self.done,
                    Answer::Partial(_) => &mut self.partial,
                    Answer::NoPath => &mut self.no_path,
                };
                (count, answer.into())
            }
            End::Panicked(_) => (&mut self.panicked, Outcome::Panicked),
            End::Late => (&mut self.given_up, Outcome::Late),
            End::Cancelled => (&mut self.cancelled, Outcome::Cancelled),
        };
        *count += 1;
        outcome
    }

    fn flush(&mut self, to: &JobCounters) {
        let Self {
            submitted,
            rejected,
            coalesced,
            cancelled_queued,
            cancelled_running,
            stale,
            late,
            helped,
            expansions,
            abandoned,
            cancelled,
            done,
            partial,
            no_path,
            given_up,
            panicked,
        } = std::mem::take(self);
        for (counter, by) in [
            (&to.submitted, submitted),
            (&to.rejected, rejected),
            (&to.coalesced, coalesced),
            (&to.cancelled_queued, cancelled_queued),
            (&to.cancelled_running, cancelled_running),
            (&to.stale, stale),
            (&to.late, late),
            (&to.helped, helped),
            (&to.expansions, expansions),
            (&to.done, done),
            (&to.partial, partial),
            (&to.no_path, no_path),
            (&to.given_up, given_up),
            (&to.panicked, panicked),
        ] {
            if by > 0 {
                counter.add(by);
            }
        }
        to.in_flight.add(submitted);
        let ended = cancelled + done + partial + no_path + given_up + panicked + abandoned;
        to.in_flight.subtract(ended);
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Tally {
    kinds: Vec<(Counts, Arc<JobCounters>)>,
}

impl Tally {
    pub(super) fn new(kinds: &[JobKind], counters: &Counters) -> Self {
        let kinds = kinds.iter();
        let kinds = kinds.map(|kind| (Counts::default(), counters.jobs_of(kind.name)));
        Self {
            kinds: kinds.collect(),
        }
    }

    pub(super) fn of(&mut self, kind: usize) -> &mut Counts {
        &mut self.kinds[kind].0
    }

    pub(super) fn counters(&self, kind: usize) -> &Arc<JobCounters> {
        &self.kinds[kind].1
    }

    pub(super) fn is_empty(&self) -> bool {
        let mut counts = self.kinds.iter();
        counts.all(|(counts, _)| *counts == Counts::default())
    }

    pub(super) fn flush(&mut self) {
        for (counts, counters) in &mut self.kinds {
            if *counts != Counts::default() {
                counts.flush(counters);
            }
        }
    }
}
