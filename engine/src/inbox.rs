//! The inbox of a room: everything that enters it, in one order.
//!
//! Room tasks and the layer push, the tick takes. Bounded thrice: inputs beyond their number are
//! turned away while joins still find room, and so are messages. A leave always does: there is at
//! most one for each connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};

use crate::game::{Game, Player, PlayerId, Recipient};
use crate::layer::Message;
use crate::limits::{INBOX_ENTRIES_MAX, INBOX_MESSAGES_MAX};
use crate::outside::Waiting;
use crate::watching::PresenceNews;
use crate::wire::Close;

/// The number of a connection within its room: the newer of two of one member has the higher one,
/// and fences the other.
pub(crate) type Epoch = u32;

/// What enters a room.
pub(crate) enum RoomIn<G: Game> {
    Join {
        player: Player<G>,
        epoch: Epoch,
    },
    /// The connection is gone for good, or may come back.
    Leave {
        player: PlayerId,
        epoch: Epoch,
        may_resume: bool,
        /// Events that it was not sent any more.
        missed: Vec<Bytes>,
    },
    /// A member is back over a new connection; the one before it is over.
    Resume {
        player: PlayerId,
        epoch: Epoch,
    },
    /// Somebody outside the room wants a member gone.
    Close {
        player: PlayerId,
        close: Close,
    },
    /// The server goes away, and the room with it.
    Drain,
    Input {
        player: PlayerId,
        epoch: Epoch,
        seq: u32,
        /// How old what the player sees will be in the next tick. Units: ticks.
        view_back: f32,
        input: G::Input,
    },
    /// An input that was turned away before it got here.
    Refused {
        player: PlayerId,
        epoch: Epoch,
        seq: u32,
    },
    /// Somebody sent something over the layer.
    Message {
        to: Vec<Recipient>,
        message: Arc<Message>,
    },
    /// Messages to this channel were lost, or may have been.
    Missed {
        to: Recipient,
        waiting: Arc<Waiting>,
    },
    /// Something happened in a group that the room watches.
    Presence {
        group: Arc<str>,
        news: PresenceNews,
    },
    /// The answer to a question.
    Loaded(G::Query),
}

/// The writing end; clones share the bounds.
pub(crate) struct InboxSender<G: Game> {
    sender: Sender<RoomIn<G>>,
    load: Arc<Load>,
}

/// How much waits of what is bounded by itself.
#[derive(Default)]
struct Load {
    inputs: AtomicUsize,
    /// Messages, each as often as there are members whom it is for, and events of presence.
    messages: AtomicUsize,
    /// The entries of those.
    message_entries: AtomicUsize,
}

impl<G: Game> Clone for InboxSender<G> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            load: Arc::clone(&self.load),
        }
    }
}

/// The reading end.
pub(crate) struct Inbox<G: Game> {
    receiver: Receiver<RoomIn<G>>,
    load: Arc<Load>,
}

/// A new inbox.
pub(crate) fn inbox<G: Game>() -> (InboxSender<G>, Inbox<G>) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let load = Arc::<Load>::default();
    let sender = InboxSender {
        sender,
        load: Arc::clone(&load),
    };
    (sender, Inbox { receiver, load })
}

impl<G: Game> RoomIn<G> {
    /// Which bound it counts for. What has none is bounded by something else: there is at most one
    /// leave for each connection, one miss for each channel, one answer for each question.
    fn bound(&self) -> Bound {
        match self {
            Self::Leave { .. }
            | Self::Close { .. }
            | Self::Drain
            | Self::Missed { .. }
            | Self::Loaded(_) => Bound::None,
            Self::Message { to, .. } => Bound::Messages(to.len()),
            Self::Presence { .. } => Bound::Messages(1),
            Self::Input { .. } => Bound::Inputs,
            Self::Join { .. } | Self::Resume { .. } | Self::Refused { .. } => Bound::Entries,
        }
    }
}

/// What bounds an entry: what the outside says costs no member its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    None,
    /// As so many.
    Messages(usize),
    Inputs,
    Entries,
}

impl<G: Game> InboxSender<G> {
    /// Hands over, or hands back what does not fit. A closed room swallows everything.
    pub(crate) fn push(&self, entry: RoomIn<G>, inputs_max: usize) -> Result<(), RoomIn<G>> {
        let (bound, load) = (entry.bound(), &*self.load);
        let fits = match bound {
            Bound::None => true,
            Bound::Messages(count) => add_below(&load.messages, count, INBOX_MESSAGES_MAX),
            Bound::Inputs => !self.is_full() && add_below(&load.inputs, 1, inputs_max),
            Bound::Entries => !self.is_full(),
        };
        if !fits {
            return Err(entry);
        }
        if let Bound::Messages(_) = bound {
            load.message_entries.fetch_add(1, Ordering::AcqRel);
        }
        // An error means that the room has ended; nobody waits for what is said to it.
        let _ = self.sender.send(entry);
        Ok(())
    }

    fn is_full(&self) -> bool {
        let messages = self.load.message_entries.load(Ordering::Acquire);
        self.sender.len().saturating_sub(messages) >= INBOX_ENTRIES_MAX
    }
}

/// Counts so many more, if they are not too many.
fn add_below(counter: &AtomicUsize, more: usize, most: usize) -> bool {
    let fits = counter.fetch_add(more, Ordering::AcqRel) + more <= most;
    if !fits {
        counter.fetch_sub(more, Ordering::AcqRel);
    }
    fits
}

impl<G: Game> Inbox<G> {
    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// What has arrived up to now; what arrives during the loop waits for the next step.
    pub(crate) fn drain(&self) -> impl Iterator<Item = RoomIn<G>> {
        self.receiver
            .try_iter()
            .take(self.receiver.len())
            .inspect(|entry| match entry.bound() {
                Bound::Inputs => _ = self.load.inputs.fetch_sub(1, Ordering::AcqRel),
                Bound::Messages(count) => {
                    self.load.message_entries.fetch_sub(1, Ordering::AcqRel);
                    self.load.messages.fetch_sub(count, Ordering::AcqRel);
                }
                Bound::Entries | Bound::None => {}
            })
    }
}
