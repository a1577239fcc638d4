//! The games of a server. Here, and only here, the server forgets what type a game is.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use downbeat::limits::GRACE_S;
use downbeat::wire::Close;
use downbeat::{
    Answerer, EnterError, Entrant, Game, Host, HostConfig, Refusal, RoomInfo, Schema, SchemaError,
    Seated, UserId, WorldHandle,
};
use futures_util::FutureExt as _;

use crate::gate::scope::Scope;
use crate::json_link::FieldNames;
use crate::load::{self, LoadError, LoadOptions, Summary};
use crate::local_link::LocalLink;
use crate::member_link::MemberLink;
use crate::services::Services;
use crate::types::{self, Language};
use crate::vectors::{self, VectorsError, VectorsOptions};
use crate::ws_link::WsLink;

/// The game's `admit` panicked.
const NOT_ADMITTED: Refusal = Refusal::new("could not be checked; try again");

/// How a game is run, unless the configuration says otherwise.
#[derive(Clone)]
pub struct GameOptions<G: Game> {
    /// What its rooms are opened with.
    pub settings: G::Settings,
    /// How long a member may stay away whose connection broke; one that closes it is out at once.
    /// Never longer than `gate.resume_s` of the configuration. Units: seconds of game time.
    pub grace_s: u32,
    /// What must be awaited before a join; see [`GameOptions::admit`].
    pub admit: Option<Admit<G>>,
    /// Who answers its queries; see [`GameOptions::answer`].
    pub answer: Option<Answer<G>>,
}

/// Judges who wants in, and finds out what the game must know of them.
pub type Admit<G> = Arc<
    dyn Fn(Scope, Services) -> Pending<'static, Result<<G as Game>::Profile, Refusal>>
        + Send
        + Sync,
>;

/// Answers the queries of a game's rooms.
pub type Answer<G> =
    Arc<dyn Fn(Services, <G as Game>::Query) -> Pending<'static, <G as Game>::Query> + Send + Sync>;

impl<G: Game> GameOptions<G> {
    /// Judges everybody before the join: an account, a ban, a profile from the store. The answer
    /// is the [`Profile`](Game::Profile) that the game's `join` sees; a refusal closes with 4003.
    ///
    /// It has what is left of the handshake's time limit. If it panics, the join is refused.
    #[must_use]
    pub fn admit<F, A>(mut self, admit: F) -> Self
    where
        F: Fn(Scope, Services) -> A + Send + Sync + 'static,
        A: Future<Output = Result<G::Profile, Refusal>> + Send + 'static,
    {
        self.admit = Some(Arc::new(move |scope, services| {
            Box::pin(admit(scope, services))
        }));
        self
    }

    /// Answers what rooms ask with [`Room::query`](downbeat::Room::query): a query's answer is
    /// another value of the same type, which comes to [`Game::loaded`] at a later tick.
    ///
    /// If it panics, or more are asked than can wait, the query comes back as it was.
    #[must_use]
    pub fn answer<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(Services, G::Query) -> A + Send + Sync + 'static,
        A: Future<Output = G::Query> + Send + 'static,
    {
        self.answer = Some(Arc::new(move |services, query| {
            Box::pin(answer(services, query))
        }));
        self
    }
}

impl<G: Game> fmt::Debug for GameOptions<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GameOptions")
            .field("grace_s", &self.grace_s)
            .field("admits", &self.admit.is_some())
            .field("answers", &self.answer.is_some())
            .finish_non_exhaustive()
    }
}

impl<G: Game> Default for GameOptions<G> {
    fn default() -> Self {
        Self {
            settings: G::Settings::default(),
            grace_s: GRACE_S,
            admit: None,
            answer: None,
        }
    }
}

/// What is answered when it is done.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A game that can be served.
pub(crate) trait Definition: Send + Sync {
    fn name(&self) -> &str;

    /// Opens its directory of rooms.
    fn start(
        &self,
        world: WorldHandle,
        limits: &HostLimits,
        services: &Services,
    ) -> Arc<dyn GameEntry>;

