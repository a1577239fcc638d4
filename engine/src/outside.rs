//! A room's side of the layer: its channels, what it sends, whom it watches, what it asks.
//!
//! Everything is staged during the step and handed to the courier at its end, in order.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde::Serialize;

use crate::counters::Counters;
use crate::courier::{Courier, Outward};
use crate::game::{Game, Player, PlayerId, Recipient};
use crate::layer::{
    Address, BadName, Channel, Layer, LayerLimits, Mailbox, Message, NotAMessage, NotUnderstood,
    PresenceEvent, Present, Watch, check_name, from_message, to_message,
};
use crate::port::RoomPort;
use crate::room::Room;
use crate::watching::{Feed, PresenceNews};

mod mailbox;

pub(crate) use self::mailbox::Waiting;
use self::mailbox::{Place, RoomMailbox};

/// Why a game's message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The name is none.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// It has something that no layer carries.
    #[error(transparent)]
    NotAMessage(#[from] NotAMessage),
}

/// Where what a room says to the outside goes.
pub(crate) enum Outlet<G: Game> {
    /// Nowhere.
    None,
    /// It is kept: for tests.
    Kept,
    /// To a courier, and with a layer to that.
    Courier(Box<Office<G>>),
}

/// A room's way to the outside.
pub(crate) struct Office<G: Game> {
    pub(crate) layer: Option<Arc<dyn Layer>>,
    pub(crate) courier: Courier<G>,
    pub(crate) port: RoomPort<G>,
}

impl<G: Game> Clone for Outlet<G> {
    fn clone(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Kept => Self::Kept,
            Self::Courier(office) => Self::Courier(Box::new(Office {
                layer: office.layer.clone(),
                courier: office.courier.clone(),
                port: office.port.clone(),
            })),
        }
    }
}

impl<G: Game> std::fmt::Debug for Outlet<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outlet")
    }
}

/// A channel of a room or of a member; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OwnChannel {
    name: Arc<str>,
    _open: Option<Channel>,
    /// Where its messages wait; given back after the channel is closed.
    place: Option<Place>,
}

/// A group whose presence a room watches.
struct Watched {
    _watch: Option<Watch>,
    /// Names by id.
    present: BTreeMap<String, String>,
}

/// See the module.
pub(crate) struct Outside<G: Game> {
    outlet: Outlet<G>,
    counters: Arc<Counters>,
    /// Where the messages of all its channels go.
    mailbox: Option<Arc<RoomMailbox<G>>>,
    own: Option<OwnChannel>,
    staged: Vec<Outward>,
    queries: Vec<G::Query>,
    watched: BTreeMap<Arc<str>, Watched>,
    /// What the last messages were decoded as: all members of a group get the same one.
    decoded: Vec<Decoded<G>>,
}

/// A message, and what it is to the game, if anything.
type Decoded<G> = (Arc<Message>, Option<Arc<<G as Game>::Message>>);

/// Decoded messages that are remembered within a step: so many senders may take turns.
const DECODED_KEPT: usize = 4;

impl<G: Game> Outside<G> {
    pub(crate) fn new(outlet: Outlet<G>, counters: Arc<Counters>, game: &str, room: &str) -> Self {
        let mailbox = match &outlet {
            Outlet::Courier(office) => Some(Arc::new(RoomMailbox::new(office.port.clone()))),
            Outlet::None | Outlet::Kept => None,
        };
        let mut outside = Self {
            outlet,
            counters,
            mailbox,
            own: None,
            staged: Vec::new(),
            queries: Vec::new(),
            watched: BTreeMap::new(),
            decoded: Vec::new(),
        };
        outside.own = outside.open(Recipient::Room, Some(format!("room.{game}.{room}")));
        outside
    }

