//! The outside of a [`TestRoom`]: the test plays the layer and whoever answers queries.

use std::sync::Arc;

use serde::Serialize;

use super::TestRoom;
use crate::courier::Outward;
use crate::game::{Game, PlayerId, Recipient};
use crate::inbox::RoomIn;
use crate::layer::{Message, PresenceEvent, to_message};
use crate::watching::PresenceNews;

/// The layer and the answers to queries.
///
/// Channels are called `room.test!0` and `session.test!1` here, by the players' numbers.
impl<G: Game> TestRoom<G> {
    /// Sends the room a message, to arrive at the next step.
    ///
    /// # Panics
    /// If no layer carries it.
    pub fn message(&mut self, message: &impl Serialize) {
        let message = to_message(message).expect("a message that a layer carries");
        self.message_raw(message);
    }

    /// Sends a member a message, to arrive at the next step.
    ///
    /// # Panics
    /// If no layer carries it.
    pub fn message_to(&mut self, player: PlayerId, message: &impl Serialize) {
        let message = to_message(message).expect("a message that a layer carries");
        self.message_raw_to(player, message);
    }

    /// Sends the room a message as it is, to arrive at the next step.
    pub fn message_raw(&mut self, message: Message) {
        self.say(Recipient::Room, message);
    }

    /// Sends a member a message as it is, to arrive at the next step.
    pub fn message_raw_to(&mut self, player: PlayerId, message: Message) {
        self.say(Recipient::Player(player), message);
    }

    fn say(&mut self, to: Recipient, message: Message) {
        self.entered.push(RoomIn::Message {
            to: vec![to],
            message: Arc::new(message),
        });
    }

    /// Tells of lost messages at the next step.
    pub fn missed(&mut self, to: Recipient) {
        let waiting = Arc::default();
        self.entered.push(RoomIn::Missed { to, waiting });
    }

    /// Tells the room, at the next step, what happened in a group that it watches.
    pub fn presence(&mut self, group: &str, event: PresenceEvent) {
        self.entered.push(RoomIn::Presence {
            group: group.into(),
            news: PresenceNews::Event(event),
        });
    }

    /// What the room asked of the layer since the last call.
    pub fn outward(&mut self) -> Vec<Outward> {
        self.sim.room.outside.take_staged()
    }

    /// What the room asked the outside since the last call; see [`TestRoom::answer`].
    pub fn queries(&mut self) -> Vec<G::Query> {
        self.sim.room.outside.take_queries()
    }

    /// Answers a query at the next step.
    pub fn answer(&mut self, answer: G::Query) {
        self.entered.push(RoomIn::Loaded(answer));
    }
}