    /// Loads a server with this game's bots.
    fn load<'a>(&'a self, options: &'a LoadOptions) -> Pending<'a, Result<Summary, LoadError>>;

    /// What its types look like on the wire.
    fn schema(&self) -> Result<Schema, SchemaError>;

    /// Writes golden steps of its rules.
    fn vectors(&self, options: &VectorsOptions, out: &mut dyn Write) -> Result<(), VectorsError>;
}

/// What the configuration says of a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostLimits {
    pub(crate) rooms_max: u64,
    pub(crate) grace_s: Option<u32>,
    /// After this nobody comes back any more, so nobody is kept for longer.
    pub(crate) grace_s_max: u32,
}

/// A member's way of speaking, once the game has forgotten its type.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all members have a socket, and need no box"
)]
pub(crate) enum Wire {
    Socket(WsLink),
    Local(LocalLink),
}

/// Why somebody could not enter, and their link.
pub(crate) type NotEntered = (EnterError, Wire);

/// What a game's [`GameOptions::admit`] has found out, on its way to the same game.
pub(crate) struct Found(Box<dyn Any + Send>);

/// Who comes in, as far as a game's room is concerned.
pub(crate) struct Arrival {
    pub(crate) name: String,
    pub(crate) user: Option<UserId>,
    pub(crate) found: Found,
    /// What is to be shown to resume; empty where that cannot be.
    pub(crate) resume: String,
}

/// A game that is being served.
pub(crate) trait GameEntry: Send + Sync {
    fn name(&self) -> &Arc<str>;
    fn tick_rate_hz(&self) -> u16;
    /// What tells its types from others; `None` where they cannot be described.
    fn schema_hash(&self) -> Option<u32>;
    /// Its types as a JavaScript module, or why there is none.
    fn types(&self) -> &Result<String, String>;
    /// Whether somebody could enter.
    fn check(&self, room: &str, may_open: bool) -> Result<(), EnterError>;
    /// Asks the game's `admit`, if it has one.
    fn admit(&self, scope: Scope) -> Pending<'_, Result<Found, Refusal>>;
    /// Brings somebody in.
    fn enter(
        &self,
        room: &str,
        may_open: bool,
        arrival: Arrival,
        link: Wire,
    ) -> Result<Seated, Box<NotEntered>>;
    /// Brings somebody back; `resume` is what is to be shown the next time.
    fn resume(
        &self,
        room: &str,
        seated: Seated,
        resume: String,
        link: Wire,
    ) -> Result<(), Box<NotEntered>>;
    /// Throws a member out, if it is one.
    fn close_member(&self, room: &str, seated: Seated, close: Close);
    /// Whether a member is there, or may come back.
    fn is_member(&self, room: &str, seated: Seated) -> bool;
    fn rooms(&self) -> Vec<RoomInfo>;
    fn drain(&self) -> Pending<'_, ()>;
}

pub(crate) struct Defined<G: Game> {
    pub(crate) name: Arc<str>,
    pub(crate) options: GameOptions<G>,
}

impl<G: Game> Definition for Defined<G> {
    fn name(&self) -> &str {
        &self.name
    }

    fn start(
        &self,
        world: WorldHandle,
        limits: &HostLimits,
        services: &Services,
    ) -> Arc<dyn GameEntry> {
        let grace_s = limits.grace_s.unwrap_or(self.options.grace_s);
        let grace_s_max = limits.grace_s_max;
        if grace_s > grace_s_max {
            let game = &*self.name;
            tracing::warn!(
                game,
                grace_s,
                grace_s_max,
                "gate.resume_s is shorter, and holds"
            );
        }
        let config = HostConfig {
            name: Arc::clone(&self.name),
            settings: self.options.settings.clone(),
            rooms_max: limits.rooms_max,
            grace_s: grace_s.min(grace_s_max),
            layer: Some(Arc::clone(services.layer())),
            answer: self.options.answer.clone().map(|answer| {
                let services = services.clone();
                let answer = move |query| answer(services.clone(), query);
                Arc::new(answer) as Answerer<G>
            }),
        };
        let schema = self.schema();
        if let Err(error) = &schema {
            tracing::warn!(game = &*self.name, %error, "clients are not checked for the types they were built for");
        }
        Arc::new(Served {
            name: Arc::clone(&self.name),
            tick_rate_hz: G::tick_rate_hz(&config.settings),
            schema_hash: schema.as_ref().ok().map(Schema::hash),
            field_names: Arc::new(FieldNames::of::<G>(schema.as_ref().ok())),
            types: types::source_of(self, Language::JavaScript).map_err(|e| e.to_string()),
            host: Host::<G, MemberLink<G>>::new(world, config),
            admit: self.options.admit.clone(),
            services: services.clone(),
        })
    }

