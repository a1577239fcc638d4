//! What travels: settings, inputs, entities, events, messages of the layer, questions to the store.

use downbeat::{Replicate, Tick};
use serde::{Deserialize, Serialize};

/// What a room is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The ids of the users who may mute and throw out; where there are none, it is who has been
    /// in the room for longest, in each process for those who are in the room there.
    pub moderators: Vec<String>,
    /// Seats.
    pub players_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            moderators: Vec::new(),
            players_max: 1000,
        }
    }
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Says something to everybody.
    Say {
        /// At most 500 characters.
        text: String,
    },
    /// Says something to one person, in whichever room of the chat it is.
    Tell {
        /// Its number.
        person: u32,
        /// At most 500 characters.
        text: String,
    },
    /// Is writing, or has stopped.
    Typing {
        /// Whether it is.
        on: bool,
    },
    /// A moderator takes somebody's word for a while.
    Mute {
        /// Its number.
        person: u32,
        /// For how long; 0 gives it back.
        minutes: u16,
    },
    /// A moderator throws somebody out.
    Kick {
        /// Its number.
        person: u32,
    },
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Somebody who is here, in this process or another; once, on however many devices.
    Person,
    /// One of the last hundred lines.
    Line,
}

/// All there is to see: people and lines. Both are state, not events: whoever comes, or comes
/// back, sees them as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Replicate)]
pub struct Entry {
    /// Which of the two.
    pub kind: Kind,
    /// A person's number, or a line's place: it grows.
    pub number: u32,
    /// The person's, or the one who said it; at most 24 characters.
    pub name: String,
    /// What was said; at most 500 characters, without any that cannot be seen.
    pub text: String,
    /// When, since 1970; 0 until the server has told. Units: seconds.
    pub at_s: u32,
    /// It may mute and throw out.
    pub moderator: bool,
    /// It may not speak.
    pub muted: bool,
    /// It is writing.
    pub typing: bool,
}

/// What only one sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Replicate)]
pub struct Own {
    /// One's own number among the people.
    pub person: u32,
}

/// What happens once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Somebody came.
    Joined {
        /// Who.
        name: String,
    },
    /// Somebody went.
    Left {
        /// Who.
        name: String,
    },
    /// Something that only two hear.
    Direct {
        /// Who says it.
        from: String,
        /// To whom.
        to: String,
        /// What.
        text: String,
    },
    /// What was asked for is not done.
    Refused {
        /// Why.
        why: Why,
    },
    /// Lines from elsewhere may be missing.
    Missed,
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Five lines at once, then one a second.
    TooFast,
    /// More than 500 characters.
    TooLong,
    /// A moderator has taken one's word.
    Muted,
    /// Nobody has this number.
    NobodyThere,
    /// That is for moderators.
    NotModerator,
    /// Nobody has chosen moderators, and the person is in the room in another process.
    Elsewhere,
}

/// What chats say to each other over the layer, and what anybody else may say to them: a Django
/// site sends `{"type": "chat.message", "text": …, "name": …}` to the group `room.chat.{room}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A line.
    ChatMessage {
        /// What was said.
        text: String,
        /// By whom.
        #[serde(default)]
        name: String,
        /// What tells it from others; without it, it is not kept in the store.
        #[serde(default)]
        id: String,
    },
    /// A line for one user, sent to the group `user.{id}`.
    ChatDirect {
        /// What was said.
        text: String,
        /// By whom.
        #[serde(default)]
        name: String,
        /// What tells it from others.
        #[serde(default)]
        id: String,
    },
    /// Somebody is writing.
    ChatTyping {
        /// The person's id.
        who: String,
        /// Who says so.
        #[serde(default)]
        id: String,
    },
    /// Throws out.
    ChatKick {
        /// A user's id, or a name.
        #[serde(default)]
        who: String,
    },
    /// Takes somebody's word.
    ChatMute {
        /// A user's id, or a name.
        #[serde(default)]
        who: String,
        /// For how long; 0 gives it back.
        #[serde(default)]
        minutes: u16,
    },
}

/// What is due later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// Whoever has not written on since then has stopped.
    Typing(String),
    /// Whose time is up may speak again, if this is when it ends.
    Unmute(String, Tick),
    /// Asks the store once more.
    Ask,
}

/// A question to the store, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// What was said last in this room.
    History {
        /// The room.
        room: String,
        /// The newest last; `None` if the store could not tell.
        lines: Option<Vec<Kept>>,
    },
    /// Keeps a line.
    Keep {
        /// The room.
        room: String,
        /// The line.
        line: Kept,
        /// Whether it is safe with the store, or the store will never take it.
        kept: bool,
    },
}

/// A line as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What tells it from all others.
    pub id: String,
    /// Who said it.
    pub name: String,
    /// What.
    pub text: String,
    /// When, since 1970; 0 until somebody with a clock has seen it. Units: seconds.
    pub at_s: u32,
}
