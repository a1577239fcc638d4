//! One open channel: who reads it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Delivery, Mailbox, MailboxFull, Message};

/// An open channel of this process.
pub(super) struct Line {
    /// Its place among all: members of a group are served in this order.
    pub(super) number: u64,
    readers: Mutex<Arc<[Arc<Reader>]>>,
    turn: AtomicUsize,
}

/// Who opened it.
struct Reader {
    number: u64,
    mailbox: Arc<dyn Mailbox>,
    key: u64,
}

impl Line {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            readers: Mutex::new(Arc::new([])),
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) fn add(&self, number: u64, mailbox: Arc<dyn Mailbox>, key: u64) {
        let mut readers = self.lock();
        let new = Arc::new(Reader {
            number,
            mailbox,
            key,
        });
        *readers = readers.iter().cloned().chain([new]).collect();
    }

    /// Takes a reader away; answers whether none is left, and what to drop outside of all locks:
    /// with it goes a mailbox, which is somebody else's code.
    pub(super) fn remove(&self, number: u64) -> (bool, impl Sized + use<>) {
        let mut readers = self.lock();
        let others = readers.iter().filter(|reader| reader.number != number);
        let others: Arc<[_]> = others.cloned().collect();
        let was_last = others.is_empty();
        (was_last, std::mem::replace(&mut *readers, others))
    }

    /// Whose it is, and by which key, if it is not shared.
    pub(super) fn only_reader(&self) -> Option<(Arc<dyn Mailbox>, u64)> {
        match &**self.lock() {
            [only] => Some((Arc::clone(&only.mailbox), only.key)),
            _ => None,
        }
    }

    /// Gives a message to one reader: the next in turn that has room.
    pub(super) fn deliver(&self, message: &Arc<Message>) -> Result<(), MailboxFull> {
        let readers = Arc::clone(&self.lock());
        let reader = match &*readers {
            [] => return Ok(()), // closed in just this moment
            [only] => only,
            several => {
                let first = self.turn.fetch_add(1, Ordering::Relaxed) % several.len();
                let (later, sooner) = several.split_at(first);
                let mut in_turn = sooner.iter().chain(later);
                let has_room = |reader: &&Arc<Reader>| !reader.mailbox.is_full(reader.key);
                in_turn.find(has_room).unwrap_or(&several[first])
            }
        };
        let message = Arc::clone(message);
        reader.mailbox.deliver(reader.key, Delivery { message })
    }

    fn lock(&self) -> MutexGuard<'_, Arc<[Arc<Reader>]>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