    /// Opens a channel that is in a group from the beginning.
    fn open(&self, to: Recipient, group: Option<String>) -> Option<OwnChannel> {
        let word = match to {
            Recipient::Room => "room",
            Recipient::Player(_) => "session",
        };
        let office = match &self.outlet {
            Outlet::None => return None,
            Outlet::Kept => {
                let name = match to {
                    Recipient::Room => "room.test!0".into(),
                    Recipient::Player(player) => format!("session.test!{player}").into(),
                };
                return Some(OwnChannel {
                    name,
                    _open: None,
                    place: None,
                });
            }
            Outlet::Courier(office) => office,
        };
        let layer = office.layer.as_deref()?;
        let mailbox = self.mailbox.as_ref()?;
        let place = mailbox.add(to);
        let into: Arc<dyn Mailbox> = Arc::<RoomMailbox<G>>::clone(mailbox);
        let opened = layer.open(Address::Unique(word), into, place.key);
        let channel = opened
            .inspect_err(|error| tracing::error!(%error, "a channel could not be opened"))
            .ok()?;
        let name = Arc::clone(channel.name());
        place.limit(LayerLimits::capacity_of(layer.limits(), &name));
        if let Some(group) = group {
            let channel = Arc::clone(&name);
            let add = Outward::GroupAdd { group, channel };
            office.courier.take(add, &self.counters);
        }
        Some(OwnChannel {
            name,
            _open: Some(channel),
            place: Some(place),
        })
    }

    /// The channel of somebody on the way in; for games without messages only users have one.
    pub(crate) fn open_member(&self, player: &Player<G>) -> Option<OwnChannel> {
        let has_messages = TypeId::of::<G::Message>() != TypeId::of::<()>();
        if !has_messages && player.user.is_none() {
            return None;
        }
        let group = player.user.as_ref().map(|user| format!("user.{user}"));
        self.open(Recipient::Player(player.id), group)
    }

    /// The end of a step: what was staged goes out. After the last there is nobody who could be
    /// handed a question back.
    pub(crate) fn flush(&mut self, returned: &mut Vec<G::Query>, is_last: bool) {
        self.decoded.clear();
        match &self.outlet {
            Outlet::Kept => {}
            Outlet::None => {
                self.staged.clear();
                returned.append(&mut self.queries);
            }
            Outlet::Courier(office) => {
                for outward in self.staged.drain(..) {
                    office.courier.take(outward, &self.counters);
                }
                for query in self.queries.drain(..) {
                    self.counters.queries.add(1);
                    if let Err(query) = office.courier.ask(query, &office.port, is_last) {
                        self.counters.queries_failed.add(1);
                        returned.push(query);
                    }
                }
            }
        }
    }

    pub(crate) fn count_message(&self) {
        self.counters.layer_messages.add(1);
    }

    pub(crate) fn count_missed(&self) {
        self.counters.layer_missed.add(1);
    }

    pub(crate) fn take_staged(&mut self) -> Vec<Outward> {
        std::mem::take(&mut self.staged)
    }

    pub(crate) fn take_queries(&mut self) -> Vec<G::Query> {
        std::mem::take(&mut self.queries)
    }

    /// The game's own form of a message, made once for all of its receivers in this step.
    pub(crate) fn decode(&mut self, message: &Arc<Message>) -> Option<Arc<G::Message>> {
        let same = |(of, _): &&Decoded<G>| Arc::ptr_eq(of, message);
        if let Some((_, decoded)) = self.decoded.iter().find(same) {
            return decoded.clone();
        }
        let decoded = match from_message::<G::Message>(message) {
            Ok(decoded) => Some(Arc::new(decoded)),
            Err(error) => {
                let counter = match &error {
                    NotUnderstood::Unknown(_) => &self.counters.layer_unknown,
                    NotUnderstood::Malformed(_) => &self.counters.layer_malformed,
                };
                counter.add(1);
                tracing::debug!(game = G::NAME, %error, "a message of the layer was dropped");
                None
            }
        };
        if self.decoded.len() >= DECODED_KEPT {
            self.decoded.remove(0);
        }
        self.decoded.push((Arc::clone(message), decoded.clone()));
        decoded
    }

    /// Takes in what is told of a group; answers the events that are news.
    pub(crate) fn handle_presence(
        &mut self,
        group: &str,
        news: PresenceNews,
    ) -> Vec<PresenceEvent> {
        let Some(watched) = self.watched.get_mut(group) else {
            return Vec::new();
        };
        let present = &mut watched.present;
        let mut events = Vec::new();
        match news {
            PresenceNews::Event(PresenceEvent::Joined(who)) => joined(present, who, &mut events),
            PresenceNews::Event(PresenceEvent::Left(who)) => {
                if present.remove(&who.id).is_some() {
                    events.push(PresenceEvent::Left(who));
                }
            }
            PresenceNews::Event(PresenceEvent::Missed) => {}
            PresenceNews::List(list) => {
                let ids: std::collections::BTreeSet<&str> =
                    list.iter().map(|who| who.id.as_str()).collect();
                let gone = present.extract_if(.., |id, _| !ids.contains(id.as_str()));
                events.extend(gone.map(|(id, name)| PresenceEvent::Left(Present { id, name })));
                list.into_iter()
                    .for_each(|who| joined(present, who, &mut events));
            }
        }
        events
    }
}

