//! Who is present where, and who wants to know. No lock and no call out: answers are notices.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{PresenceEvent, PresenceSink, Present};

/// An event, and whom it is told.
pub(super) struct Notice {
    pub(super) sinks: Vec<PresenceSink>,
    pub(super) event: PresenceEvent,
}

/// All that is known of presence.
#[derive(Default)]
pub(super) struct Presences {
    groups: BTreeMap<Arc<str>, Presence>,
    /// For whom a channel stands, by group.
    channels: BTreeMap<Arc<str>, BTreeMap<Arc<str>, String>>,
    notices: VecDeque<Notice>,
    /// Somebody tells notices right now.
    telling: bool,
}

/// One group's.
#[derive(Default)]
struct Presence {
    /// Channels and the names that came with them, newest last, by who.
    present: BTreeMap<String, Vec<(Arc<str>, String)>>,
    sinks: BTreeMap<u64, PresenceSink>,
}

impl Presences {
    pub(super) fn appear(&mut self, group: &str, channel: &Arc<str>, who: Present) {
        let stands_for = self
            .channels
            .get(channel)
            .and_then(|groups| groups.get(group));
        if stands_for.is_some_and(|id| *id != who.id) {
            self.vanish(group, channel);
        }
        let group = match self.groups.get_key_value(group) {
            Some((name, _)) => Arc::clone(name),
            None => group.into(),
        };
        let of_channel = self.channels.entry(Arc::clone(channel)).or_default();
        of_channel.insert(Arc::clone(&group), who.id.clone());
        let presence = self.groups.entry(group).or_default();
        let channels = presence.present.entry(who.id.clone()).or_default();
        let is_new = channels.is_empty();
        channels.retain(|(of, _)| of != channel);
        channels.push((Arc::clone(channel), who.name.clone()));
        if is_new {
            let notice = presence.notice(PresenceEvent::Joined(who));
            self.notices.extend(notice);
        }
    }

    pub(super) fn vanish(&mut self, group: &str, channel: &str) {
        let Some(groups) = self.channels.get_mut(channel) else {
            return;
        };
        let id = groups.remove(group);
        if groups.is_empty() {
            self.channels.remove(channel);
        }
        if let Some(id) = id {
            self.remove(group, channel, &id);
        }
    }

    /// A channel is gone from everywhere.
    pub(super) fn close(&mut self, channel: &str) {
        for (group, id) in self.channels.remove(channel).into_iter().flatten() {
            self.remove(&group, channel, &id);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.channels.is_empty() && self.notices.is_empty()
    }

    pub(super) fn list(&self, group: &str) -> BTreeSet<Present> {
        let present = self.groups.get(group).map(|presence| &presence.present);
        let present = present.into_iter().flatten();
        let newest = |(id, channels): (&String, &Vec<(Arc<str>, String)>)| {
            let (_, name) = channels.last()?;
            Some(Present {
                id: id.clone(),
                name: name.clone(),
            })
        };
        present.filter_map(newest).collect()
    }

    pub(super) fn watch(&mut self, group: &str, number: u64, sink: PresenceSink) {
        let presence = self.groups.entry(group.into()).or_default();
        presence.sinks.insert(number, sink);
    }

    pub(super) fn unwatch(&mut self, group: &str, number: u64) -> Option<PresenceSink> {
        let gone = self.groups.get_mut(group)?.sinks.remove(&number);
        self.forget_if_empty(group);
        gone
    }

    /// The next thing to tell, if nobody else tells; `after` one that the caller has told.
    pub(super) fn next_notice(&mut self, after: bool) -> Option<Notice> {
        if self.telling && !after {
            return None;
        }
        let notice = self.notices.pop_front();
        self.telling = notice.is_some();
        notice
    }

    /// Whoever told is gone.
    pub(super) fn stop_telling(&mut self) {
        self.telling = false;
    }

    fn remove(&mut self, group: &str, channel: &str, id: &str) {
        let Some(presence) = self.groups.get_mut(group) else {
            return;
        };
        let Some(channels) = presence.present.get_mut(id) else {
            return;
        };
        let at = channels.iter().position(|(of, _)| &**of == channel);
        let Some((_, name)) = at.map(|at| channels.remove(at)) else {
            return;
        };
        if channels.is_empty() {
            presence.present.remove(id);
            let id = id.into();
            let notice = presence.notice(PresenceEvent::Left(Present { id, name }));
            self.notices.extend(notice);
        }
        self.forget_if_empty(group);
    }

    fn forget_if_empty(&mut self, group: &str) {
        let presence = self.groups.get(group);
        if presence.is_some_and(|p| p.present.is_empty() && p.sinks.is_empty()) {
            self.groups.remove(group);
        }
    }
}

impl Presence {
    fn notice(&self, event: PresenceEvent) -> Option<Notice> {
        let sinks: Vec<_> = self.sinks.values().cloned().collect();
        (!sinks.is_empty()).then_some(Notice { sinks, event })
    }
}
