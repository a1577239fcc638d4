//! The layers: one over the other, each key through the same table, each mistake with its place.

use std::path::{Path, PathBuf};

use super::Config;
use super::keys::{Given, Key, Set, is_secret, keys};
use super::mistake::{ConfigError, Hint, Place};

/// What a configuration is made of, the strongest last.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file that was asked for; `None` takes `downbeat.toml` if there is one.
    pub file: Option<PathBuf>,
    /// The variables of the environment; those that do not begin with `DOWNBEAT_` are ignored.
    pub variables: Vec<(String, String)>,
    /// Flags: the key's name and its value.
    pub flags: Vec<(&'static str, String)>,
}

const DEFAULT_FILE: &str = "downbeat.toml";
const PREFIX: &str = "DOWNBEAT_";
/// Names the file, so it is none of the keys in it.
const FILE_VARIABLE: &str = "DOWNBEAT_CONFIG";

impl Layers {
    /// Puts the layers together, for a server of these games.
    ///
    /// # Errors
    /// The first thing that is wrong.
    ///
    /// # Panics
    /// If a flag is no key.
    pub fn load(&self, games: &[&str]) -> Result<Config, ConfigError> {
        let table = Table::new(games);
        let mut config = Config::default();
        if let Some((path, text)) = self.read_file()? {
            table.apply_file(&mut config, &path, &text)?;
        }
        table.apply_variables(&mut config, &self.variables)?;
        for (key, value) in &self.flags {
            let entry = table.entries.iter().find(|entry| entry.path == *key);
            let entry = entry.expect("every flag is a key");
            let set = entry.put(&mut config, &Given::One(value.clone()));
            set.ok_or_else(|| ConfigError::Flag {
                flag: format!("--{}", key.replace('_', "-")),
                value: value.clone(),
                expected: entry.key.expected.to_owned(),
            })?;
        }
        Ok(config)
    }

    fn read_file(&self) -> Result<Option<(PathBuf, String)>, ConfigError> {
        let variable = self
            .variables
            .iter()
            .find(|(name, _)| name == FILE_VARIABLE);
        let asked = match (&self.file, variable) {
            (Some(path), _) => Some(path.clone()),
            (None, Some((name, value))) if value.is_empty() => {
                return Err(ConfigError::Value {
                    place: Place::Environment,
                    key: name.clone(),
                    value: value.clone(),
                    expected: "a file".to_owned(),
                });
            }
            (None, variable) => variable.map(|(_, value)| PathBuf::from(value)),
        };
        let optional = asked.is_none();
        let path = asked.unwrap_or_else(|| DEFAULT_FILE.into());
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some((path, text))),
            Err(error) if optional && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ConfigError::Read { path, error }),
        }
    }
}

/// The keys of a server with certain games.
struct Table<'a> {
    games: &'a [&'a str],
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    path: String,
    /// The game, or the part of a named section, that it is for.
    name: String,
    key: &'static Key,
}

impl Entry {
    fn variable(&self) -> String {
        PREFIX.to_owned() + &self.path.replace(['.', '-'], "_").to_uppercase()
    }

    fn put(&self, config: &mut Config, given: &Given) -> Option<()> {
        match self.key.set {
            Set::Server(set) => set(config, given),
            Set::Game(set) => {
                let game = config.games.entry(self.name.clone());
                set(game.or_default(), given)
            }
            Set::Named(set) => set(config, &self.name, given),
        }
    }

    fn set(
        &self,
        config: &mut Config,
        given: &Given,
        place: &Place,
        name: &str,
    ) -> Result<(), ConfigError> {
        let set = self.put(config, given);
        set.ok_or_else(|| ConfigError::Value {
            place: place.clone(),
            key: name.to_owned(),
            value: match given {
                _ if is_secret(self.key.path) => "…".to_owned(),
                Given::One(word) => word.clone(),
                Given::Many(words) => words.join(", "),
            },
            expected: self.key.expected.to_owned(),
        })
    }
}