fn joined(present: &mut BTreeMap<String, String>, who: Present, events: &mut Vec<PresenceEvent>) {
    match present.entry(who.id.clone()) {
        Entry::Occupied(mut there) => _ = there.insert(who.name),
        Entry::Vacant(place) => {
            place.insert(who.name.clone());
            events.push(PresenceEvent::Joined(who));
        }
    }
}

/// The layer: what a room says to the outside, and hears from it.
///
/// What is sent goes out at the end of the step, in order. Nothing waits for it: what the layer
/// cannot take is lost, and counted.
impl<G: Game> Room<G> {
    /// Sends a message to one channel. It is a variant of an enum, a struct, or a map with a
    /// `type`; see [`to_message`].
    ///
    /// # Errors
    /// If the name is none, or the message has something that no layer carries.
    pub fn send(&mut self, channel: &str, message: &impl Serialize) -> Result<(), SendError> {
        let message = to_message(message)?;
        Ok(self.send_raw(channel, message)?)
    }

    /// Sends a message to all channels of a group, in all processes.
    ///
    /// # Errors
    /// As [`Room::send`].
    pub fn group_send(&mut self, group: &str, message: &impl Serialize) -> Result<(), SendError> {
        let message = to_message(message)?;
        Ok(self.group_send_raw(group, message)?)
    }

    /// Sends a message as it is to one channel.
    ///
    /// # Errors
    /// If the name is none.
    pub fn send_raw(&mut self, channel: &str, message: Message) -> Result<(), BadName> {
        check_name(channel, true)?;
        self.outside.staged.push(Outward::Send {
            channel: channel.into(),
            message: Arc::new(message),
        });
        Ok(())
    }

    /// Sends a message as it is to all channels of a group.
    ///
    /// # Errors
    /// If the name is none.
    pub fn group_send_raw(&mut self, group: &str, message: Message) -> Result<(), BadName> {
        check_name(group, false)?;
        self.outside.staged.push(Outward::GroupSend {
            group: group.into(),
            message: Arc::new(message),
        });
        Ok(())
    }

    /// Puts a member into a group: [`Game::message`] is called for it with what is sent there.
    /// Without a channel of its own it joins nothing.
    ///
    /// # Errors
    /// If the name is none.
    pub fn group_add(&mut self, player: PlayerId, group: &str) -> Result<(), BadName> {
        let make = |group, channel| Outward::GroupAdd { group, channel };
        self.stage_for(Recipient::Player(player), group, make)
    }

    /// Takes a member out of a group.
    ///
    /// # Errors
    /// If the name is none.
    pub fn group_discard(&mut self, player: PlayerId, group: &str) -> Result<(), BadName> {
        let make = |group, channel| Outward::GroupDiscard { group, channel };
        self.stage_for(Recipient::Player(player), group, make)
    }

    /// Puts the room itself into a group; it is in `room.{game}.{room}` by itself.
    ///
    /// # Errors
    /// If the name is none.
    pub fn join_group(&mut self, group: &str) -> Result<(), BadName> {
        let make = |group, channel| Outward::GroupAdd { group, channel };
        self.stage_for(Recipient::Room, group, make)
    }

    /// Takes the room itself out of a group.
    ///
    /// # Errors
    /// If the name is none.
    pub fn leave_group(&mut self, group: &str) -> Result<(), BadName> {
        let make = |group, channel| Outward::GroupDiscard { group, channel };
        self.stage_for(Recipient::Room, group, make)
    }

    /// A member's channel: what others send to, to reach it alone. It stays the same when the
    /// member reconnects.
    pub fn channel(&self, player: PlayerId) -> Option<&str> {
        let member = self.members.get(&player)?;
        member.channel.as_ref().map(|channel| &*channel.name)
    }

    /// The room's own channel.
    pub fn own_channel(&self) -> Option<&str> {
        self.outside.own.as_ref().map(|channel| &*channel.name)
    }

