//! A mailbox for whoever reads by itself: a worker, a test, a bridge.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{
    Address, Channel, Delivery, Layer, LayerError, LayerLimits, Mailbox, MailboxFull, Message,
};

/// What came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A message.
    Message(Arc<Message>),
    /// Between the message before and the next, at least so many were lost, because the queue was
    /// full or they waited for too long; 0 if a connection was lost and nobody can know.
    Missed(u64),
}

/// The reading end of a channel. The channel ends with it.
#[derive(Debug)]
pub struct Receiver {
    channel: Channel,
    queue: Arc<Queue>,
}

/// Opens a channel to be read at one's own pace.
///
/// # Errors
/// If the name is none.
pub fn open_queue(
    layer: &dyn Layer,
    address: Address,
    limits: &LayerLimits,
) -> Result<Receiver, LayerError> {
    let queue = Arc::new(Queue {
        state: Mutex::default(),
        filled: Notify::new(),
        expiry: limits.expiry,
    });
    let mailbox: Arc<dyn Mailbox> = Arc::<Queue>::clone(&queue);
    let channel = layer.open(address, mailbox, 0)?;
    queue.lock().capacity = Some(limits.capacity_of(channel.name()));
    Ok(Receiver { channel, queue })
}

impl Receiver {
    /// The channel's name.
    pub const fn name(&self) -> &Arc<str> {
        self.channel.name()
    }

    /// The next that comes in. Nothing is lost if this is not awaited to the end.
    pub async fn receive(&self) -> Received {
        loop {
            let filled = self.queue.filled.notified();
            if let Some(received) = self.try_receive() {
                return received;
            }
            filled.await;
        }
    }

    /// The next, if something is there.
    pub fn try_receive(&self) -> Option<Received> {
        let now = Instant::now();
        let mut state = self.queue.lock();
        let received = state.take(now, self.queue.expiry);
        if !state.waiting.is_empty() {
            self.queue.filled.notify_one(); // for others who read it too
        }
        received
    }

    /// How many messages are known to have been lost here.
    pub fn lost(&self) -> u64 {
        self.queue.lock().lost
    }
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    filled: Notify,
    expiry: Duration,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    messages: usize,
    /// Known as soon as the channel has its name.
    capacity: Option<usize>,
    lost: u64,
}

#[derive(Debug)]
enum Entry {
    Message(Arc<Message>, Instant),
    /// So many were lost here; there are never two of them in a row.
    Missed(u64),
}

impl State {
    fn is_full(&self) -> bool {
        self.capacity.is_some_and(|most| self.messages >= most)
    }

    fn miss(&mut self, count: u64) {
        self.lost += count;
        match self.waiting.back_mut() {
            Some(Entry::Missed(already)) => *already += count,
            _ => self.waiting.push_back(Entry::Missed(count)),
        }
    }

    /// What is next, without what has waited for too long: that counts as missed.
    fn take(&mut self, now: Instant, expiry: Duration) -> Option<Received> {
        let mut missed = None;
        while let Some(entry) = self.waiting.front() {
            let lost = match entry {
                Entry::Missed(count) => *count,
                Entry::Message(_, since) if now.duration_since(*since) >= expiry => {
                    self.messages -= 1;
                    self.lost += 1;
                    1
                }
                Entry::Message(..) => break,
            };
            self.waiting.pop_front();
            *missed.get_or_insert(0) += lost;
        }
        if let Some(count) = missed {
            return Some(Received::Missed(count));
        }
        match self.waiting.pop_front()? {
            Entry::Message(message, _) => {
                self.messages -= 1;
                Some(Received::Message(message))
            }
            Entry::Missed(count) => Some(Received::Missed(count)),
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailbox for Queue {
    fn deliver(&self, _: u64, delivery: Delivery) -> Result<(), MailboxFull> {
        let mut state = self.lock();
        let is_full = state.is_full();
        if is_full {
            state.miss(1);
        } else {
            let entry = Entry::Message(delivery.message, Instant::now());
            state.waiting.push_back(entry);
            state.messages += 1;
        }
        drop(state);
        self.filled.notify_one();
        if is_full { Err(MailboxFull) } else { Ok(()) }
    }

    fn missed(&self, _: u64) {
        self.lock().miss(0);
        self.filled.notify_one();
    }

    fn is_full(&self, _: u64) -> bool {
        self.lock().is_full()
    }
}
