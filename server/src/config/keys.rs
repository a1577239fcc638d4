//! The table of keys: what each is called, takes, means and is by default.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use downbeat::is_room_name;
use downbeat::limits::CLIENT_MESSAGE_BYTES_MAX;

use super::{Config, Create, GameConfig, LogFormat};

/// What a key was given: a word, or several.
#[derive(Clone, Debug)]
pub(super) enum Given {
    One(String),
    Many(Vec<String>),
}

/// One key.
pub(super) struct Key {
    /// Its name with its sections; beneath `games.NAME` for [`Set::Game`].
    pub(super) path: &'static str,
    /// What it takes.
    pub(super) expected: &'static str,
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
    pub(super) set: Set,
}

/// Puts a value in its place, or answers `None` if it is not what was expected.
#[derive(Clone, Copy)]
pub(super) enum Set {
    Server(fn(&mut Config, &Given) -> Option<()>),
    Game(fn(&mut GameConfig, &Given) -> Option<()>),
    /// Of a section whose parts a person names: `databases.NAME.url` has the path
    /// `databases.*.url`, and the function is told the name.
    Named(fn(&mut Config, &str, &Given) -> Option<()>),
}

/// All keys, in the order of `--help`.
pub(super) fn keys() -> impl Iterator<Item = &'static Key> {
    [
        SERVER,
        gate::KEYS,
        store::KEYS,
        layer::KEYS,
        sources::KEYS,
        GAME,
    ]
    .into_iter()
    .flatten()
}

/// Whether what a key is given must not be shown, even if it is wrong.
pub(super) fn is_secret(path: &str) -> bool {
    const SECRETS: [&str; 6] = [
        "layer.hosts",
        "layer.encryption_keys",
        "store.url",
        "databases.*.url",
        "jwt.*.key",
        "admin_token",
    ];
    SECRETS.contains(&path)
}

mod gate;
mod layer;
mod sources;
mod store;

const COUNT: &str = "a number from 1";

const SERVER: &[Key] = &[
    Key {
        path: "listen",
        expected: "an address and a port like 127.0.0.1:7777",
        default: "127.0.0.1:7777",
        meaning: "where players connect",
        set: Set::Server(|c, given| put(&mut c.listen, address(given))),
    },
    Key {
        path: "admin",
        expected: "an address and a port like 127.0.0.1:7778, or off",
        default: "127.0.0.1:7778",
        meaning: "where operators connect: /metrics",
        set: Set::Server(|c, given| {
            let off = (word(given)? == "off").then_some(None);
            put(&mut c.admin, off.or_else(|| address(given).map(Some)))
        }),
    },
    Key {
        path: "data_dir",
        expected: "a folder",
        default: "none, nothing is stored",
        meaning: "where files are kept; made if missing",
        set: Set::Server(|c, given| {
            let folder = word(given).filter(|folder| !folder.is_empty());
            put(&mut c.data_dir, folder.map(|folder| Some(folder.into())))
        }),
    },
    Key {
        path: "workers",
        expected: "a number from 1 to 1024",
        default: "one per core",
        meaning: "threads that serve sockets",
        set: Set::Server(|c, given| put(&mut c.workers, number(given, 1, 1024).map(Some))),
    },
    Key {
        path: "job_threads",
        expected: "a number from 0 to 256",
        default: "one per core",
        meaning: "threads that run jobs; with 0 the tick does",
        set: Set::Server(|c, given| put(&mut c.job_threads, number(given, 0, 256).map(Some))),
    },
    Key {
        path: "seed",
        expected: "a number",
        default: "another one at every start",
        meaning: "where all randomness of the world comes from",
        set: Set::Server(|c, given| put(&mut c.seed, number(given, 0, u64::MAX).map(Some))),
    },
    Key {
        path: "log",
        expected: "a level (error, warn, info, debug, trace, off) or pairs like downbeat=debug",
        default: "info",
        meaning: "what is logged, to stderr",
        set: Set::Server(|c, given| {
            let filter = words(given).join(",");
            let is_filter = crate::logs::is_filter(&filter);
            put(&mut c.log, is_filter.then_some(filter))
        }),
    },
    Key {
        path: "log_format",
        expected: "text or json",
        default: "text",
        meaning: "how log lines look",
        set: Set::Server(|c, given| {
            let format = match word(given)? {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return None,
            };
            put(&mut c.log_format, Some(format))
        }),
    },
    Key {
        path: "allowed_origins",
        expected: "origins like https://play.example.com or https://*.example.com",
        default: "pages of this machine while listening on loopback, else pages from the same host",
        meaning: "which web pages may connect",
        set: Set::Server(|c, given| {
            let patterns = words(given).into_iter().map(|text| text.parse().ok());
            let patterns: Option<Vec<_>> = patterns.collect();
            put(&mut c.allowed_origins, patterns.map(Some))
        }),
    },
    Key {
        path: "limits.connections",
        expected: COUNT,
        default: "what the limit of file descriptors allows",
        meaning: "connections in all (503)",
        set: Set::Server(|c, given| put(&mut c.limits.connections, count(given).map(Some))),
    },
    Key {
        path: "limits.connections_per_address",
        expected: COUNT,
        default: "200, no limit while listening on loopback",
        meaning: "connections of one address, IPv6: of one /64 (429)",
        set: Set::Server(|c, given| {
            let max = count(given).map(Some);
            put(&mut c.limits.connections_per_address, max)
        }),
    },
    Key {
        path: "limits.rooms",
        expected: COUNT,
        default: "10000",
        meaning: "rooms of all games (503)",
        set: Set::Server(|c, given| put(&mut c.limits.rooms, count(given))),
    },
    Key {
        path: "limits.rooms_per_address",
        expected: COUNT,
        default: "20, no limit while listening on loopback",
        meaning: "open rooms that one address has opened (429)",
        set: Set::Server(|c, given| put(&mut c.limits.rooms_per_address, count(given).map(Some))),
    },
    Key {
        path: "limits.handshake_ms",
        expected: "milliseconds from 100 to 60000",
        default: "5000",
        meaning: "from the connection to the client's hello (1008)",
        set: Set::Server(|c, given| {
            let ms = number(given, 100, 60_000)?;
            put(&mut c.limits.handshake, Some(Duration::from_millis(ms)))
        }),
    },
    Key {
        path: "limits.client_message_bytes",
        expected: "bytes from 64 to 4096",
        default: "4096",
        meaning: "a message of a client (1009)",
        set: Set::Server(|c, given| {
            let bytes = number(given, 64, CLIENT_MESSAGE_BYTES_MAX);
            put(&mut c.limits.client_message_bytes, bytes)
        }),
    },
    Key {
        path: "game.create",
        expected: CREATE,
        default: "anyone",
        meaning: "who may open rooms that are not declared (403)",
        set: Set::Server(|c, given| put(&mut c.game.create, create(given))),
    },
    Key {
        path: "game.empty_room_kept_s",
        expected: "seconds from 0 to 86400",
        default: "60",
        meaning: "how long an empty room stays before it is closed",
        set: Set::Server(|c, given| {
            let s = number(given, 0, 86_400)?;
            put(&mut c.game.empty_room_kept, Some(Duration::from_secs(s)))
        }),
    },
];

