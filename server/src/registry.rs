//! The games of a server. Here, and only here, the server forgets what type a game is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use downbeat::{EnterError, Game, Host, HostConfig, RoomInfo, WorldHandle};

use crate::load::{self, LoadError, LoadOptions, Summary};
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
        Arc::new(Served {
            name: Arc::clone(&self.name),
            tick_rate_hz: G::tick_rate_hz(&config.settings),
            host: Host::<G, WsLink>::new(world, config),
        })
    }

    fn load<'a>(&'a self, options: &'a LoadOptions) -> Pending<'a, Result<Summary, LoadError>> {
        Box::pin(load::run::<G>(options))
    }
}

struct Served<G: Game> {
    name: Arc<str>,
    tick_rate_hz: u16,
    host: Host<G, WsLink>,
}

impl<G: Game> GameEntry for Served<G> {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn tick_rate_hz(&self) -> u16 {
        self.tick_rate_hz
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
        let entered = self.host.enter(room, may_open, who, link);
        entered.map_err(Box::new)
    }

    fn rooms(&self) -> Vec<RoomInfo> {
        self.host.rooms()
    }

    fn drain(&self) -> Pending<'_, ()> {
        Box::pin(self.host.drain())
    }
}
