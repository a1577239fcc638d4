//! What is said: by members here, and by whoever speaks on the layer.

use downbeat::limits::NAME_CHARS_MAX;
use downbeat::{Game as _, Player, PlayerId, Recipient, Refusal, Room, To, UserId};

use super::moderation::is_muted;
use super::text::{TEXT_CHARS_MAX, clean, clean_and_cut, clean_name, is_too_long};
use super::{Chat, Event, Message, Why, group};

/// Who was thrown out and comes again too soon.
const THROWN_OUT: Refusal = Refusal::new("you were thrown out; come back later");

impl Chat {
    /// A member came.
    pub(super) fn enter(
        &mut self,
        room: &mut Room<Self>,
        player: &Player<Self>,
    ) -> Result<(), Refusal> {
        let user = player.user.as_ref().map(ToString::to_string);
        let channel = || room.channel(player.id).map(str::to_owned);
        // A room without a layer has neither: its members are told apart by their numbers.
        let id = user.or_else(channel);
        let id = id.unwrap_or_else(|| format!("player-{}", player.id));
        if self.is_out(room, player, &id) {
            return Err(THROWN_OUT);
        }
        self.people.enter(room, player, &id);
        self.mute_again(room, player, &id);
        self.choose_moderators(room);
        Ok(())
    }

    /// Takes one line of what a member may say, or tells why it may not.
    fn take_word(
        &mut self,
        room: &Room<Self>,
        player: PlayerId,
        text: &str,
    ) -> Result<(String, Option<String>), Why> {
        let (id, person) = self.people.of(player).ok_or(Why::NobodyThere)?;
        if is_muted(&self.muted, id, room.tick()) {
            return Err(Why::Muted);
        }
        if is_too_long(text) {
            return Err(Why::TooLong);
        }
        if !person.pace.take(room.tick(), Self::TICK_RATE_HZ) {
            return Err(Why::TooFast);
        }
        Ok((person.name.clone(), clean(text)))
    }

    /// A member says something to everybody.
    pub(super) fn say(
        &mut self,
        room: &mut Room<Self>,
        player: PlayerId,
        text: &str,
    ) -> Result<(), Why> {
        let (name, text) = self.take_word(room, player, text)?;
        let Some(text) = text else {
            return Ok(()); // nothing that can be seen is nothing said
        };
        self.type_on(room, player, false);
        let id = self.next_id(room);
        self.lines.add(room, &name, &text, &id);
        send(room, &Message::ChatMessage { text, name, id });
        Ok(())
    }

    /// A member says something to one person.
    pub(super) fn tell(
        &mut self,
        room: &mut Room<Self>,
        player: PlayerId,
        person: u32,
        text: &str,
    ) -> Result<(), Why> {
        let (from, text) = self.take_word(room, player, text)?;
        let (id, other) = self.people.by_number(person).ok_or(Why::NobodyThere)?;
        let Some(text) = text else {
            return Ok(());
        };
        let event = Event::Direct {
            from: from.clone(),
            to: other.name.clone(),
            text: text.clone(),
        };
        let mut hearers: Vec<_> = other.here.iter().copied().collect();
        let to = id.to_owned();
        if !hearers.contains(&player) {
            hearers.push(player);
        }
        room.emit(&event, To::Players(hearers));
        let id = self.next_id(room);
        let name = from;
        let message = Message::ChatDirect { text, name, id };
        // Its other devices, in other rooms and processes; this room hears its own id and is
        // silent. Both names are of the engine's making.
        let _ = if UserId::new(&to).is_ok() {
            room.group_send(&format!("user.{to}"), &message)
        } else {
            room.send(&to, &message)
        };
        Ok(())
    }

    /// A member writes, or has stopped.
    pub(super) fn type_on(&mut self, room: &mut Room<Self>, player: PlayerId, on: bool) {
        let Some((who, _)) = self.people.of(player) else {
            return;
        };
        let who = who.to_owned();
        if self.people.set_typing(room, &who, on) {
            let id = self.next_id(room);
            send(room, &Message::ChatTyping { who, id });
        }
    }

    /// Somebody on the layer says something.
    pub(super) fn hear(&mut self, room: &mut Room<Self>, to: Recipient, message: &Message) {
        match (to, message) {
            (Recipient::Room, Message::ChatMessage { text, name, id }) => {
                if !is_own(room, id)
                    && let Some(text) = clean_and_cut(text, TEXT_CHARS_MAX)
                {
                    self.lines.add(room, &clean_name(name), &text, id);
                }
            }
            (
                Recipient::Player(player),
                Message::ChatDirect { text, name, id } | Message::ChatMessage { text, name, id },
            ) => {
                if !is_own(room, id) {
                    self.hear_alone(room, player, (name, text));
                }
            }
            (Recipient::Room, Message::ChatTyping { who, id }) => {
                if !is_own(room, id) {
                    self.people.set_typing(room, who, true);
                }
            }
            (Recipient::Room, Message::ChatKick { who }) => self.kick_meant(room, who),
            (Recipient::Room, Message::ChatMute { who, minutes }) => {
                self.mute_meant(room, who, *minutes);
            }
            (Recipient::Player(player), Message::ChatKick { .. }) => {
                if let Some((id, _)) = self.people.of(player) {
                    let id = id.to_owned();
                    self.kick(room, &id);
                }
            }
            (Recipient::Player(player), Message::ChatMute { minutes, .. }) => {
                if let Some((id, _)) = self.people.of(player) {
                    let id = id.to_owned();
                    self.mute(room, &id, *minutes);
                }
            }
            // Said to the wrong ear.
            (Recipient::Room, Message::ChatDirect { .. })
            | (Recipient::Player(_), Message::ChatTyping { .. }) => {}
        }
    }

    fn hear_alone(&self, room: &mut Room<Self>, player: PlayerId, (from, text): (&str, &str)) {
        let name = room.player(player).map(|player| player.name.clone());
        if let Some(to) = name
            && let Some(text) = clean_and_cut(text, TEXT_CHARS_MAX)
        {
            let from = clean_and_cut(from, NAME_CHARS_MAX).unwrap_or_default();
            room.emit(&Event::Direct { from, to, text }, To::Player(player));
        }
    }

    /// What tells a word from all others, here and elsewhere and after a restart: the room's
    /// channel, which nobody else has or had, and a number.
    fn next_id(&mut self, room: &Room<Self>) -> String {
        self.words += 1;
        format!("{}.{}", room.own_channel().unwrap_or("here"), self.words)
    }
}

/// Whether this room said it.
fn is_own(room: &Room<Chat>, id: &str) -> bool {
    let said_by = id.rsplit_once('.').map(|(channel, _)| channel);
    said_by.is_some() && said_by == room.own_channel()
}

/// Tells all rooms of this name, and whoever else listens.
pub(super) fn send(room: &mut Room<Chat>, message: &Message) {
    let group = group(room);
    // The name was found good when the room opened, and the message is texts and numbers.
    let _ = room.group_send(&group, message);
}
