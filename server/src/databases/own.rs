//! A project's own databases, by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::fault::Fault;
use super::pool::Pool;
use super::url::Dialect;
use super::value::{Row, Value};
use crate::config::DatabaseConfig;
use crate::limits::{
    DATABASE_ROWS_MAX, MIGRATIONS_TOLD, STORE_CLOSE_WITHIN, STORE_PAUSE_MAX, STORE_PAUSE_MIN,
    STORE_START_WITHIN,
};
use crate::store::migrations;

/// All of them. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Databases(Arc<BTreeMap<String, Database>>);

/// A database of a project's own. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
    timeout: Duration,
    /// What became of its migrations when they were last applied.
    migrated: watch::Receiver<Option<Result<(), Fault>>>,
    /// With the last clone they are not tried again.
    _ends: Option<Arc<DropGuard>>,
}

/// Why a database did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be reached, takes too long, or cannot do it now. Over HTTP: 503 with
    /// `Retry-After`.
    #[error("the database cannot be reached")]
    Unavailable,
    /// A value is none that it takes: a constraint, a length, a kind.
    #[error("the database does not take that: {0}")]
    Refused(String),
    /// It does not understand the statement, or we what it answers.
    #[error("{0}")]
    Statement(String),
    /// The answer has more than 10,000 rows.
    #[error("more than {DATABASE_ROWS_MAX} rows")]
    TooManyRows,
}

/// There is no database of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no database {name}; there is {}", list(.known))]
pub struct UnknownDatabase {
    /// The name that was asked for.
    pub name: String,
    /// Those that there are.
    pub known: Vec<String>,
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        return "none: a section [databases.NAME] makes one".to_owned();
    }
    known.join(", ")
}

impl Databases {
    /// Opens them all; those that cannot be reached are looked for later.
    ///
    /// # Errors
    /// What is wrong with their settings, in a line.
    pub(crate) async fn open(configs: &BTreeMap<String, DatabaseConfig>) -> Result<Self, String> {
        let mut databases = BTreeMap::new();
        for (name, config) in configs {
            let opened = Database::open(name, config).await;
            let opened = opened.map_err(|what| format!("databases.{name}.{what}"))?;
            databases.insert(name.clone(), opened);
        }
        Ok(Self(Arc::new(databases)))
    }

    /// One of them.
    pub(crate) fn named(&self, name: &str) -> Result<&Database, UnknownDatabase> {
        self.0.get(name).ok_or_else(|| UnknownDatabase {
            name: name.to_owned(),
            known: self.0.keys().cloned().collect(),
        })
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        let closing = self.0.values().map(|database| database.pool.close());
        let closed = futures_util::future::join_all(closing);
        // What is still being asked is not waited for.
        let _ = timeout(STORE_CLOSE_WITHIN, closed).await;
    }
}

impl Database {
    async fn open(name: &str, config: &DatabaseConfig) -> Result<Self, String> {
        let expected = "expected sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://…";
        let url = config.url.as_ref();
        let url = url.ok_or_else(|| format!("url: missing, {expected}"))?;
        let pool = Pool::new(url, config.pool_max, config.acquire);
        let pool = pool.ok_or_else(|| format!("url: {expected}"))?;
        let none = config.migrations.is_none().then_some(Ok(()));
        let (told, migrated) = watch::channel(none);
        let mut opened = Self {
            pool: pool.clone(),
            timeout: config.timeout,
            migrated,
            _ends: None,
        };
        tracing::info!(database = name, url = %url, "a database of the project");
        if let Some(folder) = &config.migrations {
            let migrator = Migrator::new(folder.as_path()).await.map_err(|error| {
                format!("migrations: {}: {}", folder.display(), text_of(&error))
            })?;
            let ends = CancellationToken::new();
            let task = migrate(name.to_owned(), pool, migrator, told, ends.clone());
            tokio::spawn(task);
            opened._ends = Some(Arc::new(ends.drop_guard()));
            let first = opened.migrated.wait_for(Option::is_some);
            let first = timeout(STORE_START_WITHIN, first).await.ok();
            let first = first.and_then(|first| first.ok()?.clone());
            match first.unwrap_or_else(|| Err(Fault::slow())) {
                Ok(()) => {}
                Err(fault) if fault.passes() => {
                    tracing::warn!(database = name, fault = fault.text(), "not there yet");
                }
                Err(fault) => return Err(format!("migrations: {}", fault.text())),
            }
        }
        Ok(opened)
    }

