//! The layer: the message bus between sessions, rooms, processes and outside programs.
//!
//! In: messages for channels and groups, by name. Out: deliveries to mailboxes, in the order in
//! which each sender sent them, at most once. What a channel layer promises is said on [`Layer`];
//! how messages travel is the backend's business, and what they mean the receiver's.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::MESSAGE_DEPTH_MAX;

mod name;
mod value;
mod typed;
mod line;
mod presence;
mod memory;
mod queue;
pub(crate) mod suite;

pub use self::memory::MemoryLayer;
pub use self::name::{BadName, check_name};
pub use self::queue::{Received, Receiver, open_queue};
pub use self::typed::{NotAMessage, NotUnderstood, from_message, to_message};
pub use self::value::{Message, Value};

/// What a layer answers when it is done.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a message was not sent, or a group not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// The channel holds as many messages as it may.
    #[error("channel {0} is full")]
    Full(String),
    /// The name is none.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The message is larger than the layer carries.
    #[error("the message has {0} bytes, at most {1} may pass")]
    TooBig(usize, usize),
    /// Its values are nested more deeply than others would read.
    #[error("the message is nested more deeply than {0} levels")]
    TooDeep(usize),
    /// Whatever the layer stands on does not answer at the moment; what was sent may be lost.
    #[error("the layer is unavailable: {0}")]
    Unavailable(String),
}

/// A message on its way into a mailbox.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What was sent; one copy, however many get it.
    pub message: Arc<Message>,
}

/// A mailbox cannot take more: the message is lost for this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxFull;

/// Where the messages of some channels go: a room, a queue.
///
/// Called from whatever threads messages arrive on, also at the same time; what one sender sent to
/// a channel comes one call after another. It must not block nor call back into the layer.
pub trait Mailbox: Send + Sync + 'static {
    /// A message came in on the channel that was opened with this key.
    ///
    /// # Errors
    /// If it is full: the message is lost for this one, and counted.
    fn deliver(&self, key: u64, delivery: Delivery) -> Result<(), MailboxFull>;

    /// A message came in on several channels of this mailbox, each of them once. Answers how many
    /// of them were full: for those it is lost.
    fn deliver_many(&self, keys: &[u64], delivery: Delivery) -> usize {
        let delivered = keys.iter().map(|&key| self.deliver(key, delivery.clone()));
        delivered.filter(Result::is_err).count()
    }

    /// Messages to this channel may have been lost: its backend lost its connection for a while.
    /// Called once the channel is whole again.
    fn missed(&self, key: u64);

    /// Whether a message would not fit now. Asked where several readers share a channel, so that
    /// one with room gets it.
    fn is_full(&self, key: u64) -> bool {
        let _ = key;
        false
    }
}

/// A channel of one's own; it and its memberships end when this is dropped.
pub struct Channel {
    name: Arc<str>,
    close: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Channel {
    /// For backends: a channel, and what to do when it is dropped.
    pub fn new(name: Arc<str>, close: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self {
            name,
            close: Some(Box::new(close)),
        }
    }

    /// What to send to.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(close) = self.close.take() {
            close();
        }
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Channel").field(&self.name).finish()
    }
}

/// Which channel to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A new one, with a name that nobody else has and that begins with this word.
    Unique(&'static str),
    /// The one of this name: several that open it share its messages, each message goes to one.
    Named(String),
}

/// Somebody who is present in a group: who, not on which device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Present {
    /// Who; somebody who is there twice is listed once.
    pub id: String,
    /// How it is shown; that of the newest of its channels.
    pub name: String,
}

/// What happened to a group's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceEvent {
    /// It was not there on any channel, and now is.
    Joined(Present),
    /// Its last channel is gone, also because its process died.
    Left(Present),
    /// Events may have been missed: look at the list.
    Missed,
}

/// Whom presence events are told to. Must not block nor call back into the layer.
pub type PresenceSink = Arc<dyn Fn(&PresenceEvent) + Send + Sync>;

/// What a layer has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerCounts {
    /// Messages that were handed to it.
    pub sent: u64,
    /// Deliveries to mailboxes.
    pub delivered: u64,
    /// Deliveries lost because their mailbox or channel was full.
    pub full: u64,
    /// Messages that were not read in time.
    pub expired: u64,
    /// Messages that could not be read, or were too big or too deep.
    pub malformed: u64,
    /// How often messages may have been lost because a connection was.
    pub gaps: u64,
}

/// How much of everything; the same words as in `channels_redis`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerLimits {
    /// Messages that wait for one reader of a channel.
    pub capacity: usize,
    /// The same for channels whose names match a pattern (`*` and `?`); the first match counts.
    pub channel_capacity: Vec<(String, usize)>,
    /// How long a message waits before it is dropped.
    pub expiry: Duration,
    /// How long a group remembers a member that does not renew. Local members are renewed.
    pub group_expiry: Duration,
    /// The largest message. Units: bytes of MessagePack.
    pub message_bytes_max: usize,
}