    /// Lets a member be seen present in a group until it vanishes or leaves the room for good:
    /// under its user's id, or that of its channel where nobody knows who it is.
    ///
    /// # Errors
    /// If the name is none.
    pub fn appear(&mut self, player: PlayerId, group: &str) -> Result<(), BadName> {
        let member = self.player(player);
        let name = member.map_or_else(String::new, |player| player.name.clone());
        let user = member.and_then(|player| player.user.clone());
        self.stage_for(Recipient::Player(player), group, |group, channel| {
            let id = user.map_or_else(|| channel.to_string(), |user| user.to_string());
            let who = Present { id, name };
            Outward::Appear {
                group,
                channel,
                who,
            }
        })
    }

    /// Lets a member be seen present there no longer.
    ///
    /// # Errors
    /// If the name is none.
    pub fn vanish(&mut self, player: PlayerId, group: &str) -> Result<(), BadName> {
        let make = |group, channel| Outward::Vanish { group, channel };
        self.stage_for(Recipient::Player(player), group, make)
    }

    fn stage_for(
        &mut self,
        who: Recipient,
        group: &str,
        make: impl FnOnce(String, Arc<str>) -> Outward,
    ) -> Result<(), BadName> {
        check_name(group, false)?;
        let channel = match who {
            Recipient::Room => self.outside.own.as_ref(),
            Recipient::Player(player) => self
                .members
                .get(&player)
                .and_then(|member| member.channel.as_ref()),
        };
        let staged = channel.map(|channel| make(group.into(), Arc::clone(&channel.name)));
        self.outside.staged.extend(staged);
        Ok(())
    }

    /// A message is about to be heard; answers whether by somebody who is here.
    pub(crate) fn handle_applied(&self, to: Recipient) -> bool {
        let channel = match to {
            Recipient::Room => self.outside.own.as_ref(),
            Recipient::Player(player) => match self.members.get(&player) {
                Some(member) => member.channel.as_ref(),
                None => return false,
            },
        };
        if let Some(place) = channel.and_then(|channel| channel.place.as_ref()) {
            place.waiting.handle_applied();
        }
        true
    }

    pub(crate) fn is_here(&self, who: Recipient) -> bool {
        match who {
            Recipient::Room => true,
            Recipient::Player(player) => self.members.contains_key(&player),
        }
    }

    /// From now on the room knows who is present in a group: [`Game::presence`] is called for
    /// everybody who is there already and for all who come and go, in all processes.
    ///
    /// # Errors
    /// If the name is none.
    pub fn watch(&mut self, group: &str) -> Result<(), BadName> {
        check_name(group, false)?;
        let outside = &mut self.outside;
        if outside.watched.contains_key(group) {
            return Ok(());
        }
        let name: Arc<str> = group.into();
        let watch = match &outside.outlet {
            Outlet::Courier(office) => office.watch(&name),
            Outlet::None | Outlet::Kept => None,
        };
        let watched = Watched {
            _watch: watch,
            present: BTreeMap::new(),
        };
        outside.watched.insert(name, watched);
        Ok(())
    }

    /// The room does not care any more who is present there.
    pub fn unwatch(&mut self, group: &str) {
        self.outside.watched.remove(group);
    }

    /// Who is present in a group that the room watches: ids and names, by id.
    pub fn present(&self, group: &str) -> impl Iterator<Item = (&str, &str)> {
        let watched = self.outside.watched.get(group);
        let present = watched.into_iter().flat_map(|watched| &watched.present);
        present.map(|(id, name)| (id.as_str(), name.as_str()))
    }

    /// Asks the outside, a database for instance; [`Game::loaded`] gets the answer. If nobody
    /// answers, fails over it or has too much to do, it gets the question as it was asked.
    pub fn query(&mut self, query: G::Query) {
        self.outside.queries.push(query);
    }
}

impl<G: Game> Office<G> {
    fn watch(&self, group: &Arc<str>) -> Option<Watch> {
        let layer = self.layer.as_ref()?;
        let (port, courier) = (self.port.clone(), self.courier.clone());
        let feed = Feed::new(Arc::clone(group), port, courier);
        let sink = Arc::clone(&feed);
        let watch = layer.watch(group, Arc::new(move |event| sink.handle(event)));
        feed.begin();
        watch
            .inspect_err(|error| tracing::error!(%error, "a group cannot be watched"))
            .ok()
    }
}

#[cfg(test)]
mod tests;
