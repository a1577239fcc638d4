//! Who is here: once each, on however many devices, in this process or another.
//!
//! A person is here for as long as a member of this room is, whatever the layer says; and for as
//! long as the layer says that it is present elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use downbeat::{EntityId, Game as _, Player, PlayerId, Room, Tick, To};
use serde::{Deserialize, Serialize};

use super::pace::Pace;
use super::{Chat, Entry, Event, Kind, TYPING, Timer, Whence, group};

/// How often others are told anew that somebody still writes. Units: seconds.
const TYPING_TOLD_S: u32 = 2;

/// The people, by their ids on the layer: a user's id, or the channel of somebody who has none.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct People {
    by_id: BTreeMap<String, Person>,
    ids: BTreeMap<PlayerId, String>,
    newest: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) entry: EntityId,
    pub(super) number: u32,
    pub(super) name: String,
    /// The members that it is, oldest first.
    pub(super) here: BTreeSet<PlayerId>,
    /// Where it came from last, if it is a guest.
    pub(super) whence: Whence,
    /// The layer lists it.
    listed: bool,
    pub(super) pace: Pace,
    typing_until: Tick,
    typing_told: Option<Tick>,
}

impl People {
    /// A member came.
    pub(super) fn enter(&mut self, room: &mut Room<Chat>, player: &Player<Chat>, id: &str) {
        let number = self.find_or_spawn(room, id, &player.name);
        if let Some(person) = self.by_id.get_mut(id) {
            person.here.insert(player.id);
            person.whence = player.profile;
        }
        self.ids.insert(player.id, id.to_owned());
        if let Some(own) = room.private_mut(player.id) {
            own.person = number;
        }
        // The name of a room is fit for a group; that was found out when it opened.
        let _ = room.appear(player.id, &group(room));
    }

    /// A member went.
    pub(super) fn leave(&mut self, room: &mut Room<Chat>, player: PlayerId) {
        let Some(id) = self.ids.remove(&player) else {
            return;
        };
        if let Some(person) = self.by_id.get_mut(&id) {
            person.here.remove(&player);
        }
        self.forget_if_gone(room, &id);
    }

    /// The layer lists somebody.
    pub(super) fn appear(&mut self, room: &mut Room<Chat>, id: &str, name: &str) {
        self.find_or_spawn(room, id, name);
        if let Some(person) = self.by_id.get_mut(id) {
            person.listed = true;
        }
    }

    /// The layer lists somebody no longer.
    pub(super) fn vanish(&mut self, room: &mut Room<Chat>, id: &str) {
        if let Some(person) = self.by_id.get_mut(id) {
            person.listed = false;
        }
        self.forget_if_gone(room, id);
    }

    fn find_or_spawn(&mut self, room: &mut Room<Chat>, id: &str, name: &str) -> u32 {
        if let Some(person) = self.by_id.get(id) {
            return person.number;
        }
        self.newest += 1;
        let number = self.newest;
        let entry = room.spawn(Entry {
            kind: Kind::Person,
            number,
            name: name.to_owned(),
            text: String::new(),
            at_s: 0,
            moderator: false,
            muted: false,
            typing: false,
        });
        let name = name.to_owned();
        room.emit(&Event::Joined { name: name.clone() }, To::All);
        let now = room.tick();
        let person = Person {
            entry,
            number,
            name,
            here: BTreeSet::new(),
            whence: Whence::default(),
            listed: false,
            pace: Pace::new(now),
            typing_until: now,
            typing_told: None,
        };
        self.by_id.insert(id.to_owned(), person);
        number
    }

    fn forget_if_gone(&mut self, room: &mut Room<Chat>, id: &str) {
        let is_gone = |person: &Person| person.here.is_empty() && !person.listed;
        if self.by_id.get(id).is_some_and(is_gone)
            && let Some(person) = self.by_id.remove(id)
        {
            room.despawn(person.entry);
            room.emit(&Event::Left { name: person.name }, To::All);
        }
    }

    /// The id and the person behind a member.
    pub(super) fn of(&mut self, player: PlayerId) -> Option<(&str, &mut Person)> {
        let id = self.ids.get(&player)?;
        let person = self.by_id.get_mut(id)?;
        Some((id, person))
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Person> {
        self.by_id.get(id)
    }

    pub(super) fn by_number(&self, number: u32) -> Option<(&str, &Person)> {
        let mut all = self.all();
        all.find(|(_, person)| person.number == number)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.by_id.iter().map(|(id, person)| (&**id, person))
    }

    /// Those whom somebody outside means who says an id or a name.
    pub(super) fn meant_by(&self, who: &str) -> Vec<String> {
        let is_meant = |&(id, person): &(&str, &Person)| id == who || person.name == who;
        let meant = self.all().filter(is_meant);
        meant.map(|(id, _)| id.to_owned()).collect()
    }

    /// Somebody writes or has stopped; answers whether others should be told.
    pub(super) fn set_typing(&mut self, room: &mut Room<Chat>, id: &str, on: bool) -> bool {
        let now = room.tick();
        let rate = u32::from(Chat::TICK_RATE_HZ);
        let Some(person) = self.by_id.get_mut(id) else {
            return false;
        };
        let told_lately = person
            .typing_told
            .is_some_and(|told| now.since(told) < TYPING_TOLD_S * rate);
        if on && told_lately {
            return false;
        }
        if let Some(entry) = room.entity_mut(person.entry) {
            entry.typing = on;
        }
        if on {
            person.typing_told = Some(now);
        }
        if on {
            // What is due between two steps is due at the later one.
            let ticks = u32::try_from(TYPING.as_secs()).unwrap_or(0) * rate;
            person.typing_until = now.after(ticks);
            room.timer(TYPING, Timer::Typing(id.to_owned()));
        }
        on
    }

    /// A while after the last key: unless there was a later one.
    pub(super) fn end_typing(&mut self, room: &mut Room<Chat>, id: &str) {
        let now = room.tick();
        let person = self.by_id.get(id);
        if let Some(person) = person.filter(|person| !person.typing_until.is_newer(now))
            && let Some(entry) = room.entity_mut(person.entry)
        {
            entry.typing = false;
        }
    }
}