impl<'a> Table<'a> {
    fn new(games: &'a [&'a str]) -> Self {
        let entry = |path: String, name: &str, key| Entry {
            path,
            name: name.to_owned(),
            key,
        };
        let mut entries = Vec::new();
        for key in keys() {
            match key.set {
                Set::Server(_) | Set::Named(_) => {
                    entries.push(entry(key.path.to_owned(), "", key));
                }
                Set::Game(_) => entries.extend(
                    games
                        .iter()
                        .map(|game| entry(format!("games.{game}.{}", key.path), game, key)),
                ),
            }
        }
        Self { games, entries }
    }

    /// The entry of a key as a person wrote it.
    fn find(&self, path: &str) -> Option<Entry> {
        let written = self.entries.iter().find(|entry| entry.path == path);
        written.cloned().or_else(|| {
            let (section, below) = path.split_once('.')?;
            let (name, leaf) = below.split_once('.')?;
            let wanted = format!("{section}.*.{leaf}");
            let entry = self.entries.iter().find(|entry| entry.path == wanted)?;
            is_part_name(name).then(|| Entry {
                path: path.to_owned(),
                name: name.to_owned(),
                key: entry.key,
            })
        })
    }

    /// The entry of a variable: a named part is what stands between section and key.
    fn find_variable(&self, variable: &str) -> Option<Entry> {
        let written = self.entries.iter().find(|e| e.variable() == variable);
        written.cloned().or_else(|| {
            self.entries.iter().find_map(|entry| {
                let pattern = entry.variable();
                let (before, after) = pattern.split_once('*')?;
                let name = variable.strip_prefix(before)?.strip_suffix(after)?;
                let name = name.to_lowercase();
                is_part_name(&name).then(|| Entry {
                    path: entry.path.replace('*', &name),
                    name,
                    key: entry.key,
                })
            })
        })
    }

    /// Whether keys stand below this path.
    fn is_section(&self, path: &str) -> bool {
        let below = format!("{path}.");
        let named = path
            .split_once('.')
            .map(|(section, _)| format!("{section}.*."));
        path == "games"
            || self.entries.iter().any(|entry| {
                entry.path.starts_with(&below)
                    || named.as_ref().is_some_and(|named| {
                        path.matches('.').count() == 1 && entry.path.starts_with(named)
                    })
            })
    }

    fn apply_file(&self, config: &mut Config, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or(text);
            ConfigError::Syntax {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                what: error.message().lines().collect::<Vec<_>>().join(", "),
            }
        })?;
        self.apply_section(config, &Place::File(path.to_owned()), "", &table)
    }

    fn apply_section(
        &self,
        config: &mut Config,
        place: &Place,
        prefix: &str,
        section: &toml::Table,
    ) -> Result<(), ConfigError> {
        for (name, value) in section {
            let path = format!("{prefix}{name}");
            let below = format!("{path}.");
            let is_section = self.is_section(&path);
            let entry = self.find(&path);
            match (value, entry) {
                (toml::Value::Table(inner), _) if is_section => {
                    self.apply_section(config, place, &below, inner)?;
                }
                (_, Some(entry)) => entry.set(config, &given(value), place, &path)?,
                (_, None) if is_section => {
                    return Err(ConfigError::Value {
                        place: place.clone(),
                        key: path.clone(),
                        // It may be an address with a password in it.
                        value: "…".to_owned(),
                        expected: format!("a section [{path}]"),
                    });
                }
                (_, None) => {
                    return Err(ConfigError::Unknown {
                        place: place.clone(),
                        hint: self.hint(prefix, name),
                        key: path,
                    });
                }
            }
        }
        Ok(())
    }

    fn apply_variables(
        &self,
        config: &mut Config,
        variables: &[(String, String)],
    ) -> Result<(), ConfigError> {
        let ours = variables
            .iter()
            .filter(|(name, _)| name.starts_with(PREFIX));
        for (name, value) in ours.filter(|(name, _)| name != FILE_VARIABLE) {
            let place = Place::Environment;
            match self.find_variable(name) {
                Some(entry) => entry.set(config, &Given::One(value.clone()), &place, name)?,
                None => {
                    return Err(ConfigError::Unknown {
                        place,
                        key: name.clone(),
                        hint: Hint::near(name, self.entries.iter().map(Entry::variable)),
                    });
                }
            }
        }
        Ok(())
    }

    /// What may have been meant: a game, a key that stands in another section, or one like it.
    fn hint(&self, prefix: &str, name: &str) -> Hint {
        if prefix == "games." {
            return Hint::AllOf(self.games.iter().map(|&game| game.to_owned()).collect());
        }
        let same = format!(".{name}");
        let elsewhere = self
            .entries
            .iter()
            .find(|entry| entry.path.ends_with(&same));
        match elsewhere {
            Some(entry) => Hint::Near(entry.path.clone()),
            None => {
                let here = self
                    .entries
                    .iter()
                    .filter_map(|e| e.path.strip_prefix(prefix));
                let here = here.map(|path| path.split('.').next().unwrap_or(path).to_owned());
                match Hint::near(name, here) {
                    Hint::Near(leaf) => Hint::Near(format!("{prefix}{leaf}")),
                    other => other,
                }
            }
        }
    }
}

/// What a part of a named section may be called.
fn is_part_name(name: &str) -> bool {
    let is_of_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    !name.is_empty() && name.bytes().all(is_of_name)
}

