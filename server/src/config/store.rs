//! What the configuration says of the store, of a project's own databases, and of work that
//! blocks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::databases::DatabaseUrl;
use crate::limits;

/// Settings of the store and of databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Where accounts are kept; `None` is a file in the data folder, or memory without one.
    pub url: Option<DatabaseUrl>,
    /// Connections to it.
    pub pool_max: u32,
    /// Writes that may wait.
    pub queue: usize,
    /// How long somebody waits for it before it counts as unavailable.
    pub timeout: Duration,
    /// How long lines of chats are kept.
    pub chat_kept: Duration,
    /// Threads for work that blocks.
    pub blocking_threads: usize,
    /// How many may wait for one of those.
    pub blocking_queue: usize,
    /// A project's own databases, by name.
    pub databases: BTreeMap<String, DatabaseConfig>,
    /// What is shown of them, by name.
    pub views: BTreeMap<String, ViewConfig>,
}

/// Settings of a project's own database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// Where it is.
    pub url: Option<DatabaseUrl>,
    /// Connections to it.
    pub pool_max: u32,
    /// How long somebody waits for a connection.
    pub acquire: Duration,
    /// How long a statement may take.
    pub timeout: Duration,
    /// A folder of migrations, applied at the start.
    pub migrations: Option<PathBuf>,
}

/// A statement whose rows are served as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewConfig {
    /// Which database.
    pub database: String,
    /// Where it is served.
    pub path: String,
    /// What is asked.
    pub sql: String,
    /// Who may see it.
    pub auth: ViewAuth,
    /// Rows that are served at most.
    pub max_rows: usize,
}

/// Who may see a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewAuth {
    /// Whoever asks.
    Anyone,
    /// Whoever has an account.
    SignedIn,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: None,
            pool_max: limits::STORE_CONNECTIONS,
            queue: limits::STORE_QUEUE,
            timeout: limits::STORE_WITHIN,
            chat_kept: limits::CHAT_KEPT,
            blocking_threads: limits::BLOCKING_THREADS,
            blocking_queue: limits::BLOCKING_QUEUE,
            databases: BTreeMap::new(),
            views: BTreeMap::new(),
        }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: None,
            pool_max: limits::DATABASE_CONNECTIONS,
            acquire: limits::DATABASE_ACQUIRE_WITHIN,
            timeout: limits::DATABASE_WITHIN,
            migrations: None,
        }
    }
}

impl Default for ViewConfig {
    fn default() -> Self {
        Self {
            database: String::new(),
            path: String::new(),
            sql: String::new(),
            auth: ViewAuth::SignedIn,
            max_rows: limits::VIEW_ROWS,
        }
    }
}
