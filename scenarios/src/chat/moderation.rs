//! Who may take somebody's word or throw them out, and how that is done: by moderators in the
//! room, by moderators in rooms of this name elsewhere, and by messages of the layer.

use std::collections::BTreeMap;
use std::time::Duration;

use downbeat::{Game as _, Player, PlayerId, Room, Tick};

use super::words::send;
use super::{Chat, Message, Timer, Why};

/// How long who was thrown out must stay away.
const OUT: Duration = Duration::from_secs(300);

/// What who is thrown out reads.
const REASON: &str = "thrown out by a moderator";

/// The longest that somebody may be silenced: a day.
const MUTE_MINUTES_MAX: u16 = 24 * 60;

impl Chat {
    /// Marks those who may moderate: the users that the settings name, else who of this room has
    /// been here for longest.
    pub(super) fn choose_moderators(&self, room: &mut Room<Self>) {
        let eldest = self.people.all().filter_map(|(id, person)| {
            let since = person.here.first()?;
            Some((since, id))
        });
        let eldest = eldest.min().map(|(_, id)| id);
        for (id, person) in self.people.all() {
            let is_moderator = if self.settings.moderators.is_empty() {
                eldest == Some(id)
            } else {
                self.settings.moderators.iter().any(|named| named == id)
            };
            if let Some(entry) = room.entity_mut(person.entry) {
                entry.moderator = is_moderator;
            }
        }
    }

    fn check_moderator(&mut self, room: &Room<Self>, player: PlayerId) -> Result<(), Why> {
        let (_, person) = self.people.of(player).ok_or(Why::NotModerator)?;
        let entry = room.entity(person.entry);
        if !entry.is_some_and(|entry| entry.moderator) {
            return Err(Why::NotModerator);
        }
        if !person.pace.take(room.tick(), Self::TICK_RATE_HZ) {
            return Err(Why::TooFast);
        }
        Ok(())
    }

    /// The id of whom a moderator means. Each process has an eldest, whom nobody has chosen: it
    /// moderates those who are in its own room, and not all of them everywhere.
    fn meant(&self, person: u32) -> Result<String, Why> {
        let (id, person) = self.people.by_number(person).ok_or(Why::NobodyThere)?;
        if self.settings.moderators.is_empty() && person.here.is_empty() {
            return Err(Why::Elsewhere);
        }
        Ok(id.to_owned())
    }

    /// A member wants somebody silenced.
    pub(super) fn ask_mute(
        &mut self,
        room: &mut Room<Self>,
        player: PlayerId,
        person: u32,
        minutes: u16,
    ) -> Result<(), Why> {
        self.check_moderator(room, player)?;
        let who = self.meant(person)?;
        self.mute(room, &who, minutes);
        send(room, &Message::ChatMute { who, minutes });
        Ok(())
    }

    /// A member wants somebody out.
    pub(super) fn ask_kick(
        &mut self,
        room: &mut Room<Self>,
        player: PlayerId,
        person: u32,
    ) -> Result<(), Why> {
        self.check_moderator(room, player)?;
        let who = self.meant(person)?;
        self.kick(room, &who);
        send(room, &Message::ChatKick { who });
        Ok(())
    }

    pub(super) fn mute_meant(&mut self, room: &mut Room<Self>, who: &str, minutes: u16) {
        for id in self.people.meant_by(who) {
            self.mute(room, &id, minutes);
        }
    }

    pub(super) fn kick_meant(&mut self, room: &mut Room<Self>, who: &str) {
        for id in self.people.meant_by(who) {
            self.kick(room, &id);
        }
    }

    pub(super) fn mute(&mut self, room: &mut Room<Self>, id: &str, minutes: u16) {
        let minutes = minutes.min(MUTE_MINUTES_MAX);
        let s = u32::from(minutes) * 60;
        let until = room.tick().after(s * u32::from(Self::TICK_RATE_HZ));
        for key in self.known_by(id) {
            if minutes > 0 || self.muted.contains_key(&key) {
                self.mute_until(room, key, until);
            }
        }
    }

    /// By what somebody is known: its id, and where it comes from if it is a guest, who has a new
    /// id with each join. Others who are here from the same place are left alone.
    fn known_by(&self, id: &str) -> Vec<String> {
        let whence = self.people.by_id(id).and_then(|who| who.whence.key());
        [Some(id.to_owned()), whence]
            .into_iter()
            .flatten()
            .collect()
    }

    fn mute_until(&mut self, room: &mut Room<Self>, key: String, until: Tick) {
        let s = until.since(room.tick()) / u32::from(Self::TICK_RATE_HZ);
        let after = Duration::from_secs(u64::from(s));
        self.muted.insert(key.clone(), until);
        self.show_mute(room, &key);
        room.timer(after, Timer::Unmute(key, until));
    }

    /// A guest whose word was taken is not heard for coming anew.
    pub(super) fn mute_again(&mut self, room: &mut Room<Self>, player: &Player<Self>, id: &str) {
        let until = player.profile.key().and_then(|key| self.muted.get(&key));
        if let Some(&until) = until.filter(|until| until.is_newer(room.tick())) {
            self.mute_until(room, id.to_owned(), until);
        }
        self.show_mute(room, id);
    }

    /// Somebody's time is up, unless it has another by now, which has a timer of its own.
    pub(super) fn end_mute(&mut self, room: &mut Room<Self>, id: &str, until: Tick) {
        if self.muted.get(id) == Some(&until) {
            self.muted.remove(id);
            self.show_mute(room, id);
        }
    }

    /// Shows whether somebody may speak.
    pub(super) fn show_mute(&self, room: &mut Room<Self>, id: &str) {
        let muted = is_muted(&self.muted, id, room.tick());
        let entry = self.people.by_id(id).map(|person| person.entry);
        if let Some(entry) = entry.and_then(|entry| room.entity_mut(entry)) {
            entry.muted = muted;
        }
    }

    pub(super) fn kick(&mut self, room: &mut Room<Self>, id: &str) {
        let Some(person) = self.people.by_id(id) else {
            return;
        };
        for &player in &person.here {
            room.kick(player, REASON);
        }
        let s = u32::try_from(OUT.as_secs()).unwrap_or(u32::MAX);
        let until = room.tick().after(s * u32::from(Self::TICK_RATE_HZ));
        for key in self.known_by(id) {
            self.out.insert(key, until);
        }
    }

    /// Whether somebody was thrown out, and comes too soon.
    pub(super) fn is_out(&mut self, room: &Room<Self>, player: &Player<Self>, id: &str) -> bool {
        self.out.retain(|_, until| until.is_newer(room.tick()));
        let whence = player.profile.key();
        self.out.contains_key(id) || whence.is_some_and(|key| self.out.contains_key(&key))
    }
}

/// Whether somebody may not speak now; who could until lately is on the list as well.
pub(super) fn is_muted(muted: &BTreeMap<String, Tick>, id: &str, now: Tick) -> bool {
    muted.get(id).is_some_and(|until| until.is_newer(now))
}