/// A value of the file as text: the table's parsers know what they want.
fn given(value: &toml::Value) -> Given {
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        toml::Value::Array(values) => Given::Many(values.iter().map(text).collect()),
        other => Given::One(text(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Create, LogFormat};

    fn load(
        file: &str,
        variables: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.toml");
        std::fs::write(&path, file).expect("written");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let layers = Layers {
            file: Some(path),
            variables: variables.iter().map(owned).collect(),
            flags: flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        };
        let config = layers.load(&["meadow", "speed-quiz"]);
        let folder = format!("{}/", folder.path().display());
        config.map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[track_caller]
    fn complains(file: &str, variables: &[(&str, &str)], line: &str) {
        assert_eq!(load(file, variables, &[]), Err(line.to_owned()));
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(load("", &[("PATH", "/bin")], &[]), Ok(Config::default()));
    }

    #[test]
    fn flags_beat_variables_which_beat_the_file() {
        let file = "listen = '127.0.0.1:1'\nadmin = '127.0.0.1:1'\nworkers = 1\n";
        let variables = [("DOWNBEAT_ADMIN", "127.0.0.1:2"), ("DOWNBEAT_WORKERS", "2")];
        let config = load(file, &variables, &[("workers", "3")]).expect("loads");
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.admin.map(|admin| admin.port()), Some(2));
        assert_eq!(config.workers, Some(3));
    }

    #[test]
    fn every_layer_reaches_nested_keys() {
        let file = "
            log_format = 'json'
            allowed_origins = ['https://*.example.com', 'https://example.com']
            [limits]
            handshake_ms = 250
            [games.speed-quiz]
            rooms = ['main', 'finals']
        ";
        let variables = [
            ("DOWNBEAT_LIMITS_ROOMS", "7"),
            ("DOWNBEAT_GAME_CREATE", "server"),
            ("DOWNBEAT_GAMES_SPEED_QUIZ_CREATE", "signed-in"),
            ("DOWNBEAT_GAMES_MEADOW_ROOMS", "a, b"),
        ];
        let config = load(file, &variables, &[]).expect("loads");
        assert_eq!(config.log_format, LogFormat::Json);
        assert_eq!(config.allowed_origins.map(|origins| origins.len()), Some(2));
        assert_eq!(config.limits.handshake, Duration::from_millis(250));
        assert_eq!(config.limits.rooms, 7);
        assert_eq!(config.game.create, Create::Server);
        assert_eq!(config.games["speed-quiz"].create, Some(Create::SignedIn));
        assert_eq!(config.games["speed-quiz"].rooms, ["main", "finals"]);
        assert_eq!(config.games["meadow"].rooms, ["a", "b"]);
    }

    #[test]
    fn an_unknown_key_is_named_with_what_may_have_been_meant() {
        complains(
            "listne = 1",
            &[],
            "test.toml: unknown key listne; did you mean listen?",
        );
        complains(
            "[limits]\nconections = 1",
            &[],
            "test.toml: unknown key limits.conections; did you mean limits.connections?",
        );
        complains(
            "rooms_per_address = 1",
            &[],
            "test.toml: unknown key rooms_per_address; did you mean limits.rooms_per_address?",
        );
        complains(
            "[lmits]",
            &[],
            "test.toml: unknown key lmits; did you mean limits?",
        );
        complains(
            "[games.chess]",
            &[],
            "test.toml: unknown key games.chess; there is meadow, speed-quiz",
        );
        complains(
            "[games.meadow]\nx = 1",
            &[],
            "test.toml: unknown key games.meadow.x; --help lists every key",
        );
        complains(
            "",
            &[("DOWNBEAT_LISTNE", "x")],
            "environment: unknown key DOWNBEAT_LISTNE; did you mean DOWNBEAT_LISTEN?",
        );
    }

    #[test]
    fn a_bad_value_is_named_with_what_was_expected() {
        complains(
            "listen = 'here'",
            &[],
            "test.toml: listen = \"here\": expected an address and a port like 127.0.0.1:7777",
        );
        complains(
            "limits = 3",
            &[],
            "test.toml: limits = \"…\": expected a section [limits]",
        );
        complains(
            "[limits]\nrooms = 0",
            &[],
            "test.toml: limits.rooms = \"0\": expected a number from 1",
        );
        complains(
            "",
            &[("DOWNBEAT_LOG_FORMAT", "xml")],
            "environment: DOWNBEAT_LOG_FORMAT = \"xml\": expected text or json",
        );
        assert_eq!(
            load("", &[], &[("data_dir", "")]),
            Err("--data-dir : expected a folder".into())
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_with_its_line() {
        let error = load("seed = 1\nlisten = \n", &[], &[]).expect_err("no TOML");
        assert!(error.starts_with("test.toml, line 2: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there() {
        let layers = Layers {
            variables: vec![(FILE_VARIABLE.into(), "/nowhere/x.toml".into())],
            ..Layers::default()
        };
        let error = layers.load(&[]).expect_err("not there").to_string();
        assert!(
            error.starts_with("/nowhere/x.toml: cannot be read: "),
            "{error}"
        );
    }
}
