//! The configuration: defaults, then a TOML file, then `DOWNBEAT_*` variables, then flags.
//!
//! In: text from three places. Out: a [`Config`], or one line that names what is wrong and where.
//! All three places go through the same table of keys, in `keys`.

mod keys;
mod mistake;
mod layers;
mod secret;
mod gate;
mod store;
mod layer;
mod sources;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use downbeat::limits::{CLIENT_MESSAGE_BYTES_MAX, EMPTY_ROOM_KEPT};

pub use self::gate::{Devices, GateConfig, Guests, JwtAlgorithm, JwtConfig, TlsConfig};
pub(crate) use self::keys::help;
pub use self::layer::{LayerBackend, LayerConfig, RedisFormat};
pub use self::layers::Layers;
pub use self::mistake::{ConfigError, Hint, Place};
pub use self::secret::Secret;
pub use self::sources::SourcesConfig;
pub use self::store::{DatabaseConfig, StoreConfig, ViewAuth, ViewConfig};
use crate::limits;
use crate::origin::{Allowed, OriginPattern};

/// How a server runs; see `downbeat --help` for every key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where players connect.
    pub listen: SocketAddr,
    /// Where operators connect, if anywhere.
    pub admin: Option<SocketAddr>,
    /// Where files are kept. Nothing is stored without it.
    pub data_dir: Option<PathBuf>,
    /// Threads that serve sockets; `None` is one per core.
    pub workers: Option<usize>,
    /// Threads that run jobs, at a lower priority than all others; `None` is one per core.
    pub job_threads: Option<usize>,
    /// Where all randomness of the world comes from; `None` is another one at every start.
    pub seed: Option<u64>,
    /// What is logged: a level, or `target=level` pairs.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Which web pages may connect; `None` is this machine's while listening on loopback, else
    /// those that came from the host that they connect to.
    pub allowed_origins: Option<Vec<OriginPattern>>,
    /// Who may in, and over what.
    pub gate: GateConfig,
    /// Where accounts are kept, and a project's own databases.
    pub store: StoreConfig,
    /// How rooms, processes and programs talk to each other.
    pub layer: LayerConfig,
    /// What brings inputs without a WebSocket, and background work.
    pub sources: SourcesConfig,
    /// How much of everything.
    pub limits: LimitsConfig,
    /// What holds for every game.
    pub game: GameDefaults,
    /// What holds for one game, by its name.
    pub games: BTreeMap<String, GameConfig>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Limits that an operator may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Connections in all; `None` is what the limit of file descriptors allows.
    pub connections: Option<u64>,
    /// Connections of one address; `None` is 200, and no limit while listening on loopback.
    pub connections_per_address: Option<u64>,
    /// Rooms of all games.
    pub rooms: u64,
    /// Open rooms that one address has opened; `None` is 20, and no limit while listening on
    /// loopback.
    pub rooms_per_address: Option<u64>,
    /// From the connection to the hello.
    pub handshake: Duration,
    /// A message of a client.
    pub client_message_bytes: usize,
}

/// Settings of all games.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameDefaults {
    /// Who may open rooms.
    pub create: Create,
    /// How long an empty room stays.
    pub empty_room_kept: Duration,
}

/// Settings of one game.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GameConfig {
    /// Rooms that anybody may open, whatever `create` says.
    pub rooms: Vec<String>,
    /// Who may open other rooms; `None` is what holds for every game.
    pub create: Option<Create>,
    /// How long a dropped member may stay away; `None` is what the program says. Units: seconds
    /// of game time.
    pub grace_s: Option<u32>,
}

/// Who may open rooms that are not declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// Whoever asks for one.
    Anyone,
    /// Whoever has an account.
    SignedIn,
    /// Nobody: there are the declared rooms only.
    Server,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7777)),
            admin: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7778))),
            data_dir: None,
            workers: None,
            job_threads: None,
            seed: None,
            log: "info".into(),
            log_format: LogFormat::Text,
            allowed_origins: None,
            gate: GateConfig::default(),
            store: StoreConfig::default(),
            layer: LayerConfig::default(),
            sources: SourcesConfig::default(),
            limits: LimitsConfig {
                connections: None,
                connections_per_address: None,
                rooms: limits::ROOMS,
                rooms_per_address: None,
                handshake: limits::HANDSHAKE_WITHIN,
                client_message_bytes: CLIENT_MESSAGE_BYTES_MAX,
            },
            game: GameDefaults {
                create: Create::Anyone,
                empty_room_kept: EMPTY_ROOM_KEPT,
            },
            games: BTreeMap::new(),
        }
    }
}

