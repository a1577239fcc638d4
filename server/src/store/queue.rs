//! Writes that wait, bounded by number and by bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::write::{Outcome, Write};
use crate::limits::STORE_QUEUE_BYTES_MAX;

/// A write, and who wants to know of it.
pub(super) struct Entry {
    pub(super) write: Write,
    pub(super) answer: Option<oneshot::Sender<Outcome>>,
}

impl Entry {
    /// Whether whoever asked has given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.answer.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    max: usize,
    pushed: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    /// Entries that were taken and are not done with.
    taken: usize,
    /// Of both.
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new(max: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            max,
            pushed: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Takes a write, if there is room for it.
    pub(super) fn push(&self, entry: Entry) -> Result<(), ()> {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes + entry.write.bytes();
        let is_full = waiting.len() >= self.max || bytes > STORE_QUEUE_BYTES_MAX;
        if is_full || waiting.closed {
            return Err(());
        }
        waiting.bytes = bytes;
        waiting.entries.push_back(entry);
        drop(waiting);
        self.pushed.notify_one();
        Ok(())
    }

    /// The next writes, as soon as there is one; they keep their places until [`Queue::done`].
    pub(super) async fn take(&self, max: usize) -> Vec<Entry> {
        loop {
            let pushed = self.pushed.notified();
            {
                let mut waiting = self.waiting();
                let n = waiting.entries.len().min(max);
                if n > 0 {
                    waiting.taken += n;
                    return waiting.entries.drain(..n).collect();
                }
            }
            pushed.await;
        }
    }

    /// Gives the place of a write that was taken back.
    pub(super) fn done(&self, entry: &Entry) {
        let mut waiting = self.waiting();
        waiting.taken = waiting.taken.saturating_sub(1);
        waiting.bytes = waiting.bytes.saturating_sub(entry.write.bytes());
        if waiting.len() == 0 {
            self.emptied.notify_waiters();
        }
    }

    /// Resolves when nothing waits.
    pub(super) async fn drained(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Takes no more, and answers how many are left; those that are waited for are told.
    pub(super) fn close(&self) -> usize {
        let mut waiting = self.waiting();
        waiting.closed = true;
        let left = waiting.len();
        waiting.entries.clear();
        left
    }

    pub(super) fn len(&self) -> usize {
        self.waiting().len()
    }

    /// A panic under this lock leaves at worst a place that nobody gets.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.entries.len() + self.taken
    }
}
