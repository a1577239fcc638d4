//! What is open in this process: channels with their mailboxes, groups with their members here,
//! who is present, and who watches.
//!
//! In: messages and events by name. Out: deliveries. It knows nothing of Redis; it is what Redis
//! is made to agree with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use downbeat::layer::{
    Delivery, LayerCounts, Mailbox, MailboxFull, Message, PresenceEvent, PresenceSink, Present,
};

use super::names::Names;

/// What is open here.
#[derive(Default)]
pub(super) struct Local {
    tables: Mutex<Tables>,
    pub(super) counts: Counts,
}

#[derive(Default)]
struct Tables {
    channels: BTreeMap<Arc<str>, Open>,
    groups: BTreeMap<Arc<str>, Group>,
    /// By the channel that stands for a group's members here.
    proxies: BTreeMap<String, Arc<str>>,
    presences: BTreeMap<PresenceKey, Vec<(Arc<str>, String)>>,
    watches: BTreeMap<Arc<str>, BTreeMap<u64, PresenceSink>>,
    next: u64,
}

/// A group and an id.
pub(super) type PresenceKey = (Arc<str>, Arc<str>);

struct Open {
    seat: Arc<Seat>,
    groups: BTreeSet<Arc<str>>,
    present: BTreeMap<Arc<str>, Arc<str>>,
}

/// A channel and who reads it.
pub(super) struct Seat {
    readers: Mutex<Readers>,
}

#[derive(Default)]
struct Readers {
    list: Vec<(u64, Arc<dyn Mailbox>, u64)>,
    next: usize,
}

struct Group {
    proxy: String,
    /// Redis may know the proxy as a member.
    is_told: bool,
    members: BTreeMap<Arc<str>, Arc<Seat>>,
}

/// What has been counted.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) full: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) gaps: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self) -> LayerCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LayerCounts {
            sent: read(&self.sent),
            delivered: read(&self.delivered),
            full: read(&self.full),
            expired: read(&self.expired),
            malformed: read(&self.malformed),
            gaps: read(&self.gaps),
        }
    }
}

pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose turn it is: the next that has room, if one has.
    fn turn(&self) -> Option<(Arc<dyn Mailbox>, u64)> {
        let mut readers = self.lock();
        let readers = &mut *readers;
        let count = readers.list.len();
        let order = (0..count).map(|step| (readers.next + step) % count);
        let mut with_room = order.filter(|place| {
            let (_, mailbox, key) = &readers.list[*place];
            !mailbox.is_full(*key)
        });
        let place = match count {
            0 => return None,
            1 => 0,
            _ => with_room.next().unwrap_or(readers.next % count),
        };
        readers.next = (place + 1) % count;
        let (_, mailbox, key) = &readers.list[place];
        Some((Arc::clone(mailbox), *key))
    }
}

/// What became different for others, when a channel was closed.
#[derive(Default)]
pub(super) struct Closed {
    pub(super) is_last: bool,
    pub(super) groups: Vec<Arc<str>>,
    pub(super) presences: Vec<PresenceKey>,
    /// Dropped by the caller: outside of all locks, for it may be the last that keeps a room.
    _reader: Option<Arc<dyn Mailbox>>,
}

impl Local {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the reader's number.
    pub(super) fn open(&self, name: &Arc<str>, mailbox: Arc<dyn Mailbox>, key: u64) -> u64 {
        let mut tables = self.lock();
        let number = tables.number();
        let open = tables.channels.entry(Arc::clone(name));
        let open = open.or_insert_with(|| Open {
            seat: Arc::new(Seat {
                readers: Mutex::default(),
            }),
            groups: BTreeSet::new(),
            present: BTreeMap::new(),
        });
        open.seat.lock().list.push((number, mailbox, key));
        number
    }

