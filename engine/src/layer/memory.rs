//! The layer within one process.
//!
//! A message goes straight into its mailboxes, on the sender's thread and outside of every lock: a
//! group is a list that senders share and that is made anew when its members have changed. Members
//! with the same mailbox, those of one room for instance, get a message in one call.
//! Nothing is kept here for later, so nothing has to be swept: what waits, waits in a mailbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::Line;
use super::presence::{Notice, Presences};
use super::{
    Address, Channel, Delivery, Layer, LayerCounts, LayerError, LayerLimits, Mailbox, MailboxFull,
    Message, Pending, PresenceSink, Present, Watch, check_name,
};

/// A layer for one process, and the local part of those for several.
///
/// A channel that nobody has opened loses what is sent to it, and joins no group.
pub struct MemoryLayer {
    inner: Arc<Inner>,
}

struct Inner {
    limits: LayerLimits,
    process: String,
    hub: Mutex<Hub>,
    tally: Tally,
    /// So many lists are refused, as by a layer that is not there.
    #[cfg(test)]
    refused: AtomicU64,
    /// Messages to groups are held for ever, as by a layer that does not answer.
    #[cfg(test)]
    holds: std::sync::atomic::AtomicBool,
}

#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    delivered: AtomicU64,
    full: AtomicU64,
    malformed: AtomicU64,
}

#[derive(Default)]
struct Hub {
    numbers: u64,
    channels: BTreeMap<Arc<str>, Open>,
    groups: BTreeMap<Arc<str>, Group>,
    presences: Presences,
}

struct Open {
    line: Arc<Line>,
    groups: BTreeSet<Arc<str>>,
}

#[derive(Default)]
struct Group {
    members: BTreeMap<u64, Arc<Line>>,
    /// The same as a list for senders, until a member comes or goes.
    list: Option<Arc<[Round]>>,
}

/// Members that are served together.
enum Round {
    /// All with this mailbox, by their keys.
    Mailbox(Arc<dyn Mailbox>, Vec<u64>),
    /// A channel that several read.
    Shared(Arc<Line>),
}

impl Group {
    fn list(&mut self) -> Arc<[Round]> {
        let members = &self.members;
        let list = self
            .list
            .get_or_insert_with(|| rounds(members.values()).into());
        Arc::clone(list)
    }
}

/// Sorts members by mailbox; those of each stay in order.
fn rounds<'a>(members: impl Iterator<Item = &'a Arc<Line>>) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut places = BTreeMap::new();
    for line in members {
        let Some((mailbox, key)) = line.only_reader() else {
            rounds.push(Round::Shared(Arc::clone(line)));
            continue;
        };
        let pointer = Arc::as_ptr(&mailbox).cast::<()>();
        let place = *places.entry(pointer).or_insert(rounds.len());
        match rounds.get_mut(place) {
            Some(Round::Mailbox(_, keys)) => keys.push(key),
            _ => rounds.push(Round::Mailbox(mailbox, vec![key])),
        }
    }
    rounds
}

impl MemoryLayer {
    /// A layer without channels.
    pub fn new(limits: LayerLimits) -> Arc<Self> {
        Self::of_process(limits, "local")
    }

    /// The same for one process of several: its unique channels are called `WORD.PROCESS!NUMBER`.
    pub fn of_process(limits: LayerLimits, process: &str) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::new(Inner {
                limits,
                process: process.into(),
                hub: Mutex::default(),
                tally: Tally::default(),
                #[cfg(test)]
                refused: AtomicU64::default(),
                #[cfg(test)]
                holds: false.into(),
            }),
        })
    }
}

impl MemoryLayer {
    /// Sends to a channel of this process; answers whether it was open. For layers of several.
    ///
    /// # Errors
    /// As [`Layer::send`].
    pub fn send_here(&self, channel: &str, message: &Arc<Message>) -> Result<bool, LayerError> {
        self.inner.send(channel, message)
    }
}

#[cfg(test)]
impl MemoryLayer {
    /// The next lists of who is present are refused.
    pub(crate) fn refuse_lists(&self, count: u64) {
        self.inner.refused.store(count, Ordering::Relaxed);
    }

    /// From now on messages to groups are held for ever.
    pub(crate) fn hold_messages(&self) {
        self.inner.holds.store(true, Ordering::Relaxed);
    }

    /// Whether nothing at all is remembered.
    pub(super) fn is_empty(&self) -> bool {
        let hub = self.inner.lock();
        hub.channels.is_empty() && hub.groups.is_empty() && hub.presences.is_empty()
    }
}