impl Default for LayerLimits {
    fn default() -> Self {
        Self {
            capacity: 100,
            channel_capacity: Vec::new(),
            expiry: Duration::from_secs(60),
            group_expiry: Duration::from_secs(86_400),
            message_bytes_max: 4 * 1024 * 1024,
        }
    }
}

impl LayerLimits {
    /// How many messages may wait on this channel.
    pub fn capacity_of(&self, channel: &str) -> usize {
        let patterns = self.channel_capacity.iter();
        let mut fits = patterns.filter(|(pattern, _)| name::matches(pattern, channel));
        fits.next().map_or(self.capacity, |(_, capacity)| *capacity)
    }

    /// Whether a message may pass; for layers to ask before anybody gets it.
    ///
    /// # Errors
    /// If it is too long or nested too deeply.
    pub fn check(&self, message: &Message) -> Result<(), LayerError> {
        let (bytes, most) = (message.packed_bytes(), self.message_bytes_max);
        if bytes > most {
            return Err(LayerError::TooBig(bytes, most));
        }
        if message.depth() > MESSAGE_DEPTH_MAX {
            return Err(LayerError::TooDeep(MESSAGE_DEPTH_MAX));
        }
        Ok(())
    }
}

/// A message bus, with the promises of Django's channel layers.
///
/// - At most once, and in order for each sender and channel: calls that one task makes one after
///   another (awaiting each) arrive in that order.
/// - [`send`](Self::send) to a full channel is an error; [`group_send`](Self::group_send) never
///   fails because of a member, it drops for the full member only, and counts.
/// - Adding twice and discarding a stranger are fine.
/// - Names are checked by [`check_name`], messages by [`LayerLimits::check`]; 1 MiB always passes.
/// - After a connection was lost, groups and presence heal by themselves, and every mailbox that
///   may have missed something is told by [`Mailbox::missed`].
/// - [`Presence`](Self::appear) is by id, across processes; those of a killed process leave within
///   30 s.
pub trait Layer: Send + Sync + 'static {
    /// How much of everything.
    fn limits(&self) -> &LayerLimits;

    /// Opens a channel, whose messages go to `mailbox` with `key`.
    ///
    /// It must not block: rooms open their channels in the middle of a tick, and drop them there.
    ///
    /// # Errors
    /// If the name is none.
    fn open(
        &self,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError>;

    /// Sends to one channel, here or in another process.
    fn send<'a>(
        &'a self,
        channel: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>>;

    /// Adds a channel to a group. If the layer is unavailable, a channel of this process is a
    /// member nevertheless, as soon as the layer is back; the same goes for
    /// [`appear`](Self::appear).
    fn group_add<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>>;

    /// Takes a channel out of a group.
    fn group_discard<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>>;

    /// Sends to all channels of a group.
    fn group_send<'a>(
        &'a self,
        group: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>>;

    /// From now on, somebody is present in a group, for as long as the channel is open or until
    /// [`vanish`](Self::vanish).
    fn appear<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
        who: Present,
    ) -> Pending<'a, Result<(), LayerError>>;

    /// A channel stands for nobody in this group any more.
    fn vanish<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>>;

    /// Who is present in a group, in all processes; its length is the count.
    fn present<'a>(&'a self, group: &'a str) -> Pending<'a, Result<BTreeSet<Present>, LayerError>>;

    /// Tells of joins and leaves in a group, until the answer is dropped.
    ///
    /// # Errors
    /// If the name is none.
    fn watch(&self, group: &str, sink: PresenceSink) -> Result<Watch, LayerError>;

    /// Waits until others know what was opened, joined and ended here before; at the end of a
    /// process, so that nobody sends to it any more.
    ///
    /// # Errors
    /// If they cannot be told now; they are later, if there is a later.
    fn settled(&self) -> Pending<'_, Result<(), LayerError>> {
        Box::pin(async { Ok(()) })
    }

    /// What it has counted.
    fn counts(&self) -> LayerCounts;

    /// Whether what it stands on answers; the reason where it does not.
    ///
    /// # Errors
    /// Why not.
    fn health(&self) -> Result<(), String>;
}

/// Presence events are told for as long as this is kept.
pub struct Watch(#[expect(dead_code, reason = "dropped, it ends the watch")] Channel);

impl Watch {
    /// For backends: what to do when it is dropped.
    pub fn new(close: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Channel::new(Arc::from("watch"), close))
    }
}

#[cfg(test)]
mod tests;
