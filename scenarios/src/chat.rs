//! `chat`: rooms to talk in, at 10 Hz. Lines, people, who is writing, words for one alone, and
//! moderators.
//!
//! Whoever says something in a room of this name, in whichever process, is heard in all of them:
//! a line is shown here at once, and sent to the layer's group `room.chat.{room}`, where other
//! programs may speak too. The last hundred lines come from the store when a room opens.

use std::collections::BTreeMap;
use std::time::Duration;

use downbeat::layer::PresenceEvent;
use downbeat::{
    Bot, Game, Listing, OpenError, Player, PlayerId, Recipient, Refusal, Room, Seat, Tick, To,
};
use serde::{Deserialize, Serialize};

mod types;
mod whence;
mod text;
mod pace;
mod people;
mod lines;
mod words;
mod moderation;
mod bot;
mod answer;
#[cfg(test)]
mod tests;

pub use self::answer::answer;
use self::lines::Lines;
use self::people::People;
pub use self::types::{Entry, Event, Input, Kept, Kind, Message, Own, Query, Settings, Timer, Why};
pub use self::whence::{Whence, admit};

/// How long after the last key somebody still counts as writing.
const TYPING: Duration = Duration::from_secs(4);

/// Before the store is asked once more.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// The rules.
#[derive(Debug, Serialize, Deserialize)]
pub struct Chat {
    settings: Settings,
    people: People,
    lines: Lines,
    /// Until when whose word is taken, by the people's ids and by where guests come from.
    muted: BTreeMap<String, Tick>,
    /// Until when who was thrown out must stay away, by the same.
    out: BTreeMap<String, Tick>,
    /// Words that were sent from here so far.
    words: u64,
    /// The store will be asked once more.
    will_ask: bool,
}

#[downbeat::game]
impl Game for Chat {
    const NAME: &'static str = "chat";
    const TICK_RATE_HZ: u16 = 10;

    type Settings = Settings;
    type Input = Input;
    type Entity = Entry;
    type Private = Own;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Query = Query;
    type Profile = Whence;

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        room.set_listing(Listing {
            max: Some(settings.players_max),
            ..Listing::default()
        });
        let group = group(room);
        let watched = room.watch(&group);
        watched.map_err(|error| OpenError(error.to_string()))?;
        let chat = Self {
            settings: settings.clone(),
            people: People::default(),
            lines: Lines::default(),
            muted: BTreeMap::new(),
            out: BTreeMap::new(),
            words: 0,
            will_ask: false,
        };
        chat.ask_for_history(room);
        Ok(chat)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        self.enter(room, player)?;
        Ok(Seat::Player)
    }

    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        self.people.leave(room, player);
        self.choose_moderators(room);
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Input) {
        let done = match input {
            Input::Say { text } => self.say(room, player, &text),
            Input::Tell { person, text } => self.tell(room, player, person, &text),
            Input::Typing { on } => {
                self.type_on(room, player, on);
                Ok(())
            }
            Input::Mute { person, minutes } => self.ask_mute(room, player, person, minutes),
            Input::Kick { person } => self.ask_kick(room, player, person),
        };
        if let Err(why) = done {
            room.emit(&Event::Refused { why }, To::Player(player));
        }
    }

    fn timer(&mut self, room: &mut Room<Self>, timer: Timer) {
        match timer {
            Timer::Typing(id) => self.people.end_typing(room, &id),
            Timer::Unmute(id, until) => self.end_mute(room, &id, until),
            Timer::Ask => {
                self.will_ask = false;
                self.ask_for_history(room);
                self.lines.ask_to_keep(room);
            }
        }
    }

    fn message(&mut self, room: &mut Room<Self>, to: Recipient, message: &Message) {
        self.hear(room, to, message);
    }

    fn missed(&mut self, room: &mut Room<Self>, to: Recipient) {
        let to = match to {
            Recipient::Room => To::All,
            Recipient::Player(player) => To::Player(player),
        };
        room.emit(&Event::Missed, to);
    }

    fn presence(&mut self, room: &mut Room<Self>, _: &str, event: &PresenceEvent) {
        match event {
            PresenceEvent::Joined(who) => {
                let name = text::clean_name(&who.name);
                self.people.appear(room, &who.id, &name);
                self.show_mute(room, &who.id);
                self.choose_moderators(room);
            }
            PresenceEvent::Left(who) => self.people.vanish(room, &who.id),
            // The engine looks at the list by itself.
            PresenceEvent::Missed => {}
        }
    }

    fn loaded(&mut self, room: &mut Room<Self>, answer: Query) {
        let safe = match answer {
            Query::History { lines, .. } => self.lines.take_history(room, lines),
            Query::Keep { line, kept, .. } => self.lines.handle_kept(room, line, kept),
        };
        // One timer, however many questions came back.
        if !safe && !std::mem::replace(&mut self.will_ask, true) {
            room.timer(ASK_AGAIN, Timer::Ask);
        }
    }

    fn bot(seed: u64) -> Option<Box<dyn Bot<Self>>> {
        Some(Box::new(bot::Talker::new(seed)))
    }
}

impl Chat {
    fn ask_for_history(&self, room: &mut Room<Self>) {
        if !self.lines.has_history() {
            let name = room.name().to_owned();
            room.query(Query::History {
                room: name,
                lines: None,
            });
        }
    }
}

/// Where all rooms of this name hear each other, and are heard by others.
fn group(room: &Room<Chat>) -> String {
    format!("room.{}.{}", Chat::NAME, room.name())
}