    fn load<'a>(&'a self, options: &'a LoadOptions) -> Pending<'a, Result<Summary, LoadError>> {
        Box::pin(load::run::<G>(options))
    }

    fn schema(&self) -> Result<Schema, SchemaError> {
        Schema::of::<G>()
    }

    fn vectors(&self, options: &VectorsOptions, out: &mut dyn Write) -> Result<(), VectorsError> {
        vectors::write::<G>(self.options.settings.clone(), options, out)
    }
}

struct Served<G: Game> {
    name: Arc<str>,
    tick_rate_hz: u16,
    schema_hash: Option<u32>,
    field_names: Arc<FieldNames>,
    types: Result<String, String>,
    host: Host<G, MemberLink<G>>,
    admit: Option<Admit<G>>,
    services: Services,
}

impl<G: Game> GameEntry for Served<G> {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn tick_rate_hz(&self) -> u16 {
        self.tick_rate_hz
    }

    fn schema_hash(&self) -> Option<u32> {
        self.schema_hash
    }

    fn types(&self) -> &Result<String, String> {
        &self.types
    }

    fn check(&self, room: &str, may_open: bool) -> Result<(), EnterError> {
        self.host.check(room, may_open)
    }

    fn admit(&self, scope: Scope) -> Pending<'_, Result<Found, Refusal>> {
        Box::pin(async {
            let Some(admit) = &self.admit else {
                return Ok(Found(Box::new(G::Profile::default())));
            };
            let admit = Arc::clone(admit);
            let services = self.services.clone();
            let judged = AssertUnwindSafe(async move { admit(scope, services).await });
            match judged.catch_unwind().await {
                Ok(profile) => Ok(Found(Box::new(profile?))),
                Err(payload) => {
                    // Dropping what it panicked with might panic again.
                    std::mem::forget(payload);
                    Err(NOT_ADMITTED)
                }
            }
        })
    }

    fn enter(
        &self,
        room: &str,
        may_open: bool,
        arrival: Arrival,
        link: Wire,
    ) -> Result<Seated, Box<NotEntered>> {
        let profile = arrival.found.0.downcast::<G::Profile>();
        let entrant = Entrant {
            name: arrival.name,
            profile: *profile.expect("what this game has found out"),
            user: arrival.user,
            resume: arrival.resume,
        };
        let link = MemberLink::new(link, &self.field_names);
        let entered = self.host.enter(room, may_open, entrant, link);
        entered.map_err(|(error, link)| Box::new((error, link.into_inner())))
    }

    fn resume(
        &self,
        room: &str,
        seated: Seated,
        resume: String,
        link: Wire,
    ) -> Result<(), Box<NotEntered>> {
        let link = MemberLink::new(link, &self.field_names);
        let resumed = self.host.resume(room, seated, resume, link);
        resumed.map_err(|(error, link)| Box::new((error, link.into_inner())))
    }

    fn close_member(&self, room: &str, seated: Seated, close: Close) {
        self.host.close_member(room, seated, close);
    }

    fn is_member(&self, room: &str, seated: Seated) -> bool {
        self.host.is_member(room, seated)
    }

    fn rooms(&self) -> Vec<RoomInfo> {
        self.host.rooms()
    }

    fn drain(&self) -> Pending<'_, ()> {
        Box::pin(self.host.drain())
    }
}