/// If a watcher panics, others must still be told.
struct StopTelling<'a>(&'a Inner);

impl Drop for StopTelling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().presences.stop_telling();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(
        self: &Arc<Self>,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError> {
        let mut hub = self.lock();
        hub.numbers += 1;
        let number = hub.numbers;
        let name: Arc<str> = match address {
            Address::Unique(word) => format!("{word}.{}!{number}", self.process).into(),
            Address::Named(name) => name.into(),
        };
        check_name(&name, true)?;
        let new = || Open {
            line: Arc::new(Line::new(number)),
            groups: BTreeSet::new(),
        };
        let channels = &mut hub.channels;
        let open = channels.entry(Arc::clone(&name)).or_insert_with(new);
        open.line.add(number, mailbox, key);
        hub.forget_lists(&name);
        drop(hub);
        let (inner, of) = (Arc::downgrade(self), Arc::clone(&name));
        Ok(Channel::new(name, move || {
            if let Some(inner) = inner.upgrade() {
                inner.close(&of, number);
            }
        }))
    }

    /// The channel's memberships and presence end before this returns.
    fn close(&self, name: &Arc<str>, number: u64) {
        let mut hub = self.lock();
        let Some(open) = hub.channels.get(name) else {
            return;
        };
        let (was_last, gone) = open.line.remove(number);
        hub.forget_lists(name);
        let open = was_last.then(|| hub.channels.remove(name)).flatten();
        if let Some(open) = &open {
            for group in &open.groups {
                hub.leave(group, open.line.number);
            }
            hub.presences.close(name);
        }
        drop(hub);
        drop((gone, open));
        self.tell();
    }

    /// Tells watchers what happened, in the order in which it did and outside of the lock. While
    /// one thread is at it, others leave theirs to it.
    fn tell(&self) {
        let _in_panics = StopTelling(self);
        let mut done = None;
        loop {
            let notice = self.lock().presences.next_notice(done.take().is_some());
            let Some(notice) = notice else {
                return;
            };
            let Notice { sinks, event } = &notice;
            sinks.iter().for_each(|sink| sink(event));
            done = Some(notice);
        }
    }

    /// Answers whether the channel was open.
    fn send(&self, channel: &str, message: &Arc<Message>) -> Result<bool, LayerError> {
        check_name(channel, true)?;
        self.check(message)?;
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
        let line = self
            .lock()
            .channels
            .get(channel)
            .map(|open| Arc::clone(&open.line));
        let Some(line) = line else {
            return Ok(false);
        };
        match self.deliver(&line, message) {
            Ok(()) => Ok(true),
            Err(MailboxFull) => Err(LayerError::Full(channel.into())),
        }
    }

    fn group_send(&self, group: &str, message: &Arc<Message>) -> Result<(), LayerError> {
        check_name(group, false)?;
        self.check(message)?;
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
        let list = self.lock().groups.get_mut(group).map(Group::list);
        // Who is full has lost it; that is counted, and nobody else's business.
        for round in list.iter().flat_map(|list| list.iter()) {
            match round {
                Round::Mailbox(mailbox, keys) => {
                    let message = Arc::clone(message);
                    let full = mailbox
                        .deliver_many(keys, Delivery { message })
                        .min(keys.len());
                    self.count(keys.len() - full, full);
                }
                Round::Shared(line) => _ = self.deliver(line, message),
            }
        }
        Ok(())
    }

    fn count(&self, delivered: usize, full: usize) {
        let add = |counter: &AtomicU64, more| counter.fetch_add(more as u64, Ordering::Relaxed);
        add(&self.tally.delivered, delivered);
        add(&self.tally.full, full);
    }

    fn deliver(&self, line: &Line, message: &Arc<Message>) -> Result<(), MailboxFull> {
        let delivered = line.deliver(message);
        let full = usize::from(delivered.is_err());
        self.count(1 - full, full);
        delivered
    }

    fn check(&self, message: &Message) -> Result<(), LayerError> {
        let checked = self.limits.check(message);
        checked.inspect_err(|_| _ = self.tally.malformed.fetch_add(1, Ordering::Relaxed))
    }

    fn group_add(&self, group: &str, channel: &str) -> Result<(), LayerError> {
        check_both(group, channel)?;
        let mut hub = self.lock();
        let hub = &mut *hub;
        let Some(open) = hub.channels.get_mut(channel) else {
            return Ok(());
        };
        if !open.groups.contains(group) {
            let name: Arc<str> = group.into();
            open.groups.insert(Arc::clone(&name));
            let group = hub.groups.entry(name).or_default();
            group
                .members
                .insert(open.line.number, Arc::clone(&open.line));
            group.list = None;
        }
        Ok(())
    }

    fn group_discard(&self, group: &str, channel: &str) -> Result<(), LayerError> {
        check_both(group, channel)?;
        let mut hub = self.lock();
        if let Some(open) = hub.channels.get_mut(channel)
            && open.groups.remove(group)
        {
            let number = open.line.number;
            hub.leave(group, number);
        }
        Ok(())
    }

    fn appear(&self, group: &str, channel: &str, who: Present) -> Result<(), LayerError> {
        check_both(group, channel)?;
        let mut hub = self.lock();
        if let Some((name, _)) = hub.channels.get_key_value(channel) {
            let name = Arc::clone(name);
            hub.presences.appear(group, &name, who);
        }
        drop(hub);
        self.tell();
        Ok(())
    }

    fn vanish(&self, group: &str, channel: &str) -> Result<(), LayerError> {
        check_both(group, channel)?;
        self.lock().presences.vanish(group, channel);
        self.tell();
        Ok(())
    }

    fn watch(self: &Arc<Self>, group: &str, sink: PresenceSink) -> Result<Watch, LayerError> {
        check_name(group, false)?;
        let mut hub = self.lock();
        hub.numbers += 1;
        let number = hub.numbers;
        hub.presences.watch(group, number, sink);
        drop(hub);
        let (inner, group) = (Arc::downgrade(self), Arc::<str>::from(group));
        Ok(Watch::new(move || {
            let inner = inner.upgrade();
            let gone = inner.and_then(|inner| inner.lock().presences.unwatch(&group, number));
            drop(gone); // outside of the lock
        }))
    }
}

