//! The games of a server. Here, and only here, the server forgets what type a game is.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;

use downbeat::{EnterError, Game, Host, HostConfig, RoomInfo, Schema, SchemaError, WorldHandle};

use crate::json_link::FieldNames;
use crate::load::{self, LoadError, LoadOptions, Summary};
use crate::member_link::MemberLink;
use crate::types::{self, Language};
use crate::vectors::{self, VectorsError, VectorsOptions};
use crate::ws_link::WsLink;

/// How a game is run, unless the configuration says otherwise.
#[derive(Clone, Debug)]
pub struct GameOptions<G: Game> {
    /// What its rooms are opened with.
    pub settings: G::Settings,
    /// How long a dropped member may stay away. Units: seconds of game time.
    pub grace_s: u32,
}

impl<G: Game> Default for GameOptions<G> {
    fn default() -> Self {
        Self {
            settings: G::Settings::default(),
            grace_s: 0,
        }
    }
}

pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A game that can be served.
pub(crate) trait Definition: Send + Sync {
    fn name(&self) -> &str;

    /// Opens its directory of rooms.
    fn start(&self, world: WorldHandle, limits: &HostLimits) -> Arc<dyn GameEntry>;

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
}

/// Why somebody could not enter, and their link.
pub(crate) type NotEntered = (EnterError, WsLink);

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
    /// Brings somebody in.
    fn enter(
        &self,
        room: &str,
        may_open: bool,
        name: String,
        link: WsLink,
    ) -> Result<(), Box<NotEntered>>;
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

    fn start(&self, world: WorldHandle, limits: &HostLimits) -> Arc<dyn GameEntry> {
        let config = HostConfig {
            name: Arc::clone(&self.name),
            settings: self.options.settings.clone(),
            rooms_max: limits.rooms_max,
            grace_s: limits.grace_s.unwrap_or(self.options.grace_s),
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

    fn enter(
        &self,
        room: &str,
        may_open: bool,
        name: String,
        link: WsLink,
    ) -> Result<(), Box<NotEntered>> {
        let who = (name, G::Profile::default());
        let link = MemberLink::new(link, &self.field_names);
        let entered = self.host.enter(room, may_open, who, link);
        entered.map_err(|(error, link)| Box::new((error, link.into_inner())))
    }

    fn rooms(&self) -> Vec<RoomInfo> {
        self.host.rooms()
    }

    fn drain(&self) -> Pending<'_, ()> {
        Box::pin(self.host.drain())
    }
}