    pub(super) fn close(&self, name: &Arc<str>, number: u64) -> Closed {
        let mut tables = self.lock();
        let Some(open) = tables.channels.get(name) else {
            return Closed::default();
        };
        let mut readers = open.seat.lock();
        let place = readers.list.iter().position(|(of, ..)| *of == number);
        let reader = place.map(|place| readers.list.remove(place).1);
        let is_last = readers.list.is_empty();
        drop(readers);
        if !is_last {
            return Closed {
                _reader: reader,
                ..Closed::default()
            };
        }
        let open = tables.channels.remove(name).expect("just seen");
        let left = open.groups.into_iter();
        let groups = left.filter(|group| tables.leave(group, name)).collect();
        let presences: Vec<_> = open.present.into_iter().collect();
        for key in &presences {
            tables.stand_down(key, name);
        }
        Closed {
            is_last,
            groups,
            presences,
            _reader: reader,
        }
    }

    pub(super) fn is_open(&self, channel: &str) -> bool {
        self.lock().channels.contains_key(channel)
    }

    /// Adds a channel that is open here; answers whether it is, and whether the group had nobody
    /// here before.
    pub(super) fn join(&self, group: &str, channel: &str, names: &Names) -> Option<bool> {
        let mut tables = self.lock();
        let seat = Arc::clone(&tables.channels.get(channel)?.seat);
        let (group, is_first) = match tables.groups.get_key_value(group) {
            Some((group, of)) => (Arc::clone(group), of.members.is_empty()),
            None => {
                let group: Arc<str> = group.into();
                let proxy = names.proxy(tables.number());
                tables.proxies.insert(proxy.clone(), Arc::clone(&group));
                let members = BTreeMap::new();
                let of = Group {
                    proxy,
                    is_told: false,
                    members,
                };
                tables.groups.insert(Arc::clone(&group), of);
                (group, true)
            }
        };
        let (channel, open) = {
            let (name, _) = tables.channels.get_key_value(channel)?;
            let name = Arc::clone(name);
            (Arc::clone(&name), tables.channels.get_mut(&name)?)
        };
        open.groups.insert(Arc::clone(&group));
        tables.groups.get_mut(&group)?.members.insert(channel, seat);
        Some(is_first)
    }

    /// Takes a channel out; answers whether the group has nobody here any more.
    pub(super) fn part(&self, group: &str, channel: &str) -> bool {
        let mut tables = self.lock();
        let open = tables.channels.get_mut(channel);
        let was_in = open.is_some_and(|open| open.groups.remove(group));
        was_in && tables.leave(group, channel)
    }

    /// The channel that stands for a group's members here, and whether there are any.
    pub(super) fn proxy(&self, group: &str) -> Option<(String, bool)> {
        let tables = self.lock();
        let group = tables.groups.get(group)?;
        Some((group.proxy.clone(), !group.members.is_empty()))
    }

    /// Redis is about to be told of a group's members here.
    pub(super) fn note_told(&self, group: &str) {
        if let Some(group) = self.lock().groups.get_mut(group) {
            group.is_told = true;
        }
    }

    /// Forgets a group that has nobody here, now that Redis has forgotten it too.
    pub(super) fn forget(&self, group: &str) {
        self.forget_if(group, |_| true);
    }

    /// The same, if Redis never heard of it.
    pub(super) fn forget_untold(&self, group: &str) {
        self.forget_if(group, |group| !group.is_told);
    }

    fn forget_if(&self, group: &str, is_it: impl Fn(&Group) -> bool) {
        let mut tables = self.lock();
        let is_over = |group: &Group| group.members.is_empty() && is_it(group);
        if tables.groups.get(group).is_some_and(is_over)
            && let Some(group) = tables.groups.remove(group)
        {
            tables.proxies.remove(&group.proxy);
        }
    }

    /// Those of these channels that are open here and not among the group's members.
    pub(super) fn besides(&self, group: &str, channels: Vec<String>) -> Vec<String> {
        let tables = self.lock();
        let members = tables.groups.get(group).map(|group| &group.members);
        let is_member = |channel: &String| {
            let name: &str = channel;
            tables.proxies.contains_key(name)
                || members.is_some_and(|members| members.contains_key(name))
        };
        let others = channels.into_iter();
        others.filter(|channel| !is_member(channel)).collect()
    }