impl Hub {
    /// The readers of a channel have changed. What falls away here is no mailbox's end: those that
    /// are on a list are also in their lines, or with whoever takes them out.
    fn forget_lists(&mut self, channel: &str) {
        let groups = self.channels.get(channel).map(|open| &open.groups);
        for group in groups.into_iter().flatten() {
            if let Some(group) = self.groups.get_mut(group) {
                group.list = None;
            }
        }
    }

    fn leave(&mut self, name: &str, number: u64) {
        if let Some(group) = self.groups.get_mut(name) {
            group.members.remove(&number);
            group.list = None;
            if group.members.is_empty() {
                self.groups.remove(name);
            }
        }
    }
}

fn check_both(group: &str, channel: &str) -> Result<(), LayerError> {
    check_name(group, false)?;
    check_name(channel, true)?;
    Ok(())
}

/// What is done when it is awaited, and at once.
fn now<'a, T>(act: impl FnOnce() -> T + Send + 'a) -> Pending<'a, T> {
    Box::pin(async move { act() })
}

impl Layer for MemoryLayer {
    fn limits(&self) -> &LayerLimits {
        &self.inner.limits
    }

    fn open(
        &self,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError> {
        self.inner.open(address, mailbox, key)
    }

    fn send<'a>(
        &'a self,
        channel: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        now(move || self.inner.send(channel, &message).map(|_| ()))
    }

    fn group_add<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        now(move || self.inner.group_add(group, channel))
    }

    fn group_discard<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        now(move || self.inner.group_discard(group, channel))
    }

    fn group_send<'a>(
        &'a self,
        group: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        #[cfg(test)]
        if self.inner.holds.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        now(move || self.inner.group_send(group, &message))
    }

    fn appear<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
        who: Present,
    ) -> Pending<'a, Result<(), LayerError>> {
        now(move || self.inner.appear(group, channel, who))
    }

    fn vanish<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        now(move || self.inner.vanish(group, channel))
    }

    fn present<'a>(&'a self, group: &'a str) -> Pending<'a, Result<BTreeSet<Present>, LayerError>> {
        now(move || {
            check_name(group, false)?;
            #[cfg(test)]
            if let Some(left) = self.inner.refused.load(Ordering::Relaxed).checked_sub(1) {
                self.inner.refused.store(left, Ordering::Relaxed);
                return Err(LayerError::Unavailable("for a test".into()));
            }
            Ok(self.inner.lock().presences.list(group))
        })
    }

    fn watch(&self, group: &str, sink: PresenceSink) -> Result<Watch, LayerError> {
        self.inner.watch(group, sink)
    }

    fn counts(&self) -> LayerCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.inner.tally;
        LayerCounts {
            sent: of(&tally.sent),
            delivered: of(&tally.delivered),
            full: of(&tally.full),
            malformed: of(&tally.malformed),
            ..LayerCounts::default()
        }
    }

    fn health(&self) -> Result<(), String> {
        Ok(())
    }
}