impl Config {
    /// On port 0 of this machine, without an admin listener: what a test starts with.
    pub fn for_tests() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            admin: None,
            ..Self::default()
        }
    }

    pub(crate) fn origins(&self) -> Allowed {
        match &self.allowed_origins {
            Some(listed) => Allowed::Listed(listed.clone()),
            None if self.is_private() => Allowed::Loopback,
            None => Allowed::SameHost,
        }
    }

    pub(crate) fn connections_per_address(&self) -> Option<u64> {
        self.per_address(
            self.limits.connections_per_address,
            limits::CONNECTIONS_PER_ADDRESS,
        )
    }

    pub(crate) fn rooms_per_address(&self) -> Option<u64> {
        self.per_address(self.limits.rooms_per_address, limits::ROOMS_PER_ADDRESS)
    }

    /// Whether a room of this game may be opened by somebody who has an account, or has none.
    pub(crate) fn may_open(&self, game: &str, room: &str, signed_in: bool) -> bool {
        let of_game = self.games.get(game);
        let create = of_game.and_then(|game| game.create);
        let create = create.unwrap_or(self.game.create);
        create == Create::Anyone
            || create == Create::SignedIn && signed_in
            || of_game.is_some_and(|game| game.rooms.iter().any(|declared| declared == room))
    }

    pub(crate) fn logins_per_address(&self) -> Option<u64> {
        self.per_address(self.gate.logins_per_address, limits::LOGINS_PER_ADDRESS)
    }

    pub(crate) fn guests_per_address(&self) -> Option<u64> {
        self.per_address(self.gate.guests_per_address, limits::GUESTS_PER_ADDRESS)
    }

    /// Among themselves all peers have one address, and mean no harm.
    fn per_address(&self, set: Option<u64>, default: u64) -> Option<u64> {
        let lines = self.sources.lines.as_ref();
        let devices_are_near = lines.is_none_or(|lines| lines.ip().is_loopback());
        set.or_else(|| (!(self.is_private() && devices_are_near)).then_some(default))
    }

    /// Whether nobody comes but from this machine: behind a proxy the world may.
    pub(crate) const fn is_private(&self) -> bool {
        self.listen.ip().is_loopback() && self.gate.proxies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_per_address_do_not_apply_on_loopback_unless_set() {
        let mut config = Config::default();
        assert_eq!(config.connections_per_address(), None);
        config.limits.connections_per_address = Some(3);
        assert_eq!(config.connections_per_address(), Some(3));
        config.listen = "0.0.0.0:7777".parse().expect("an address");
        assert_eq!(config.rooms_per_address(), Some(limits::ROOMS_PER_ADDRESS));
    }

    #[test]
    fn who_may_open_a_room_is_said_per_game_or_for_all() {
        let mut config = Config::default();
        assert!(config.may_open("meadow", "any", false));
        config.game.create = Create::Server;
        let quiz = GameConfig {
            rooms: vec!["main".into()],
            ..GameConfig::default()
        };
        config.games.insert("quiz".into(), quiz);
        assert!(!config.may_open("meadow", "any", false));
        assert!(!config.may_open("quiz", "any", false));
        assert!(config.may_open("quiz", "main", false));
        let quiz = config.games.get_mut("quiz").expect("just put there");
        quiz.create = Some(Create::Anyone);
        assert!(config.may_open("quiz", "any", false));
        let quiz = config.games.get_mut("quiz").expect("just put there");
        quiz.create = Some(Create::SignedIn);
        assert!(!config.may_open("quiz", "any", false));
        assert!(config.may_open("quiz", "any", true));
    }
}