    pub(super) fn has_members(&self, group: &str) -> bool {
        let tables = self.lock();
        let of = tables.groups.get(group);
        of.is_some_and(|group| !group.members.is_empty())
    }

    /// From now on a channel stands for somebody; answers whose presence changed.
    pub(super) fn appear(
        &self,
        group: &str,
        channel: &str,
        who: Present,
    ) -> Option<Vec<PresenceKey>> {
        let mut tables = self.lock();
        let (channel, _) = tables.channels.get_key_value(channel)?;
        let channel = Arc::clone(channel);
        let key: PresenceKey = (group.into(), who.id.into());
        let mut changed = vec![(Arc::clone(&key.0), Arc::clone(&key.1))];
        let open = tables.channels.get_mut(&channel)?;
        let before = open.present.insert(Arc::clone(&key.0), Arc::clone(&key.1));
        if let Some(before) = before {
            let before = (Arc::clone(&key.0), before);
            tables.stand_down(&before, &channel);
            changed.push(before);
        }
        let standing = tables.presences.entry(key).or_default();
        standing.push((channel, who.name));
        Some(changed)
    }

    pub(super) fn vanish(&self, group: &str, channel: &str) -> Option<PresenceKey> {
        let mut tables = self.lock();
        let open = tables.channels.get_mut(channel)?;
        let key = open.present.remove_entry(group)?;
        tables.stand_down(&key, channel);
        Some(key)
    }

    /// How somebody is shown who is present on a channel here.
    pub(super) fn shown(&self, key: &PresenceKey) -> Option<String> {
        let tables = self.lock();
        let (_, name) = tables.presences.get(key)?.last()?;
        Some(name.clone())
    }

    pub(super) fn watch(&self, group: &str, sink: PresenceSink) -> (Arc<str>, u64) {
        let mut tables = self.lock();
        let number = tables.number();
        let group: Arc<str> = group.into();
        let sinks = tables.watches.entry(Arc::clone(&group)).or_default();
        sinks.insert(number, sink);
        (group, number)
    }

    /// Answers the sink, to be dropped outside of all locks.
    pub(super) fn unwatch(&self, group: &str, number: u64) -> Option<PresenceSink> {
        let mut tables = self.lock();
        let sinks = tables.watches.get_mut(group)?;
        let sink = sinks.remove(&number);
        if sinks.is_empty() {
            tables.watches.remove(group);
        }
        sink
    }

    pub(super) fn is_watched(&self, group: &str) -> bool {
        self.lock().watches.contains_key(group)
    }

    pub(super) fn tell(&self, group: &str, event: &PresenceEvent) {
        let sinks: Vec<_> = match self.lock().watches.get(group) {
            Some(sinks) => sinks.values().cloned().collect(),
            None => return,
        };
        for sink in sinks {
            sink(event);
        }
    }

    /// Everything by name.
    pub(super) fn all(&self) -> All {
        let tables = self.lock();
        All {
            channels: tables.channels.keys().cloned().collect(),
            groups: tables.groups.keys().cloned().collect(),
            presences: tables.presences.keys().cloned().collect(),
            watches: tables.watches.keys().cloned().collect(),
        }
    }

    /// Delivers to one channel; answers nothing if it is not open here.
    pub(super) fn deliver(
        &self,
        channel: &str,
        message: &Arc<Message>,
    ) -> Option<Result<(), MailboxFull>> {
        let seat = self
            .lock()
            .channels
            .get(channel)
            .map(|open| Arc::clone(&open.seat));
        match self.hand_over([seat?], message) {
            0 => Some(Ok(())),
            _ => Some(Err(MailboxFull)),
        }
    }

