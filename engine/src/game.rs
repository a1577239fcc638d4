//! `Game`: the rules of one kind of room, and the words it shares with the engine.

use std::fmt;

use glam::Vec2;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::View;
use crate::entities::EntityId;
use crate::grid::Space;
use crate::job::{Job, JobDone, JobLimits};
use crate::layer::PresenceEvent;
use crate::replicate::{Data, Replicate};
use crate::rng::Rng;
use crate::room::Room;
use crate::user::UserId;

/// The rules of one kind of room.
///
/// One value of this type lives in each room and is what a checkpoint saves. The engine calls it
/// only from inside a tick, in this order: `join`, `leave` and inputs as they arrived, then what
/// jobs came to, due timers, and [`Game::tick`]. There is no clock, no I/O and no thread inside a game: everything
/// that it may touch is the [`Room`].
///
/// A method that panics ends its own room (close code 1011) and no other.
///
/// `#[downbeat::game]` on the impl fills in `()` for the types that a game has no use for.
pub trait Game: Serialize + DeserializeOwned + Send + Sized + 'static {
    /// The name in URLs, logs and metrics: `[a-z0-9_-]`.
    const NAME: &'static str;
    /// Steps per second.
    const TICK_RATE_HZ: u16 = 20;
    /// Whether the room remembers where everything was in the last 250 ms, for [`Room::rewind`].
    const REWIND: bool = false;

    /// What one room is opened with.
    type Settings: Data + Clone + Default;
    /// What a player asks for.
    type Input: Data + Clone;
    /// A thing in the room that clients see.
    type Entity: Replicate;
    /// State of the room itself that clients see: phase, question, clock.
    type Shared: Replicate + Default;
    /// State that only its player sees: a hand of cards, a secret role.
    type Private: Replicate + Default;
    /// Something that happened: one-shot, ordered, never coalesced.
    type Event: Data;
    /// What other rooms, sessions and programs send over the layer: an enum, whose variant
    /// `ChatMessage` is of type `chat.message` there.
    type Message: Data;
    /// What a timer says when it fires.
    type Timer: Data;
    /// A computation off the tick; a game with several kinds has an enum of them.
    type Job: Job;
    /// A question to the outside, a database for instance; the answer is one too.
    type Query: Data;
    /// What is known of a player before the join: account, rating, skin.
    type Profile: Data + Clone + Default;

    /// The tick rate of a room with these settings.
    fn tick_rate_hz(settings: &Self::Settings) -> u16 {
        let _ = settings;
        Self::TICK_RATE_HZ
    }

    /// How much of a room its members see. A grid needs an entity with a position.
    fn space(settings: &Self::Settings) -> Space {
        let _ = settings;
        Space::Whole
    }

    /// How much computation may be due at one tick.
    fn job_limits(settings: &Self::Settings) -> JobLimits {
        JobLimits::at(Self::tick_rate_hz(settings))
    }

    /// A room opens: before its first tick, with the first join waiting.
    ///
    /// # Errors
    /// If a room cannot be opened with these settings; whoever waits for it is refused.
    fn open(settings: &Self::Settings, room: &mut Room<Self>) -> Result<Self, OpenError>;

    /// Somebody wants in.
    ///
    /// # Errors
    /// The refusal that the player is shown (close code 4003).
    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal>;

    /// A player asks for something.
    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Self::Input);

    /// Whether each of these inputs counts, or only the newest.
    fn kind(input: &Self::Input) -> InputKind {
        let _ = input;
        InputKind::Once
    }

    /// One step of the world.
    fn tick(&mut self, room: &mut Room<Self>) {
        let _ = room;
    }

    /// A member left for good: once for each that joined, also after a kick, when the room closes
    /// and when the server drains. It is still among [`Room::members`] during the call, and what
    /// the call asks of the outside ([`Room::query`]) is carried out. Only a room whose game
    /// panicked ends without it: what is left of its state is not to be trusted.
    ///
    /// By default everything it owned goes with it; a game with a `leave` of its own calls
    /// [`Room::despawn_owned`] where it wants the same.
    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        room.despawn_owned(player);
    }

    /// A member's connection broke; it may come back within the grace period. Called once before
    /// each [`Game::resumed`], also where a new connection takes over from one that still stands.
    fn dropped(&mut self, room: &mut Room<Self>, player: PlayerId) {
        let _ = (room, player);
    }

    /// A member came back: the same number, the same entities. It gets a keyframe, and the events
    /// that it missed as far as they were kept: the newest 64 of at most 8 KiB, without those that
    /// were on their way when the line broke.
    fn resumed(&mut self, room: &mut Room<Self>, player: PlayerId) {
        let _ = (room, player);
    }

    /// A timer fired.
    fn timer(&mut self, room: &mut Room<Self>, timer: Self::Timer) {
        let _ = (room, timer);
    }

    /// A job is due: called once for each that [`Room::submit`] took, at the tick that its kind
    /// says (a [`Late::Journal`](crate::Late::Journal) one: then or later), in the order in which they were submitted; after inputs, before timers.
    fn job_done(&mut self, room: &mut Room<Self>, done: JobDone<'_, Self::Job>) {
        let _ = (room, done);
    }

    /// Somebody sent a message over the layer: to the room, or to one of its members, by a channel
    /// or a group. Messages of types that [`Game::Message`] does not have are counted, and never
    /// get here.
    fn message(&mut self, room: &mut Room<Self>, to: Recipient, message: &Self::Message) {
        let _ = (room, to, message);
    }

    /// Messages to the room or to a member were lost here: too many waited, or the layer was away
    /// for a while.
    fn missed(&mut self, room: &mut Room<Self>, to: Recipient) {
        let _ = (room, to);
    }

    /// Somebody came or went in a group that the room watches; see [`Room::watch`].
    fn presence(&mut self, room: &mut Room<Self>, group: &str, event: &PresenceEvent) {
        let _ = (room, group, event);
    }

    /// The answer to a question; see [`Room::query`].
    fn loaded(&mut self, room: &mut Room<Self>, answer: Self::Query) {
        let _ = (room, answer);
    }

    /// Whether the world has changed so much since a job was submitted that its answer must not be
    /// taken as it is; then the outcome is [`Outcome::Stale`](crate::Outcome::Stale).
    fn is_stale(&self, job: &Self::Job) -> bool {
        let _ = job;
        false
    }

    /// A player made of code, for load tests; `seed` differs from bot to bot.
    fn bot(seed: u64) -> Option<Box<dyn Bot<Self>>> {
        let _ = seed;
        None
    }
}

