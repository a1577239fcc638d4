//! What can be wrong with a configuration: one line that names the place and what to do.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {error}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}, line {line}: {what}", .path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// There is no such key.
    #[error("{place}: unknown key {key}{hint}")]
    Unknown {
        /// Where it stands.
        place: Place,
        /// As written there.
        key: String,
        /// What may have been meant.
        hint: Hint,
    },
    /// A flag has a value that it cannot take.
    #[error("{flag} {value}: expected {expected}")]
    Flag {
        /// As written.
        flag: String,
        /// What it was given.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// A key has a value that it cannot take.
    #[error("{place}: {key} = {value:?}: expected {expected}")]
    Value {
        /// Where it stands.
        place: Place,
        /// As written there.
        key: String,
        /// What it was given.
        value: String,
        /// What it takes.
        expected: String,
    },
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// The environment.
    Environment,
}

/// What somebody may have meant who wrote something unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// One of these is near.
    Near(String),
    /// These are all there are.
    AllOf(Vec<String>),
    /// No idea.
    None,
}

impl Hint {
    /// The one of these names that is most like a wrong one.
    pub(super) fn near(wrong: &str, names: impl Iterator<Item = String>) -> Self {
        const NEAR: f64 = 0.85;
        let rated = names.map(|name| (strsim::jaro_winkler(wrong, &name), name));
        let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
        match best {
            Some((likeness, name)) if likeness > NEAR => Self::Near(name),
            _ => Self::None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Environment => f.write_str("environment"),
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Near(name) => write!(f, "; did you mean {name}?"),
            Self::AllOf(names) => write!(f, "; there is {}", names.join(", ")),
            Self::None => f.write_str("; --help lists every key"),
        }
    }
}
