//! The chat of the Channels tutorial, as a game.

use downbeat::{Game, OpenError, Player, PlayerId, Recipient, Refusal, Room, Seat, To};
use serde::{Deserialize, Serialize};

/// What a browser says, and what browsers are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// What was said.
    pub message: String,
}

/// What travels over the layer: `{"type": "chat.message", "message": …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// A line.
    ChatMessage {
        /// What was said.
        message: String,
    },
}

/// The consumer. One value of it serves a whole room.
#[derive(Serialize, Deserialize)]
pub struct Talk {
    group: String,
}

#[downbeat::game]
impl Game for Talk {
    const NAME: &'static str = "talk";
    type Input = Said;
    type Event = Said;
    type Message = Message;

    fn open(_: &(), room: &mut Room<Self>) -> Result<Self, OpenError> {
        let group = format!("chat_{}", room.name());
        let joined = room.join_group(&group);
        joined.map_err(|error| OpenError(error.to_string()))?;
        Ok(Self { group })
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, _: PlayerId, said: Said) {
        let message = said.message;
        let _ = room.group_send(&self.group, &Message::ChatMessage { message });
    }

    fn message(&mut self, room: &mut Room<Self>, _: Recipient, message: &Message) {
        let Message::ChatMessage { message } = message;
        let message = message.clone();
        room.emit(&Said { message }, To::All);
    }
}
