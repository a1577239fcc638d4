//! Keys of the store, of work that blocks, and of a project's own databases.

use std::time::Duration;

use super::{Given, Key, Set, number, put, word};
use crate::config::Config;
use crate::config::store::{DatabaseConfig, ViewAuth, ViewConfig};
use crate::databases::DatabaseUrl;

const CONNECTIONS: &str = "a number from 1 to 1000";
const MILLISECONDS: &str = "milliseconds from 10 to 600000";
/// A wrong address is told at the start, by a line that does not repeat the password in it.
const URL: &str = "sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://…";

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "store.url",
        expected: URL,
        default: "downbeat.db in the data folder; without one, memory that ends with the process",
        meaning: "where accounts, sessions, profiles and chats are kept",
        set: Set::Server(|c, given| put(&mut c.store.url, url(given).map(Some))),
    },
    Key {
        path: "store.pool_max",
        expected: CONNECTIONS,
        default: "8",
        meaning: "connections to the store",
        set: Set::Server(|c, given| put(&mut c.store.pool_max, number(given, 1, 1000))),
    },
    Key {
        path: "store.queue",
        expected: "a number from 1 to 1000000",
        default: "10000",
        meaning: "writes that may wait for the store (503)",
        set: Set::Server(|c, given| put(&mut c.store.queue, number(given, 1, 1_000_000))),
    },
    Key {
        path: "store.timeout_ms",
        expected: MILLISECONDS,
        default: "2000",
        meaning: "how long a request waits for the store (503)",
        set: Set::Server(|c, given| put(&mut c.store.timeout, milliseconds(given))),
    },
    Key {
        path: "store.chat_kept_days",
        expected: "days from 1 to 36500",
        default: "30",
        meaning: "how long lines of chats are kept",
        set: Set::Server(|c, given| {
            let days: u64 = number(given, 1, 36_500)?;
            put(
                &mut c.store.chat_kept,
                Some(Duration::from_secs(days * 86_400)),
            )
        }),
    },
    Key {
        path: "blocking.threads",
        expected: "a number from 1 to 256",
        default: "4",
        meaning: "threads for work that blocks, such as passwords",
        set: Set::Server(|c, given| put(&mut c.store.blocking_threads, number(given, 1, 256))),
    },
    Key {
        path: "blocking.queue",
        expected: "a number from 0 to 100000",
        default: "64",
        meaning: "what may wait for one of those (503)",
        set: Set::Server(|c, given| put(&mut c.store.blocking_queue, number(given, 0, 100_000))),
    },
    Key {
        path: "databases.*.url",
        expected: URL,
        default: "none",
        meaning: "where a database of your own is",
        set: Set::Named(|c, name, given| put(&mut database(c, name).url, url(given).map(Some))),
    },
    Key {
        path: "databases.*.pool_max",
        expected: CONNECTIONS,
        default: "8",
        meaning: "connections to it",
        set: Set::Named(|c, name, given| {
            put(&mut database(c, name).pool_max, number(given, 1, 1000))
        }),
    },
    Key {
        path: "databases.*.acquire_ms",
        expected: MILLISECONDS,
        default: "1000",
        meaning: "how long somebody waits for one of them (503)",
        set: Set::Named(|c, name, given| put(&mut database(c, name).acquire, milliseconds(given))),
    },
    Key {
        path: "databases.*.timeout_ms",
        expected: MILLISECONDS,
        default: "5000",
        meaning: "how long a statement may take (503)",
        set: Set::Named(|c, name, given| put(&mut database(c, name).timeout, milliseconds(given))),
    },
    Key {
        path: "databases.*.migrations",
        expected: "a folder of files like 0001_players.sql",
        default: "none",
        meaning: "what is applied to it at the start, once each",
        set: Set::Named(|c, name, given| {
            let folder = word(given).filter(|folder| !folder.is_empty());
            let folder = folder.map(|folder| Some(folder.into()));
            put(&mut database(c, name).migrations, folder)
        }),
    },
    Key {
        path: "views.*.database",
        expected: "the name of one of the databases",
        default: "none",
        meaning: "which database a view shows something of",
        set: Set::Named(|c, name, given| put(&mut view(c, name).database, text(given))),
    },
    Key {
        path: "views.*.path",
        expected: "a path like /api/views/scores/{player}",
        default: "none",
        meaning: "where it is served as JSON",
        set: Set::Named(|c, name, given| put(&mut view(c, name).path, text(given))),
    },
    Key {
        path: "views.*.sql",
        expected: "a statement; :player stands for {player} of the path, :user for who asks",
        default: "none",
        meaning: "what it shows",
        set: Set::Named(|c, name, given| put(&mut view(c, name).sql, text(given))),
    },
    Key {
        path: "views.*.method",
        expected: "GET, there is no other",
        default: "GET",
        meaning: "how it is asked for",
        set: Set::Named(|c, name, given| {
            view(c, name);
            (word(given)? == "GET").then_some(())
        }),
    },
    Key {
        path: "views.*.auth",
        expected: "anyone or signed-in",
        default: "signed-in",
        meaning: "who may see it (401)",
        set: Set::Named(|c, name, given| {
            let auth = match word(given)? {
                "anyone" => ViewAuth::Anyone,
                "signed-in" => ViewAuth::SignedIn,
                _ => return None,
            };
            put(&mut view(c, name).auth, Some(auth))
        }),
    },
    Key {
        path: "views.*.max_rows",
        expected: "a number from 1 to 10000",
        default: "100",
        meaning: "rows that it shows at most",
        set: Set::Named(|c, name, given| {
            put(&mut view(c, name).max_rows, number(given, 1, 10_000))
        }),
    },
];

