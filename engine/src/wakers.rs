//! One waker per slot: which of a task's sockets have something to do.
//!
//! A socket that becomes ready sets its bit and wakes the task once; the task then looks only at
//! the sockets whose bits are set. No allocation and no channel per message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

use crate::limits::TASK_MEMBERS_MAX;

const WORDS: usize = TASK_MEMBERS_MAX.div_ceil(64);

/// The ready bits of all slots, and the task to wake.
#[derive(Debug, Default)]
pub(crate) struct ReadySet {
    words: [AtomicU64; WORDS],
    task: AtomicWaker,
}

impl ReadySet {
    /// Whom to wake from now on.
    pub(crate) fn register(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Sets a slot's bit without waking anybody: for the task itself.
    pub(crate) fn mark(&self, slot: usize) {
        self.words[slot / 64].fetch_or(1 << (slot % 64), Ordering::AcqRel);
    }

    /// Clears all bits and answers the slots that were set, lowest first.
    pub(crate) fn take(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut bits = word.swap(0, Ordering::AcqRel);
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros() as usize;
                (bits != 0).then(|| {
                    bits &= bits - 1;
                    at * 64 + bit
                })
            })
        })
    }

    /// The waker of one slot.
    pub(crate) fn waker(self: &Arc<Self>, slot: usize) -> Waker {
        Arc::new(SlotWaker {
            set: Arc::clone(self),
            slot,
        })
        .into()
    }
}

struct SlotWaker {
    set: Arc<ReadySet>,
    slot: usize,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set.mark(self.slot);
        self.set.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_woken_slot_is_seen_once_lowest_first() {
        let set = Arc::new(ReadySet::default());
        for slot in [255, 0, 64, 63, 64] {
            set.waker(slot).wake_by_ref();
        }
        assert_eq!(set.take().collect::<Vec<_>>(), [0, 63, 64, 255]);
        assert_eq!(set.take().count(), 0);
    }
}