    /// Delivers to all members of a group that are open here; answers whether there are any.
    pub(super) fn fan_out(&self, group: &str, message: &Arc<Message>) -> bool {
        let seats: Vec<_> = match self.lock().groups.get(group) {
            Some(group) => group.members.values().cloned().collect(),
            None => return false,
        };
        let has_members = !seats.is_empty();
        self.hand_over(seats, message);
        has_members
    }

    /// Delivers to channels, of which some stand for groups' members; once to each.
    pub(super) fn deliver_to(&self, targets: &[String], message: &Arc<Message>) {
        if let [target] = targets
            && self.proxied(target).is_none()
        {
            self.deliver(target, message);
            return;
        }
        let mut seats = BTreeMap::new();
        let tables = self.lock();
        for target in targets {
            match tables.proxies.get(target) {
                Some(group) => {
                    let members = tables.groups.get(group).map(|group| &group.members);
                    for (name, seat) in members.into_iter().flatten() {
                        seats.insert(Arc::clone(name), Arc::clone(seat));
                    }
                }
                None => {
                    if let Some((name, open)) = tables.channels.get_key_value(target.as_str()) {
                        seats.insert(Arc::clone(name), Arc::clone(&open.seat));
                    }
                }
            }
        }
        drop(tables);
        self.hand_over(seats.into_values(), message);
    }

    fn proxied(&self, target: &str) -> Option<Arc<str>> {
        self.lock().proxies.get(target).cloned()
    }

    /// Those with the same mailbox get it in one call. Answers how many were full.
    fn hand_over(&self, seats: impl IntoIterator<Item = Arc<Seat>>, message: &Arc<Message>) -> u64 {
        let mut rounds = Vec::<(Arc<dyn Mailbox>, Vec<u64>)>::new();
        let mut places = BTreeMap::new();
        for (mailbox, key) in seats.into_iter().filter_map(|seat| seat.turn()) {
            let pointer = Arc::as_ptr(&mailbox).cast::<()>();
            let place = *places.entry(pointer).or_insert(rounds.len());
            match rounds.get_mut(place) {
                Some((_, keys)) => keys.push(key),
                None => rounds.push((mailbox, vec![key])),
            }
        }
        let mut all_full = 0;
        for (mailbox, keys) in rounds {
            let message = Arc::clone(message);
            let full = mailbox.deliver_many(&keys, Delivery { message });
            let full = full.min(keys.len());
            count(&self.counts.delivered, (keys.len() - full) as u64);
            count(&self.counts.full, full as u64);
            all_full += full as u64;
        }
        all_full
    }

    /// Tells all readers of the channels for which `lost` answers yes, by their name and groups.
    pub(super) fn missed(&self, lost: impl Fn(&str, &BTreeSet<Arc<str>>) -> bool) {
        let tables = self.lock();
        let open = tables.channels.iter();
        let open = open.filter(|(name, open)| lost(name, &open.groups));
        let seats: Vec<_> = open.map(|(_, open)| Arc::clone(&open.seat)).collect();
        drop(tables);
        for seat in seats {
            let readers = seat.lock().list.clone();
            for (_, mailbox, key) in readers {
                mailbox.missed(key);
            }
        }
    }
}

/// Everything that is open here.
pub(super) struct All {
    pub(super) channels: Vec<Arc<str>>,
    pub(super) groups: Vec<Arc<str>>,
    pub(super) presences: Vec<PresenceKey>,
    pub(super) watches: Vec<Arc<str>>,
}

impl Tables {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Answers whether the group has nobody here any more. It stays until Redis knows.
    fn leave(&mut self, group: &str, channel: &str) -> bool {
        self.groups.get_mut(group).is_some_and(|group| {
            group.members.remove(channel);
            group.members.is_empty()
        })
    }

    fn stand_down(&mut self, key: &PresenceKey, channel: &str) {
        if let Some(standing) = self.presences.get_mut(key) {
            standing.retain(|(name, _)| **name != *channel);
            if standing.is_empty() {
                self.presences.remove(key);
            }
        }
    }
}