fn database<'c>(config: &'c mut Config, name: &str) -> &'c mut DatabaseConfig {
    config.store.databases.entry(name.to_owned()).or_default()
}

fn view<'c>(config: &'c mut Config, name: &str) -> &'c mut ViewConfig {
    config.store.views.entry(name.to_owned()).or_default()
}

fn url(given: &Given) -> Option<DatabaseUrl> {
    text(given).map(DatabaseUrl::new)
}

fn text(given: &Given) -> Option<String> {
    let text = word(given)?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn milliseconds(given: &Given) -> Option<Duration> {
    number(given, 10, 600_000).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("test.toml");
        std::fs::write(&path, file).expect("written");
        let variables = variables.iter();
        let layers = Layers {
            file: Some(path),
            variables: variables
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            flags: Vec::new(),
        };
        layers.load(&[]).map_err(|error| error.to_string())
    }

    #[test]
    fn databases_and_views_are_sections_that_a_person_names() {
        let file = "
            [store]
            queue = 5
            [databases.game]
            pool_max = 3
            migrations = 'sql'
            [views.best-of]
            database = 'game'
            path = '/api/views/best'
            sql = '''select a,
                b from t'''
            method = 'GET'
            auth = 'anyone'
        ";
        let url = ("DOWNBEAT_DATABASES_GAME_URL", "mysql://a:s3cret@db/game");
        let store = load(file, &[url]).expect("good").store;
        assert_eq!(store.queue, 5);
        let game = &store.databases["game"];
        assert_eq!(game.url, Some(DatabaseUrl::new(url.1)));
        assert_eq!((game.pool_max, game.migrations.is_some()), (3, true));
        let best = &store.views["best-of"];
        assert!(best.sql.contains("a,\n"), "{}", best.sql);
        assert_eq!(best.auth, ViewAuth::Anyone);
        let shown = format!("{store:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn wrong_values_are_told_with_what_is_expected() {
        for (file, expected) in [
            (
                "[store]\npool_max = 0",
                "store.pool_max = \"0\": expected a number from 1 to 1000",
            ),
            (
                "[views.a]\nmethod = 'POST'",
                "views.a.method = \"POST\": expected GET",
            ),
            (
                "[views.a]\nauth = 'all'",
                "views.a.auth = \"all\": expected anyone or signed-in",
            ),
            (
                "[blocking]\nthreads = 0",
                "blocking.threads = \"0\": expected a number from 1",
            ),
            (
                "[databases.game]\nulr = 'x'",
                "unknown key databases.game.ulr",
            ),
        ] {
            let told = load(file, &[]).expect_err("wrong");
            assert!(told.contains(expected), "{told}");
        }
    }
}