/// A player made of code.
///
/// A closure `FnMut(&View<G>, &mut Rng) -> Option<G::Input>` is one.
pub trait Bot<G: Game>: Send {
    /// What it wants to do now, given what it sees. Called at the load driver's pace, by default
    /// ten times a second.
    fn think(&mut self, view: &View<G>, rng: &mut Rng) -> Option<G::Input>;
}

impl<G: Game, F> Bot<G> for F
where
    F: FnMut(&View<G>, &mut Rng) -> Option<G::Input> + Send,
{
    fn think(&mut self, view: &View<G>, rng: &mut Rng) -> Option<G::Input> {
        self(view, rng)
    }
}

/// How inputs that pile up between two ticks are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Each one counts and is applied exactly once, or refused in so many words.
    Once,
    /// A held control such as a direction: the newest wins, and goes on for three ticks when
    /// nothing newer arrives.
    Held,
}

/// The number of a member within its room; never reused there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlayerId(u32);

impl PlayerId {
    /// The member with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PlayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whom a message of the layer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recipient {
    /// The room itself.
    Room,
    /// One of its members.
    Player(PlayerId),
}

/// A side in a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Team(pub u8);

/// Who wants to join, or has joined.
pub struct Player<G: Game> {
    /// Its number in this room.
    pub id: PlayerId,
    /// What it is called; at most 24 characters, without control characters.
    pub name: String,
    /// What was known of it before.
    pub profile: G::Profile,
    /// Who it is on all devices and in all rooms, if it is known.
    pub user: Option<UserId>,
}

impl<G: Game> Clone for Player<G> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            name: self.name.clone(),
            profile: self.profile.clone(),
            user: self.user.clone(),
        }
    }
}

impl<G: Game> fmt::Debug for Player<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Where a member sits; on the wire entities are known by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seat<E = EntityId> {
    /// It has a body in the world.
    Avatar(E),
    /// It plays without a body: a quiz, a card game.
    Player,
    /// It only watches; its inputs are refused.
    Spectator,
}

/// Where a member looks in a room whose space is a grid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Look {
    /// At an entity, wherever it goes.
    Follow(EntityId),
    /// At a place. Units: metres.
    At(Vec2),
}

/// Why a game did not let somebody in; a fixed text of at most 123 bytes that the player reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(&'static str);

impl Refusal {
    /// No seat is left.
    pub const FULL: Self = Self("room is full");
    /// The room takes nobody in at the moment.
    pub const LOCKED: Self = Self("room is locked");
    /// The room has more to do than it can take in; try again.
    pub const BUSY: Self = Self("room is busy");
    /// The session that was to be resumed has ended.
    pub const GONE: Self = Self("session is over");
    /// The room could not be opened.
    pub const NOT_OPENED: Self = Self("room could not be opened");

    /// A reason of the game's own.
    ///
    /// # Panics
    /// If it is longer than 123 bytes.
    pub const fn new(reason: &'static str) -> Self {
        assert!(
            reason.len() <= crate::limits::CLOSE_REASON_BYTES_MAX,
            "a refusal has at most 123 bytes"
        );
        Self(reason)
    }

    /// The text.
    pub const fn reason(self) -> &'static str {
        self.0
    }
}

/// Why a room could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// Whom an event is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Every member.
    All,
    /// One member.
    Player(PlayerId),
    /// Some members; those that are not here are passed over.
    Players(Vec<PlayerId>),
    /// The members of a team.
    Team(Team),
}

/// What others may know of a room before they join it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Seats; `None` is as many as the engine allows. A join beyond it is refused.
    pub max: Option<u32>,
    /// Words for a lobby: map, mode, host.
    pub metadata: std::collections::BTreeMap<String, String>,
}
