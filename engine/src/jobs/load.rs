//! Admission: what a room has due at each tick to come, and whether more may be.
//!
//! Counts what was submitted and is not yet due, never what the pool has done of it: the answer
//! must be the same for any number of threads.

use crate::job::{JobKind, JobLimits, Late};
use crate::limits::JOB_KINDS_MAX;

#[derive(Clone, Copy, Debug, Default)]
struct Due {
    jobs: u32,
    strict: u32,
    journal: u32,
    by_kind: [u32; JOB_KINDS_MAX],
}

impl Due {
    const fn of(&mut self, late: Late) -> &mut u32 {
        match late {
            Late::Strict => &mut self.strict,
            Late::Journal => &mut self.journal,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Load {
    limits: JobLimits,
    /// What is due after one tick, after two, …
    due: Vec<Due>,
    by_kind: [u32; JOB_KINDS_MAX],
}

impl Load {
    pub(super) const fn new(limits: JobLimits) -> Self {
        Self {
            limits,
            due: Vec::new(),
            by_kind: [0; JOB_KINDS_MAX],
        }
    }

    /// A tick passes.
    pub(super) fn advance(&mut self) {
        if self.due.is_empty() {
            return;
        }
        let due = self.due.remove(0); // a handful, and looked at for each job
        for (all, gone) in self.by_kind.iter_mut().zip(due.by_kind) {
            *all -= gone;
        }
    }

    /// Counts a job in, or says no.
    #[inline]
    pub(super) fn admit(&mut self, kind: usize, rule: &JobKind, expansions: u32) -> bool {
        let after = rule.latency_ticks as usize;
        if self.due.len() < after {
            self.due.resize(after, Due::default());
        }
        let due = &mut self.due[after - 1];
        let max = match rule.late {
            Late::Strict => self.limits.strict_expansions_max,
            Late::Journal => self.limits.journal_expansions_max,
        };
        let others = *due.of(rule.late);
        let declared = others.saturating_add(expansions);
        // What is late harms nobody: however large it is, a job of the journal's kind may go alone.
        // Nor does one that another is run for.
        let may_be_large = rule.late == Late::Journal && others == 0;
        let is_too_much = expansions > 0 && declared > max && !may_be_large;
        let is_full = due.jobs >= self.limits.due_max
            || self.by_kind[kind] >= rule.in_flight_max
            || is_too_much;
        if is_full {
            return false;
        }
        *due.of(rule.late) = declared;
        due.jobs += 1;
        due.by_kind[kind] += 1;
        self.by_kind[kind] += 1;
        true
    }

    /// A job that is due after so many ticks will spend nothing. It still counts as a job: who
    /// submits and cancels without end is bounded too.
    pub(super) fn refund(&mut self, after: u64, late: Late, expansions: u32) {
        let index = usize::try_from(after).ok().and_then(|n| n.checked_sub(1));
        if let Some(due) = index.and_then(|index| self.due.get_mut(index)) {
            let declared = due.of(late);
            *declared = declared.saturating_sub(expansions);
        }
    }
}