const GAME: &[Key] = &[
    Key {
        path: "rooms",
        expected: "names of 1-64 letters, digits, dots, dashes and underscores",
        default: "none",
        meaning: "rooms that may always be opened",
        set: Set::Game(|game, given| {
            let names = words(given);
            let good = names.iter().all(|name| is_room_name(name));
            put(&mut game.rooms, good.then_some(names))
        }),
    },
    Key {
        path: "create",
        expected: CREATE,
        default: "game.create",
        meaning: "who may open other rooms (403)",
        set: Set::Game(|game, given| put(&mut game.create, create(given).map(Some))),
    },
    Key {
        path: "grace_s",
        expected: "seconds from 0 to 86400",
        default: "what the program says, else 120",
        meaning: "how long a member may stay away whose connection broke; gate.resume_s at most",
        set: Set::Game(|game, given| put(&mut game.grace_s, number(given, 0, 86_400).map(Some))),
    },
];

const CREATE: &str = "anyone, signed-in or server";

/// All keys for `--help`.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "Configuration, as a key of downbeat.toml (--config), as a variable DOWNBEAT_SECTION_KEY, \
         or where there is one as a flag:\n",
    );
    for key in keys() {
        let prefix = match key.set {
            Set::Server(_) | Set::Named(_) => "",
            Set::Game(_) => "games.NAME.",
        };
        let path = key.path.replace('*', "NAME");
        let Key {
            expected,
            default,
            meaning,
            ..
        } = key;
        write!(
            text,
            "\n  {prefix}{path}\n      {meaning}\n      takes {expected}; default: {default}\n"
        )
        .expect("writing to a string");
    }
    text
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

fn word(given: &Given) -> Option<&str> {
    match given {
        Given::One(word) => Some(word.trim()),
        Given::Many(_) => None,
    }
}

/// A list; from a variable it comes with commas.
fn words(given: &Given) -> Vec<String> {
    match given {
        Given::One(text) => {
            let words = text.split(',').map(str::trim);
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        }
        Given::Many(words) => words.clone(),
    }
}

fn address(given: &Given) -> Option<SocketAddr> {
    let text = word(given)?;
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::new(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            port.parse().ok()?,
        )),
        None => text.parse().ok(),
    }
}

fn number<N: std::str::FromStr + PartialOrd>(given: &Given, min: N, max: N) -> Option<N> {
    let number = word(given)?.parse().ok()?;
    (min <= number && number <= max).then_some(number)
}

fn count(given: &Given) -> Option<u64> {
    number(given, 1, u64::MAX)
}

fn create(given: &Given) -> Option<Create> {
    match word(given)? {
        "anyone" => Some(Create::Anyone),
        "signed-in" => Some(Create::SignedIn),
        "server" => Some(Create::Server),
        _ => None,
    }
}