    /// Asks for rows. Parameters are written as the database writes them: `?` in SQLite and MySQL,
    /// `$1` in PostgreSQL, where a value becomes what the statement wants in its place.
    ///
    /// ```no_run
    /// # async fn f(database: downbeat_server::Database) -> Result<(), downbeat_server::DatabaseError> {
    /// let sql = "select name, score from scores where game = ? order by score desc limit 10";
    /// for row in database.query(sql, &["quiz".into()]).await? {
    ///     println!("{:?}: {:?}", row.value("name"), row.value("score"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever goes wrong; nothing is swallowed.
    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let rows = self.rows(sql, values, DATABASE_ROWS_MAX + 1).await?;
        if rows.len() > DATABASE_ROWS_MAX {
            return Err(DatabaseError::TooManyRows);
        }
        Ok(rows)
    }

    /// Runs a statement; answers how many rows it touched.
    ///
    /// # Errors
    /// Whatever goes wrong. After [`DatabaseError::Unavailable`] it may have been done all the
    /// same: let it be one that may be done twice, or give it a key of its own.
    pub async fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        self.within(async { self.pool.acquire().await?.execute(sql, values).await })
            .await
    }

    /// Asks for rows as objects of JSON, by the names of their columns. PostgreSQL makes them
    /// itself, so that it has an answer for every type that it knows.
    ///
    /// # Errors
    /// As [`Database::query`].
    pub async fn query_json(
        &self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<serde_json::Value>, DatabaseError> {
        let (rows, more) = self.json(sql, values, DATABASE_ROWS_MAX).await?;
        (!more).then_some(rows).ok_or(DatabaseError::TooManyRows)
    }

    /// Up to `max` rows, and whether there are more.
    pub(crate) async fn json(
        &self,
        sql: &str,
        values: &[Value],
        max: usize,
    ) -> Result<(Vec<serde_json::Value>, bool), DatabaseError> {
        let is_postgres = self.dialect() == Dialect::Postgres;
        let rows = if is_postgres {
            self.rows(&as_json(sql), values, max + 1).await?
        } else {
            self.rows(sql, values, max + 1).await?
        };
        let more = rows.len() > max;
        let objects = rows.iter().take(max).map(|row| {
            if !is_postgres {
                return Some(serde_json::Value::Object(row.to_json()));
            }
            serde_json::from_str(row.text(0)?).ok()
        });
        let objects: Option<Vec<_>> = objects.collect();
        let objects = objects.ok_or_else(|| DatabaseError::Statement("no JSON".to_owned()))?;
        Ok((objects, more))
    }

    /// Whether the database understands a statement; `None` if it is not there to be asked.
    pub(crate) async fn understands(&self, sql: &str) -> Option<Result<(), String>> {
        let sql = match self.dialect() {
            Dialect::Postgres => as_json(sql),
            Dialect::Sqlite | Dialect::MySql => sql.to_owned(),
        };
        let asked = self.within(async { self.pool.acquire().await?.prepare(&sql).await });
        match asked.await {
            Ok(()) => Some(Ok(())),
            Err(DatabaseError::Statement(text)) => Some(Err(text)),
            Err(_) => None,
        }
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        self.pool.dialect()
    }

    async fn rows(
        &self,
        sql: &str,
        values: &[Value],
        max: usize,
    ) -> Result<Vec<Row>, DatabaseError> {
        // Boxed: a driver's futures are deep, and all that wait for this would contain them.
        let asked = async { self.pool.acquire().await?.rows(sql, values, max).await };
        self.within(Box::pin(asked)).await
    }

    async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, DatabaseError> {
        if *self.migrated.borrow() != Some(Ok(())) {
            return Err(DatabaseError::Unavailable);
        }
        let asked = timeout(self.timeout, asked).await;
        asked
            .unwrap_or_else(|_| Err(Fault::slow()))
            .map_err(|fault| match fault {
                Fault::Lost(text) | Fault::NotNow(text) => {
                    tracing::debug!(fault = text, "a database of the project is not there");
                    DatabaseError::Unavailable
                }
                Fault::Data(text) => DatabaseError::Refused(text),
                Fault::Statement(text) => DatabaseError::Statement(text),
            })
    }
}

/// In PostgreSQL, rows as JSON in text.
fn as_json(sql: &str) -> String {
    let sql = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    format!(
        "with downbeat_rows as (\n{sql}\n) select row_to_json(downbeat_rows)::text from downbeat_rows"
    )
}

/// Applies migrations, again and again until they are.
///
/// In a task that nobody cuts off: where tables know no transactions, that would leave half of a
/// migration behind, and a database that is refused from then on.
async fn migrate(
    name: String,
    pool: Pool,
    migrator: Migrator,
    told: watch::Sender<Option<Result<(), Fault>>>,
    ends: CancellationToken,
) {
    let mut pause = STORE_PAUSE_MIN;
    loop {
        let done = apply(&name, &pool, &migrator).await;
        let last = told.send_replace(Some(done.clone()));
        if done.is_ok() {
            return tracing::info!(database = name, "there, migrations applied");
        }
        // Whoever ends here was told by the start itself.
        if ends.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
        if let Err(fault) = &done
            && !fault.passes()
            && last.as_ref() != Some(&done)
        {
            tracing::error!(
                database = name,
                fault = fault.text(),
                "migrations not applied"
            );
        }
        pause = (pause * 2).min(STORE_PAUSE_MAX);
    }
}

/// Takes as long as the database does.
async fn apply(name: &str, pool: &Pool, migrator: &Migrator) -> Result<(), Fault> {
    let applied = pool.migrate(migrator);
    tokio::pin!(applied);
    loop {
        match timeout(MIGRATIONS_TOLD, &mut applied).await {
            Ok(done) => return done.map_err(migrations::fault),
            Err(_) => tracing::warn!(
                database = name,
                "still at the migrations, or waiting for them"
            ),
        }
    }
}

/// With what caused it: the library keeps that apart.
fn text_of(error: &MigrateError) -> String {
    match error {
        MigrateError::Source(cause) => cause.to_string(),
        other => other.to_string(),
    }
}
