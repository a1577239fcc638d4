//! The inbox of a room: everything that enters it, in one order.
//!
//! Room tasks push, the tick takes. Bounded twice: inputs beyond their number are turned away while
//! joins still find room. A leave always does: there is at most one for each join.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};

use crate::game::{Game, Player, PlayerId};
use crate::limits::INBOX_ENTRIES_MAX;

/// What enters a room.
pub(crate) enum RoomIn<G: Game> {
    Join(Player<G>),
    /// The connection is gone for good, or may come back.
    Leave {
        player: PlayerId,
        may_resume: bool,
    },
    /// A dropped member is back.
    Resume(PlayerId),
    Input {
        player: PlayerId,
        seq: u32,
        /// How old what the player sees will be in the next tick. Units: ticks.
        view_back: f32,
        input: G::Input,
    },
    /// An input that was turned away before it got here.
    Refused {
        player: PlayerId,
        seq: u32,
    },
}

/// The writing end; clones share the bounds.
pub(crate) struct InboxSender<G: Game> {
    sender: Sender<RoomIn<G>>,
    inputs: Arc<AtomicUsize>,
}

impl<G: Game> Clone for InboxSender<G> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            inputs: Arc::clone(&self.inputs),
        }
    }
}

/// The reading end.
pub(crate) struct Inbox<G: Game> {
    receiver: Receiver<RoomIn<G>>,
    inputs: Arc<AtomicUsize>,
}

/// A new inbox.
pub(crate) fn inbox<G: Game>() -> (InboxSender<G>, Inbox<G>) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let inputs = Arc::new(AtomicUsize::new(0));
    let sender = InboxSender {
        sender,
        inputs: Arc::clone(&inputs),
    };
    (sender, Inbox { receiver, inputs })
}

impl<G: Game> InboxSender<G> {
    /// Hands over, or hands back what does not fit. A closed room swallows everything.
    pub(crate) fn push(&self, entry: RoomIn<G>, inputs_max: usize) -> Result<(), RoomIn<G>> {
        let is_leave = matches!(entry, RoomIn::Leave { .. });
        if !is_leave && self.sender.len() >= INBOX_ENTRIES_MAX {
            return Err(entry);
        }
        let is_input = matches!(entry, RoomIn::Input { .. });
        if is_input && self.inputs.fetch_add(1, Ordering::AcqRel) >= inputs_max {
            self.inputs.fetch_sub(1, Ordering::AcqRel);
            return Err(entry);
        }
        // An error means that the room has ended; nobody waits for what is said to it.
        let _ = self.sender.send(entry);
        Ok(())
    }
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
            .inspect(|entry| {
                if matches!(entry, RoomIn::Input { .. }) {
                    self.inputs.fetch_sub(1, Ordering::AcqRel);
                }
            })
    }
}
